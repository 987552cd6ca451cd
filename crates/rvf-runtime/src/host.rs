use std::sync::Arc;

use crate::storage::Storage;

/// What time it is. Wall-clock time goes into the file, monotonic time measures deadlines.
pub trait Clock: Send + Sync {
    /// Nanoseconds since the Unix epoch.
    fn now_ns(&self) -> u64;

    /// Nanoseconds since some fixed moment; never goes back.
    fn monotonic_ns(&self) -> u64;

    /// Waits, where the host can; a host that cannot returns at once.
    fn sleep_ms(&self, milliseconds: u64);
}

/// Where file ids and salts come from.
pub trait Random: Send + Sync {
    /// Fills the buffer with bytes nobody can guess.
    fn fill(&self, buffer: &mut [u8]);
}

/// How background work is started. A host without threads has none, and the work is done where it is asked for.
pub trait Threads: Send + Sync {
    /// Runs `work` on a thread of its own; an error where no thread could be had.
    fn spawn(&self, name: &str, work: Box<dyn FnOnce() + Send>) -> std::io::Result<()>;

    /// How many threads can compute at once.
    fn parallelism(&self) -> usize;
}

/// Everything the engine gets from outside.
#[derive(Clone)]
pub struct Host {
    /// Where files are.
    pub storage: Arc<dyn Storage>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Threads, where there are any.
    pub threads: Option<Arc<dyn Threads>>,
}

impl Host {
    /// The same host with other storage.
    #[must_use]
    pub fn with_storage(&self, storage: Arc<dyn Storage>) -> Host {
        Host { storage, ..self.clone() }
    }
}
