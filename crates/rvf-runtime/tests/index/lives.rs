//! Random lives of stores with an index, compared after each step with a map and with comparing all vectors.

use std::sync::Arc;

use rvf_runtime::storage::{FileStorage, MemoryStorage};
use rvf_runtime::types::Metric;
use rvf_runtime::{Control, Host, OpenOptions, Quality, QueryOptions, RvfStore, Target};

use crate::hosts::{PATH, Subject, without_threads};
use crate::kit::{WAIT, is_long, strings, times};
use crate::model::{GROUPS, Model, metadata, nearest};

const FIRST_ROWS: usize = 1_400;
const STEPS: usize = 14;

/// A store's life with a reader of the same file.
struct Life {
    seed: u64,
    subject: Subject,
    /// A reading handle, and what it saw at its last refresh.
    reader: Option<(RvfStore, Model)>,
    backups: usize,
    log: Vec<String>,
}

impl Drop for Life {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("RVF_SEED={} {:?}\n{}", self.seed, self.subject.model.metric, self.log.join("\n"));
        }
    }
}

impl Life {
    fn step(&mut self) {
        let choice = self.subject.rng.below(100);
        let some = 1 + self.subject.rng.below(300);
        let subject = &mut self.subject;
        let name = match choice {
            0..14 => {
                subject.ingest_new(some);
                "ingest"
            }
            14..28 => {
                let ids = subject.some_ids(some);
                subject.ingest(ids);
                "replace"
            }
            28..42 => {
                let ids = subject.some_ids(some);
                subject.delete(&ids);
                "delete"
            }
            42..50 => {
                self.update(some);
                "update"
            }
            50..66 => {
                subject.wait_for_index();
                "wait for the index"
            }
            66..76 => {
                subject.reopen();
                "reopen"
            }
            76..84 => {
                subject.store.compact(&Control::default()).unwrap();
                "compact"
            }
            84..90 => {
                self.back_up();
                "back up"
            }
            _ => {
                self.refresh();
                "refresh"
            }
        };
        self.log.push(format!("{name}, {some}"));
        self.check();
    }

    fn update(&mut self, count: usize) {
        let subject = &mut self.subject;
        let (ids, group) = (subject.some_ids(count), subject.rng.below(GROUPS));
        let target = Target::Ids(strings(&ids));
        subject.store.update_metadata(target, metadata(group).into_bytes(), WAIT).unwrap();
        for id in &ids {
            subject.model.entries.get_mut(id).unwrap().group = group;
        }
    }

    fn back_up(&mut self) {
        self.backups += 1;
        let path = format!("{}.{}", self.subject.path, self.backups);
        self.subject.store.backup(&path, &Control::default()).unwrap();
        let copy = RvfStore::open(&self.subject.host, &path, &OpenOptions::read_only()).unwrap();
        assert_eq!(copy.status().unwrap().unindexed_rows, self.subject.unindexed_rows());
        check_answers(&copy, &mut self.subject);
    }

    fn refresh(&mut self) {
        let model = self.subject.model.clone();
        match &mut self.reader {
            Some((reader, seen)) => {
                reader.refresh().unwrap();
                *seen = model;
            }
            none => {
                let reader = RvfStore::open(&self.subject.host, &self.subject.path, &OpenOptions::read_only()).unwrap();
                *none = Some((reader, model));
            }
        }
    }

    fn check(&mut self) {
        let store = self.subject.store.clone();
        check_answers(&store, &mut self.subject);
        let ids = self.subject.some_ids(60);
        self.subject.model.found_by_own_vector(&store, &ids);
        if let Some((reader, seen)) = &self.reader {
            for query in self.subject.queries(3) {
                seen.ask(reader, &query, &nearest(10), None);
            }
        }
    }
}

/// Asks in all qualities, with filters and without.
fn check_answers(store: &RvfStore, subject: &mut Subject) {
    let queries = subject.queries(6);
    let model = &subject.model;
    for (number, query) in queries.iter().enumerate() {
        let group = Some(number % GROUPS);
        for quality in [Quality::Fast, Quality::Precise, Quality::Exact] {
            let options = QueryOptions { quality, ..nearest(10) };
            model.ask(store, query, &options, None);
            model.ask(store, query, &options, group);
        }
        for k in [1, 10, 100] {
            model.ask(store, query, &nearest(k), group);
        }
        model.ask(store, query, &nearest(5_000), None);
    }
    let recall = model.recall(store, &queries, &nearest(10));
    assert!(recall >= 0.8, "recall@10 of a few queries is {recall}");
}

fn live(seed: u64, host: Host, path: &str, metric: Metric) {
    let mut subject = Subject::new(host, path, metric, 16 + (seed % 5) as u32 * 8, seed);
    subject.ingest_new(FIRST_ROWS);
    let mut life = Life { seed, subject, reader: None, backups: 0, log: Vec::new() };
    for _ in 0..STEPS {
        life.step();
    }
    life.subject.wait_for_index();
    life.subject.reopen();
    assert_eq!(life.subject.unindexed_rows(), 0);
    life.subject.check_all();
}

fn live_all(metric: Metric, host: impl Fn() -> Host) {
    if let Ok(seed) = std::env::var("RVF_SEED") {
        return live(seed.parse().unwrap(), host(), PATH, metric);
    }
    let first = metric as u64 * 10_000;
    (first..first + times(2, 60)).for_each(|seed| live(seed, host(), PATH, metric));
}

fn in_memory() -> Host {
    Host::native_over(Arc::new(MemoryStorage::new()))
}

#[test]
fn a_random_life_answers_as_comparing_all_does_by_the_squared_distance() {
    live_all(Metric::L2, in_memory);
}

#[test]
fn a_random_life_answers_as_comparing_all_does_by_the_cosine() {
    live_all(Metric::Cosine, || without_threads(Arc::new(MemoryStorage::new())));
}

#[test]
fn a_random_life_answers_as_comparing_all_does_by_the_dot_product() {
    live_all(Metric::DotProduct, in_memory);
}

#[test]
fn a_random_life_answers_as_comparing_all_does_by_the_bits_that_differ() {
    live_all(Metric::Hamming, || without_threads(Arc::new(MemoryStorage::new())));
}

#[test]
fn a_random_life_in_a_mapped_file_answers_as_comparing_all_does() {
    let directory = tempfile::tempdir().unwrap();
    for seed in 0..if is_long() { 40 } else { 1 } {
        let path = directory.path().join(format!("{seed}.rvf"));
        let host = Host::native_over(Arc::new(FileStorage::new()));
        live(seed, host, path.to_str().unwrap(), Metric::Cosine);
    }
}
