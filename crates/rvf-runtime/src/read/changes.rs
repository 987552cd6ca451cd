use std::collections::BTreeMap;

use rvf_types::{Epoch, ErrorCode, Row};

use crate::history::state_at;
use crate::read::page::{Filling, RowPage, page};
use crate::runs::{Run, epoch_of, newest_texts};
use crate::snapshot::Snapshot;
use crate::store::RvfStore;
use crate::{Result, RvfError};

/// What became of entries since an earlier state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Entries that were stored or changed since, by the epoch of their last change, those of one epoch by row.
    pub page: RowPage,
    /// Epoch of each entry's last change.
    pub epochs: Vec<Epoch>,
    /// On the last page: ids that were stored then and are not now.
    pub deleted: Vec<String>,
    /// The state that the pages together are the way to: that of the first page. What comes later comes with the changes
    /// since it.
    pub epoch: Epoch,
    /// Where the next page starts, `None` on the last.
    pub next: Option<ChangesPosition>,
}

/// Where a page of changes ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesPosition {
    /// The state of the first page.
    pub until: Epoch,
    /// Epoch and row of the last entry.
    pub last: (Epoch, Row),
    /// Numbering of the rows that this row is one of; a compaction starts another.
    pub generation: u64,
}

impl RvfStore {
    /// What was stored, changed or deleted after epoch `since`: the difference of two states, so an entry that changed
    /// often comes once, and one that came and went not at all. At most `limit` entries, behind those of the pages before.
    pub fn changes(
        &self,
        since: Epoch,
        after: Option<ChangesPosition>,
        limit: usize,
        with_vectors: bool,
    ) -> Result<Changes> {
        if limit == 0 {
            return Err(RvfError::input("limit is 0, a page of changes has at least one entry"));
        }
        let snapshot = self.current()?;
        let generation = snapshot.manifest.compaction.count;
        if after.is_some_and(|position| position.generation != generation) {
            return Err(RvfError::input(
                "the cursor is from before a compaction, which gave the entries new places; ask for the first page again",
            ));
        }
        let until = after.map_or(snapshot.epoch, |position| position.until.min(snapshot.epoch));
        let earlier = Earlier::find(&snapshot, since)?;
        let mut changed = changed_rows(&snapshot, since, earlier.next_row)?;
        changed.retain(|(epoch, _)| *epoch <= until);
        changed.sort_unstable();
        let start = after.map_or(0, |position| changed.partition_point(|entry| *entry <= position.last));
        let mut filling = Filling::new(&snapshot, limit, with_vectors);
        for (_, row) in &changed[start..] {
            if !filling.add(*row)? {
                break;
            }
        }
        let taken = &changed[start..start + filling.rows.len()];
        let is_last = filling.next.is_none();
        let last = if is_last { None } else { taken.last().copied() };
        Ok(Changes {
            page: page(&snapshot, &filling.rows, Vec::new(), with_vectors, None)?,
            epochs: taken.iter().map(|(epoch, _)| *epoch).collect(),
            deleted: if is_last { earlier.gone_from(&snapshot)? } else { Vec::new() },
            epoch: until,
            next: last.map(|last| ChangesPosition { until, last, generation }),
        })
    }
}

/// The state that changes are told from.
struct Earlier {
    next_row: Row,
    /// `None` for the state without any entries.
    snapshot: Option<Snapshot>,
}

impl Earlier {
    fn find(now: &Snapshot, since: Epoch) -> Result<Earlier> {
        if since > now.epoch {
            return Err(RvfError::input(format!("sinceEpoch is {since}, the store is at epoch {}", now.epoch)));
        }
        // Every store has begun empty, whatever a compaction has dropped since.
        if since == 0 {
            return Ok(Earlier { next_row: 0, snapshot: None });
        }
        match state_at(now, since)? {
            Some(snapshot) => Ok(Earlier { next_row: snapshot.next_row, snapshot: Some(snapshot) }),
            None => Err(RvfError::new(
                ErrorCode::GenerationStale,
                format!(
                    "a compaction has dropped what was before epoch {}, and with it what changed since {since}; take the \
                     epoch of status(), then list everything, and go on from that epoch",
                    now.manifest.compaction.epoch
                ),
            )),
        }
    }

    /// Ids that this state has and the later one has not.
    fn gone_from(&self, now: &Snapshot) -> Result<Vec<String>> {
        let Some(earlier) = &self.snapshot else { return Ok(Vec::new()) };
        let mut gone = Vec::new();
        for row in now.dead.since(&earlier.dead, earlier.next_row) {
            let id = earlier.id(row)?;
            if now.find(id.as_bytes())?.is_none() {
                gone.push(id);
            }
        }
        Ok(gone)
    }
}

/// Living rows that were given out from `first_new` on, or whose metadata changed after `since`.
fn changed_rows(now: &Snapshot, since: Epoch, first_new: Row) -> Result<Vec<(Epoch, Row)>> {
    let mut patched = patched_rows(now, since)?;
    let mut changed = Vec::new();
    for run in now.ids.iter().filter(|run| run.end_row() > first_new) {
        let ranges = run.epoch_ranges()?;
        for row in run.first_row().max(first_new)..run.end_row() {
            if now.dead.contains(row) {
                continue;
            }
            let stored = epoch_of(&ranges, row);
            changed.push((patched.remove(&row).unwrap_or(0).max(stored), row));
        }
    }
    changed.extend(patched.into_iter().map(|(row, epoch)| (epoch, row)));
    Ok(changed)
}

/// Living rows whose metadata changed after `since`, and when it did.
pub(crate) fn patched_rows(now: &Snapshot, since: Epoch) -> Result<BTreeMap<Row, Epoch>> {
    let newest = newest_texts(now.overlays.iter())?.into_iter().map(|(row, text)| (row, text.epoch));
    Ok(newest.filter(|(row, epoch)| *epoch > since && now.is_alive(*row)).collect())
}
