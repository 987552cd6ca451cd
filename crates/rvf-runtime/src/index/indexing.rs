use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rvf_types::limits::{CLOSE_INDEX_FROM_ROWS, INDEX_FROM_ROWS, UNINDEXED_ROWS_MAX};
use rvf_types::{ErrorCode, Row};

use crate::control::Control;
use crate::index::Builder;
use crate::index::build::{DEAD_ROWS_MIN, Effort, is_worn};
use crate::packed::is_packable;
use crate::snapshot::Snapshot;
use crate::store::{RvfStore, closed};
use crate::{Result, RvfError};

/// The background work begins once no commit has come for so long, in milliseconds ...
const QUIET_MS: u64 = 50;
/// ... or commits have gone on for so long since there was enough to do.
const IMPATIENT_MS: u64 = 2_000;
/// How long the thread waits for more before it ends.
const IDLE_MS: u64 = 2_000;
/// How long closing goes on with rows that may also stay unindexed, in milliseconds.
const CLOSE_BUDGET_MS: u64 = 300;
/// In a graph of more rows, closing does only what must be done: reading and comparing it takes too long.
const CLOSE_GRAPH_ROWS_MAX: Row = 500_000;
/// Pause between two looks at something that others do.
const LOOK_MS: u64 = 5;

/// The work on the index: one at a time does it, in whatever thread.
#[derive(Default)]
pub(crate) struct Indexing {
    builder: Mutex<Builder>,
    thread: Mutex<bool>,
    /// There is something to do, or the store is being closed.
    wake: Condvar,
    thread_ended: Condvar,
    /// Callers that wait for the index: they do the work themselves, with all threads.
    waiting_count: AtomicU32,
    is_closing: AtomicBool,
    /// Monotonic time of the newest commit.
    last_commit_ns: AtomicU64,
    /// Why the thread has given up, until there is a new commit.
    has_failed: AtomicBool,
}

/// How far a call of [`RvfStore::index_rows`] goes.
struct Goal<'a> {
    /// So many rows may stay unindexed.
    rows_left: Row,
    effort: Effort<'a>,
}

impl Goal<'_> {
    fn is_reached(&self, snapshot: &Snapshot) -> Result<bool> {
        if is_waiting_for_rows(snapshot, self.effort.first_rows) {
            return Ok(true);
        }
        let is_whole = !self.effort.may_rebuild || !is_worn_or_broken(snapshot)?;
        Ok(snapshot.unindexed_rows() <= self.rows_left && is_whole)
    }
}

/// True where rows stay as they were given, and outside the graph, until there are enough to learn a quantiser from.
fn is_waiting_for_rows(snapshot: &Snapshot, first_rows: Row) -> bool {
    snapshot.quantisers.layout().is_some() && !is_packable(snapshot, first_rows)
}

/// Rows that the first quantiser is learned from where nobody asks for it.
fn first_rows(snapshot: &Snapshot) -> Row {
    snapshot.options().compression.training_rows().min(UNINDEXED_ROWS_MAX)
}

impl RvfStore {
    /// Brings all rows into the index of a store that packs them, so that a compaction copies packed rows.
    pub(crate) fn pack_before_compaction(&self, control: &Control) -> Result<()> {
        let snapshot = self.current()?;
        let is_done = snapshot.index.row_count() == snapshot.next_row || is_waiting_for_rows(&snapshot, 0);
        if snapshot.quantisers.layout().is_none() || is_done || self.shared.options.read_only {
            return Ok(());
        }
        match self.wait_for_index(control) {
            // Living rows that cannot be read are for the copy to find; dead ones go with it.
            Err(error) if error.is_damage() => Ok(()),
            outcome => outcome,
        }
    }

    /// Returns once every row committed before is in the graph. Works on it with all threads of the store; `control` tells
    /// how many rows have entered, and can end the call. What is done then stays.
    pub fn wait_for_index(&self, control: &Control) -> Result<()> {
        let first = self.current()?;
        if self.shared.options.read_only {
            let message = "the store was opened read-only, and only a writer makes the index; open() it";
            return Err(RvfError::new(ErrorCode::ReadOnly, message));
        }
        let _waiting = Waiting::new(&self.shared.indexing.waiting_count);
        let mut builder = self.lock_builder(control)?;
        control.set_total(u64::from(first.unindexed_rows()));
        let should_stop = || control.is_cancelled() || self.is_closing();
        let effort = Effort {
            parts: self.shared.pool.all(),
            should_stop: &should_stop,
            is_over: &|_| false,
            note: &|rows| {
                let (done, total) = control.progress();
                control.add_done(rows.min(total.saturating_sub(done)));
            },
            may_rebuild: true,
            first_rows: 0,
        };
        let target = Cell::new((first.next_row, first.manifest.compaction.count));
        let is_done = |snapshot: &Snapshot| {
            let compaction_count = snapshot.manifest.compaction.count;
            if compaction_count != target.get().1 {
                // Rows have other numbers, and those that were there are among these.
                target.set((snapshot.next_row, compaction_count));
            }
            snapshot.index.row_count() >= target.get().0
        };
        self.index_rows(&mut builder, &Goal { rows_left: 0, effort }, is_done)?;
        control.check()?;
        if self.is_closing() {
            return Err(closed());
        }
        // Rows that died, or had entered before, were not counted.
        let (done, total) = control.progress();
        control.add_done(total - done);
        Ok(())
    }

    fn lock_builder(&self, control: &Control) -> Result<MutexGuard<'_, Builder>> {
        loop {
            control.check()?;
            if let Some(builder) = self.shared.indexing.builder.try_lock_for(Duration::from_millis(LOOK_MS)) {
                return Ok(builder);
            }
        }
    }

    pub(super) fn is_compacting(&self) -> bool {
        self.shared.is_compacting.load(Ordering::Acquire)
    }

    fn is_closing(&self) -> bool {
        self.shared.indexing.is_closing.load(Ordering::Acquire) || self.is_closed()
    }

    /// Portion after portion, until few enough rows are left or the effort ends.
    fn index_rows(&self, builder: &mut Builder, goal: &Goal<'_>, is_done: impl Fn(&Snapshot) -> bool) -> Result<()> {
        loop {
            let snapshot = self.current()?;
            let is_over = goal.is_reached(&snapshot)? || (goal.effort.is_over)(snapshot.unindexed_rows());
            if is_over || is_done(&snapshot) || (goal.effort.should_stop)() {
                return Ok(());
            }
            if self.is_compacting() {
                // Its file would not have what is written here.
                self.shared.host.clock.sleep_ms(LOOK_MS);
                continue;
            }
            self.index_portion(builder, snapshot, &goal.effort)?;
        }
    }

    /// Lets the background thread look whether there is enough to do.
    pub(crate) fn wake_indexing(&self) {
        let indexing = &self.shared.indexing;
        indexing.last_commit_ns.store(self.shared.host.clock.monotonic_ns(), Ordering::Relaxed);
        let Some(snapshot) = self.shared.snapshot.load_full() else { return };
        let Some(threads) = &self.shared.host.threads else { return };
        let may_be_worn = snapshot.index.is_broken() || snapshot.dead.count() >= DEAD_ROWS_MIN;
        let is_enough = is_worth_indexing(&snapshot) || may_be_worn && is_worn_or_broken(&snapshot).unwrap_or(false);
        if !is_enough || self.is_closing() {
            return;
        }
        let mut has_thread = indexing.thread.lock();
        indexing.has_failed.store(false, Ordering::Relaxed);
        if *has_thread {
            indexing.wake.notify_all();
            return;
        }
        let store = self.for_own_thread();
        *has_thread = threads.spawn("rvf-index", Box::new(move || store.run_indexing_thread())).is_ok();
    }

    fn run_indexing_thread(&self) {
        let ended = ThreadEnd(self);
        let indexing = &self.shared.indexing;
        let clock = &self.shared.host.clock;
        let mut last_work_ns = clock.monotonic_ns();
        while !self.is_closing() {
            if self.has_work() {
                self.index_in_background();
                last_work_ns = clock.monotonic_ns();
            }
            let mut has_thread = indexing.thread.lock();
            let is_idle = clock.monotonic_ns().saturating_sub(last_work_ns) >= IDLE_MS * 1_000_000;
            // Whoever wakes the thread after this look starts another.
            if is_idle && !self.has_work() {
                *has_thread = false;
                indexing.thread_ended.notify_all();
                drop(has_thread);
                std::mem::forget(ended);
                if let Some(mut builder) = indexing.builder.try_lock() {
                    builder.clear();
                }
                return;
            }
            if !self.is_closing() {
                indexing.wake.wait_for(&mut has_thread, Duration::from_millis(QUIET_MS));
            }
        }
    }

    fn index_in_background(&self) {
        self.wait_for_quiet();
        let indexing = &self.shared.indexing;
        let should_stop = || self.is_closing() || indexing.waiting_count.load(Ordering::Relaxed) > 0;
        let effort = Effort {
            parts: self.shared.pool.most(),
            should_stop: &should_stop,
            is_over: &|_| false,
            note: &|_| (),
            may_rebuild: true,
            first_rows: self.current().map_or(0, |snapshot| first_rows(&snapshot)),
        };
        let mut builder = indexing.builder.lock();
        let worked = self.index_rows(&mut builder, &Goal { rows_left: 0, effort }, |_| false);
        indexing.has_failed.store(worked.is_err(), Ordering::Relaxed);
    }

    fn has_work(&self) -> bool {
        let Ok(snapshot) = self.current() else { return false };
        let is_enough = is_worth_indexing(&snapshot) || is_worn_or_broken(&snapshot).unwrap_or(false);
        is_enough && !self.shared.indexing.has_failed.load(Ordering::Relaxed)
    }

    /// Commits come first: they are what somebody waits for.
    fn wait_for_quiet(&self) {
        let clock = &self.shared.host.clock;
        let start_ns = clock.monotonic_ns();
        loop {
            let now_ns = clock.monotonic_ns();
            let quiet_ns = now_ns.saturating_sub(self.shared.indexing.last_commit_ns.load(Ordering::Relaxed));
            let is_time = quiet_ns >= QUIET_MS * 1_000_000 || now_ns - start_ns >= IMPATIENT_MS * 1_000_000;
            if is_time || self.is_closing() || self.shared.indexing.waiting_count.load(Ordering::Relaxed) > 0 {
                return;
            }
            clock.sleep_ms(LOOK_MS);
        }
    }

    /// The share of the index that closing pays for: at most `UNINDEXED_ROWS_MAX` rows stay without it, whatever that takes,
    /// and a process that adds little does not leave its rows to others for ever.
    pub(crate) fn index_before_close(&self) -> Result<()> {
        let indexing = &self.shared.indexing;
        self.stop_indexing();
        let clock = &self.shared.host.clock;
        let end_ns = clock.monotonic_ns() + CLOSE_BUDGET_MS * 1_000_000;
        let effort = Effort {
            parts: self.shared.pool.all(),
            // A compaction of a store that closes comes to nothing, and is not waited for.
            should_stop: &|| self.is_closed() || self.is_compacting(),
            is_over: &|rows_left| rows_left <= UNINDEXED_ROWS_MAX && clock.monotonic_ns() >= end_ns,
            note: &|_| (),
            may_rebuild: false,
            first_rows: UNINDEXED_ROWS_MAX,
        };
        let is_large = self.current()?.index.row_count() > CLOSE_GRAPH_ROWS_MAX;
        let rows_left = if is_large { UNINDEXED_ROWS_MAX } else { CLOSE_INDEX_FROM_ROWS };
        let mut builder = indexing.builder.lock();
        self.index_rows(&mut builder, &Goal { rows_left, effort }, |_| false)
    }

    /// Waits for the background thread's end, and forgets what is not stored.
    pub(crate) fn end_indexing(&self) {
        let indexing = &self.shared.indexing;
        let mut has_thread = indexing.thread.lock();
        while *has_thread {
            indexing.wake.notify_all();
            indexing.thread_ended.wait(&mut has_thread);
        }
        drop(has_thread);
        indexing.builder.lock().clear();
    }

    /// Lets the background thread end.
    pub(crate) fn stop_indexing(&self) {
        self.shared.indexing.is_closing.store(true, Ordering::Release);
        self.shared.indexing.wake.notify_all();
    }

    /// Closing did not come to its end, and may be asked for again.
    pub(crate) fn resume_indexing(&self) {
        self.shared.indexing.is_closing.store(false, Ordering::Release);
    }
}

/// True where the graph is to be built anew.
pub(crate) fn is_worn_or_broken(snapshot: &Snapshot) -> Result<bool> {
    if snapshot.index.is_broken() {
        return Ok(true);
    }
    match is_worn(snapshot) {
        // A graph that cannot be read is found out by whoever builds on it.
        Err(error) if error.not_ready.is_none() => Ok(true),
        worn => worn,
    }
}

/// True where enough rows wait for a place in the graph.
fn is_worth_indexing(snapshot: &Snapshot) -> bool {
    snapshot.unindexed_rows() >= INDEX_FROM_ROWS && !is_waiting_for_rows(snapshot, first_rows(snapshot))
}

/// Counts a caller for as long as it waits.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Waiting<'a> {
        count.fetch_add(1, Ordering::AcqRel);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Nobody waits for a thread that has ended, be it by a panic.
struct ThreadEnd<'a>(&'a RvfStore);

impl Drop for ThreadEnd<'_> {
    fn drop(&mut self) {
        let indexing = &self.0.shared.indexing;
        *indexing.thread.lock() = false;
        indexing.thread_ended.notify_all();
    }
}
