//! Files that are made under another name before they get their own, and what is left of them where that fails.

use std::sync::Arc;

use rvf_types::ErrorCode;

use crate::host::Host;
use crate::open::is_same;
use crate::storage::{LockOutcome, OpenMode, StorageErrorKind, StorageFile};
use crate::{Result, RvfError};

/// How often a creation whose file was taken for a leftover starts again.
const ATTEMPTS_MAX: u32 = 100;

/// Creates a file and locks it, so that nobody takes it for one that a crashed process left. Such a one is taken away;
/// one that another process is working on is not ours to touch.
pub(crate) fn create_locked(host: &Host, path: &str) -> Result<Arc<dyn StorageFile>> {
    for _ in 0..ATTEMPTS_MAX {
        match host.storage.create_exclusive(path) {
            Ok(file) => match file.try_lock() {
                // Between its creation and its lock another process may have taken it for a leftover and removed it.
                Ok(outcome) => {
                    if outcome == LockOutcome::Acquired && is_named(host, path, &*file)? {
                        return Ok(file);
                    }
                }
                Err(error) => {
                    remove_if_named(host, path, &*file);
                    return Err(error.into());
                }
            },
            Err(error) if error.kind == StorageErrorKind::AlreadyExists => {
                if !remove_abandoned(host, path)? {
                    break;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(RvfError::new(ErrorCode::Busy, format!("another process is making a file ({path} is locked)")))
}

/// Removes a file that nobody has locked; false where somebody has.
pub(crate) fn remove_abandoned(host: &Host, path: &str) -> Result<bool> {
    let file = match host.storage.open(path, OpenMode::ReadWrite) {
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(true),
        opened => opened?,
    };
    if file.try_lock()? != LockOutcome::Acquired {
        return Ok(false);
    }
    // Its maker may have finished it meanwhile, and another file may have its name.
    if is_named(host, path, &*file)? {
        host.storage.remove(path)?;
    }
    Ok(true)
}

/// Takes the name away from a file of ours that was not finished. What matters to the caller is the error that came before.
pub(crate) fn remove_if_named(host: &Host, path: &str, file: &dyn StorageFile) {
    if is_named(host, path, file).is_ok_and(|named| named) {
        drop(host.storage.remove(path));
    }
}

/// True where the path names this file and no other.
fn is_named(host: &Host, path: &str, file: &dyn StorageFile) -> Result<bool> {
    match host.storage.identity_at(path) {
        Ok(named) => Ok(is_same(&named, &file.identity()?)),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
