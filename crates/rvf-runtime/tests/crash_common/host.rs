//! A host without surprises: time passes only when it is asked for, randomness repeats, and there are no threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rvf_runtime::storage::Storage;
use rvf_runtime::{Clock, Host};

use crate::kit::Rng;

const START_NS: u64 = 1_700_000_000_000_000_000;
const LIFE_NS: u64 = 3_600_000_000_000;
const TICK_NS: u64 = 1_000;

/// What the tests hold of a host they gave to the engine.
#[derive(Clone)]
pub struct TestHost {
    pub host: Host,
    pub clock: Arc<TickingClock>,
}

impl TestHost {
    /// The host of the `life`-th process over these files: later lives have later clocks.
    pub fn new(storage: Arc<dyn Storage>, life: u64) -> TestHost {
        let clock =
            Arc::new(TickingClock { now_ns: AtomicU64::new(START_NS + life * LIFE_NS), asleep: Mutex::new(None) });
        let random = Arc::new(RepeatingRandom(Mutex::new(Rng::new(life))));
        let host = Host { storage, clock: clock.clone(), random, threads: None };
        TestHost { host, clock }
    }
}

/// Called while the engine rests.
type WhileAsleep = Box<dyn FnMut() + Send>;

/// Goes on by a microsecond each time it is read.
pub struct TickingClock {
    now_ns: AtomicU64,
    asleep: Mutex<Option<WhileAsleep>>,
}

impl TickingClock {
    /// What happens in the meantime when the engine rests: how these tests commit while a compaction copies.
    pub fn while_asleep(&self, work: Option<WhileAsleep>) {
        *self.asleep.lock() = work;
    }

    /// Lets time pass; answers what time it is then.
    pub fn pass_ms(&self, milliseconds: u64) -> u64 {
        self.now_ns.fetch_add(milliseconds * 1_000_000, Ordering::Relaxed) + milliseconds * 1_000_000
    }
}

impl Clock for TickingClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.fetch_add(TICK_NS, Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        self.now_ns()
    }

    fn sleep_ms(&self, _milliseconds: u64) {
        // Not held while the work runs, which may make the engine rest again.
        let work = self.asleep.lock().take();
        if let Some(mut work) = work {
            work();
            self.asleep.lock().get_or_insert(work);
        }
    }
}

struct RepeatingRandom(Mutex<Rng>);

impl rvf_runtime::Random for RepeatingRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut random = self.0.lock();
        buffer.fill_with(|| random.next() as u8);
    }
}
