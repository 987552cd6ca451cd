//! A storage that needs a loader, to keep the engine honest on hosts whose storage is asynchronous.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{
    FileIdentity, LockOutcome, MappedBytes, OpenMode, Storage, StorageError, StorageErrorKind, StorageFile,
    StorageResult,
};

const BLOCK_BYTES: u64 = 4096;

/// Answers `NotReady` to the first read of every 4 KiB of every file, then reads: asking again is the loader. What was
/// written through it is there. Nothing can be mapped, as on the hosts that it stands for.
pub struct NotReadyStorage {
    inner: Arc<dyn Storage>,
    loaded: Arc<Loaded>,
}

#[derive(Default)]
struct Loaded {
    blocks: Mutex<HashSet<(u64, u64, u64)>>,
    answers: AtomicU64,
}

impl NotReadyStorage {
    /// The same files, none of which is loaded yet.
    pub fn new(inner: Arc<dyn Storage>) -> NotReadyStorage {
        NotReadyStorage { inner, loaded: Arc::default() }
    }

    /// How often the answer was `NotReady`.
    pub fn not_ready_answers(&self) -> u64 {
        self.loaded.answers.load(Ordering::Relaxed)
    }

    /// Forgets what was loaded: the next reads answer `NotReady` again.
    pub fn unload(&self) {
        self.loaded.blocks.lock().clear();
    }

    fn wrap(&self, inner: Arc<dyn StorageFile>, path: &str) -> Arc<dyn StorageFile> {
        Arc::new(NotReadyFile { inner, path: path.to_owned(), loaded: self.loaded.clone() })
    }
}

impl Storage for NotReadyStorage {
    fn resolve(&self, path: &str) -> StorageResult<String> {
        self.inner.resolve(path)
    }

    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>> {
        Ok(self.wrap(self.inner.open(path, mode)?, path))
    }

    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>> {
        Ok(self.wrap(self.inner.create_exclusive(path)?, path))
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
        self.inner.identity_at(path)
    }
}

struct NotReadyFile {
    inner: Arc<dyn StorageFile>,
    path: String,
    loaded: Arc<Loaded>,
}

impl NotReadyFile {
    /// Notes the blocks of the range as loaded; an error where one of them was not.
    fn load(&self, offset: u64, len: u64) -> StorageResult<()> {
        let identity = self.inner.identity()?;
        let mut missing = None;
        let mut blocks = self.loaded.blocks.lock();
        for block in offset / BLOCK_BYTES..(offset + len).div_ceil(BLOCK_BYTES) {
            if blocks.insert((identity.device, identity.inode, block)) {
                let (first, _) = missing.unwrap_or((block, block));
                missing = Some((first, block));
            }
        }
        let Some((first, last)) = missing else {
            return Ok(());
        };
        self.loaded.answers.fetch_add(1, Ordering::Relaxed);
        let offset = first * BLOCK_BYTES;
        let len = (last - first + 1) * BLOCK_BYTES;
        Err(StorageError::new(
            StorageErrorKind::NotReady { offset, len },
            format!("read {}: {len} bytes at {offset} are not loaded", self.path),
        ))
    }
}

impl NotReadyFile {
    /// Notes the blocks that a write has filled, as far as there was anything in them. Behind the former end there was not.
    fn note_written(&self, start: u64, end: u64, former_len: u64) -> StorageResult<()> {
        let identity = self.inner.identity()?;
        let mut blocks = self.loaded.blocks.lock();
        for block in start / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES) {
            let (first, behind) = (block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
            if (start <= first || former_len <= first) && (end >= behind || end >= former_len) {
                blocks.insert((identity.device, identity.inode, block));
            }
        }
        Ok(())
    }
}

impl StorageFile for NotReadyFile {
    fn len(&self) -> StorageResult<u64> {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()> {
        let end = offset.checked_add(buffer.len() as u64);
        let file_len = self.inner.len()?;
        // Beyond the end there is nothing to load: the storage below says so.
        if end.is_some_and(|end| end <= file_len) {
            self.load(offset, buffer.len() as u64)?;
        }
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()> {
        let file_len = self.inner.len()?;
        self.inner.write_at(offset, parts)?;
        self.note_written(offset, offset + parts.iter().map(|part| part.len() as u64).sum::<u64>(), file_len)
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
        self.inner.identity()
    }

    fn map(&self, _offset: u64, _len: usize) -> Option<MappedBytes> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryStorage;
    use super::*;

    fn storage_with(len: usize) -> NotReadyStorage {
        let bytes = vec![7_u8; len];
        NotReadyStorage::new(Arc::new(MemoryStorage::with_file("a", bytes.as_slice())))
    }

    #[test]
    fn the_first_read_of_every_block_is_not_ready_and_the_second_works() {
        let storage = storage_with(3 * 4096);
        let file = storage.open("a", OpenMode::Read).unwrap();
        let mut buffer = [0; 100];
        let error = file.read_at(4090, &mut buffer).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::NotReady { offset: 0, len: 8192 });
        file.read_at(4090, &mut buffer).unwrap();
        assert_eq!(buffer, [7; 100]);
        file.read_at(0, &mut buffer).unwrap();
        assert!(file.read_at(8192, &mut buffer).is_err());
        assert_eq!(storage.not_ready_answers(), 2);
        assert!(file.map(0, 10).is_none());
    }

    #[test]
    fn what_was_written_is_there_and_what_it_was_written_into_is_not() {
        let storage = storage_with(4096 + 100);
        let file = storage.open("a", OpenMode::ReadWrite).unwrap();
        let mut buffer = [0; 10];
        file.write_at(4096, &[&[1; 50], &[2; 100]]).unwrap();
        file.read_at(4096 + 140, &mut buffer).unwrap();
        file.write_at(4090, &[&[3; 10]]).unwrap();
        assert!(file.read_at(4085, &mut buffer).is_err());
        file.write_at(4 * 4096, &[&[4; 10]]).unwrap();
        file.read_at(4 * 4096, &mut buffer).unwrap();
        assert_eq!((buffer, storage.not_ready_answers()), ([4; 10], 1));
    }

    #[test]
    fn another_handle_of_the_same_file_finds_its_blocks_loaded() {
        let storage = storage_with(10);
        let mut buffer = [0; 10];
        let first = storage.open("a", OpenMode::Read).unwrap();
        assert!(first.read_at(0, &mut buffer).is_err());
        let second = storage.open("a", OpenMode::Read).unwrap();
        second.read_at(0, &mut buffer).unwrap();
        storage.unload();
        assert!(second.read_at(0, &mut buffer).is_err());
    }

    #[test]
    fn beyond_the_end_is_an_end_and_not_a_matter_of_loading() {
        let storage = storage_with(10);
        let file = storage.open("a", OpenMode::Read).unwrap();
        let error = file.read_at(5, &mut [0; 10]).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::UnexpectedEnd);
    }
}
