//! The writer's lock: a kernel lock on the data file itself, never a file beside it.
//!
//! On Unix it is `flock`, which, like an open-file-description lock, belongs to the descriptor and not to the process:
//! two handles of one process exclude each other, and closing another handle of the file does not drop it. It was
//! preferred to an open-file-description lock because Linux then tells the holder's process id in `/proc/locks`; for
//! the other kind it says -1.
//!
//! On Windows it is `LockFileEx` on one byte that no file reaches, because locked bytes cannot be read by others there.

use std::fs::File;
use std::io::Error;

use super::super::{StorageError, StorageErrorKind, StorageResult};
use super::os_error::os_error;

/// Proof that a descriptor has the lock.
pub(super) struct WriterLock {
    /// A fork shares the lock: when it drops its copy of the handle, the lock must stay with us.
    process: u32,
}

impl WriterLock {
    /// Takes the lock without waiting, or tells who has it, where the system does.
    pub fn try_take(file: &File, path: &str) -> StorageResult<Result<WriterLock, Option<u32>>> {
        match platform::try_lock(file) {
            Ok(true) => Ok(Ok(WriterLock { process: std::process::id() })),
            Ok(false) => Ok(Err(platform::holder(file))),
            Err(error) if platform::has_no_locks(&error) => Err(no_locks(path, &error)),
            Err(error) => Err(os_error("lock", path, &error)),
        }
    }

    /// Gives the lock back. A failure leaves it to the closing of the descriptor.
    pub fn release(self, file: &File) {
        if self.process == std::process::id() {
            let _ = platform::unlock(file);
        }
    }
}

fn no_locks(path: &str, error: &Error) -> StorageError {
    let message = format!(
        "lock {path}: this file system has no file locks ({error}), so the store cannot be written here safely; \
         move it to a local disk"
    );
    StorageError::new(StorageErrorKind::Unsupported, message)
}

#[cfg(unix)]
mod platform {
    use std::fs::{File, TryLockError};
    use std::io::{Error, Result};

    pub(super) use super::super::lock_holder::holder;

    pub(super) fn try_lock(file: &File) -> Result<bool> {
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn unlock(file: &File) -> Result<()> {
        file.unlock()
    }

    pub(super) fn has_no_locks(error: &Error) -> bool {
        let none = [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOTSUP, libc::ENOSYS];
        error.raw_os_error().is_some_and(|code| none.contains(&code))
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::File;
    use std::io::{Error, Result};
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::Foundation::{
        ERROR_INVALID_FUNCTION, ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED,
    };
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFile,
    };
    use windows_sys::Win32::System::IO::OVERLAPPED;

    /// The last byte that a file could have: 2^63 - 2.
    const LOCK_OFFSET_LOW: u32 = 0xFFFF_FFFE;
    const LOCK_OFFSET_HIGH: u32 = 0x7FFF_FFFF;

    pub(super) fn try_lock(file: &File) -> Result<bool> {
        let mut place = OVERLAPPED::default();
        place.Anonymous.Anonymous.Offset = LOCK_OFFSET_LOW;
        place.Anonymous.Anonymous.OffsetHigh = LOCK_OFFSET_HIGH;
        let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
        // SAFETY: the handle is open and synchronous, so that `place` is not used after the call returns.
        let done = unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &mut place) };
        if done != 0 {
            return Ok(true);
        }
        let error = Error::last_os_error();
        match code(&error) {
            ERROR_LOCK_VIOLATION | ERROR_IO_PENDING => Ok(false),
            _ => Err(error),
        }
    }

    pub(super) fn unlock(file: &File) -> Result<()> {
        // SAFETY: the handle is open; the call takes nothing else but numbers.
        let done = unsafe { UnlockFile(file.as_raw_handle(), LOCK_OFFSET_LOW, LOCK_OFFSET_HIGH, 1, 0) };
        if done != 0 {
            return Ok(());
        }
        Err(Error::last_os_error())
    }

    /// Windows does not tell.
    pub(super) fn holder(_file: &File) -> Option<u32> {
        None
    }

    pub(super) fn has_no_locks(error: &Error) -> bool {
        matches!(code(error), ERROR_NOT_SUPPORTED | ERROR_INVALID_FUNCTION)
    }

    fn code(error: &Error) -> u32 {
        error.raw_os_error().unwrap_or(0) as u32
    }
}
