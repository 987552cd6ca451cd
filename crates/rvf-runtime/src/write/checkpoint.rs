use std::sync::Arc;

use rvf_manifest::{LocatedSegment, Manifest, ROOT_PAGE_BYTES, SegmentEntry};
use rvf_types::limits::{
    APPEND_BYTES_MAX, META_REWRITE_BYTES_MAX, META_SPLIT_BYTES, OVERLAY_REWRITE_BYTES_MAX, RUN_FAN_IN,
    RUN_REWRITE_BYTES_MAX, SEGMENT_SPLIT_BYTES,
};
use rvf_types::{ErrorCode, Row, SegmentFlags, SegmentKind};
use rvf_wire::{ANCHOR_OFFSETS, Anchor, IdsBuilder, MetaBuilder, id_hash};

use crate::index::{CODE_POLICY, IndexUpdate, write_index};
use crate::packed::{with_packed, write_quantisers};
use crate::runs::{
    IdRun, MergePolicy, OverlayRun, Run, RunList, RunSize, VectorRun, are_overgrown, encode_meta, encode_overlay,
    join_overlays, plan_merges,
};
use crate::segment::{CheckedSegment, RunBytes};
use crate::snapshot::{Snapshot, base_snapshot};
use crate::storage::StorageFile;
use crate::write::{Append, Part, TailSize, Writer, is_tombstones, load_base, open_segment, write_tombstones};
use crate::{Result, RvfError};

/// Vectors: large runs stay where they are.
const VECTOR_POLICY: MergePolicy =
    MergePolicy { fan_in: RUN_FAN_IN as u64, bytes_max: RUN_REWRITE_BYTES_MAX, takes_tail: false };
/// Metadata: a filter asks the columns of every run, so batches are put together.
const META_POLICY: MergePolicy =
    MergePolicy { fan_in: RUN_FAN_IN as u64, bytes_max: META_REWRITE_BYTES_MAX, takes_tail: true };
/// Rows of a run too large for a segment that are added between two looks at the size; they have 16 MiB of text at most.
const ID_STEP_ROWS: u32 = 16_384;
/// Overlays: few runs, since a look-up of metadata asks them all; what a newer one replaces goes with the merge.
const OVERLAY_POLICY: MergePolicy = MergePolicy { fan_in: 4, bytes_max: OVERLAY_REWRITE_BYTES_MAX, takes_tail: true };
/// Ids: few runs, since a look-up asks them all.
const ID_POLICY: MergePolicy = MergePolicy { fan_in: 2, bytes_max: SEGMENT_SPLIT_BYTES, takes_tail: false };

impl Writer {
    /// Puts the tail into the base: consolidated segments and manifest in one append, fsync, anchor. Only small runs are
    /// rewritten. One fsync is enough: a manifest that no anchor names yet counts only with all segments of its append.
    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        self.checkpoint_with(IndexUpdate::default())
    }

    /// A checkpoint that brings something new of the index into the base.
    pub(crate) fn checkpoint_with(&mut self, update: IndexUpdate) -> Result<()> {
        self.check_writable()?;
        if self.is_unsynced {
            let synced = self.sync();
            synced.map_err(|error| self.poison(error))?;
        }
        let mut append = self.new_append();
        append.start_transaction(self.host.clock.now_ns());
        let base = self.write_base(&mut append, update)?;
        let manifest_entry = self.write_manifest(&mut append, &base)?;
        let bytes = append.end() - self.snapshot.committed_end;
        if bytes > APPEND_BYTES_MAX {
            let message =
                format!("the checkpoint takes {bytes} bytes, more than APPEND_BYTES_MAX ({APPEND_BYTES_MAX})");
            return Err(RvfError::new(ErrorCode::SegmentTooLarge, message));
        }
        let written = self.write_checkpoint(&append, &manifest_entry.0);
        let installed = written.and_then(|()| self.install(append, base, manifest_entry));
        installed.map_err(|error| self.poison(error))
    }

    /// Lays out the runs of the new base.
    fn write_base(&self, append: &mut Append, mut update: IndexUpdate) -> Result<Vec<SegmentEntry>> {
        let snapshot = &*self.snapshot;
        let mut entries = write_vectors(snapshot, &mut update, append)?;
        entries.extend(write_runs(&snapshot.ids, ID_POLICY, append, |runs, append| {
            write_id_runs(snapshot, runs, append)
        })?);
        entries.extend(write_runs(&snapshot.meta, META_POLICY, append, |runs, append| {
            let mut builder = MetaBuilder::new(runs[0].first_row());
            for run in runs {
                run.append_to(&mut builder, |row| snapshot.is_alive(row))?;
            }
            let rows = (runs[0].first_row(), builder.row_count());
            let data = vec![Part::Owned(encode_meta(builder))];
            Ok(vec![append.segment(SegmentKind::META, SegmentFlags::MORE_FOLLOWS, data, rows)?])
        })?);
        entries.extend(write_overlays(snapshot, append)?);
        entries.extend(write_index(&snapshot.index, update, append)?);
        entries.extend(self.write_sketch(append)?);
        let new_dead = snapshot.dead.since(&self.stored_dead, Row::MAX);
        let stored = snapshot.manifest.segments.iter().filter(|entry| is_tombstones(entry)).copied().collect();
        entries.extend(write_tombstones(&*self.file, stored, new_dead, append)?);
        let is_kept =
            |entry: &&SegmentEntry| entry.header.kind == SegmentKind::WITNESS || entry.header.kind.is_opaque();
        entries.extend(snapshot.manifest.segments.iter().filter(is_kept));
        Ok(entries)
    }

    /// The counters, where there is something new, else those that are there.
    fn write_sketch(&self, append: &mut Append) -> Result<Option<SegmentEntry>> {
        let stored = self.snapshot.manifest.segments.iter().find(|entry| entry.header.kind == SegmentKind::SKETCH);
        let Some(heat) = self.heat.as_ref().filter(|heat| heat.has_news()) else { return Ok(stored.copied()) };
        let payload = vec![Part::Owned(heat.payload(&self.snapshot, self.host.clock.now_ns())?)];
        append.segment(SegmentKind::SKETCH, SegmentFlags::MORE_FOLLOWS, payload, (0, 0)).map(Some)
    }

    fn write_manifest(&self, append: &mut Append, base: &[SegmentEntry]) -> Result<(SegmentEntry, Manifest)> {
        let snapshot = &*self.snapshot;
        let old = &*snapshot.manifest;
        let old_extent = snapshot.manifest_segment.extent;
        let manifest = Manifest {
            modified_ns: append.timestamp_ns(),
            epoch: snapshot.epoch,
            vector_count: snapshot.vector_count,
            next_row: snapshot.next_row,
            next_segment_id: append.next_segment_id() + 1,
            witness_head: snapshot.witness_head,
            witness_count: snapshot.witness_count,
            dead_count: snapshot.dead.count(),
            previous_root_offset: old_extent.payload_offset + old_extent.data_bytes - ROOT_PAGE_BYTES as u64,
            compaction: old.compaction,
            segments: base.to_vec(),
            lineage: old.lineage,
            options: old.options.clone(),
            features: old.features,
            created_ns: old.created_ns,
        };
        let payload = manifest.encode(append.end(), snapshot.salt);
        let entry = append.segment(SegmentKind::MANIFEST, SegmentFlags::NONE, vec![Part::Owned(payload)], (0, 0))?;
        Ok((entry, manifest))
    }

    /// Everything is durable before the anchor says so.
    fn write_checkpoint(&mut self, append: &Append, manifest: &SegmentEntry) -> Result<()> {
        append.write(&*self.file)?;
        self.sync()?;
        let extent = manifest.extent().map_err(|error| RvfError::segment(error, manifest.offset, manifest.id()))?;
        let anchor = Anchor {
            root_offset: extent.payload_offset + extent.data_bytes - ROOT_PAGE_BYTES as u64,
            epoch: self.snapshot.epoch,
        };
        write_anchor(&*self.file, self.next_anchor, anchor, self.snapshot.salt)
    }

    /// Makes the new base the one that later commits build on.
    fn install(&mut self, append: Append, base: Vec<SegmentEntry>, written: (SegmentEntry, Manifest)) -> Result<()> {
        let (entry, manifest) = written;
        let extent = entry.extent().map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
        let old = &*self.snapshot;
        let runs = load_base(&manifest, |candidate| {
            let is_new = append.entries().iter().any(|new| new.offset == candidate.offset);
            if is_new {
                return CheckedSegment::written(Arc::clone(&self.file), *candidate).map(Arc::new);
            }
            open_segment(&self.file, Some(old), candidate)
        })?;
        debug_assert_eq!(base.len(), manifest.segments.len());
        self.stored_dead = old.dead.clone();
        if let Some(heat) = &self.heat {
            heat.note_stored();
        }
        let located = (manifest, LocatedSegment { header: entry.header, extent });
        let (file, dead) = ((&self.file, old.salt), old.dead.clone());
        self.snapshot = Arc::new(base_snapshot(file, &old.schema, located, append.end(), dead, runs));
        self.next_segment_id = append.next_segment_id();
        self.last_timestamp_ns = append.timestamp_ns();
        self.tail = TailSize::default();
        self.next_anchor = 1 - self.next_anchor;
        Ok(())
    }
}

/// Writes an anchor slot. It is not synced: a hint that is at worst old.
pub(crate) fn write_anchor(file: &dyn StorageFile, slot: usize, anchor: Anchor, salt: u32) -> Result<()> {
    let mut block = vec![0; 4096];
    let encoded = anchor.encode(salt);
    block[..encoded.len()].copy_from_slice(&encoded);
    Ok(file.write_at(ANCHOR_OFFSETS[slot], &[&block])?)
}

/// Keeps or rewrites the runs of one kind, as the policy plans it.
pub(crate) fn write_runs<T: Run>(
    runs: &RunList<T>,
    policy: MergePolicy,
    append: &mut Append,
    mut write: impl FnMut(&[Arc<T>], &mut Append) -> Result<Vec<SegmentEntry>>,
) -> Result<Vec<SegmentEntry>> {
    let first_of_tail = runs.base_len();
    let runs: Vec<Arc<T>> = runs.iter().cloned().collect();
    let sizes: Vec<RunSize> = runs
        .iter()
        .enumerate()
        .map(|(index, run)| RunSize {
            rows: u64::from(run.row_count()),
            bytes: run.bytes().len(),
            is_loose: run.bytes().is_heap() || (policy.takes_tail && index >= first_of_tail),
            is_adjacent: index == 0 || run.follows(&runs[index - 1]),
        })
        .collect();
    let mut entries = Vec::new();
    for range in plan_merges(&sizes, policy) {
        match (runs[range.clone()].first().map(|run| run.bytes()), range.len()) {
            (Some(RunBytes::Segment(segment)), 1) => entries.push(*segment.entry()),
            _ => entries.extend(write(&runs[range], append)?),
        }
    }
    Ok(entries)
}

/// Keeps or rewrites overlays as the policy plans it, or all of them where most of what they say counts no more.
fn write_overlays(snapshot: &Snapshot, append: &mut Append) -> Result<Vec<SegmentEntry>> {
    let runs: Vec<Arc<OverlayRun>> = snapshot.overlays.iter().cloned().collect();
    let is_new = runs.len() > snapshot.overlays.base_len();
    if is_new && are_overgrown(&runs, |row| snapshot.is_alive(row))? {
        return write_overlay_runs(snapshot, &runs, append);
    }
    write_runs(&snapshot.overlays, OVERLAY_POLICY, append, |runs, append| write_overlay_runs(snapshot, runs, append))
}

fn write_overlay_runs(snapshot: &Snapshot, runs: &[Arc<OverlayRun>], append: &mut Append) -> Result<Vec<SegmentEntry>> {
    let mut entries = Vec::new();
    for overlay in join_overlays(runs, |row, _| snapshot.is_alive(row), |row| row, META_SPLIT_BYTES)? {
        let rows = (overlay.first_row(), overlay.row_count());
        let data = vec![Part::Owned(encode_overlay(overlay))];
        entries.push(append.segment(SegmentKind::OVERLAY, SegmentFlags::MORE_FOLLOWS, data, rows)?);
    }
    Ok(entries)
}

/// One large batch may have more ids than go into a segment.
fn write_id_runs(snapshot: &Snapshot, runs: &[Arc<IdRun>], append: &mut Append) -> Result<Vec<SegmentEntry>> {
    let mut entries = Vec::new();
    let mut builder = IdsBuilder::new(runs[0].first_row());
    let mut first_row = runs[0].first_row();
    let mut write = |builder: IdsBuilder, first_row: Row| {
        let rows = (first_row, builder.row_count());
        let data = vec![Part::Owned(builder.finish())];
        append.segment(SegmentKind::IDS, SegmentFlags::MORE_FOLLOWS, data, rows).map(|entry| entries.push(entry))
    };
    for run in runs {
        let step_rows = if run.bytes().len() > SEGMENT_SPLIT_BYTES { ID_STEP_ROWS } else { run.row_count() };
        for start in (run.first_row()..run.end_row()).step_by(step_rows as usize) {
            let rows = start..run.end_row().min(start.saturating_add(step_rows));
            if builder.data_bytes() as u64 >= SEGMENT_SPLIT_BYTES {
                write(std::mem::replace(&mut builder, IdsBuilder::new(start)), first_row)?;
                first_row = start;
            }
            run.append_to(&mut builder, rows, |row| snapshot.is_alive(row), |id| id_hash(id, snapshot.salt))?;
        }
    }
    write(builder, first_row)?;
    Ok(entries)
}

/// Quantisers, packed rows, and rows as they were given.
fn write_vectors(snapshot: &Snapshot, update: &mut IndexUpdate, append: &mut Append) -> Result<Vec<SegmentEntry>> {
    let (packed, raw) = with_packed(&snapshot.vectors, std::mem::take(&mut update.packed))?;
    let of_runs = packed.iter().map(|run| Ok(run.quantiser()?.map(|(index, _)| index)));
    // Whatever the reason for making the index anew: damaged hot rows would break it again, and the cold ones are there.
    let is_doubtful = update.is_reset || snapshot.index.is_broken();
    let hot: Vec<_> = snapshot.hot.iter().filter(|run| !is_doubtful || run.is_whole()).collect();
    let of_hot = hot.iter().map(|run| Ok(Some(run.quantiser(run.places()?)?.0)));
    let used: Result<Vec<_>> = of_runs.chain(of_hot).collect();
    // Where a damaged run does not say, all are needed.
    let is_used = |index| used.as_ref().map_or(true, |used| used.contains(&Some(index)));
    let mut entries = write_quantisers(&snapshot.quantisers, is_used, update.quantiser.take(), append)?;
    entries.extend(write_runs(&packed, CODE_POLICY, append, write_vector_run)?);
    entries.extend(write_runs(&raw, VECTOR_POLICY, append, write_vector_run)?);
    entries.extend(hot.iter().map(|run| *run.segment().entry()));
    Ok(entries)
}

fn write_vector_run(runs: &[Arc<VectorRun>], append: &mut Append) -> Result<Vec<SegmentEntry>> {
    let (kind, flags) = runs[0].kind();
    let rows = (runs[0].first_row(), runs.iter().map(|run| run.row_count()).sum());
    let data = vec![Part::Owned(VectorRun::join_all(runs)?)];
    Ok(vec![append.segment(kind, flags, data, rows)?])
}
