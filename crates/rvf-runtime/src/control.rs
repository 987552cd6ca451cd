use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rvf_types::ErrorCode;

use crate::host::Clock;
use crate::{Result, RvfError};

/// Lets a caller stop a long call from another thread, and see how far it is.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Control {
    /// Asks the call to stop; it answers `Timeout` as soon as it notices.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// True once the call has been asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// What is done, and what there is to do, in the call's own unit.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Begins to count, up to so much.
    pub(crate) fn set_total(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(crate) fn add_done(&self, done: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
    }

    /// An error where the call has been asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(RvfError::new(ErrorCode::Timeout, "the call was cancelled"));
        }
        Ok(())
    }
}

/// When a query must give up.
#[derive(Clone, Copy)]
pub(crate) struct Deadline<'a> {
    pub(crate) control: Option<&'a Control>,
    pub(crate) clock: &'a dyn Clock,
    /// Monotonic time, `None` without a limit.
    pub(crate) at_ns: Option<u64>,
}

impl Deadline<'_> {
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(control) = self.control {
            control.check()?;
        }
        if self.at_ns.is_some_and(|at_ns| self.clock.monotonic_ns() >= at_ns) {
            return Err(RvfError::new(ErrorCode::Timeout, "the query's timeoutMs is over"));
        }
        Ok(())
    }
}
