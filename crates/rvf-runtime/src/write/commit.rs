use std::collections::VecDeque;
use std::sync::Arc;

use roaring::RoaringBitmap;
use rvf_filter::Expression;
use rvf_types::limits::{APPEND_BYTES_MAX, GROUP_BYTES_MAX, SEGMENT_BYTES_MAX, TAIL_BYTES_MAX};
use rvf_types::{Epoch, ErrorCode, Row};
use rvf_wire::id_hash;

use crate::control::{Control, Deadline};
use crate::snapshot::Snapshot;
use crate::write::filtered::{plan_delete_where, plan_replace, plan_update};
use crate::write::plan::{IngestPlan, plan_ingest};
use crate::write::transaction::{write_delete, write_ingest};
use crate::write::{Append, Applied, Batch, Group, OnDuplicate, PackedStrings, Writer};
use crate::{Result, RvfError};

/// What an append leaves free of `APPEND_BYTES_MAX`, for the checkpoint that may follow before it is synced.
const APPEND_RESERVE_BYTES: u64 = 64 << 20;
/// Batches above this are made with nothing unsynced in front of them.
const LARGE_BATCH_BYTES: u64 = 256 << 20;

fn too_large() -> RvfError {
    RvfError::new(
        ErrorCode::SegmentTooLarge,
        format!("the change takes more than one append may have (APPEND_BYTES_MAX, {APPEND_BYTES_MAX}); make several"),
    )
}

/// A change that is asked for.
pub enum Write {
    /// Store entries.
    Ingest {
        /// The entries, already checked.
        batch: Arc<Batch>,
        /// What happens to ids that are stored.
        on_duplicate: OnDuplicate,
        /// With which the caller can take the request back before it is begun.
        control: Option<Arc<Control>>,
    },
    /// Delete ids, already checked; those that are not stored are passed over.
    Delete(PackedStrings),
    /// Delete what fits a filter.
    DeleteWhere {
        /// The filter.
        filter: Arc<Expression>,
        /// With which the caller can take the request back while rows are looked for.
        control: Option<Arc<Control>>,
    },
    /// Delete what fits a filter and store entries, as one commit.
    Replace {
        /// The filter; it sees the state before.
        filter: Arc<Expression>,
        /// The entries, already checked.
        batch: Arc<Batch>,
        /// What happens to ids that are stored and do not fit the filter.
        on_duplicate: OnDuplicate,
        /// As for `DeleteWhere`.
        control: Option<Arc<Control>>,
    },
    /// Change metadata by a JSON merge patch.
    Update {
        /// Whose.
        target: Target,
        /// The patch, an object, already checked.
        patch: Vec<u8>,
        /// As for `DeleteWhere`.
        control: Option<Arc<Control>>,
    },
}

/// Entries whose metadata is changed.
pub enum Target {
    /// Those with these ids, already checked; ids that are not stored are passed over.
    Ids(PackedStrings),
    /// Those that fit a filter.
    Where(Arc<Expression>),
}

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestOutcome {
    /// Entries that are stored now, earlier entries of an id that came twice among them.
    pub accepted: u64,
    /// Epoch of the commit, or of the state where nothing changed.
    pub epoch: Epoch,
    /// Indexes of the entries that were passed over.
    pub skipped: Vec<u32>,
}

/// What a deletion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteOutcome {
    /// Ids that were stored and are not any more.
    pub deleted: u64,
    /// Epoch of the commit, or of the state where nothing changed.
    pub epoch: Epoch,
}

/// What a replacement did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplaceOutcome {
    /// Entries that fitted the filter.
    pub deleted: u64,
    /// What was stored.
    pub ingest: IngestOutcome,
}

/// What a change of metadata did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateOutcome {
    /// Entries whose metadata is another now.
    pub updated: u64,
    /// Epoch of the commit, or of the state where nothing changed.
    pub epoch: Epoch,
}

/// What a [`Write`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of an ingest.
    Ingest(IngestOutcome),
    /// Of a deletion, by ids or by a filter.
    Delete(DeleteOutcome),
    /// Of a replacement.
    Replace(ReplaceOutcome),
    /// Of a change of metadata.
    Update(UpdateOutcome),
}

/// Called with the outcome once the commit is durable, or has failed.
pub type Done = Box<dyn FnOnce(Result<Outcome>) + Send>;

/// A change waiting for its commit.
pub(crate) struct Pending {
    pub(crate) write: Write,
    pub(crate) done: Done,
    /// Set where a caller waits, who may take the change back.
    pub(crate) ticket: Option<u64>,
}

impl Write {
    /// True where the change may take a good part of what one append can have.
    fn may_be_large(&self) -> bool {
        match self {
            Write::Ingest { batch, .. } => batch.data_bytes() as u64 > LARGE_BATCH_BYTES,
            Write::Replace { .. } | Write::DeleteWhere { .. } | Write::Update { .. } => true,
            Write::Delete(_) => false,
        }
    }

    /// True where planning reads more of the rows than their ids.
    fn reads_rows(&self) -> bool {
        matches!(self, Write::DeleteWhere { .. } | Write::Replace { .. } | Write::Update { .. })
    }
}

impl Writer {
    /// Commits as many of the waiting changes as go into one append, in order, each as a transaction of its own, with one
    /// fsync for all. A change that cannot be planned fails alone; a failed write fails them all and poisons the writer.
    pub(crate) fn commit_group(&mut self, waiting: &mut Vec<Pending>, publish: &mut dyn FnMut(Arc<Snapshot>)) {
        if let Err(error) = self.check_writable().and_then(|()| self.make_room()).and_then(|()| self.clear_way(waiting))
        {
            for pending in waiting.drain(..) {
                (pending.done)(Err(error.clone()));
            }
            return;
        }
        let mut group = Group::new((*self.snapshot).clone(), true);
        let mut append = self.new_append();
        let mut finished: Vec<(Done, Outcome)> = Vec::new();
        let mut failed: Vec<(Done, RvfError)> = Vec::new();
        let mut broken: Option<RvfError> = None;
        let mut queue: VecDeque<Pending> = std::mem::take(waiting).into();
        while let Some(pending) = queue.pop_front() {
            let is_full = self.bytes_of(&append) >= GROUP_BYTES_MAX;
            if is_full || (pending.write.reads_rows() && group.has_unwritten()) {
                queue.push_front(pending);
                break;
            }
            let mark = append.mark();
            match self.plan(&mut group, &mut append, &pending.write) {
                Ok(_) if !self.may_append(&append) && !append.is_only_since(&mark) => {
                    append.roll_back(&mark);
                    queue.push_front(pending);
                    break;
                }
                Ok(_) if !self.may_append(&append) => {
                    append.roll_back(&mark);
                    failed.push((pending.done, too_large()));
                }
                Ok((applied, outcome)) => {
                    broken = broken.or(applied.and_then(|applied| group.apply(applied).err()));
                    finished.push((pending.done, outcome));
                }
                Err(error) => {
                    append.roll_back(&mark);
                    failed.push((pending.done, error));
                }
            }
        }
        *waiting = queue.into();
        for (done, error) in failed {
            done(Err(error));
        }
        let result = broken.map_or(Ok(()), Err).and_then(|()| self.finish_group(&append, group.finish()?));
        if result.is_ok() {
            publish(Arc::clone(&self.snapshot));
        }
        for (done, outcome) in finished {
            done(result.clone().map(|()| outcome));
        }
    }

    /// Bytes that an append would add to the file.
    fn bytes_of(&self, append: &Append) -> u64 {
        append.end() - self.snapshot.committed_end
    }

    /// True where an opener that finds the append, behind what is not synced yet, takes it for one append.
    fn may_append(&self, append: &Append) -> bool {
        self.bytes_of(append) + self.unsynced_bytes <= APPEND_BYTES_MAX - APPEND_RESERVE_BYTES
    }

    /// An error where the journal is full because checkpoints fail, as they do over damaged runs: still more of it would
    /// make the file slow to open, and in the end impossible.
    fn make_room(&mut self) -> Result<()> {
        if self.tail.heap_bytes < 2 * TAIL_BYTES_MAX {
            return Ok(());
        }
        self.checkpoint().map_err(|error| RvfError {
            message: format!("the journal is full and no checkpoint can be made: {}", error.message),
            ..error
        })
    }

    /// Syncs in front of changes that may be large: what is synced does not count against the size of an append.
    fn clear_way(&mut self, waiting: &[Pending]) -> Result<()> {
        if self.unsynced_bytes <= GROUP_BYTES_MAX || !waiting.iter().any(|pending| pending.write.may_be_large()) {
            return Ok(());
        }
        let synced = self.sync();
        synced.map_err(|error| self.poison(error))
    }

    /// Lays one change out behind the others of its group.
    fn plan(&self, group: &mut Group, append: &mut Append, write: &Write) -> Result<(Option<Applied>, Outcome)> {
        append.start_transaction(self.host.clock.now_ns());
        let deadline = |control| Deadline { control, clock: &*self.host.clock, at_ns: None };
        match write {
            Write::Ingest { batch, on_duplicate, control } => {
                if let Some(control) = control {
                    control.check()?;
                }
                let plan = plan_ingest(group, batch, *on_duplicate, &RoaringBitmap::new())?;
                let (applied, outcome) = finish_ingest(group, append, batch, plan, &RoaringBitmap::new())?;
                Ok((applied, Outcome::Ingest(outcome)))
            }
            Write::Delete(ids) => plan_delete(group, append, ids),
            Write::DeleteWhere { filter, control } => {
                plan_delete_where(group, append, filter, &deadline(control.as_deref()))
            }
            Write::Replace { filter, batch, on_duplicate, control } => {
                plan_replace(group, append, filter, (batch, *on_duplicate), &deadline(control.as_deref()))
            }
            Write::Update { target, patch, control } => {
                plan_update(group, append, (target, patch), &deadline(control.as_deref()))
            }
        }
    }

    /// Writes and syncs what the group laid out, then makes its snapshot the newest.
    fn finish_group(&mut self, append: &Append, mut snapshot: Snapshot) -> Result<()> {
        if append.is_empty() {
            // Nothing was written, but what was written before may be due.
            let synced = self.sync_if_due();
            return synced.map_err(|error| self.poison(error));
        }
        if let Err(error) = self.write_durably(append) {
            return Err(self.poison(error));
        }
        snapshot.committed_end = append.end();
        self.note_appended(append, &mut snapshot);
        self.snapshot = Arc::new(snapshot);
        Ok(())
    }
}

/// Lays out a planned ingest, and with it the deletion of rows.
pub(super) fn finish_ingest(
    group: &Group,
    append: &mut Append,
    batch: &Arc<Batch>,
    plan: IngestPlan,
    deleted: &RoaringBitmap,
) -> Result<(Option<Applied>, IngestOutcome)> {
    let snapshot = group.snapshot();
    let accepted = (batch.len() - plan.skipped.len()) as u64;
    let applied = match plan.kept.is_empty() && deleted.is_empty() {
        true => None,
        false => Some(write_ingest(snapshot, append, batch, &plan, deleted)?),
    };
    let epoch = applied.as_ref().map_or(snapshot.epoch, |applied| applied.epoch);
    Ok((applied, IngestOutcome { accepted, epoch, skipped: plan.skipped }))
}

fn plan_delete(group: &Group, append: &mut Append, ids: &PackedStrings) -> Result<(Option<Applied>, Outcome)> {
    let snapshot = group.snapshot();
    let mut rows: Vec<Row> = Vec::new();
    for id in ids.iter() {
        rows.extend(group.find(id_hash(id, snapshot.salt), id)?);
    }
    rows.sort_unstable();
    rows.dedup();
    finish_delete(group, append, rows)
}

/// An error where a journal cannot name so many rows.
pub(super) fn check_deletions(count: u64) -> Result<()> {
    const DELETIONS_MAX: u64 = SEGMENT_BYTES_MAX / 16;
    if count > DELETIONS_MAX {
        let message =
            format!("one commit deletes at most {DELETIONS_MAX} entries, this one {count}; narrow the filter");
        return Err(RvfError::new(ErrorCode::SegmentTooLarge, message));
    }
    Ok(())
}

/// Lays out the deletion of distinct living rows.
pub(super) fn finish_delete(group: &Group, append: &mut Append, rows: Vec<Row>) -> Result<(Option<Applied>, Outcome)> {
    let snapshot = group.snapshot();
    let deleted = rows.len() as u64;
    check_deletions(deleted)?;
    let applied = match rows.is_empty() {
        true => None,
        false => Some(write_delete(snapshot, append, rows)?),
    };
    let epoch = applied.as_ref().map_or(snapshot.epoch, |applied| applied.epoch);
    Ok((applied, Outcome::Delete(DeleteOutcome { deleted, epoch })))
}
