use std::io::{Error, ErrorKind};

use super::super::{StorageError, StorageErrorKind};

/// What the system reported, with the operation and the path.
pub(super) fn os_error(operation: &str, path: &str, error: &Error) -> StorageError {
    StorageError::new(kind_of(error), format!("{operation} {path}: {error}"))
}

fn kind_of(error: &Error) -> StorageErrorKind {
    if is_sharing_violation(error) {
        return StorageErrorKind::Busy;
    }
    match error.kind() {
        ErrorKind::NotFound => StorageErrorKind::NotFound,
        ErrorKind::AlreadyExists => StorageErrorKind::AlreadyExists,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StorageErrorKind::PermissionDenied,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StorageErrorKind::DiskFull,
        ErrorKind::UnexpectedEof => StorageErrorKind::UnexpectedEnd,
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => StorageErrorKind::Busy,
        ErrorKind::Unsupported => StorageErrorKind::Unsupported,
        _ => StorageErrorKind::Other,
    }
}

/// Somebody has the file open without sharing it, holds a lock on these bytes, or has it mapped.
#[cfg(windows)]
pub(super) fn is_sharing_violation(error: &Error) -> bool {
    use windows_sys::Win32::Foundation::{ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, ERROR_USER_MAPPED_FILE};
    let code = error.raw_os_error().unwrap_or(0) as u32;
    [ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_USER_MAPPED_FILE].contains(&code)
}

#[cfg(not(windows))]
pub(super) fn is_sharing_violation(_error: &Error) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn system_errors_become_the_kinds_the_engine_acts_on() {
        let expected = [
            (libc::ENOENT, StorageErrorKind::NotFound),
            (libc::EEXIST, StorageErrorKind::AlreadyExists),
            (libc::EACCES, StorageErrorKind::PermissionDenied),
            (libc::EPERM, StorageErrorKind::PermissionDenied),
            (libc::EROFS, StorageErrorKind::PermissionDenied),
            (libc::ENOSPC, StorageErrorKind::DiskFull),
            (libc::EDQUOT, StorageErrorKind::DiskFull),
            (libc::EFBIG, StorageErrorKind::DiskFull),
            (libc::EBUSY, StorageErrorKind::Busy),
            (libc::ENOSYS, StorageErrorKind::Unsupported),
            (libc::EIO, StorageErrorKind::Other),
            (libc::EMFILE, StorageErrorKind::Other),
        ];
        for (code, kind) in expected {
            let error = os_error("write", "/a/b.rvf", &Error::from_raw_os_error(code));
            assert_eq!(error.kind, kind, "{error}");
        }
    }

    #[test]
    fn the_message_has_the_operation_the_path_and_the_systems_words() {
        let error = os_error("write", "/a/b.rvf", &Error::from_raw_os_error(libc::ENOSPC));
        assert!(error.message.starts_with("write /a/b.rvf: No space left"), "{error}");
    }
}
