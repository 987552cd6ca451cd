use std::sync::Arc;

use rvf_types::limits::{GROUP_BYTES_MAX, TAIL_BYTES_MAX};
use rvf_types::{Epoch, Row};
use rvf_wire::id_hash;

use crate::control::Control;
use crate::snapshot::Snapshot;
use crate::write::plan::plan_ingest;
use crate::write::transaction::{write_delete, write_ingest};
use crate::write::{Append, Applied, Batch, Group, OnDuplicate, PackedStrings, Writer};
use crate::{Result, RvfError};

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

/// What a [`Write`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of an ingest.
    Ingest(IngestOutcome),
    /// Of a deletion.
    Delete(DeleteOutcome),
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

impl Writer {
    /// Commits as many of the waiting changes as go into one append, in order, each as a transaction of its own, with one
    /// fsync for all. A change that cannot be planned fails alone; a failed write fails them all and poisons the writer.
    pub(crate) fn commit_group(&mut self, waiting: &mut Vec<Pending>, publish: &mut dyn FnMut(Arc<Snapshot>)) {
        if let Err(error) = self.check_writable().and_then(|()| self.make_room()) {
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
        let taken = take_count(waiting);
        for pending in waiting.drain(..taken) {
            let mark = append.mark();
            match self.plan(&group, &mut append, &pending.write) {
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

    /// Lays one change out behind the others of its group.
    fn plan(&self, group: &Group, append: &mut Append, write: &Write) -> Result<(Option<Applied>, Outcome)> {
        append.start_transaction(self.host.clock.now_ns());
        match write {
            Write::Ingest { batch, on_duplicate, control } => {
                if let Some(control) = control {
                    control.check()?;
                }
                plan_and_write_ingest(group, append, batch, *on_duplicate)
            }
            Write::Delete(ids) => plan_delete(group, append, ids),
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

fn plan_and_write_ingest(
    group: &Group,
    append: &mut Append,
    batch: &Arc<Batch>,
    on_duplicate: OnDuplicate,
) -> Result<(Option<Applied>, Outcome)> {
    let snapshot = group.snapshot();
    let plan = plan_ingest(group, batch, on_duplicate)?;
    let accepted = (batch.len() - plan.skipped.len()) as u64;
    let applied = match plan.kept.is_empty() {
        true => None,
        false => Some(write_ingest(snapshot, append, batch, &plan)?),
    };
    let outcome = Outcome::Ingest(IngestOutcome {
        accepted,
        epoch: applied.as_ref().map_or(snapshot.epoch, |applied| applied.epoch),
        skipped: plan.skipped,
    });
    Ok((applied, outcome))
}

fn plan_delete(group: &Group, append: &mut Append, ids: &PackedStrings) -> Result<(Option<Applied>, Outcome)> {
    let snapshot = group.snapshot();
    let mut rows: Vec<Row> = Vec::new();
    for id in ids.iter() {
        rows.extend(group.find(id_hash(id, snapshot.salt), id)?);
    }
    rows.sort_unstable();
    rows.dedup();
    let deleted = rows.len() as u64;
    let applied = match rows.is_empty() {
        true => None,
        false => Some(write_delete(snapshot, append, rows)?),
    };
    let epoch = applied.as_ref().map_or(snapshot.epoch, |applied| applied.epoch);
    Ok((applied, Outcome::Delete(DeleteOutcome { deleted, epoch })))
}

/// How many of the waiting changes go into the next group.
fn take_count(waiting: &[Pending]) -> usize {
    let mut bytes = 0u64;
    let fitting = waiting.iter().take_while(|pending| {
        let fits = bytes < GROUP_BYTES_MAX;
        bytes += match &pending.write {
            Write::Ingest { batch, .. } => batch.data_bytes() as u64,
            Write::Delete(ids) => ids.bytes.len() as u64,
        };
        fits
    });
    fitting.count()
}
