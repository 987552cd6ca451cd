//! Compaction: a new file beside the old one with the living rows only, put in its place in one step. Commits and readers
//! go on meanwhile.

mod copy;
mod history;
mod index;
mod swap;
mod tiers;

pub(crate) use copy::NewFile;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rvf_types::ErrorCode;
use rvf_wire::HEAD_BYTES;

use crate::control::Control;
use crate::open::remove_if_there;
use crate::runs::{OverlayRun, Run};
use crate::snapshot::Snapshot;
use crate::store::{CompactOutcome, RvfStore};
use crate::temporary::remove_if_named;
use crate::{Result, RvfError};

/// What the path of a compaction's new file ends with.
pub(crate) const COMPACTING_SUFFIX: &str = ".compacting";
/// What commits may have added since the last look before the rest is copied with commits held up.
const REST_BYTES_MAX: u64 = 4 << 20;
/// Looks at what commits added, before the rest is copied whatever its size.
const ROUNDS_MAX: u32 = 16;

impl RvfStore {
    /// Writes the living rows to a new file and puts it in the place of the old one. Readers keep what they have and see
    /// the new file after `refresh`. Any failure before the last step leaves the old file as it is.
    pub fn compact(&self, control: &Control) -> Result<CompactOutcome> {
        self.pack_before_compaction(control)?;
        if self.shared.is_compacting.swap(true, Ordering::AcqRel) {
            return Err(RvfError::new(ErrorCode::Busy, "a compaction of this store is running already"));
        }
        let running = Running(self);
        let result = self.compact_alone(control);
        drop(running);
        self.wake_indexing();
        result
    }

    fn compact_alone(&self, control: &Control) -> Result<CompactOutcome> {
        let (first, new_file, temporary) = self.begin()?;
        let file = Arc::clone(&new_file.file);
        let result = self.copy_and_swap(first, new_file, &temporary, control);
        if result.is_err() {
            // After the swap the name is gone, and once this store is closed another process may have taken it.
            remove_if_named(&self.shared.host, &temporary, &*file);
        }
        result
    }

    /// Makes the new file for a state, with commits held up: whoever has the store's lock may take away what a crash left in
    /// the place, and nobody else stands there before the new file is locked.
    fn begin(&self) -> Result<(Arc<Snapshot>, NewFile, String)> {
        let mut guard = self.shared.writer.lock();
        let writer = self.writer_of(&mut guard)?;
        writer.check_writable()?;
        if writer.file.identity()?.links > 1 {
            return Err(RvfError::new(
                ErrorCode::Busy,
                "the file has several names (hard links); compaction would part them, so remove the others first",
            ));
        }
        let temporary = format!("{}{COMPACTING_SUFFIX}", writer.path);
        remove_if_there(&self.shared.host, &temporary)?;
        let file = self.shared.host.storage.create_exclusive(&temporary)?;
        let snapshot = Arc::clone(&writer.snapshot);
        let new_file = NewFile::create(self, &temporary, &file, &snapshot);
        if new_file.is_err() {
            remove_if_named(&self.shared.host, &temporary, &*file);
        }
        Ok((snapshot, new_file?, temporary))
    }

    fn copy_and_swap(
        &self,
        first: Arc<Snapshot>,
        mut new_file: NewFile,
        temporary: &str,
        control: &Control,
    ) -> Result<CompactOutcome> {
        control.set_total(first.vector_count);
        let old_bytes = first.file.len()?;
        let segments_compacted = first.segments().len() as u64;
        let mut round = 0;
        let mut latest = first;
        loop {
            new_file.copy_new_rows(&latest, control)?;
            if round == 0 {
                new_file.copy_index(&latest, control)?;
            }
            new_file.sync()?;
            round += 1;
            let current = self.current()?;
            let row_bytes = u64::from(current.next_row - latest.next_row) * current.row_bytes() as u64;
            let rest_bytes = row_bytes + newer_overlay_bytes(&current, &latest);
            latest = current;
            if rest_bytes <= REST_BYTES_MAX || round >= ROUNDS_MAX {
                break;
            }
        }
        let mut guard = self.shared.writer.lock();
        let writer = self.writer_of(&mut guard)?;
        writer.check_writable()?;
        let epoch = self.swap(writer, new_file, temporary, control)?;
        let new_bytes = writer.snapshot.file.len()?.max(HEAD_BYTES as u64);
        Ok(CompactOutcome { segments_compacted, bytes_reclaimed: old_bytes.saturating_sub(new_bytes), epoch })
    }
}

/// A compaction that runs, until it ends in whatever way.
struct Running<'a>(&'a RvfStore);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.shared.is_compacting.store(false, Ordering::Release);
    }
}

/// Bytes of the overlays that a state does not share with an earlier one.
fn newer_overlay_bytes(current: &Snapshot, earlier: &Snapshot) -> u64 {
    let is_shared = |run: &Arc<OverlayRun>| earlier.overlays.iter().any(|old| Arc::ptr_eq(old, run));
    current.overlays.iter().filter(|run| !is_shared(run)).map(|run| run.bytes().len()).sum()
}
