//! Storage calls that fail on request.

use parking_lot::Mutex;

use super::super::{StorageError, StorageErrorKind, StorageResult};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Whatever call it is, in the way that fits: an input/output error.
    Any,
    /// A read (of bytes, a length, an identity; opening too) fails with an input/output error.
    ReadError,
    /// A write, a change of length or of a name fails with an input/output error and changes nothing.
    WriteError,
    /// A write, a change of length or of a name finds no space and changes nothing.
    DiskFull,
    /// A write puts down its first half, then finds no space.
    ShortWrite,
    /// A sync fails, and what it should have made durable never becomes so.
    SyncError,
}

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the call that fails, counted from 1 and from the moment the fault is set. Where that call is of
    /// another type than the fault, the next one that fits fails.
    pub at: u64,
    /// How it fails.
    pub kind: FaultKind,
    /// Whether all later calls that fit fail too.
    pub forever: bool,
}

/// The type of a call, which decides the faults that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Write,
    Change,
    Sync,
    Lock,
}

#[derive(Default)]
pub(super) struct Faults(Mutex<FaultState>);

#[derive(Default)]
struct FaultState {
    calls: u64,
    injected: u64,
    hit: Option<u64>,
    set_at: u64,
    fault: Option<Fault>,
}

impl Faults {
    pub fn set(&self, fault: Option<Fault>) {
        let mut state = self.0.lock();
        state.set_at = state.calls;
        state.fault = fault;
        state.hit = None;
    }

    pub fn hit(&self) -> Option<u64> {
        self.0.lock().hit
    }

    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    pub fn injected(&self) -> u64 {
        self.0.lock().injected
    }

    /// Counts a call; answers the fault that hits it.
    pub fn next(&self, call: Call) -> Option<FaultKind> {
        let mut state = self.0.lock();
        state.calls += 1;
        let fault = state.fault?;
        if state.calls - state.set_at < fault.at || !fault.kind.fits(call) {
            return None;
        }
        if !fault.forever {
            state.fault = None;
        }
        state.injected += 1;
        let number = state.calls - state.set_at;
        state.hit.get_or_insert(number);
        Some(fault.kind)
    }

    /// Counts a call; the error where a fault hits it.
    pub fn check(&self, call: Call, operation: &str, path: &str) -> StorageResult<()> {
        match self.next(call) {
            Some(kind) => Err(kind.error(operation, path)),
            None => Ok(()),
        }
    }
}

impl FaultKind {
    fn fits(self, call: Call) -> bool {
        match self {
            FaultKind::Any => true,
            FaultKind::ReadError => call == Call::Read,
            FaultKind::WriteError | FaultKind::DiskFull => {
                matches!(call, Call::Write | Call::Change)
            }
            FaultKind::ShortWrite => call == Call::Write,
            FaultKind::SyncError => call == Call::Sync,
        }
    }

    pub(super) fn error(self, operation: &str, path: &str) -> StorageError {
        let (kind, why) = match self {
            FaultKind::DiskFull | FaultKind::ShortWrite => (StorageErrorKind::DiskFull, "no space left (injected)"),
            _ => (StorageErrorKind::Other, "input/output error (injected)"),
        };
        StorageError::new(kind, format!("{operation} {path}: {why}"))
    }
}
