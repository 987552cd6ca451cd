//! Changes that wait for their commit, and the thread that commits them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use rvf_filter::merge_patch;
use rvf_types::ErrorCode;

use crate::options::{Durability, SYNC_INTERVAL_MS};
use crate::store::{RvfStore, closed};
use crate::write::{Done, Outcome, Pending, Target, Write, Writer};
use crate::{Result, RvfError};

/// How long the writer thread waits for more work before it ends.
const WRITER_IDLE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) waiting: Vec<Pending>,
    pub(crate) has_thread: bool,
    /// Number of the newest change that a caller waits for.
    last_ticket: u64,
}

impl RvfStore {
    /// Checks a change as far as that can be done before its turn comes.
    fn check(&self, write: &Write) -> Result<()> {
        let snapshot = self.current()?;
        if self.shared.options.read_only {
            return Err(RvfError::new(ErrorCode::ReadOnly, "the store was opened read-only; open() it to write"));
        }
        match write {
            Write::Ingest { batch, .. } | Write::Replace { batch, .. } => {
                batch.check(snapshot.options(), &snapshot.schema)
            }
            Write::Delete(ids) => ids.check_ids(),
            Write::DeleteWhere { .. } => Ok(()),
            Write::Update { target, patch, .. } => {
                merge_patch(b"", patch).map_err(|error| RvfError::input(format!("patch: {error}")))?;
                match target {
                    Target::Ids(ids) => ids.check_ids(),
                    Target::Where(_) => Ok(()),
                }
            }
        }
    }

    /// Commits, and waits for it. Whoever gets the turn first commits what all have brought meanwhile: callers that wait
    /// for one fsync share the next.
    pub(crate) fn write(&self, write: Write, busy_timeout: Duration) -> Result<Outcome> {
        self.check(&write)?;
        let answer: Arc<Mutex<Option<Result<Outcome>>>> = Arc::default();
        let slot = Arc::clone(&answer);
        let ticket = self.enqueue(write, Box::new(move |result| *slot.lock() = Some(result)));
        let mut writer = match self.shared.writer.try_lock_for(busy_timeout) {
            Some(writer) => writer,
            None if self.take_back(ticket) => {
                return Err(RvfError::new(
                    ErrorCode::Busy,
                    format!("other writes took longer than busyTimeoutMs ({} ms)", busy_timeout.as_millis()),
                ));
            }
            // It is being committed.
            None => self.shared.writer.lock(),
        };
        if answer.lock().is_none() {
            self.drain(&mut writer);
        }
        drop(writer);
        if self.shared.options.durability == Durability::Interval {
            // Without a thread, what this interval leaves is made durable with the next commit, or at close.
            self.wake_writer_thread();
        }
        answer.lock().take().unwrap_or_else(|| Err(RvfError::internal("a commit was not answered")))
    }

    fn enqueue(&self, write: Write, done: Done) -> u64 {
        let mut queue = self.shared.queue.lock();
        queue.last_ticket += 1;
        let ticket = queue.last_ticket;
        queue.waiting.push(Pending { write, done, ticket: Some(ticket) });
        ticket
    }

    /// Takes a change out of the queue; false where its commit has begun.
    fn take_back(&self, ticket: u64) -> bool {
        let mut queue = self.shared.queue.lock();
        let index = queue.waiting.iter().position(|pending| pending.ticket == Some(ticket));
        index.map(|index| queue.waiting.remove(index)).is_some()
    }

    /// Hands a change to the writer's thread; `done` is called from there once the commit is durable. What is submitted
    /// while an fsync runs shares the next one. A host without threads commits at once.
    pub fn submit(&self, write: Write, done: Done) {
        self.submit_all(vec![(write, done)]);
    }

    /// As [`RvfStore::submit`], for changes that belong together only in that they share an fsync.
    pub fn submit_all(&self, writes: Vec<(Write, Done)>) {
        let mut checked = Vec::with_capacity(writes.len());
        for (write, done) in writes {
            match self.check(&write) {
                Ok(()) => checked.push(Pending { write, done, ticket: None }),
                Err(error) => done(Err(error)),
            }
        }
        self.shared.queue.lock().waiting.extend(checked);
        if !self.wake_writer_thread() {
            self.drain(&mut self.shared.writer.lock());
        }
    }

    /// Lets the writer's thread look at the queue, and starts it if need be; false where there is none to be had.
    fn wake_writer_thread(&self) -> bool {
        let mut queue = self.shared.queue.lock();
        if queue.has_thread {
            self.shared.wake.notify_one();
            return true;
        }
        let Some(threads) = &self.shared.host.threads else { return false };
        queue.has_thread = true;
        drop(queue);
        let store = self.for_own_thread();
        let is_started = threads.spawn("rvf-writer", Box::new(move || store.run_writer_thread())).is_ok();
        if !is_started {
            self.end_thread(&mut self.shared.queue.lock());
        }
        is_started
    }

    fn end_thread(&self, queue: &mut Queue) {
        queue.has_thread = false;
        self.shared.thread_ended.notify_all();
    }

    fn run_writer_thread(&self) {
        let _on_panic = OnPanic(self);
        let interval = Duration::from_millis(SYNC_INTERVAL_MS);
        let is_interval = self.shared.options.durability == Durability::Interval;
        loop {
            let mut queue = self.shared.queue.lock();
            if queue.waiting.is_empty() {
                let wait = if is_interval { interval } else { WRITER_IDLE };
                let timed_out = !self.is_closed() && self.shared.wake.wait_for(&mut queue, wait).timed_out();
                if queue.waiting.is_empty() && (timed_out || self.is_closed()) {
                    if is_interval && !self.is_closed() && self.sync_interval() {
                        continue;
                    }
                    self.end_thread(&mut queue);
                    return;
                }
            }
            drop(queue);
            self.drain(&mut self.shared.writer.lock());
        }
    }

    /// With `Durability::Interval`: makes durable what the last interval left; true where there was something.
    fn sync_interval(&self) -> bool {
        let Some(mut writer) = self.shared.writer.try_lock() else { return true };
        match writer.as_mut() {
            Some(writer) if writer.is_unsynced && writer.poisoned.is_none() => {
                if let Err(error) = writer.sync() {
                    writer.poison(error);
                    self.note_health(writer);
                }
                true
            }
            _ => false,
        }
    }

    /// Commits everything that waits now, and makes a checkpoint when one is due. What comes meanwhile is left to the
    /// thread that whoever brings it wakes: a caller would never get away while others keep on writing.
    pub(crate) fn drain(&self, writer: &mut Option<Writer>) {
        let mut waiting = std::mem::take(&mut self.shared.queue.lock().waiting);
        let has_work = !waiting.is_empty();
        while !waiting.is_empty() {
            let Some(writer) = writer.as_mut() else {
                for pending in waiting.drain(..) {
                    (pending.done)(Err(closed()));
                }
                return;
            };
            writer.commit_group(&mut waiting, &mut |snapshot| self.shared.snapshot.store(Some(snapshot)));
            self.checkpoint_if_due(writer);
        }
        if has_work {
            self.wake_indexing();
        }
    }

    /// A checkpoint that fails loses nothing: the commits are durable in the tail. A failed write poisons the writer.
    fn checkpoint_if_due(&self, writer: &mut Writer) {
        if writer.poisoned.is_none() && writer.is_checkpoint_due() {
            match writer.checkpoint() {
                Ok(()) => self.shared.snapshot.store(Some(Arc::clone(&writer.snapshot))),
                Err(_) => writer.postpone_checkpoint(),
            }
        }
        self.note_health(writer);
    }

    /// Lets `status` tell whether the writer is poisoned without waiting for it.
    pub(crate) fn note_health(&self, writer: &Writer) {
        self.shared.is_poisoned.store(writer.poisoned.is_some(), Ordering::Release);
    }

    pub(crate) fn end_writer_thread(&self) {
        let mut queue = self.shared.queue.lock();
        while queue.has_thread {
            self.shared.wake.notify_all();
            self.shared.thread_ended.wait(&mut queue);
        }
    }
}

/// Lets nobody wait for a writer thread that a panic has ended, as one in a `done` would; what the panic interrupted is not
/// gone on with.
struct OnPanic<'a>(&'a RvfStore);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some(writer) = self.0.shared.writer.lock().as_mut() {
                writer.poison(RvfError::internal("the writer thread has panicked"));
                self.0.note_health(writer);
            }
            self.0.end_thread(&mut self.0.shared.queue.lock());
        }
    }
}
