//! The one seam between the engine and whatever keeps its bytes.
//!
//! The runtime reaches files only through [`Storage`] and [`StorageFile`]. A read may answer
//! [`StorageError::NotReady`] on hosts whose storage is asynchronous: the loader fetches those bytes and the operation
//! starts again. Reads come before any change of state, so starting again is always safe. What was written through a
//! storage is ready to be read from it.

mod bytes;
mod error;
#[cfg(any(test, feature = "testing"))]
mod faulty;
#[cfg(not(target_family = "wasm"))]
mod file;
mod memory;
#[cfg(any(test, feature = "testing"))]
mod not_ready;

use std::sync::Arc;

pub use bytes::{AlignedBytes, MappedBytes};
pub use error::{StorageError, StorageErrorKind, StorageResult};
#[cfg(any(test, feature = "testing"))]
pub use faulty::{CrashChoice, Fault, FaultKind, FaultyStorage, WriteLog};
#[cfg(not(target_family = "wasm"))]
pub use file::FileStorage;
pub use memory::MemoryStorage;
#[cfg(any(test, feature = "testing"))]
pub use not_ready::NotReadyStorage;

/// Which file a handle stands for, whatever path led to it: device and inode, or what the host has instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Device number.
    pub device: u64,
    /// Number of the file on its device.
    pub inode: u64,
    /// How many directory entries lead to the file.
    pub links: u64,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Reading only.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// What became of an attempt to take the writer's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockOutcome {
    /// The handle has the lock until it is dropped.
    Acquired,
    /// Somebody else has it; the process id, where the system tells.
    HeldBy(Option<u32>),
}

/// A place that holds files by path.
pub trait Storage: Send + Sync {
    /// Follows links, so that the answer names the file itself. The file need not exist, its directory must.
    fn resolve(&self, path: &str) -> StorageResult<String>;

    /// Opens an existing file.
    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>>;

    /// Creates a file for reading and writing; `AlreadyExists` where there is one.
    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>>;

    /// Gives the file at `from` the name `to`, which must be free (`AlreadyExists`), in one atomic step.
    fn publish(&self, from: &str, to: &str) -> StorageResult<()>;

    /// Puts the file at `from` in the place of the one at `to`, in one atomic step. A host that refuses to replace an
    /// open or mapped file answers `Busy` and changes nothing.
    fn replace(&self, from: &str, to: &str) -> StorageResult<()>;

    /// Removes a name.
    fn remove(&self, path: &str) -> StorageResult<()>;

    /// Makes the names in the directory of `path` durable.
    fn sync_directory(&self, path: &str) -> StorageResult<()>;

    /// The identity of the file that `path` names now.
    fn identity_at(&self, path: &str) -> StorageResult<FileIdentity>;
}

/// One open file. Reads and writes name their offset; handles may be shared between threads.
pub trait StorageFile: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> StorageResult<u64>;

    /// True where the file has no bytes.
    fn is_empty(&self) -> StorageResult<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset` on; `UnexpectedEnd` where the file ends before that.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()>;

    /// Writes all the parts, one behind the other, from `offset` on. The file grows as needed.
    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()>;

    /// Makes all bytes written so far, and the length, durable.
    fn sync(&self) -> StorageResult<()>;

    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> StorageResult<()>;

    /// Tries to take the writer's lock, without waiting. The lock goes with the last copy of the handle.
    fn try_lock(&self) -> StorageResult<LockOutcome>;

    /// The identity of this open file, whatever its path leads to by now.
    fn identity(&self) -> StorageResult<FileIdentity>;

    /// A view of `len` bytes at `offset` without copying them, where the host can give one. The bytes must exist and
    /// must not be written again while the view lives.
    fn map(&self, offset: u64, len: usize) -> Option<MappedBytes>;
}
