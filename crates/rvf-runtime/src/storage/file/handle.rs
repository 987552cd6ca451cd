use std::fs::File;
use std::io::ErrorKind;

use parking_lot::Mutex;

use super::super::{
    FileIdentity, LockOutcome, MappedBytes, StorageError, StorageErrorKind, StorageFile, StorageResult,
};
use super::lock::WriterLock;
use super::mapping::GrowingMap;
use super::os_error::os_error;
use super::{identity, positioned};

/// An open file.
pub(super) struct FileHandle {
    lock: Mutex<Option<WriterLock>>,
    mapping: Option<GrowingMap>,
    file: File,
    path: String,
}

impl FileHandle {
    pub fn new(file: File, path: &str, mapping: bool) -> FileHandle {
        FileHandle { lock: Mutex::new(None), mapping: mapping.then(GrowingMap::default), file, path: path.to_owned() }
    }

    fn check_range(&self, operation: &str, offset: u64, len: u64) -> StorageResult<()> {
        let end = offset.checked_add(len);
        if end.is_some_and(|end| i64::try_from(end).is_ok()) {
            return Ok(());
        }
        let message = format!("{operation} {}: {len} bytes at {offset} are beyond the end of any file", self.path);
        Err(StorageError::new(StorageErrorKind::UnexpectedEnd, message))
    }
}

impl StorageFile for FileHandle {
    fn len(&self) -> StorageResult<u64> {
        let metadata = self.file.metadata();
        metadata.map(|metadata| metadata.len()).map_err(|error| os_error("length of", &self.path, &error))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()> {
        self.check_range("read", offset, buffer.len() as u64)?;
        positioned::read_exact_at(&self.file, offset, buffer).map_err(|error| {
            if error.kind() != ErrorKind::UnexpectedEof {
                return os_error("read", &self.path, &error);
            }
            let message = format!("read {}: the file ends before {} bytes at {offset}", self.path, buffer.len());
            StorageError::new(StorageErrorKind::UnexpectedEnd, message)
        })
    }

    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()> {
        let total: u64 = parts.iter().map(|part| part.len() as u64).sum();
        self.check_range("write", offset, total)?;
        positioned::write_parts(&self.file, offset, parts).map_err(|error| os_error("write", &self.path, &error))
    }

    fn sync(&self) -> StorageResult<()> {
        // Covers the length too: without it the data could not be read back. On macOS it reaches the disk itself.
        self.file.sync_data().map_err(|error| os_error("sync", &self.path, &error))
    }

    fn set_len(&self, len: u64) -> StorageResult<()> {
        self.file.set_len(len).map_err(|error| os_error("set the length of", &self.path, &error))
    }

    fn try_lock(&self) -> StorageResult<LockOutcome> {
        let mut lock = self.lock.lock();
        if lock.is_some() {
            return Ok(LockOutcome::Acquired);
        }
        match WriterLock::try_take(&self.file, &self.path)? {
            Ok(taken) => {
                *lock = Some(taken);
                Ok(LockOutcome::Acquired)
            }
            Err(holder) => Ok(LockOutcome::HeldBy(holder)),
        }
    }

    fn identity(&self) -> StorageResult<FileIdentity> {
        identity::of_file(&self.file).map_err(|error| os_error("look up", &self.path, &error))
    }

    fn map(&self, offset: u64, len: usize) -> Option<MappedBytes> {
        let file_len = self.file.metadata().ok()?.len();
        self.mapping.as_ref()?.view(&self.file, file_len, offset, len)
    }
}

impl Drop for FileHandle {
    fn drop(&mut self) {
        // The last descriptor would take the lock with it, but a mapping keeps the descriptor's file description alive.
        if let Some(lock) = self.lock.get_mut().take() {
            lock.release(&self.file);
        }
    }
}
