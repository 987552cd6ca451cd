use rvf_manifest::ByteSource;

use crate::storage::{StorageError, StorageFile};

/// A storage file as the manifest crate reads it.
pub(crate) struct FileSource<'a>(pub &'a dyn StorageFile);

impl ByteSource for FileSource<'_> {
    type Error = StorageError;

    fn len(&self) -> Result<u64, StorageError> {
        self.0.len()
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; len];
        self.0.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }
}
