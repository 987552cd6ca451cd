//! What the crash tests share: a host that does the same each time, a workload, and the model it is compared with.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

pub mod check;
pub mod forged;
pub mod host;
pub mod life;
pub mod model;
pub mod steps;

pub use check::{Expected, check_file, check_opens, check_recovery, check_state, compare};
pub use forged::{FORGED_FLAGS, forged_rows};
pub use host::TestHost;
pub use life::Life;
pub use model::{Change, Entry, History, State};
pub use steps::{Step, random_steps};

/// Path of the store in every storage of these tests.
pub const PATH: &str = "/directory/store.rvf";
/// Floats of a vector: 66 of them make a batch that is written in final form.
pub const DIMENSION: u32 = 1_024;

/// Calls `check` with every number below `count`, on all cores; a panic in one of them is the caller's.
pub fn on_all_cores(count: u64, check: impl Fn(u64) + Sync) {
    let next = std::sync::atomic::AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    check(index);
                }
            });
        }
    });
}
