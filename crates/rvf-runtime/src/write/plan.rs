use roaring::RoaringBitmap;
use rvf_types::{ErrorCode, Row};
use rvf_wire::id_hash;

use crate::write::{Batch, Group, OnDuplicate};
use crate::{Result, RvfError};

/// What becomes of a batch's entries.
pub(super) struct IngestPlan {
    /// Entries that get rows, in order.
    pub(super) kept: Vec<Kept>,
    /// Entries that `OnDuplicate::Skip` passes over, ascending.
    pub(super) skipped: Vec<u32>,
}

/// An entry that gets a row.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub(super) index: u32,
    pub(super) hash: u64,
    pub(super) replaced: Option<Row>,
}

/// Looks up every id, among the batch's own entries and in the store. Rows in `deleted` go with the same commit, so their
/// ids count as free.
pub(super) fn plan_ingest(
    group: &Group,
    batch: &Batch,
    on_duplicate: OnDuplicate,
    deleted: &RoaringBitmap,
) -> Result<IngestPlan> {
    let mut by_hash: Vec<(u64, u32)> =
        batch.ids.iter().enumerate().map(|(index, id)| (id_hash(id, group.snapshot().salt), index as u32)).collect();
    // In hash order the look-ups walk through each run's table from front to back.
    by_hash.sort_unstable();
    let mut plan = IngestPlan { kept: Vec::with_capacity(by_hash.len()), skipped: Vec::new() };
    let mut start = 0;
    while start < by_hash.len() {
        let hash = by_hash[start].0;
        let end = start + by_hash[start..].iter().take_while(|(other, _)| *other == hash).count();
        // Entries of one id stand together, in their order.
        by_hash[start..end].sort_unstable_by_key(|(_, index)| (batch.ids.get(*index as usize), *index));
        plan_equal_hashes(group, batch, (on_duplicate, deleted), &by_hash[start..end], &mut plan)?;
        start = end;
    }
    plan.kept.sort_unstable_by_key(|kept| kept.index);
    plan.skipped.sort_unstable();
    Ok(plan)
}

/// Plans entries of one hash: nearly always a single one, else entries of one id, else a collision.
fn plan_equal_hashes(
    group: &Group,
    batch: &Batch,
    (on_duplicate, deleted): (OnDuplicate, &RoaringBitmap),
    entries: &[(u64, u32)],
    plan: &mut IngestPlan,
) -> Result<()> {
    for (position, (hash, index)) in entries.iter().enumerate() {
        let id = batch.ids.get(*index as usize);
        let is_same = |other: &(u64, u32)| batch.ids.get(other.1 as usize) == id;
        let comes_later = entries.get(position + 1).is_some_and(is_same);
        let came_before = position > 0 && is_same(&entries[position - 1]);
        let stored = group.find(*hash, id)?;
        let is_duplicate = stored.is_some_and(|row| !deleted.contains(row)) || came_before;
        match on_duplicate {
            OnDuplicate::Replace if comes_later => continue,
            OnDuplicate::Error if is_duplicate => {
                return Err(RvfError::new(
                    ErrorCode::AlreadyExists,
                    format!(
                        "ids[{index}] ({:?}) is stored already; use onDuplicate 'replace' or 'skip'",
                        String::from_utf8_lossy(id)
                    ),
                ));
            }
            OnDuplicate::Skip if is_duplicate => plan.skipped.push(*index),
            _ => plan.kept.push(Kept { index: *index, hash: *hash, replaced: stored }),
        }
    }
    Ok(())
}
