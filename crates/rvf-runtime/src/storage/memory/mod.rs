//! Files in memory: `:memory:` stores, stores given as bytes, and the ground under the faulty storage.

mod extents;
mod inode;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

pub(super) use extents::{Extent, Extents};
pub(super) use inode::{Inode, MemoryFile};

use super::{
    AlignedBytes, FileIdentity, OpenMode, Storage, StorageError, StorageErrorKind, StorageFile, StorageResult,
};

/// Device numbers count down from the top, away from those of real devices.
static NEXT_DEVICE: AtomicU64 = AtomicU64::new(u64::MAX);

/// Files by path, in memory. Paths are names and nothing more: there are no links and no directories to resolve.
pub struct MemoryStorage {
    device: u64,
    directory: Mutex<Directory>,
}

struct Directory {
    names: BTreeMap<String, Arc<Inode>>,
    next_number: u64,
}

/// What a storage holds at one moment: names by path, contents by file number.
#[derive(Clone, Default)]
pub(super) struct Image {
    pub names: BTreeMap<String, u64>,
    pub files: BTreeMap<u64, Extents>,
}

impl MemoryStorage {
    /// A storage without files.
    pub fn new() -> MemoryStorage {
        MemoryStorage::from_image(&Image::default())
    }

    /// A storage with one file, whose bytes are taken over as one piece, so that all of it can be mapped.
    pub fn with_file(path: &str, bytes: impl Into<AlignedBytes>) -> MemoryStorage {
        let mut content = Extents::default();
        content.write(0, Extent::whole(bytes.into()));
        MemoryStorage::from_image(&Image {
            names: BTreeMap::from([(path.to_owned(), 1)]),
            files: BTreeMap::from([(1, content)]),
        })
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> Vec<String> {
        self.directory.lock().names.keys().cloned().collect()
    }

    /// A storage that holds what the image does.
    pub(super) fn from_image(image: &Image) -> MemoryStorage {
        let device = NEXT_DEVICE.fetch_sub(1, Ordering::Relaxed);
        let inodes: BTreeMap<u64, Arc<Inode>> = image
            .files
            .iter()
            .map(|(number, content)| (*number, Arc::new(Inode::new(device, *number, content.clone()))))
            .collect();
        let mut directory = Directory {
            names: BTreeMap::new(),
            next_number: image.files.keys().next_back().map_or(1, |last| last + 1),
        };
        for (name, number) in &image.names {
            if let Some(inode) = inodes.get(number) {
                directory.link(name, inode.clone());
            }
        }
        MemoryStorage { device, directory: Mutex::new(directory) }
    }

    /// What the storage holds now. Contents are shared, not copied.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn image(&self) -> Image {
        let directory = self.directory.lock();
        let mut image = Image::default();
        for (name, inode) in &directory.names {
            image.names.insert(name.clone(), inode.number);
            image.files.entry(inode.number).or_insert_with(|| inode.content.read().clone());
        }
        image
    }

    /// `open`, with the type that this storage really gives.
    pub(super) fn open_file(&self, path: &str, mode: OpenMode) -> StorageResult<MemoryFile> {
        let inode = self.directory.lock().find("open", path)?;
        Ok(MemoryFile::new(inode, path, mode))
    }

    /// `create_exclusive`, with the type that this storage really gives.
    pub(super) fn create_file(&self, path: &str) -> StorageResult<MemoryFile> {
        let mut directory = self.directory.lock();
        directory.require_free("create", path)?;
        let inode = Arc::new(Inode::new(self.device, directory.next_number, Extents::default()));
        directory.next_number += 1;
        directory.link(path, inode.clone());
        Ok(MemoryFile::new(inode, path, OpenMode::ReadWrite))
    }
}

impl Default for MemoryStorage {
    fn default() -> MemoryStorage {
        MemoryStorage::new()
    }
}

impl Directory {
    fn find(&self, operation: &str, path: &str) -> StorageResult<Arc<Inode>> {
        self.names.get(path).cloned().ok_or_else(|| {
            StorageError::new(StorageErrorKind::NotFound, format!("{operation} {path}: no such file in memory"))
        })
    }

    fn require_free(&self, operation: &str, path: &str) -> StorageResult<()> {
        if self.names.contains_key(path) {
            let message = format!("{operation} {path}: the file exists");
            return Err(StorageError::new(StorageErrorKind::AlreadyExists, message));
        }
        Ok(())
    }

    fn link(&mut self, name: &str, inode: Arc<Inode>) {
        inode.links.fetch_add(1, Ordering::AcqRel);
        if let Some(former) = self.names.insert(name.to_owned(), inode) {
            former.links.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn unlink(&mut self, name: &str) {
        if let Some(inode) = self.names.remove(name) {
            inode.links.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Storage for MemoryStorage {
    fn resolve(&self, path: &str) -> StorageResult<String> {
        Ok(path.to_owned())
    }

    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>> {
        Ok(Arc::new(self.open_file(path, mode)?))
    }

    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>> {
        Ok(Arc::new(self.create_file(path)?))
    }

    fn publish(&self, from: &str, to: &str) -> StorageResult<()> {
        let mut directory = self.directory.lock();
        let inode = directory.find("publish", from)?;
        directory.require_free("publish", to)?;
        directory.link(to, inode);
        directory.unlink(from);
        Ok(())
    }

    fn replace(&self, from: &str, to: &str) -> StorageResult<()> {
        let mut directory = self.directory.lock();
        let inode = directory.find("replace", from)?;
        if from != to {
            directory.link(to, inode);
            directory.unlink(from);
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> StorageResult<()> {
        let mut directory = self.directory.lock();
        directory.find("remove", path)?;
        directory.unlink(path);
        Ok(())
    }

    fn sync_directory(&self, _path: &str) -> StorageResult<()> {
        Ok(())
    }

    fn identity_at(&self, path: &str) -> StorageResult<FileIdentity> {
        Ok(self.directory.lock().find("look up", path)?.identity())
    }
}
