use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::super::{
    FileIdentity, LockOutcome, MappedBytes, OpenMode, StorageError, StorageErrorKind, StorageFile, StorageResult,
};
use super::extents::{Extent, Extents};

/// Files end where they end on real systems, so that the same errors come from both.
const FILE_LEN_MAX: u64 = i64::MAX as u64;

static NEXT_HANDLE: AtomicU64 = AtomicU64::new(1);

/// A file apart from its names.
pub(in super::super) struct Inode {
    pub device: u64,
    pub number: u64,
    pub links: AtomicU64,
    pub content: RwLock<Extents>,
    lock_owner: Mutex<Option<u64>>,
}

impl Inode {
    pub fn new(device: u64, number: u64, content: Extents) -> Inode {
        Inode { device, number, links: AtomicU64::new(0), content: RwLock::new(content), lock_owner: Mutex::new(None) }
    }

    pub fn identity(&self) -> FileIdentity {
        FileIdentity { device: self.device, inode: self.number, links: self.links.load(Ordering::Acquire) }
    }
}

/// An open file in memory.
pub(in super::super) struct MemoryFile {
    inode: Arc<Inode>,
    path: String,
    mode: OpenMode,
    handle: u64,
}

impl MemoryFile {
    pub fn new(inode: Arc<Inode>, path: &str, mode: OpenMode) -> MemoryFile {
        MemoryFile { inode, path: path.to_owned(), mode, handle: NEXT_HANDLE.fetch_add(1, Ordering::Relaxed) }
    }

    /// Writes bytes that are already in the form in which they are kept.
    pub fn write_extent(&self, offset: u64, extent: Extent) -> StorageResult<()> {
        self.check_change("write", offset.checked_add(extent.len() as u64))?;
        self.inode.content.write().write(offset, extent);
        Ok(())
    }

    fn check_change(&self, operation: &str, end: Option<u64>) -> StorageResult<()> {
        if self.mode == OpenMode::Read {
            return Err(self.error(StorageErrorKind::PermissionDenied, operation, "opened for reading only"));
        }
        if end.is_none_or(|end| end > FILE_LEN_MAX) {
            return Err(self.error(StorageErrorKind::DiskFull, operation, "the file would be too long"));
        }
        Ok(())
    }

    fn error(&self, kind: StorageErrorKind, operation: &str, why: &str) -> StorageError {
        StorageError::new(kind, format!("{operation} {}: {why}", self.path))
    }
}

/// What the faulty storage writes into its log.
#[cfg(any(test, feature = "testing"))]
impl MemoryFile {
    pub fn number(&self) -> u64 {
        self.inode.number
    }

    pub fn path(&self) -> &str {
        &self.path
    }
}

impl StorageFile for MemoryFile {
    fn len(&self) -> StorageResult<u64> {
        Ok(self.inode.content.read().len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()> {
        let content = self.inode.content.read();
        if content.read(offset, buffer) {
            return Ok(());
        }
        let why = format!("{} bytes at {offset} reach beyond the end at {}", buffer.len(), content.len());
        Err(self.error(StorageErrorKind::UnexpectedEnd, "read", &why))
    }

    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()> {
        self.write_extent(offset, Extent::concat(offset, parts))
    }

    fn sync(&self) -> StorageResult<()> {
        Ok(())
    }

    fn set_len(&self, len: u64) -> StorageResult<()> {
        self.check_change("set the length of", Some(len))?;
        self.inode.content.write().set_len(len);
        Ok(())
    }

    fn try_lock(&self) -> StorageResult<LockOutcome> {
        let mut owner = self.inode.lock_owner.lock();
        match *owner {
            Some(handle) if handle != self.handle => Ok(LockOutcome::HeldBy(own_process_id())),
            _ => {
                *owner = Some(self.handle);
                Ok(LockOutcome::Acquired)
            }
        }
    }

    fn identity(&self) -> StorageResult<FileIdentity> {
        Ok(self.inode.identity())
    }

    fn map(&self, offset: u64, len: usize) -> Option<MappedBytes> {
        self.inode.content.read().view(offset, len)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let mut owner = self.inode.lock_owner.lock();
        if *owner == Some(self.handle) {
            *owner = None;
        }
    }
}

#[cfg(not(target_family = "wasm"))]
fn own_process_id() -> Option<u32> {
    Some(std::process::id())
}

/// WebAssembly has no processes.
#[cfg(target_family = "wasm")]
fn own_process_id() -> Option<u32> {
    None
}
