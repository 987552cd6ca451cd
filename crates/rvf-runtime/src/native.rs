//! The host of native programs: real files, the system's clock, randomness and threads.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::host::{Clock, Host, Random, Threads};
use crate::storage::{FileStorage, Storage};

struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn now_ns(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sleep_ms(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let from_system = File::open("/dev/urandom").and_then(|mut file| file.read_exact(buffer));
        if from_system.is_err() {
            fill_from_hasher_keys(buffer);
        }
    }
}

/// The standard library seeds its hashers from the system's generator on every platform, also where there is no device to
/// read from.
fn fill_from_hasher_keys(buffer: &mut [u8]) {
    use std::hash::{BuildHasher, Hasher, RandomState};
    for chunk in buffer.chunks_mut(8) {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u128(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos());
        chunk.copy_from_slice(&hasher.finish().to_le_bytes()[..chunk.len()]);
    }
}

struct SystemThreads;

impl Threads for SystemThreads {
    fn spawn(&self, name: &str, work: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
        thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
    }

    fn parallelism(&self) -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }
}

impl Host {
    /// The native host over real files.
    pub fn native() -> Host {
        Host::native_over(Arc::new(FileStorage::new()))
    }

    /// The native clock, randomness and threads over other storage.
    pub fn native_over(storage: Arc<dyn Storage>) -> Host {
        Host {
            storage,
            clock: Arc::new(SystemClock { start: Instant::now() }),
            random: Arc::new(SystemRandom),
            threads: Some(Arc::new(SystemThreads)),
        }
    }
}
