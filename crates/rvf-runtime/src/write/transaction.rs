use std::sync::Arc;

use roaring::RoaringBitmap;
use rvf_crypto::{WitnessEntry, WitnessKind};
use rvf_manifest::witness_summary;
use rvf_types::limits::{FINAL_FORM_FROM_BYTES, META_SPLIT_BYTES, ROWS_MAX, SEGMENT_SPLIT_BYTES};
use rvf_types::{Epoch, ErrorCode, Row, SegmentFlags, SegmentKind};
use rvf_wire::{IdsBuilder, JournalBuilder, MetaBuilder, OverlayBuilder, Upsert, VEC_HEADER_BYTES, VecHeader};

use crate::runs::{encode_meta, encode_overlay};
use crate::snapshot::Snapshot;
use crate::write::plan::{IngestPlan, Kept};
use crate::write::{Append, Applied, Batch, Part};
use crate::{Result, RvfError};

/// Lays a batch, and the deletion of rows, out as one transaction and says what it changes.
pub(super) fn write_ingest(
    snapshot: &Snapshot,
    append: &mut Append,
    batch: &Arc<Batch>,
    plan: &IngestPlan,
    deleted: &RoaringBitmap,
) -> Result<Applied> {
    let row_count = plan.kept.len() as u32;
    if u64::from(snapshot.next_row) + u64::from(row_count) > u64::from(ROWS_MAX) {
        return Err(RvfError::new(
            ErrorCode::SegmentTooLarge,
            format!(
                "the store has given out {} rows of ROWS_MAX ({ROWS_MAX}); compact() frees dead ones",
                snapshot.next_row
            ),
        ));
    }
    let epoch = snapshot.epoch + 1;
    let mut ids = IdsBuilder::new(snapshot.next_row);
    let mut meta = MetaBuilder::new(snapshot.next_row);
    let is_final_form = !plan.kept.is_empty() && batch.data_bytes() >= FINAL_FORM_FROM_BYTES;
    let mut applied = Applied::new(epoch);
    if is_final_form {
        applied.vectors = write_vectors(snapshot, append, batch, &plan.kept)?;
        write_ids_and_metadata(snapshot, append, batch, &plan.kept, &mut applied)?;
    }
    let in_front = append_segments_since(append, &applied);
    // A little more than each operation's own header takes.
    let operations_bytes =
        plan.kept.len() * 16 + deleted.len() as usize * 8 + if is_final_form { 0 } else { batch.data_bytes() };
    let mut journal = JournalBuilder::new(snapshot.next_row, operations_bytes);
    if is_final_form {
        journal.adopt(in_front.len() as u32, row_count);
    }
    for kept in &plan.kept {
        let index = kept.index as usize;
        let metadata = metadata_of(batch, index);
        if is_final_form {
            if let Some(row) = kept.replaced {
                journal.kill(row, true);
            }
        } else {
            journal.upsert(&Upsert {
                id: batch.ids.get(index),
                vector: vector_of(batch, index, snapshot.row_bytes()),
                metadata: (!metadata.is_empty()).then_some(metadata),
                replaced: kept.replaced,
            });
            meta.push(metadata);
        }
        ids.push(Some((kept.hash, batch.ids.get(index))), epoch);
        applied.killed.extend(kept.replaced);
    }
    let replaced: RoaringBitmap = applied.killed.iter().copied().collect();
    let rest = deleted - &replaced;
    for row in &rest {
        journal.kill(row, false);
    }
    applied.killed.extend(&rest);
    applied.row_count = row_count;
    applied.ids = Some(ids);
    if !is_final_form {
        applied.heap_vectors = gather(batch, &plan.kept, snapshot.row_bytes());
        applied.meta = Some(meta);
    }
    write_journal(snapshot, append, journal, (u64::from(row_count), rest.len()), &in_front, &mut applied)?;
    Ok(applied)
}

/// Lays out the deletion of rows as one transaction.
pub(super) fn write_delete(snapshot: &Snapshot, append: &mut Append, rows: Vec<Row>) -> Result<Applied> {
    let mut journal = JournalBuilder::new(snapshot.next_row, rows.len() * 8);
    for row in &rows {
        journal.kill(*row, false);
    }
    let mut applied = Applied::new(snapshot.epoch + 1);
    let counts = (0, rows.len() as u64);
    applied.killed = rows;
    write_journal(snapshot, append, journal, counts, &[], &mut applied)?;
    Ok(applied)
}

/// Lays newer metadata of rows, in ascending order, out as one transaction.
pub(super) fn write_update(snapshot: &Snapshot, append: &mut Append, texts: &[(Row, Vec<u8>)]) -> Result<Applied> {
    let mut applied = Applied::new(snapshot.epoch + 1);
    let mut texts = texts.iter().peekable();
    while let Some((first_row, _)) = texts.peek() {
        let mut overlay = OverlayBuilder::new(*first_row);
        while let Some((row, text)) = texts.next_if(|_| (overlay.data_bytes() as u64) < META_SPLIT_BYTES) {
            overlay.push(*row, applied.epoch, text);
        }
        let rows = (overlay.first_row(), overlay.row_count());
        let payload = encode_overlay(overlay);
        let is_small = payload.len() < FINAL_FORM_FROM_BYTES;
        if is_small && applied.overlays.is_empty() {
            applied.heap_overlay = Some(payload.clone());
        }
        let data = vec![Part::Owned(payload)];
        applied.overlays.push(append.segment(SegmentKind::OVERLAY, SegmentFlags::MORE_FOLLOWS, data, rows)?);
    }
    let in_front = append_segments_since(append, &applied);
    let mut journal = JournalBuilder::new(snapshot.next_row, 16);
    journal.adopt(in_front.len() as u32, 0);
    write_journal(snapshot, append, journal, (0, 0), &in_front, &mut applied)?;
    Ok(applied)
}

fn metadata_of(batch: &Batch, index: usize) -> &[u8] {
    batch.metadata.as_ref().map_or(&[], |texts| texts.get(index))
}

fn vector_of(batch: &Batch, index: usize, row_bytes: usize) -> &[u8] {
    &batch.vectors[index * row_bytes..(index + 1) * row_bytes]
}

fn gather(batch: &Batch, kept: &[Kept], row_bytes: usize) -> Vec<u8> {
    let mut rows = Vec::with_capacity(kept.len() * row_bytes);
    for kept in kept {
        rows.extend_from_slice(vector_of(batch, kept.index as usize, row_bytes));
    }
    rows
}

/// Content hashes of the segments this transaction has laid out so far.
fn append_segments_since(append: &Append, applied: &Applied) -> Vec<[u8; 16]> {
    let count = applied.vectors.len() + applied.id_segments + applied.stored_meta.len() + applied.overlays.len();
    let entries = append.entries();
    entries[entries.len() - count..].iter().map(|entry| entry.header.content_hash).collect()
}

fn write_vectors(
    snapshot: &Snapshot,
    append: &mut Append,
    batch: &Arc<Batch>,
    kept: &[Kept],
) -> Result<Vec<rvf_manifest::SegmentEntry>> {
    let row_bytes = snapshot.row_bytes();
    let rows_per_segment = ((SEGMENT_SPLIT_BYTES as usize - VEC_HEADER_BYTES) / row_bytes).max(1);
    let is_whole_batch = kept.len() == batch.len();
    let mut first_row = snapshot.next_row;
    let mut entries = Vec::new();
    for (chunk_index, chunk) in kept.chunks(rows_per_segment).enumerate() {
        let header = VecHeader { first_row, row_count: chunk.len() as u32, ..snapshot.shape() };
        let rows = if is_whole_batch {
            let start = chunk_index * rows_per_segment * row_bytes;
            Part::Vectors(Arc::clone(batch), start..start + chunk.len() * row_bytes)
        } else {
            Part::Owned(gather(batch, chunk, row_bytes))
        };
        let data = vec![Part::Owned(header.encode().to_vec()), rows];
        entries.push(append.segment(
            SegmentKind::VEC,
            SegmentFlags::MORE_FOLLOWS,
            data,
            (first_row, header.row_count),
        )?);
        first_row += header.row_count;
    }
    Ok(entries)
}

fn write_ids_and_metadata(
    snapshot: &Snapshot,
    append: &mut Append,
    batch: &Batch,
    kept: &[Kept],
    applied: &mut Applied,
) -> Result<()> {
    let mut ids = IdsBuilder::new(snapshot.next_row);
    let mut meta = MetaBuilder::new(snapshot.next_row);
    for kept in kept {
        let index = kept.index as usize;
        if ids.data_bytes() as u64 >= SEGMENT_SPLIT_BYTES {
            let behind = snapshot.next_row + applied.id_rows;
            let next = IdsBuilder::new(behind + ids.row_count());
            let full = std::mem::replace(&mut ids, next);
            write_ids(append, full, applied, behind)?;
        }
        if meta.data_bytes() as u64 >= META_SPLIT_BYTES {
            let behind = snapshot.next_row + applied.meta_rows;
            let next = MetaBuilder::new(behind + meta.row_count());
            let full = std::mem::replace(&mut meta, next);
            write_meta(append, full, applied, behind)?;
        }
        ids.push(Some((kept.hash, batch.ids.get(index))), applied.epoch);
        meta.push(metadata_of(batch, index));
    }
    let (ids_first, meta_first) = (snapshot.next_row + applied.id_rows, snapshot.next_row + applied.meta_rows);
    write_ids(append, ids, applied, ids_first)?;
    write_meta(append, meta, applied, meta_first)
}

fn write_ids(append: &mut Append, ids: IdsBuilder, applied: &mut Applied, first_row: Row) -> Result<()> {
    let row_count = ids.row_count();
    let data = vec![Part::Owned(ids.finish())];
    append.segment(SegmentKind::IDS, SegmentFlags::MORE_FOLLOWS, data, (first_row, row_count))?;
    applied.id_segments += 1;
    applied.id_rows += row_count;
    Ok(())
}

fn write_meta(append: &mut Append, meta: MetaBuilder, applied: &mut Applied, first_row: Row) -> Result<()> {
    let row_count = meta.row_count();
    applied.meta_rows += row_count;
    if meta.is_blank() {
        return Ok(());
    }
    let data = vec![Part::Owned(encode_meta(meta))];
    let entry = append.segment(SegmentKind::META, SegmentFlags::MORE_FOLLOWS, data, (first_row, row_count))?;
    applied.stored_meta.push(entry);
    Ok(())
}

fn write_journal(
    snapshot: &Snapshot,
    append: &mut Append,
    journal: JournalBuilder,
    (upserts, deletes): (u64, u64),
    in_front: &[[u8; 16]],
    applied: &mut Applied,
) -> Result<()> {
    let epoch: Epoch = applied.epoch;
    let timestamp_ns = append.timestamp_ns();
    let mut witness_head = [0; 32];
    let payload = journal.finish(epoch, |operations_hash| {
        let entry = WitnessEntry {
            previous_hash: snapshot.witness_head,
            action_hash: witness_summary(epoch, upserts, deletes, in_front.iter().copied(), operations_hash),
            timestamp_ns,
            kind: WitnessKind::PROVENANCE,
        };
        witness_head = entry.hash();
        entry.encode()
    });
    applied.journal_bytes = payload.len() as u64;
    applied.witness_head = witness_head;
    let rows = (snapshot.next_row, applied.row_count);
    append.segment(SegmentKind::JOURNAL, SegmentFlags::NONE, vec![Part::Owned(payload)], rows)?;
    Ok(())
}
