//! A storage in which something happens between two calls of whoever reads through it.

use std::sync::Arc;
use std::sync::Mutex;

use rvf_runtime::storage::{
    FileIdentity, LockOutcome, MappedBytes, MemoryStorage, OpenMode, Storage, StorageFile, StorageResult,
};

type Event = Box<dyn FnOnce() + Send>;

/// The same files, with an event in front of the n-th call.
pub struct Interrupted {
    inner: Arc<MemoryStorage>,
    plan: Arc<Mutex<Plan>>,
}

struct Plan {
    calls_left: u64,
    event: Option<Event>,
}

impl Interrupted {
    /// `event` happens in front of call `at`, counted from 0.
    pub fn new(inner: &Arc<MemoryStorage>, at: u64, event: impl FnOnce() + Send + 'static) -> Interrupted {
        let plan = Plan { calls_left: at, event: Some(Box::new(event)) };
        Interrupted { inner: Arc::clone(inner), plan: Arc::new(Mutex::new(plan)) }
    }

    /// True once the event has happened.
    pub fn has_happened(&self) -> bool {
        self.plan.lock().unwrap().event.is_none()
    }
}

fn count(plan: &Mutex<Plan>) {
    let mut plan = plan.lock().unwrap();
    if plan.calls_left > 0 {
        plan.calls_left -= 1;
    } else if let Some(event) = plan.event.take() {
        event();
    }
}

impl Storage for Interrupted {
    fn resolve(&self, path: &str) -> StorageResult<String> {
        self.inner.resolve(path)
    }

    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>> {
        count(&self.plan);
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(InterruptedFile { inner, plan: Arc::clone(&self.plan) }))
    }

    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>> {
        self.inner.create_exclusive(path)
    }

    fn publish(&self, from: &str, to: &str) -> StorageResult<()> {
        self.inner.publish(from, to)
    }

    fn replace(&self, from: &str, to: &str) -> StorageResult<()> {
        self.inner.replace(from, to)
    }

    fn remove(&self, path: &str) -> StorageResult<()> {
        self.inner.remove(path)
    }

    fn sync_directory(&self, path: &str) -> StorageResult<()> {
        self.inner.sync_directory(path)
    }

    fn identity_at(&self, path: &str) -> StorageResult<FileIdentity> {
        count(&self.plan);
        self.inner.identity_at(path)
    }
}

struct InterruptedFile {
    inner: Arc<dyn StorageFile>,
    plan: Arc<Mutex<Plan>>,
}

impl StorageFile for InterruptedFile {
    fn len(&self) -> StorageResult<u64> {
        count(&self.plan);
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()> {
        count(&self.plan);
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()> {
        self.inner.write_at(offset, parts)
    }

    fn sync(&self) -> StorageResult<()> {
        self.inner.sync()
    }

    fn set_len(&self, len: u64) -> StorageResult<()> {
        self.inner.set_len(len)
    }

    fn try_lock(&self) -> StorageResult<LockOutcome> {
        self.inner.try_lock()
    }

    fn identity(&self) -> StorageResult<FileIdentity> {
        count(&self.plan);
        self.inner.identity()
    }

    fn map(&self, _offset: u64, _len: usize) -> Option<MappedBytes> {
        None
    }
}
