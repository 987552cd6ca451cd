use std::sync::Arc;

use rvf_types::ErrorCode;

use crate::control::Control;
use crate::create::{CREATING_SUFFIX, sync};
use crate::snapshot::Snapshot;
use crate::storage::{AlignedBytes, StorageFile};
use crate::store::{MEMORY_PATH, RvfStore};
use crate::temporary::{create_locked, remove_if_named};
use crate::{Result, RvfError};

const CHUNK_BYTES: u64 = 4 << 20;

impl RvfStore {
    /// Copies the newest state to another file, while commits go on. `path` must be free; it holds the whole copy or
    /// nothing. The copy keeps the file's id.
    pub fn backup(&self, path: &str, control: &Control) -> Result<()> {
        let snapshot = self.durable_snapshot()?;
        if path == MEMORY_PATH {
            return Err(RvfError::input("a backup needs a file's path; exportBytes() copies into memory"));
        }
        let storage = &self.shared.host.storage;
        let path = storage.resolve(path)?;
        if storage.identity_at(&path).is_ok() {
            return Err(RvfError::new(ErrorCode::AlreadyExists, format!("{path} exists already")));
        }
        let temporary = format!("{path}{CREATING_SUFFIX}");
        let file = create_locked(&self.shared.host, &temporary)?;
        let result = self.write_backup(&snapshot, &*file, &temporary, &path, control);
        if result.is_err() {
            remove_if_named(&self.shared.host, &temporary, &*file);
        }
        result
    }

    fn write_backup(
        &self,
        snapshot: &Snapshot,
        file: &dyn StorageFile,
        temporary: &str,
        path: &str,
        control: &Control,
    ) -> Result<()> {
        control.set_total(snapshot.committed_end);
        copy(snapshot, control, &mut |offset, bytes| Ok(file.write_at(offset, &[bytes])?))?;
        sync(file)?;
        self.shared.host.storage.publish(temporary, path)?;
        Ok(self.shared.host.storage.sync_directory(path)?)
    }

    /// The newest state as the bytes of a store file.
    pub fn export_bytes(&self) -> Result<AlignedBytes> {
        let snapshot = self.durable_snapshot()?;
        let len = usize::try_from(snapshot.committed_end).ok();
        let Some(mut bytes) = len.and_then(AlignedBytes::try_zeroed) else {
            return Err(RvfError::new(
                ErrorCode::SegmentTooLarge,
                format!(
                    "the store's {} bytes do not fit into memory; backup() copies them to a file",
                    snapshot.committed_end
                ),
            ));
        };
        let target = bytes.as_mut_slice();
        copy(&snapshot, &Control::default(), &mut |offset, chunk| {
            target[offset as usize..][..chunk.len()].copy_from_slice(chunk);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// The newest state, put into the base first where this handle may write: then the copy is one that was closed.
    fn durable_snapshot(&self) -> Result<Arc<Snapshot>> {
        let snapshot = self.current()?;
        if self.shared.options.read_only {
            return Ok(snapshot);
        }
        self.checkpoint()?;
        self.current()
    }
}

/// Committed bytes never change, so they can be copied without holding anything up. Only the anchors do; a copy of one
/// that is older than the copied state still leads there.
fn copy(snapshot: &Snapshot, control: &Control, write: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let mut offset = 0;
    while offset < snapshot.committed_end {
        control.check()?;
        let take = (snapshot.committed_end - offset).min(CHUNK_BYTES);
        let mut chunk = vec![0; take as usize];
        snapshot.file.read_at(offset, &mut chunk)?;
        if offset == 0 {
            forget_newer_anchors(snapshot, &mut chunk);
        }
        write(offset, &chunk)?;
        control.add_done(take);
        offset += take;
    }
    Ok(())
}

/// An anchor written after the snapshot was taken points behind the copy's end.
fn forget_newer_anchors(snapshot: &Snapshot, head: &mut [u8]) {
    for offset in rvf_wire::ANCHOR_OFFSETS {
        let Some(block) = head.get_mut(offset as usize..offset as usize + 4096) else { continue };
        let is_newer = match rvf_wire::Anchor::decode(block, snapshot.salt) {
            Ok(Some(anchor)) => anchor.root_offset >= snapshot.committed_end,
            Ok(None) => false,
            Err(_) => true,
        };
        if is_newer {
            block.fill(0);
        }
    }
}
