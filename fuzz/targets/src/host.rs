//! A host that does the same in every run.

use std::sync::Arc;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::{Clock, Host, Random};

/// The path of the only file.
pub(crate) const PATH: &str = "/fuzz.rvf";

struct StandingClock;

impl Clock for StandingClock {
    fn now_ns(&self) -> u64 {
        1_767_225_600_000_000_000
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }

    fn sleep_ms(&self, _milliseconds: u64) {}
}

struct KnownRandom;

impl Random for KnownRandom {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0x5A);
    }
}

/// A host whose storage holds these bytes.
pub(crate) fn with_file(bytes: &[u8]) -> Host {
    Host {
        storage: Arc::new(MemoryStorage::with_file(PATH, bytes)),
        clock: Arc::new(StandingClock),
        random: Arc::new(KnownRandom),
        threads: None,
    }
}
