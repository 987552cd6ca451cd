use std::sync::Arc;

use rvf_types::limits::{COUNTER_MAX, TAIL_BATCHES_MAX, TAIL_BYTES_MAX, TAIL_SEGMENTS_MAX, UNSYNCED_BYTES_MAX};
use rvf_types::{ErrorCode, SegmentId, SegmentKind};
use rvf_wire::sabotage;

use crate::dead_rows::DeadRows;
use crate::heat::Heat;
use crate::host::Host;
use crate::options::{Durability, SYNC_INTERVAL_MS};
use crate::snapshot::Snapshot;
use crate::storage::StorageFile;
use crate::write::Append;
use crate::{Result, RvfError};

/// More segments than one append or compaction can number.
const COUNTER_RESERVE: u64 = 1 << 32;

/// How much lies behind the last checkpoint.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TailSize {
    /// Bytes of journals, of ids of large batches and of overlays.
    pub(crate) heap_bytes: u64,
    pub(crate) segments: u32,
    pub(crate) batches: u32,
    /// After a failed checkpoint: the size at which it is worth another attempt.
    retry_at_bytes: u64,
}

impl TailSize {
    /// True for segments whose contents a tail keeps, or may keep, on the heap.
    pub(crate) fn is_on_heap(kind: SegmentKind) -> bool {
        matches!(kind, SegmentKind::JOURNAL | SegmentKind::IDS | SegmentKind::OVERLAY)
    }

    fn is_due(&self) -> bool {
        let is_long = self.segments >= TAIL_SEGMENTS_MAX - 64 || self.batches >= TAIL_BATCHES_MAX;
        (self.heap_bytes >= TAIL_BYTES_MAX || is_long) && self.heap_bytes >= self.retry_at_bytes
    }
}

/// The one that may write: its lock, where the file ends, and what the next segment must say. There is one behind a mutex.
pub(crate) struct Writer {
    pub(crate) host: Host,
    pub(crate) path: String,
    pub(crate) file: Arc<dyn StorageFile>,
    /// Held for its lock alone, so that closing gives the lock back while snapshots still read.
    pub(crate) lock: Arc<dyn StorageFile>,
    pub(crate) snapshot: Arc<Snapshot>,
    /// How often entries are asked for, where the store has tiering.
    pub(crate) heat: Option<Arc<Heat>>,
    pub(crate) next_segment_id: SegmentId,
    pub(crate) last_timestamp_ns: u64,
    pub(crate) tail: TailSize,
    /// Rows that the manifest's tombstone segments name.
    pub(crate) stored_dead: DeadRows,
    /// The anchor slot to be written next: the one that does not hold the newest anchor.
    pub(crate) next_anchor: usize,
    pub(crate) durability: Durability,
    pub(crate) is_unsynced: bool,
    /// Bytes written since the last sync.
    pub(crate) unsynced_bytes: u64,
    pub(crate) last_sync_ns: u64,
    pub(crate) poisoned: Option<RvfError>,
}

impl Writer {
    /// An error where an earlier write has failed: what is on the disk is not known any more, only reopening finds out.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match &self.poisoned {
            None => self.check_counters(),
            Some(cause) => Err(RvfError::new(
                ErrorCode::Poisoned,
                format!("an earlier write failed ({cause}); close the store and open it again"),
            )),
        }
    }

    /// An error where the file's counters, as only a forged file has them, leave no room for what is to come.
    fn check_counters(&self) -> Result<()> {
        let highest = self.next_segment_id.max(self.snapshot.epoch).max(self.snapshot.witness_count);
        if highest < COUNTER_MAX - COUNTER_RESERVE {
            return Ok(());
        }
        Err(RvfError::new(
            ErrorCode::SegmentTooLarge,
            format!("segment numbers and epochs end at COUNTER_MAX ({COUNTER_MAX}); copy the entries to a new store"),
        ))
    }

    pub(crate) fn poison(&mut self, error: RvfError) -> RvfError {
        self.poisoned.get_or_insert_with(|| error.clone());
        error
    }

    pub(crate) fn new_append(&self) -> Append {
        Append::new(
            self.snapshot.committed_end,
            self.snapshot.salt,
            self.next_segment_id,
            self.last_timestamp_ns,
            self.is_unsynced,
        )
    }

    /// Writes an append and makes it durable as the store's durability asks.
    pub(crate) fn write_durably(&mut self, append: &Append) -> Result<()> {
        append.write(&*self.file)?;
        self.unsynced_bytes += append.end() - self.snapshot.committed_end;
        self.is_unsynced = true;
        self.sync_if_due()
    }

    /// Makes durable what was written, if the store's durability asks for it by now.
    pub(crate) fn sync_if_due(&mut self) -> Result<()> {
        let since_sync_ns = self.host.clock.monotonic_ns().saturating_sub(self.last_sync_ns);
        let is_due = match self.durability {
            _ if self.unsynced_bytes >= UNSYNCED_BYTES_MAX => true,
            Durability::Commit => true,
            Durability::Interval => since_sync_ns >= SYNC_INTERVAL_MS * 1_000_000,
            Durability::None => false,
        };
        if self.is_unsynced && is_due { self.sync() } else { Ok(()) }
    }

    /// Makes everything written so far durable. A failed fsync is never tried again: the system may have dropped the pages.
    pub(crate) fn sync(&mut self) -> Result<()> {
        if !sabotage::is("no-fsync") {
            self.file.sync().map_err(|error| RvfError::new(ErrorCode::FsyncFailed, error.message))?;
        }
        self.is_unsynced = false;
        self.unsynced_bytes = 0;
        self.last_sync_ns = self.host.clock.monotonic_ns();
        Ok(())
    }

    /// Takes over what an append that is in the file used up.
    pub(crate) fn note_appended(&mut self, append: &Append, snapshot: &mut Snapshot) {
        self.next_segment_id = append.next_segment_id();
        self.last_timestamp_ns = append.timestamp_ns();
        let entries = append.entries();
        for entry in entries {
            if TailSize::is_on_heap(entry.header.kind) {
                self.tail.heap_bytes += entry.header.payload_bytes;
            }
            self.tail.batches += u32::from(entry.header.kind == SegmentKind::VEC);
        }
        self.tail.segments += entries.len() as u32;
        snapshot.tail_segments.lock().extend_from_slice(entries);
        snapshot.tail_segment_count += entries.len();
    }

    /// A checkpoint has failed; it would again, so not every commit pays for an attempt.
    pub(crate) fn postpone_checkpoint(&mut self) {
        self.tail.retry_at_bytes = self.tail.heap_bytes + TAIL_BYTES_MAX / 8;
    }

    /// True where a checkpoint is due.
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        self.tail.is_due()
    }

    /// True where there is anything that a checkpoint would put into the base.
    pub(crate) fn has_news(&self) -> bool {
        self.snapshot.tail_segment_count > 0 || self.heat.as_ref().is_some_and(|heat| heat.has_news())
    }
}
