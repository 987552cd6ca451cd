//! Real files.

mod handle;
mod identity;
mod locality;
mod lock;
#[cfg(unix)]
mod lock_holder;
mod mapping;
mod names;
mod os_error;
mod positioned;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use super::{FileIdentity, OpenMode, Storage, StorageError, StorageErrorKind, StorageFile, StorageResult};
use handle::FileHandle;
use os_error::os_error;

/// The file system. Paths must be UTF-8.
#[derive(Clone, Debug)]
pub struct FileStorage {
    mapping: bool,
}

impl FileStorage {
    /// The file system, with files mapped into memory where that is possible and safe: not over a network.
    pub fn new() -> FileStorage {
        FileStorage { mapping: true }
    }

    /// The file system, with all bytes read by calls: for network file systems, and where a file that shrinks under
    /// its reader must be an error and not a signal.
    pub fn without_mapping() -> FileStorage {
        FileStorage { mapping: false }
    }

    fn handle(&self, file: File, path: &str) -> Arc<dyn StorageFile> {
        let mapping = self.mapping && !locality::is_remote(&file);
        Arc::new(FileHandle::new(file, path, mapping))
    }
}

impl Default for FileStorage {
    fn default() -> FileStorage {
        FileStorage::new()
    }
}

impl Storage for FileStorage {
    fn resolve(&self, path: &str) -> StorageResult<String> {
        names::resolve(path)
    }

    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>> {
        Ok(self.handle(open_regular(path, mode)?, path))
    }

    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|error| os_error("create", path, &error))?;
        Ok(self.handle(file, path))
    }

    fn publish(&self, from: &str, to: &str) -> StorageResult<()> {
        names::publish(from, to)
    }

    fn replace(&self, from: &str, to: &str) -> StorageResult<()> {
        names::replace(from, to)
    }

    fn remove(&self, path: &str) -> StorageResult<()> {
        std::fs::remove_file(path).map_err(|error| os_error("remove", path, &error))
    }

    fn sync_directory(&self, path: &str) -> StorageResult<()> {
        names::sync_directory(path)
    }

    fn identity_at(&self, path: &str) -> StorageResult<FileIdentity> {
        identity::of_path(path).map_err(|error| os_error("look up", path, &error))
    }
}

/// Opens a regular file. Anything else is refused before it is opened, since opening a device has effects and opening
/// a pipe waits; and looked at once more afterwards, since another file may stand there by then.
fn open_regular(path: &str, mode: OpenMode) -> StorageResult<File> {
    let failed = |error: std::io::Error| os_error("open", path, &error);
    require_regular(path, &std::fs::metadata(path).map_err(failed)?)?;
    let mut options = OpenOptions::new();
    options.read(true).write(mode == OpenMode::ReadWrite);
    do_not_wait(&mut options);
    let file = options.open(path).map_err(failed)?;
    require_regular(path, &file.metadata().map_err(failed)?)?;
    Ok(file)
}

fn require_regular(path: &str, metadata: &Metadata) -> StorageResult<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_dir() { "it is a directory" } else { "it is not a regular file" };
    let message = format!("open {path}: {what}");
    Err(StorageError::new(StorageErrorKind::Other, message))
}

#[cfg(unix)]
fn do_not_wait(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
}

#[cfg(not(unix))]
fn do_not_wait(_options: &mut OpenOptions) {}

/// The directory that holds `path`; the working directory for a bare name.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}
