//! Names in directories: resolving, publishing, replacing, making durable.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::{StorageError, StorageErrorKind, StorageResult};
use super::directory_of;
use super::os_error::os_error;

/// As many links in a row as Linux follows.
const LINKS_MAX: usize = 40;

/// The absolute path of the file itself. What does not exist yet is looked for where its links lead.
pub(super) fn resolve(path: &str) -> StorageResult<String> {
    let failed = |error: Error| os_error("resolve", path, &error);
    let mut place = PathBuf::from(path);
    for _ in 0..=LINKS_MAX {
        match std::fs::canonicalize(&place) {
            Ok(found) => return into_text(found),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        match std::fs::read_link(&place) {
            Ok(target) => place = directory_of(&place).join(target),
            Err(_) => return resolve_missing(path, &place),
        }
    }
    Err(failed(Error::other("too many symbolic links")))
}

fn resolve_missing(path: &str, place: &Path) -> StorageResult<String> {
    let Some(name) = place.file_name() else {
        let error = Error::new(ErrorKind::NotFound, "the path names no file");
        return Err(os_error("resolve", path, &error));
    };
    let directory = std::fs::canonicalize(directory_of(place))
        .map_err(|error| os_error("resolve the directory of", path, &error))?;
    into_text(directory.join(name))
}

fn into_text(path: PathBuf) -> StorageResult<String> {
    path.into_os_string().into_string().map_err(|path| {
        let message = format!("resolve {}: the path is not UTF-8", path.display());
        StorageError::new(StorageErrorKind::Unsupported, message)
    })
}

/// Renames in one step, never over an existing name, or does the same by a link where there is no such rename.
pub(super) fn publish(from: &str, to: &str) -> StorageResult<()> {
    match rename_to_free_name(from, to) {
        Err(error) if lacks_operation(&error) => link_to_free_name(from, to),
        outcome => outcome.map_err(|error| os_error(&format!("publish {from} as"), to, &error)),
    }
}

/// The new name is there in one step, with the whole file. A crash before the second step leaves both names.
fn link_to_free_name(from: &str, to: &str) -> StorageResult<()> {
    std::fs::hard_link(from, to).map_err(|error| os_error(&format!("publish {from} as"), to, &error))?;
    std::fs::remove_file(from).map_err(|error| os_error("remove", from, &error))
}

/// EINVAL is how a file system says that it does not know the flag.
fn lacks_operation(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput)
}

#[cfg(target_os = "linux")]
fn rename_to_free_name(from: &str, to: &str) -> Result<(), Error> {
    let (from, to) = (c_text(from)?, c_text(to)?);
    // The bare system call: old C libraries do not have the function, and the addon must load with them.
    // SAFETY: both are C strings that live until the call returns.
    let outcome = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if outcome == 0 {
        return Ok(());
    }
    Err(Error::last_os_error())
}

#[cfg(target_vendor = "apple")]
fn rename_to_free_name(from: &str, to: &str) -> Result<(), Error> {
    let (from, to) = (c_text(from)?, c_text(to)?);
    // SAFETY: both are C strings that live until the call returns.
    let outcome = unsafe { libc::renamex_np(from.as_ptr(), to.as_ptr(), libc::RENAME_EXCL) };
    if outcome == 0 {
        return Ok(());
    }
    Err(Error::last_os_error())
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn c_text(path: &str) -> Result<std::ffi::CString, Error> {
    std::ffi::CString::new(path).map_err(Error::other)
}

/// Written through, because Windows cannot sync directories.
#[cfg(windows)]
fn rename_to_free_name(from: &str, to: &str) -> Result<(), Error> {
    use windows_sys::Win32::Storage::FileSystem::{MOVEFILE_WRITE_THROUGH, MoveFileExW};
    let (from, to) = (wide_text(from), wide_text(to));
    // SAFETY: both end in a zero and live until the call returns.
    let done = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) };
    if done != 0 {
        return Ok(());
    }
    Err(Error::last_os_error())
}

#[cfg(windows)]
fn wide_text(path: &str) -> Vec<u16> {
    path.encode_utf16().chain(std::iter::once(0)).collect()
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
fn rename_to_free_name(_from: &str, _to: &str) -> Result<(), Error> {
    Err(ErrorKind::Unsupported.into())
}

/// Renames over whatever stands there.
pub(super) fn replace(from: &str, to: &str) -> StorageResult<()> {
    std::fs::rename(from, to).map_err(|error| {
        let mut failure = os_error(&format!("replace by {from}"), to, &error);
        if cfg!(windows) && error.kind() == ErrorKind::PermissionDenied {
            // What Windows says where the file to be replaced is mapped.
            failure.kind = StorageErrorKind::Busy;
        }
        failure
    })
}

/// Makes the names beside `path` durable.
#[cfg(unix)]
pub(super) fn sync_directory(path: &str) -> StorageResult<()> {
    let directory = directory_of(Path::new(path));
    let outcome = std::fs::File::open(directory).and_then(|opened| opened.sync_all());
    match outcome {
        // Some network and user-space file systems have no such operation, and nothing to gain from it.
        Err(error) if lacks_operation(&error) => Ok(()),
        outcome => outcome.map_err(|error| os_error("sync the directory of", path, &error)),
    }
}

/// Windows has no such operation; NTFS keeps the order of name changes in its journal.
#[cfg(not(unix))]
pub(super) fn sync_directory(_path: &str) -> StorageResult<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_by_a_link_refuses_an_existing_name_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("new"), "new").unwrap();
        std::fs::write(path("taken"), "old").unwrap();
        let error = link_to_free_name(&path("new"), &path("taken")).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::AlreadyExists);
        link_to_free_name(&path("new"), &path("free")).unwrap();
        assert_eq!(std::fs::read(path("free")).unwrap(), b"new");
        assert_eq!(std::fs::read(path("taken")).unwrap(), b"old");
        assert!(!std::fs::exists(path("new")).unwrap());
    }
}
