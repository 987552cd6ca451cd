//! A storage that knows what a power cut would leave of it, and whose calls fail on request.

mod choice;
mod fault;
mod log;
mod names;
mod open_file;
mod replay;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use parking_lot::Mutex;

pub use choice::CrashChoice;
pub use fault::{Fault, FaultKind};
pub use log::WriteLog;

use super::{FileIdentity, MemoryStorage, OpenMode, Storage, StorageFile, StorageResult};
use fault::{Call, Faults};
use log::Operation;
use open_file::FaultyFile;

/// Files in memory that keep what was written apart from what was synced. Every change is recorded, so that the
/// contents after a power cut at any point can be had, and calls can be made to fail.
pub struct FaultyStorage {
    inner: MemoryStorage,
    shared: Arc<Shared>,
}

/// What the storage and its open files have in common.
struct Shared {
    log: Mutex<WriteLog>,
    faults: Faults,
}

impl FaultyStorage {
    /// A storage without files.
    pub fn new() -> FaultyStorage {
        FaultyStorage::over(MemoryStorage::new())
    }

    /// A storage that holds these files, durably: to crash once more while recovering from a crash.
    pub fn over(inner: MemoryStorage) -> FaultyStorage {
        let log = WriteLog::new(inner.image());
        FaultyStorage { inner, shared: Arc::new(Shared { log: Mutex::new(log), faults: Faults::default() }) }
    }

    /// What was recorded so far. Bytes are shared, not copied.
    pub fn log(&self) -> WriteLog {
        self.shared.log.lock().clone()
    }

    /// How many operations were recorded so far: noted beside an acknowledgement, it tells which crashes must keep it.
    pub fn log_position(&self) -> usize {
        self.shared.log.lock().len()
    }

    /// Sets the fault to come, or none.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.shared.faults.set(fault);
    }

    /// How many calls that can fail were made so far.
    pub fn calls(&self) -> u64 {
        self.shared.faults.calls()
    }

    /// How many calls failed because of a fault.
    pub fn faults_injected(&self) -> u64 {
        self.shared.faults.injected()
    }

    /// The number, counted as in [`Fault::at`], of the first call that the last fault hit.
    pub fn fault_hit(&self) -> Option<u64> {
        self.shared.faults.hit()
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> Vec<String> {
        self.inner.paths()
    }

    fn change(
        &self,
        what: &str,
        path: &str,
        change: impl FnOnce() -> StorageResult<()>,
        operation: Operation,
    ) -> StorageResult<()> {
        self.shared.faults.check(Call::Change, what, path)?;
        // Held while the change is made, so that the log has the changes in the order in which they took effect.
        let mut log = self.shared.log.lock();
        change()?;
        log.push(operation);
        Ok(())
    }
}

impl Default for FaultyStorage {
    fn default() -> FaultyStorage {
        FaultyStorage::new()
    }
}

impl Storage for FaultyStorage {
    fn resolve(&self, path: &str) -> StorageResult<String> {
        self.shared.faults.check(Call::Read, "resolve", path)?;
        self.inner.resolve(path)
    }

    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>> {
        self.shared.faults.check(Call::Read, "open", path)?;
        let file = self.inner.open_file(path, mode)?;
        Ok(Arc::new(FaultyFile::new(file, self.shared.clone())))
    }

    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>> {
        self.shared.faults.check(Call::Change, "create", path)?;
        let mut log = self.shared.log.lock();
        let file = self.inner.create_file(path)?;
        log.push(Operation::Create { file: file.number(), name: path.to_owned() });
        Ok(Arc::new(FaultyFile::new(file, self.shared.clone())))
    }

    fn publish(&self, from: &str, to: &str) -> StorageResult<()> {
        let operation = Operation::Publish { from: from.to_owned(), to: to.to_owned() };
        self.change("publish", to, || self.inner.publish(from, to), operation)
    }

    fn replace(&self, from: &str, to: &str) -> StorageResult<()> {
        let operation = Operation::Replace { from: from.to_owned(), to: to.to_owned() };
        self.change("replace", to, || self.inner.replace(from, to), operation)
    }

    fn remove(&self, path: &str) -> StorageResult<()> {
        let name = path.to_owned();
        let operation = Operation::Remove { name };
        self.change("remove", path, || self.inner.remove(path), operation)
    }

    fn sync_directory(&self, path: &str) -> StorageResult<()> {
        let what = "sync the directory of";
        self.shared.faults.check(Call::Sync, what, path)?;
        let name = path.to_owned();
        let operation = Operation::SyncDirectory { name };
        self.shared.log.lock().push(operation);
        Ok(())
    }

    fn identity_at(&self, path: &str) -> StorageResult<FileIdentity> {
        self.shared.faults.check(Call::Read, "look up", path)?;
        self.inner.identity_at(path)
    }
}
