//! A host whose clock stands still and whose randomness is always the same, so that a store's bytes are too.

use std::sync::Arc;

use rvf_runtime::storage::{MemoryStorage, Storage};
use rvf_runtime::{Clock, Host, Random};

/// 2026-01-01, 00:00 UTC.
pub const NOW_NS: u64 = 1_767_225_600_000_000_000;

struct StandingClock;

impl Clock for StandingClock {
    fn now_ns(&self) -> u64 {
        NOW_NS
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }

    fn sleep_ms(&self, _milliseconds: u64) {}
}

struct KnownRandom;

impl Random for KnownRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = (index as u8).wrapping_mul(37).wrapping_add(11);
        }
    }
}

/// The host over a storage.
pub fn over(storage: Arc<dyn Storage>) -> Host {
    Host { storage, clock: Arc::new(StandingClock), random: Arc::new(KnownRandom), threads: None }
}

/// The host over an empty storage in memory.
pub fn in_memory() -> Host {
    over(Arc::new(MemoryStorage::new()))
}
