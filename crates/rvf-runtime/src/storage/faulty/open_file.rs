use std::sync::Arc;

use super::super::memory::{Extent, MemoryFile};
use super::super::{FileIdentity, LockOutcome, MappedBytes, StorageFile, StorageResult};
use super::Shared;
use super::fault::{Call, FaultKind};
use super::log::Operation;

/// An open file whose changes are recorded and whose calls fail on request.
pub(super) struct FaultyFile {
    inner: MemoryFile,
    shared: Arc<Shared>,
}

impl FaultyFile {
    pub fn new(inner: MemoryFile, shared: Arc<Shared>) -> FaultyFile {
        FaultyFile { inner, shared }
    }

    fn check(&self, call: Call, operation: &str) -> StorageResult<()> {
        let path = self.inner.path();
        self.shared.faults.check(call, operation, path)
    }

    fn write(&self, offset: u64, bytes: Extent) -> StorageResult<()> {
        // Held while the change is made, so that the log has the changes in the order in which they took effect.
        let mut log = self.shared.log.lock();
        self.inner.write_extent(offset, bytes.clone())?;
        log.push(Operation::Write { file: self.inner.number(), offset, bytes });
        Ok(())
    }
}

impl StorageFile for FaultyFile {
    fn len(&self) -> StorageResult<u64> {
        self.check(Call::Read, "length of")?;
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()> {
        self.check(Call::Read, "read")?;
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()> {
        let bytes = Extent::concat(offset, parts);
        let Some(fault) = self.shared.faults.next(Call::Write) else {
            return self.write(offset, bytes);
        };
        if fault == FaultKind::ShortWrite {
            self.write(offset, bytes.slice(0..bytes.len() / 2))?;
        }
        Err(fault.error("write", self.inner.path()))
    }

    fn sync(&self) -> StorageResult<()> {
        let file = self.inner.number();
        let outcome = self.check(Call::Sync, "sync");
        self.shared.log.lock().push(match outcome {
            Ok(()) => Operation::Sync { file },
            Err(_) => Operation::SyncFailed { file },
        });
        outcome
    }

    fn set_len(&self, len: u64) -> StorageResult<()> {
        self.check(Call::Change, "set the length of")?;
        let mut log = self.shared.log.lock();
        self.inner.set_len(len)?;
        let file = self.inner.number();
        log.push(Operation::SetLen { file, len });
        Ok(())
    }

    fn try_lock(&self) -> StorageResult<LockOutcome> {
        self.check(Call::Lock, "lock")?;
        self.inner.try_lock()
    }

    fn identity(&self) -> StorageResult<FileIdentity> {
        self.check(Call::Read, "look up")?;
        self.inner.identity()
    }

    fn map(&self, offset: u64, len: usize) -> Option<MappedBytes> {
        self.inner.map(offset, len)
    }
}
