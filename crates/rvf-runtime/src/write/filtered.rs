//! Changes that a filter chooses the rows of.

use std::sync::Arc;

use roaring::RoaringBitmap;
use rvf_filter::{Expression, merge_patch};
use rvf_types::limits::BATCH_BYTES_MAX;
use rvf_types::{ErrorCode, Row};
use rvf_wire::id_hash;

use crate::control::Deadline;
use crate::read::Matching;
use crate::snapshot::Snapshot;
use crate::write::batch::check_metadata;
use crate::write::commit::{check_deletions, finish_delete, finish_ingest};
use crate::write::plan::plan_ingest;
use crate::write::transaction::write_update;
use crate::write::{Append, Applied, Batch, Group, OnDuplicate, Outcome, ReplaceOutcome, Target, UpdateOutcome};
use crate::{Result, RvfError};

type Planned = Result<(Option<Applied>, Outcome)>;

/// Rows that fit in the state which the group has reached.
fn fitting_rows(group: &mut Group, filter: &Expression, deadline: &Deadline<'_>) -> Result<RoaringBitmap> {
    group.make_runs()?;
    Matching::new(group.snapshot(), filter, deadline)?.rows()
}

pub(super) fn plan_delete_where(
    group: &mut Group,
    append: &mut Append,
    filter: &Expression,
    deadline: &Deadline<'_>,
) -> Planned {
    let rows = fitting_rows(group, filter, deadline)?;
    finish_delete(group, append, rows.into_iter().collect())
}

pub(super) fn plan_replace(
    group: &mut Group,
    append: &mut Append,
    filter: &Expression,
    (batch, on_duplicate): (&Arc<Batch>, OnDuplicate),
    deadline: &Deadline<'_>,
) -> Planned {
    let rows = fitting_rows(group, filter, deadline)?;
    check_deletions(rows.len())?;
    let plan = plan_ingest(group, batch, on_duplicate, &rows)?;
    let (applied, ingest) = finish_ingest(group, append, batch, plan, &rows)?;
    Ok((applied, Outcome::Replace(ReplaceOutcome { deleted: rows.len(), ingest })))
}

pub(super) fn plan_update(
    group: &mut Group,
    append: &mut Append,
    (target, patch): (&Target, &[u8]),
    deadline: &Deadline<'_>,
) -> Planned {
    let rows = match target {
        Target::Where(filter) => fitting_rows(group, filter, deadline)?,
        Target::Ids(ids) => {
            group.make_runs()?;
            let snapshot = group.snapshot();
            let found = ids.iter().map(|id| group.find(id_hash(id, snapshot.salt), id));
            found.filter_map(Result::transpose).collect::<Result<_>>()?
        }
    };
    let snapshot = group.snapshot();
    let mut texts: Vec<(Row, Vec<u8>)> = Vec::new();
    let mut text_bytes = 0;
    for row in rows {
        deadline.check()?;
        let before = snapshot.metadata(row)?;
        let before = before.as_deref().unwrap_or_default();
        let after = merge_patch(before, patch).map_err(|error| RvfError::input(format!("patch: {error}")))?;
        if after != before {
            check_metadata(&after, &snapshot.schema, || {
                format!("the patched metadata of {:?}", name_of(snapshot, row))
            })?;
            text_bytes += after.len() as u64;
            if text_bytes > BATCH_BYTES_MAX {
                let message =
                    format!("the new metadata has more than BATCH_BYTES_MAX ({BATCH_BYTES_MAX}); change fewer");
                return Err(RvfError::new(ErrorCode::SegmentTooLarge, message));
            }
            texts.push((row, after));
        }
    }
    let updated = texts.len() as u64;
    let applied = match texts.is_empty() {
        true => None,
        false => Some(write_update(snapshot, append, &texts)?),
    };
    let epoch = applied.as_ref().map_or(snapshot.epoch, |applied| applied.epoch);
    Ok((applied, Outcome::Update(UpdateOutcome { updated, epoch })))
}

/// A row's id, for messages.
fn name_of(snapshot: &Snapshot, row: Row) -> String {
    snapshot.id(row).unwrap_or_default()
}
