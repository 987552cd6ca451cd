use std::sync::Arc;

use roaring::RoaringBitmap;
use rvf_types::limits::{META_SPLIT_BYTES, SEGMENT_SPLIT_BYTES};
use rvf_types::{Epoch, Row, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{HEAD_BYTES, IdsBuilder, MetaBuilder, id_hash};

use rvf_manifest::SegmentEntry;

use crate::control::Control;
use crate::create::sync;
use crate::read::patched_rows;
use crate::runs::{Run, encode_meta, encode_overlay, epoch_of, join_overlays};
use crate::snapshot::Snapshot;
use crate::storage::{LockOutcome, OpenMode, StorageFile};
use crate::store::RvfStore;
use crate::write::{Append, Part};
use crate::{Result, RvfError};
use rvf_types::ErrorCode;

/// Bytes of rows copied between two looks at what else the store is doing.
const CHUNK_BYTES: usize = 4 << 20;
/// The longest pause that the copy makes for commits, in milliseconds.
const PAUSE_MS_MAX: u64 = 20;

/// The file that a compaction writes.
pub(crate) struct NewFile {
    pub(super) store: RvfStore,
    pub(super) file: Arc<dyn StorageFile>,
    pub(super) lock: Arc<dyn StorageFile>,
    pub(super) append: Append,
    pub(super) entries: Vec<SegmentEntry>,
    /// Old rows that have been copied: a row's new number is its rank here.
    pub(super) copied: RoaringBitmap,
    /// First old row that no copy has looked at.
    pub(super) next_old_row: Row,
    pub(super) next_new_row: Row,
    /// Numbers that the old file's quantisers have in this one.
    pub(super) quantisers: Vec<SegmentId>,
    /// Epoch of the newest state that was copied: metadata of rows here that changed later is written once more.
    pub(super) copied_epoch: Epoch,
}

impl NewFile {
    /// Locks the new file and writes its head: the same identity as the old one.
    pub(super) fn create(
        store: &RvfStore,
        path: &str,
        file: &Arc<dyn StorageFile>,
        snapshot: &Snapshot,
    ) -> Result<NewFile> {
        let host = &store.shared.host;
        let lock = host.storage.open(path, OpenMode::ReadWrite)?;
        if lock.try_lock()? != LockOutcome::Acquired {
            return Err(RvfError::new(ErrorCode::Busy, format!("{path} is in use")));
        }
        let mut head = vec![0; HEAD_BYTES];
        snapshot.file.read_at(0, &mut head)?;
        for offset in rvf_wire::ANCHOR_OFFSETS {
            head[offset as usize..offset as usize + 4096].fill(0);
        }
        file.write_at(0, &[&head])?;
        // Numbers go on where the old file's end: one behind every segment that it may get meanwhile is taken at the swap.
        let append =
            Append::new(HEAD_BYTES as u64, snapshot.salt, next_segment_id(snapshot), host.clock.now_ns(), false);
        Ok(NewFile {
            store: store.clone(),
            file: Arc::clone(file),
            lock,
            append,
            entries: Vec::new(),
            copied: RoaringBitmap::new(),
            next_old_row: 0,
            next_new_row: 0,
            quantisers: Vec::new(),
            copied_epoch: snapshot.epoch,
        })
    }

    pub(super) fn sync(&self) -> Result<()> {
        sync(&*self.file)
    }

    /// Copies the living rows that no copy has looked at yet.
    pub(super) fn copy_new_rows(&mut self, snapshot: &Snapshot, control: &Control) -> Result<()> {
        self.copy_newer_metadata(snapshot, control)?;
        let rows: Vec<Row> =
            (self.next_old_row..snapshot.next_row).filter(|row| !snapshot.dead.contains(*row)).collect();
        self.copy_quantisers(snapshot)?;
        // Rows that come while a compaction runs are not packed.
        let tiered = if self.next_old_row == 0 { self.copy_tiers(snapshot, &rows, control)? } else { 0 };
        let mut rest = &rows[tiered..];
        while let Some(alike) = rows_kept_alike(snapshot, rest)? {
            self.copy_vectors(snapshot, alike, control)?;
            rest = &rest[alike.len()..];
        }
        self.copy_ids(snapshot, &rows)?;
        self.copy_metadata(snapshot, &rows)?;
        self.copied.append(rows.iter().copied()).map_err(|_| RvfError::internal("rows are copied in order"))?;
        self.next_old_row = snapshot.next_row;
        self.next_new_row += rows.len() as u32;
        self.copied_epoch = snapshot.epoch;
        Ok(())
    }

    /// Quantisers go along byte for byte; none is added while a compaction runs.
    fn copy_quantisers(&mut self, snapshot: &Snapshot) -> Result<()> {
        for quantiser in snapshot.quantisers.iter().skip(self.quantisers.len()) {
            let segment = quantiser.segment();
            let bytes = segment.range(0, segment.data_bytes() as usize)?.to_vec();
            let cold = if quantiser.is_cold() { SegmentFlags::COLD } else { SegmentFlags::NONE };
            let what = (SegmentKind::QUANT, SegmentFlags::MORE_FOLLOWS.with(cold));
            let entry = self.segment_of(what, vec![Part::Owned(bytes)], (0, 0))?;
            self.quantisers.push(entry.id());
        }
        Ok(())
    }

    /// Copies rows that are kept alike, and fit into a segment.
    fn copy_vectors(&mut self, snapshot: &Snapshot, rows: &[Row], control: &Control) -> Result<()> {
        let is_packed = snapshot.quantisers.layout().is_some();
        let has_rows = |kind| kind == SegmentKind::VEC || (is_packed && kind == SegmentKind::QUANT);
        let already = self.entries.iter().filter(|entry| has_rows(entry.header.kind));
        let first_row: Row = already.map(|entry| entry.row_count).sum();
        let row_count = rows.len() as u32;
        let first_run = snapshot.vector_run(rows[0])?;
        let quantiser = match first_run.quantiser()? {
            Some((index, _)) => self.quantisers.get(index).copied(),
            None => None,
        };
        let mut bytes = first_run.header(first_row, row_count, quantiser.unwrap_or_default());
        bytes.reserve_exact(rows.len() * first_run.stored_row_bytes());
        let rows_per_chunk = (CHUNK_BYTES / first_run.stored_row_bytes()).max(1);
        for chunk in rows.chunks(rows_per_chunk) {
            self.rest_between_chunks(control, chunk.len(), || {
                for row in chunk {
                    bytes.extend_from_slice(&snapshot.vector_run(*row)?.row(*row)?);
                }
                Ok(())
            })?;
        }
        self.segment_of(first_run.kind(), vec![Part::Owned(bytes)], (first_row, row_count)).map(drop)
    }

    /// Does one step of the copy, of so many rows, unless nobody wants it any more, and rests.
    pub(super) fn rest_between_chunks(
        &self,
        control: &Control,
        rows: usize,
        step: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        control.check()?;
        // Nobody waits for the compaction of a closed store.
        self.store.current()?;
        let started_ns = self.store.shared.host.clock.monotonic_ns();
        step()?;
        control.add_done(rows as u64);
        self.pause(started_ns);
        Ok(())
    }

    /// The I/O budget: the copy rests for as long as its last step took, so that commits and queries get their half.
    fn pause(&self, started_ns: u64) {
        let clock = &self.store.shared.host.clock;
        let took_ms = clock.monotonic_ns().saturating_sub(started_ns) / 1_000_000;
        clock.sleep_ms(took_ms.min(PAUSE_MS_MAX));
    }

    fn copy_ids(&mut self, snapshot: &Snapshot, rows: &[Row]) -> Result<()> {
        let mut first_row = self.next_new_row;
        let mut builder = IdsBuilder::new(first_row);
        let mut epochs: Vec<(Row, u64)> = Vec::new();
        let mut epochs_of = None;
        let patched = patched_rows(snapshot, 0)?;
        for row in rows {
            let Some(run) = snapshot.ids.find(*row) else {
                return Err(RvfError::internal(format!("row {row} has no id")));
            };
            if epochs_of != Some(run.first_row()) {
                epochs = run.epoch_ranges()?;
                epochs_of = Some(run.first_row());
            }
            let stored = epoch_of(&epochs, *row);
            // Its metadata goes with it, and so does the epoch that changed it last.
            let epoch = patched.get(row).map_or(stored, |patched| stored.max(*patched));
            let id = run.id(*row)?;
            builder.push(Some((id_hash(&id, snapshot.salt), &id)), epoch);
            if builder.data_bytes() as u64 >= SEGMENT_SPLIT_BYTES {
                let row_count = builder.row_count();
                self.segment(SegmentKind::IDS, builder.finish(), (first_row, row_count))?;
                first_row += row_count;
                builder = IdsBuilder::new(first_row);
            }
        }
        let row_count = builder.row_count();
        if row_count == 0 {
            return Ok(());
        }
        self.segment(SegmentKind::IDS, builder.finish(), (first_row, row_count)).map(drop)
    }

    fn copy_metadata(&mut self, snapshot: &Snapshot, rows: &[Row]) -> Result<()> {
        let mut first_row = self.next_new_row;
        let mut builder = MetaBuilder::new(first_row);
        for row in rows {
            let text = snapshot.metadata(*row)?;
            builder.push(text.as_deref().unwrap_or_default());
            if builder.data_bytes() as u64 >= META_SPLIT_BYTES {
                let row_count = builder.row_count();
                self.segment(SegmentKind::META, encode_meta(builder), (first_row, row_count))?;
                first_row += row_count;
                builder = MetaBuilder::new(first_row);
            }
        }
        let row_count = builder.row_count();
        if builder.is_blank() {
            return Ok(());
        }
        self.segment(SegmentKind::META, encode_meta(builder), (first_row, row_count)).map(drop)
    }

    /// Writes the metadata that copied rows got since, as overlays.
    fn copy_newer_metadata(&mut self, snapshot: &Snapshot, control: &Control) -> Result<()> {
        let runs: Vec<_> = snapshot.overlays.iter().cloned().collect();
        let is_newer = |row, epoch| epoch > self.copied_epoch && self.copied.contains(row) && snapshot.is_alive(row);
        for overlay in join_overlays(&runs, is_newer, |row| self.new_row(row), META_SPLIT_BYTES)? {
            control.check()?;
            let rows = (overlay.first_row(), overlay.row_count());
            self.segment(SegmentKind::OVERLAY, encode_overlay(overlay), rows)?;
        }
        Ok(())
    }

    /// The number that a copied row has in the new file.
    fn new_row(&self, row: Row) -> Row {
        self.copied.rank(row) as Row - 1
    }

    /// Adds a segment and writes it at once; nobody reads this file yet.
    pub(super) fn segment(&mut self, kind: SegmentKind, bytes: Vec<u8>, rows: (Row, u32)) -> Result<SegmentEntry> {
        self.segment_of((kind, SegmentFlags::MORE_FOLLOWS), vec![Part::Owned(bytes)], rows)
    }

    /// As [`NewFile::segment`], from several parts, with flags.
    pub(super) fn segment_of(
        &mut self,
        (kind, flags): (SegmentKind, SegmentFlags),
        parts: Vec<Part>,
        rows: (Row, u32),
    ) -> Result<SegmentEntry> {
        let entry = self.append.segment(kind, flags, parts, rows)?;
        self.entries.push(entry);
        self.append.flush(&*self.file)?;
        Ok(entry)
    }
}

/// The first rows of a list that are kept alike and fit into a segment; `None` at its end.
fn rows_kept_alike<'r>(snapshot: &Snapshot, rows: &'r [Row]) -> Result<Option<&'r [Row]>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let place = |row: Row| Ok::<_, RvfError>(snapshot.vector_run(row)?.quantiser()?.map(|(index, _)| index));
    let first_place = place(*first)?;
    let rows_max = (SEGMENT_SPLIT_BYTES as usize / snapshot.vector_run(*first)?.stored_row_bytes()).max(1);
    let mut count = 0;
    while count < rows.len().min(rows_max) && place(rows[count])? == first_place {
        count += 1;
    }
    Ok(Some(&rows[..count]))
}

fn next_segment_id(snapshot: &Snapshot) -> u64 {
    let newest = snapshot.segments().into_iter().map(|entry| entry.id()).max();
    newest.unwrap_or(1) + 1
}
