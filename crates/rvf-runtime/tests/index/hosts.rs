//! Hosts of these tests, and stores of points on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rvf_runtime::storage::{MemoryStorage, Storage};
use rvf_runtime::types::Metric;
use rvf_runtime::{Clock, CreateOptions, Host, OnDuplicate, OpenOptions, RvfStore};

use crate::kit::{Rng, WAIT, batch_of, ready, strings};
use crate::model::{GROUPS, Model, Stored};
use crate::points::Points;

pub const PATH: &str = "/store.rvf";

/// A host over storage in memory, that has no threads.
pub fn without_threads(storage: Arc<dyn Storage>) -> Host {
    Host { threads: None, ..Host::native_over(storage) }
}

/// A clock that goes on by a fixed time whenever it is read.
pub struct SteppingClock {
    pub now_ns: AtomicU64,
    pub step_ns: AtomicU64,
}

impl SteppingClock {
    pub fn new() -> Arc<SteppingClock> {
        Arc::new(SteppingClock { now_ns: AtomicU64::new(1_700_000_000_000_000_000), step_ns: AtomicU64::new(0) })
    }
}

impl Clock for SteppingClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.fetch_add(self.step_ns.load(Ordering::Relaxed), Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        self.now_ns()
    }

    fn sleep_ms(&self, milliseconds: u64) {
        self.now_ns.fetch_add(milliseconds * 1_000_000, Ordering::Relaxed);
    }
}

/// A store of points with the model that goes along.
pub struct Subject {
    pub host: Host,
    pub path: String,
    pub store: RvfStore,
    pub model: Model,
    pub points: Points,
    pub rng: Rng,
    next_id: usize,
}

impl Subject {
    /// An empty store.
    pub fn new(host: Host, path: &str, metric: Metric, dimension: u32, seed: u64) -> Subject {
        Subject::with_options(host, path, &CreateOptions::new(dimension, metric), seed)
    }

    /// An empty store with these options.
    pub fn with_options(host: Host, path: &str, options: &CreateOptions, seed: u64) -> Subject {
        let (metric, dimension) = (options.store.metric, options.store.dimension);
        let mut rng = Rng::new(seed);
        let points = Points::new(metric, dimension, &mut rng);
        let store = ready(|| RvfStore::create(&host, path, options)).unwrap();
        let model = Model::new(metric, dimension);
        Subject { host, path: path.to_owned(), store, model, points, rng, next_id: 0 }
    }

    /// A store in memory, without threads, of so many rows.
    pub fn with_rows(count: usize, metric: Metric, dimension: u32, seed: u64) -> Subject {
        let host = without_threads(Arc::new(MemoryStorage::new()));
        let mut subject = Subject::new(host, PATH, metric, dimension, seed);
        subject.ingest_new(count);
        subject
    }

    fn stored(&mut self) -> Stored {
        Stored { vector: self.points.vector(&mut self.rng), group: self.rng.below(GROUPS) }
    }

    /// Stores entries under ids that are new.
    pub fn ingest_new(&mut self, count: usize) {
        let ids: Vec<String> = (self.next_id..self.next_id + count).map(|number| format!("id-{number}")).collect();
        self.next_id += count;
        self.ingest(ids);
    }

    /// Stores new vectors under these ids.
    pub fn ingest(&mut self, ids: Vec<String>) {
        let entries = ids.into_iter().map(|id| (id, self.stored())).collect();
        let batch = self.model.put(entries);
        ready(|| self.store.ingest(batch_of(&batch), OnDuplicate::Replace, WAIT)).unwrap();
    }

    pub fn delete(&mut self, ids: &[String]) {
        let deleted = ready(|| self.store.delete(strings(ids), WAIT)).unwrap().deleted;
        let known = ids.iter().filter(|id| self.model.entries.remove(*id).is_some()).count();
        assert_eq!(deleted, known as u64);
    }

    /// Some of the stored ids.
    pub fn some_ids(&mut self, count: usize) -> Vec<String> {
        let ids: Vec<&String> = self.model.entries.keys().collect();
        let count = if ids.is_empty() { 0 } else { count };
        let picked = (0..count).map(|_| (*self.rng.pick(&ids)).clone());
        let mut picked: Vec<String> = picked.collect();
        picked.sort();
        picked.dedup();
        picked
    }

    /// Vectors to ask for, near the stored ones.
    pub fn queries(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.points.vector(&mut self.rng)).collect()
    }

    pub fn wait_for_index(&self) {
        ready(|| self.store.wait_for_index(&rvf_runtime::Control::default())).unwrap();
    }

    pub fn reopen(&mut self) {
        ready(|| self.store.close()).unwrap();
        self.store = ready(|| RvfStore::open(&self.host, &self.path, &OpenOptions::default())).unwrap();
    }

    /// Proves that every entry is found by its own vector, and that the default quality finds most of the nearest.
    pub fn check_all(&mut self) {
        self.model.found_by_own_vector(&self.store, self.model.entries.keys());
        let queries = self.queries(20);
        let recall = self.model.recall(&self.store, &queries, &crate::model::nearest(10));
        assert!(recall >= 0.9, "recall@10 is {recall}");
    }

    pub fn unindexed_rows(&self) -> u64 {
        ready(|| self.store.status()).unwrap().unindexed_rows
    }
}
