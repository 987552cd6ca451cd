use std::sync::Arc;

use rvf_crypto::WitnessEntry;
use rvf_manifest::{SegmentEntry, Transaction};
use rvf_types::{Epoch, ErrorCode, Row, SegmentKind};
use rvf_wire::{IdsBuilder, Journal, MetaBuilder, Operation, Upsert, id_hash};

use crate::segment::{CheckedSegment, RunBytes};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// What one transaction changes: its rows, on the heap or in segments, and the rows it kills. Committing and replaying
/// both end here.
pub(crate) struct Applied {
    pub(crate) epoch: Epoch,
    pub(crate) row_count: u32,
    pub(crate) killed: Vec<Row>,
    pub(crate) heap_vectors: Vec<u8>,
    pub(crate) vectors: Vec<SegmentEntry>,
    pub(crate) ids: Option<IdsBuilder>,
    pub(crate) meta: Option<MetaBuilder>,
    pub(crate) stored_meta: Vec<SegmentEntry>,
    /// Newer metadata of rows that are there already.
    pub(crate) overlays: Vec<SegmentEntry>,
    /// The payload of a small overlay, which a commit keeps on the heap: others of its group may read it before it is
    /// written.
    pub(crate) heap_overlay: Option<Vec<u8>>,
    /// IDS segments of the transaction. A commit keeps their rows in `ids` as well, since look-ups must not wait for the
    /// write, and leaves this empty; a replay uses them where they lie.
    pub(crate) stored_ids: Vec<SegmentEntry>,
    /// IDS segments that a commit has laid out, and their rows.
    pub(crate) id_segments: usize,
    pub(crate) id_rows: u32,
    pub(crate) meta_rows: u32,
    pub(crate) journal_bytes: u64,
    pub(crate) witness_head: [u8; 32],
}

impl Applied {
    pub(crate) fn new(epoch: Epoch) -> Applied {
        Applied {
            epoch,
            row_count: 0,
            killed: Vec::new(),
            heap_vectors: Vec::new(),
            vectors: Vec::new(),
            ids: None,
            meta: None,
            stored_meta: Vec::new(),
            overlays: Vec::new(),
            heap_overlay: None,
            stored_ids: Vec::new(),
            id_segments: 0,
            id_rows: 0,
            meta_rows: 0,
            journal_bytes: 0,
            witness_head: [0; 32],
        }
    }

    /// True where the rows are on the heap, or there are none.
    pub(super) fn is_small(&self) -> bool {
        self.vectors.is_empty()
    }
}

/// Applies a commit found in the file.
pub(crate) fn replay_journal(snapshot: &Snapshot, transaction: &Transaction) -> Result<Applied> {
    let Some((last, in_front)) = transaction.segments.split_last() else {
        return Err(RvfError::internal("a transaction without segments"));
    };
    let at = |error| RvfError::segment(error, last.extent.offset, last.header.id);
    let journal = Journal::decode(&transaction.last_payload).map_err(at)?;
    let mut applied = Applied::new(journal.epoch);
    applied.witness_head =
        WitnessEntry::decode(&journal.witness).map_err(|_| at(rvf_wire::WireError::Invalid("witness entry")))?.hash();
    applied.journal_bytes = transaction.last_payload.len() as u64;
    let invalid = || at(rvf_wire::WireError::Invalid("the rows of a commit"));
    if journal.first_row != snapshot.next_row {
        return Err(invalid());
    }
    let mut ids = IdsBuilder::new(journal.first_row);
    let mut meta = MetaBuilder::new(journal.first_row);
    for operation in journal.operations(snapshot.row_bytes()) {
        match operation.map_err(at)? {
            Operation::Upsert(upsert) => replay_upsert(snapshot, &upsert, &mut applied, &mut ids, &mut meta)?,
            Operation::Kill { row, .. } => applied.killed.push(row),
            Operation::Adopt { segments } => {
                // Once: the same rows twice would be in the store twice.
                let is_first = applied.is_small() && applied.overlays.is_empty() && applied.killed.is_empty();
                if segments as usize != in_front.len() || !is_first {
                    return Err(invalid());
                }
                adopt(snapshot, in_front, &mut applied, journal.row_count)?;
            }
        }
    }
    if applied.row_count != journal.row_count || (!applied.is_small() && ids.row_count() > 0) {
        return Err(invalid());
    }
    if applied.is_small() {
        applied.ids = Some(ids);
        applied.meta = Some(meta);
    }
    Ok(applied)
}

fn replay_upsert(
    snapshot: &Snapshot,
    upsert: &Upsert<'_>,
    applied: &mut Applied,
    ids: &mut IdsBuilder,
    meta: &mut MetaBuilder,
) -> Result<()> {
    if std::str::from_utf8(upsert.id).is_err() {
        return Err(RvfError::new(ErrorCode::InvalidManifest, "a commit holds an id that is not UTF-8"));
    }
    ids.push(Some((id_hash(upsert.id, snapshot.salt), upsert.id)), applied.epoch);
    meta.push(upsert.metadata.unwrap_or_default());
    applied.heap_vectors.extend_from_slice(upsert.vector);
    applied.killed.extend(upsert.replaced);
    applied.row_count += 1;
    Ok(())
}

/// Takes over rows that lie in the transaction's other segments, whose headers say which rows they hold.
fn adopt(
    snapshot: &Snapshot,
    segments: &[rvf_manifest::LocatedSegment],
    applied: &mut Applied,
    row_count: u32,
) -> Result<()> {
    let first_row = snapshot.next_row;
    let (mut vector_row, mut id_row, mut meta_row) = (first_row, first_row, first_row);
    for located in segments {
        let entry = SegmentEntry { offset: located.extent.offset, header: located.header, first_row: 0, row_count: 0 };
        let probe = RunBytes::Segment(Arc::new(CheckedSegment::new(Arc::clone(&snapshot.file), entry)?));
        let damaged =
            || RvfError::segment(rvf_wire::WireError::Invalid("rows of a segment"), entry.offset, entry.header.id);
        let at = if located.header.kind == SegmentKind::VEC { 12 } else { 0 };
        let (first, count) = (probe.read_u32(at)?, probe.read_u32(at + 4)?);
        if located.header.kind == SegmentKind::OVERLAY {
            // Rows of the state before, never together with rows of the commit's own.
            if count == 0 || row_count > 0 {
                return Err(damaged());
            }
            applied.overlays.push(SegmentEntry { first_row: first, row_count: count, ..entry });
            continue;
        }
        let next = match located.header.kind {
            SegmentKind::VEC => &mut vector_row,
            SegmentKind::IDS => &mut id_row,
            SegmentKind::META => &mut meta_row,
            _ => return Err(damaged()),
        };
        let behind = first.checked_add(count).ok_or_else(damaged)?;
        let is_gap = if located.header.kind == SegmentKind::META { first < *next } else { first != *next };
        if is_gap || count == 0 || behind - first_row > row_count {
            return Err(damaged());
        }
        *next = behind;
        let entry = SegmentEntry { first_row: first, row_count: count, ..entry };
        match located.header.kind {
            SegmentKind::VEC => applied.vectors.push(entry),
            SegmentKind::META => applied.stored_meta.push(entry),
            _ => applied.stored_ids.push(entry),
        }
    }
    if vector_row - first_row != row_count || id_row - first_row != row_count {
        return Err(RvfError::new(ErrorCode::InvalidManifest, "a commit's segments do not hold all of its rows"));
    }
    applied.row_count = row_count;
    Ok(())
}
