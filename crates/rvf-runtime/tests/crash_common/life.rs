//! One process's time with a store over a faulty storage, with a model that goes along.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rvf_runtime::storage::{FaultyStorage, StorageResult};
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{
    Control, CreateOptions, Done, Durability, OpenOptions, Outcome, Result, RvfError, RvfStore, SYNC_INTERVAL_MS, Write,
};

use super::steps::put;
use super::{Change, DIMENSION, History, PATH, Step, TestHost, forged_rows};
use crate::kit::{Rng, strings};

/// How far apart commits are.
const COMMIT_MS: u64 = 30;

/// A store and what must be in it.
pub struct Life {
    pub storage: Arc<FaultyStorage>,
    pub host: TestHost,
    pub store: RvfStore,
    pub history: Arc<Mutex<History>>,
    pub durability: Durability,
}

impl Life {
    /// Creates the store.
    pub fn create(storage: Arc<FaultyStorage>, durability: Durability) -> Result<Life> {
        Life::create_with(storage, CreateOptions { durability, ..CreateOptions::new(DIMENSION, Metric::L2) })
    }

    /// Creates the store with these options.
    pub fn create_with(storage: Arc<FaultyStorage>, options: CreateOptions) -> Result<Life> {
        let host = TestHost::new(storage.clone(), 0);
        let durability = options.durability;
        let store = RvfStore::create(&host.host, PATH, &options)?;
        let mut history = History::before_creation();
        history.promise(0, storage.log_position());
        Ok(Life { storage, host, store, history: Arc::new(Mutex::new(history)), durability })
    }

    /// Opens the store as the `number`-th process to do so; `history` says what it holds.
    pub fn open(storage: Arc<FaultyStorage>, number: u64, history: History, durability: Durability) -> Result<Life> {
        let host = TestHost::new(storage.clone(), number);
        let store = RvfStore::open(&host.host, PATH, &OpenOptions { durability, ..OpenOptions::default() })?;
        Ok(Life { storage, host, store, history: Arc::new(Mutex::new(history)), durability })
    }

    /// Does the steps in order, up to the first error.
    pub fn run(&mut self, steps: &[Step]) -> Result<()> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    pub fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Commit(change) => self.commit(change),
            Step::Group(changes) => self.commit_group(changes),
            Step::Compact(changes) => self.compact(changes),
            Step::Checkpoint => {
                self.store.checkpoint()?;
                self.promise_all();
                Ok(())
            }
            // No promise: where every row is in the graph, nothing is written.
            Step::Index => self.store.wait_for_index(&Control::default()),
            Step::Freeze => {
                self.store.freeze()?;
                self.promise_all();
                Ok(())
            }
            // No promise: only counters change.
            Step::Ask => {
                let ids: Vec<String> = self.history.lock().newest().keys().cloned().collect();
                self.store.get(&strings(&ids), false).map(drop)
            }
            Step::Reopen => self.reopen(),
            Step::Forge(flags, counts) => {
                let mut random = Rng::new(self.history.lock().epoch());
                let forge = |count: &usize| match count {
                    0 => Ok(put(&mut random, 1)),
                    count => forged_rows(&*self.storage, &mut random, *flags, *count),
                };
                let changes: StorageResult<Vec<Change>> = counts.iter().map(forge).collect();
                self.commit_group(&changes?)
            }
        }
    }

    /// The promise of a call that makes everything durable.
    fn promise_all(&self) {
        let mut history = self.history.lock();
        let epoch = history.epoch();
        history.promise(epoch, self.storage.log_position());
    }

    fn promises(&self) -> Promises {
        let clock = self.host.clock.clone();
        let begun_ns = clock.pass_ms(COMMIT_MS);
        Promises { storage: self.storage.clone(), history: self.history.clone(), durability: self.durability, begun_ns }
    }

    /// Commits by the call that waits.
    pub fn commit(&mut self, change: &Change) -> Result<()> {
        let promises = self.promises();
        let expected = self.history.lock().begin(change, self.storage.log_position());
        let epoch = commit_alone(&self.store, change, Duration::ZERO)?;
        assert_eq!(epoch, expected, "a commit was answered with another epoch");
        promises.acknowledge(epoch);
        Ok(())
    }

    /// Commits all the changes in one append.
    pub fn commit_group(&mut self, changes: &[Change]) -> Result<()> {
        let answers: Arc<Mutex<Vec<Result<u64>>>> = Arc::default();
        let started = self.storage.log_position();
        let expected: Vec<u64> = changes.iter().map(|change| self.history.lock().begin(change, started)).collect();
        let writes = changes.iter().map(|change| {
            let (answers, promises) = (answers.clone(), self.promises());
            let done: Done = Box::new(move |result| {
                let result = result.map(epoch_of);
                result.iter().for_each(|epoch| promises.acknowledge(*epoch));
                answers.lock().push(result);
            });
            (change.to_write(), done)
        });
        self.store.submit_all(writes.collect());
        let answers: Result<Vec<u64>> = answers.lock().drain(..).collect();
        assert_eq!(answers?, expected, "the commits of a group were answered with other epochs");
        Ok(())
    }

    /// Compacts, and commits the changes one by one each time the compaction rests. Its last part holds commits up: those
    /// that would come then are not made.
    fn compact(&mut self, changes: &[Change]) -> Result<()> {
        let (store, storage, history) = (self.store.clone(), self.storage.clone(), self.history.clone());
        let promises = self.promises();
        let first_error: Arc<Mutex<Option<RvfError>>> = Arc::default();
        let slot = first_error.clone();
        let mut rest: Vec<Change> = changes.iter().rev().cloned().collect();
        let work = move || {
            let Some(change) = rest.pop() else { return };
            let before = history.lock().clone();
            let expected = history.lock().begin(&change, storage.log_position());
            match commit_alone(&store, &change, Duration::ZERO) {
                Ok(epoch) => {
                    assert_eq!(epoch, expected, "a commit during compaction was answered with another epoch");
                    promises.acknowledge(epoch);
                }
                Err(error) if error.code == ErrorCode::Busy => *history.lock() = before,
                Err(error) => {
                    rest.clear();
                    slot.lock().get_or_insert(error);
                }
            }
        };
        self.host.clock.while_asleep(Some(Box::new(work)));
        let result = self.store.compact(&Control::default());
        self.host.clock.while_asleep(None);
        match first_error.lock().take() {
            Some(error) => return Err(error),
            None => result?,
        };
        self.promise_all();
        Ok(())
    }

    pub fn reopen(&mut self) -> Result<()> {
        self.store.close()?;
        self.promise_all();
        let options = OpenOptions { durability: self.durability, ..OpenOptions::default() };
        self.store = RvfStore::open(&self.host.host, PATH, &options)?;
        Ok(())
    }
}

/// What the store promises with the answer to a commit.
#[derive(Clone)]
struct Promises {
    storage: Arc<FaultyStorage>,
    history: Arc<Mutex<History>>,
    durability: Durability,
    begun_ns: u64,
}

impl Promises {
    fn acknowledge(&self, epoch: u64) {
        let position = self.storage.log_position();
        let mut history = self.history.lock();
        match self.durability {
            Durability::Commit => history.promise(epoch, position),
            Durability::Interval => {
                history.promise_older(self.begun_ns.saturating_sub(SYNC_INTERVAL_MS * 1_000_000), position);
                history.acknowledge(epoch, self.begun_ns);
            }
            Durability::None => {}
        }
    }
}

/// Commits a change and answers its epoch.
pub fn commit_alone(store: &RvfStore, change: &Change, busy_timeout: Duration) -> Result<u64> {
    let own = |batch| Arc::try_unwrap(batch).unwrap_or_else(|_| unreachable!("just made"));
    match change.to_write() {
        Write::Ingest { batch, on_duplicate, .. } => Ok(store.ingest(own(batch), on_duplicate, busy_timeout)?.epoch),
        Write::Delete(ids) => Ok(store.delete(ids, busy_timeout)?.epoch),
        Write::DeleteWhere { filter, .. } => Ok(store.delete_where(filter, busy_timeout)?.epoch),
        Write::Replace { filter, batch, on_duplicate, .. } => {
            Ok(store.replace_where(filter, own(batch), on_duplicate, busy_timeout)?.ingest.epoch)
        }
        Write::Update { target, patch, .. } => Ok(store.update_metadata(target, patch, busy_timeout)?.epoch),
    }
}

/// The epoch that a write was answered with.
pub fn epoch_of(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Ingest(outcome) => outcome.epoch,
        Outcome::Delete(outcome) => outcome.epoch,
        Outcome::Replace(outcome) => outcome.ingest.epoch,
        Outcome::Update(outcome) => outcome.epoch,
    }
}
