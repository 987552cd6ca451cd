//! T9: random operations on a store, compared after each with a map and with neighbours found in `f64`: on files, on
//! files without mapping, in memory, and in memory that has to be asked for everything twice.
//!
//! A failure prints the seed of its run: `RVF_SEED=<seed>` repeats that run alone. `RVF_LONG=1` makes 200,000 runs.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "model/by_metadata.rs"]
mod by_metadata;
#[path = "model/checks.rs"]
mod checks;
#[path = "model/inputs.rs"]
mod inputs;
mod kit;
#[path = "model/oracle.rs"]
mod oracle;
#[path = "model/replica.rs"]
mod replica;

use std::ops::Range;
use std::sync::Arc;

use checks::{found_by_its_own_vector, right_hits, same_lookups, same_rows, same_state};
use kit::{NewEntry, Rng, WAIT, batch_of, ready, strings, times};
use oracle::Oracle;
use replica::Replica;
use rvf_runtime::storage::{FileStorage, MemoryStorage, NotReadyStorage, Storage};
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{
    Control, CreateOptions, Durability, Host, OnDuplicate, OpenOptions, Quality, QueryOptions, RvfStore, StoreSnapshot,
};

const OPERATIONS_PER_RUN: usize = 50;
const SNAPSHOTS_HELD_MAX: usize = 3;

/// One store's random life.
struct Run {
    seed: u64,
    log: Vec<String>,
    rng: Rng,
    host: Host,
    path: String,
    options: OpenOptions,
    store: RvfStore,
    oracle: Oracle,
    ids: Vec<String>,
    /// A reader of the same file, and what it saw at its last refresh.
    reader: Option<(RvfStore, Oracle)>,
    /// States that must stay readable as they were.
    held: Vec<(StoreSnapshot, Oracle)>,
    /// Earlier states, to be brought up to date by the changes since.
    past: Vec<Replica>,
    /// The last compaction has dropped the states before this epoch.
    stale_below: u64,
    /// True while nothing was appended or replaced since the reader's last refresh.
    is_reader_current: bool,
    /// The storage, where it can forget what it has loaded.
    not_ready: Option<Arc<NotReadyStorage>>,
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("RVF_SEED={} {:?}\n{}", self.seed, self.oracle.shape, self.log.join("\n"));
        }
    }
}

impl Run {
    fn new(seed: u64, storage: Arc<dyn Storage>, path: &str) -> Run {
        let mut rng = Rng::new(seed);
        let shape = inputs::shape(&mut rng);
        let durability = *rng.pick(&[Durability::Commit, Durability::Interval, Durability::None]);
        // A thread would make checkpoints of its own, which the model knows nothing of, whenever it came to it.
        let host = Host { threads: None, ..Host::native_over(storage) };
        let options = CreateOptions { durability, ..CreateOptions::new(shape.dimension, shape.metric) };
        let store = ready(|| RvfStore::create(&host, path, &options)).unwrap();
        Run {
            seed,
            log: Vec::new(),
            rng,
            host,
            path: path.to_owned(),
            options: OpenOptions { durability, ..OpenOptions::default() },
            store,
            oracle: Oracle::new(shape),
            ids: inputs::all_ids(),
            reader: None,
            held: Vec::new(),
            past: Vec::new(),
            stale_below: 0,
            is_reader_current: false,
            not_ready: None,
        }
    }

    fn step(&mut self) {
        if self.not_ready.is_some() && self.rng.chance(5) {
            self.unload();
        }
        let choice = self.rng.below(140);
        match choice {
            0..30 => self.ingest(),
            30..33 => self.ingest_much(),
            33..43 => self.delete(),
            43..49 => self.look_up(),
            49..62 => self.query(),
            62..65 => self.query_batch(),
            65..72 => self.hold_snapshot(),
            72..76 => self.checkpoint(),
            76..79 => self.compact(),
            79..85 => self.reopen(),
            85..93 => self.read_elsewhere(),
            93..95 => self.back_up(),
            95..97 => self.export(),
            97..99 => self.refuse(),
            99 => self.find_all(),
            100..112 => self.update(),
            112..116 => self.delete_where(),
            116..121 => self.replace(),
            121..127 => self.look_by_filter(),
            127..133 => self.query_by_filter(),
            _ => self.follow_changes(),
        }
        same_state(&self.store, &self.oracle, &mut self.rng);
    }

    /// From here on every byte has to be asked for twice again.
    fn unload(&self) {
        if let Some(storage) = &self.not_ready {
            storage.unload();
        }
    }

    fn note(&mut self, text: String) {
        self.log.push(format!("{} {text}", self.log.len()));
    }

    fn ingest(&mut self) {
        let batch = inputs::small_batch(&mut self.rng, &self.oracle.shape, &self.ids);
        self.commit(&batch);
    }

    fn ingest_much(&mut self) {
        let batch = inputs::large_batch(&mut self.rng, &self.oracle.shape, &self.ids);
        self.commit(&batch);
    }

    fn commit(&mut self, batch: &[NewEntry]) {
        let on_duplicate = *self.rng.pick(&[OnDuplicate::Replace, OnDuplicate::Skip, OnDuplicate::Error]);
        self.note(format!("ingest {} entries, {on_duplicate:?}", batch.len()));
        let expected = self.oracle.ingest(batch, on_duplicate);
        match (ready(|| self.store.ingest(batch_of(batch), on_duplicate, WAIT)), expected) {
            (Ok(outcome), Some(expected)) => {
                assert_eq!((outcome.accepted, outcome.skipped), (expected.accepted, expected.skipped));
                assert_eq!(outcome.epoch, self.oracle.epoch);
                self.is_reader_current &= expected.accepted == 0;
            }
            (Err(error), None) => assert_eq!(error.code, ErrorCode::AlreadyExists),
            (answer, expected) => panic!("{answer:?} where {expected:?} was expected"),
        }
    }

    fn delete(&mut self) {
        let count = *self.rng.pick(&[0, 1, 1, 2, 5, 20]);
        let mut ids: Vec<String> = (0..count).map(|_| self.rng.pick(&self.ids).clone()).collect();
        if self.rng.chance(10) {
            ids.extend(self.oracle.in_order().iter().step_by(3).map(|(id, _)| (*id).to_owned()));
        }
        self.note(format!("delete {} ids", ids.len()));
        let outcome = ready(|| self.store.delete(strings(&ids), WAIT)).unwrap();
        assert_eq!(outcome.deleted, self.oracle.delete(&ids));
        assert_eq!(outcome.epoch, self.oracle.epoch);
        self.is_reader_current &= outcome.deleted == 0;
    }

    fn look_up(&mut self) {
        let mut ids: Vec<String> = (0..self.rng.below(12)).map(|_| self.rng.pick(&self.ids).clone()).collect();
        ids.extend(["not there".to_owned(), String::new()]);
        self.note(format!("look {} ids up", ids.len()));
        same_lookups(&self.store, &self.oracle, &ids);
    }

    fn query_options(&mut self, query: &[u8]) -> QueryOptions {
        let len = self.oracle.len();
        let neighbours = self.oracle.neighbours(query);
        let distance_max = if neighbours.is_empty() || self.rng.chance(70) {
            None
        } else {
            Some(self.rng.pick(&neighbours).distance as f32)
        };
        QueryOptions {
            // What the graph finds is the subject of tests/index.
            quality: Quality::Exact,
            k: *self.rng.pick(&[1, 2, 10, len.max(1), len + 1, 100_000]),
            distance_max,
            timeout_ms: 0,
            with_metadata: self.rng.chance(50),
            with_vectors: self.rng.chance(30),
            ..QueryOptions::default()
        }
    }

    fn query(&mut self) {
        let query = inputs::query(&mut self.rng, &self.oracle);
        let options = self.query_options(&query);
        self.note(format!("query {options:?}"));
        let hits = ready(|| self.store.query(&query, &options, None)).unwrap();
        right_hits(&self.oracle, &query, &options, &hits);
    }

    /// The same answers as one query after the other.
    fn query_batch(&mut self) {
        let queries: Vec<Vec<u8>> =
            (0..1 + self.rng.below(5)).map(|_| inputs::query(&mut self.rng, &self.oracle)).collect();
        let options = self.query_options(&queries[0]);
        self.note(format!("query {} vectors {options:?}", queries.len()));
        let (counts, all) = ready(|| self.store.query_batch(&queries.concat(), &options, None)).unwrap();
        assert_eq!(counts.len(), queries.len());
        let mut start = 0;
        for (query, count) in queries.iter().zip(counts) {
            let alone = ready(|| self.store.query(query, &options, None)).unwrap();
            let end = start + count as usize;
            assert_eq!((&all.ids[start..end], &all.distances[start..end]), (&alone.ids[..], &alone.distances[..]));
            right_hits(&self.oracle, query, &options, &alone);
            start = end;
        }
        assert_eq!(start, all.ids.len());
    }

    /// Holds a state while others come, and looks at one that was held.
    fn hold_snapshot(&mut self) {
        self.note("hold a snapshot".to_owned());
        if self.held.len() == SNAPSHOTS_HELD_MAX {
            let index = self.rng.below(self.held.len());
            let (snapshot, oracle) = self.held.swap_remove(index);
            same_rows(&snapshot, &oracle, &mut self.rng);
        }
        self.held.push((self.store.snapshot().unwrap(), self.oracle.clone()));
    }

    fn checkpoint(&mut self) {
        self.note("checkpoint".to_owned());
        self.expect_checkpoint();
        ready(|| self.store.checkpoint()).unwrap();
        assert_eq!(ready(|| self.store.status()).unwrap().tail_bytes, 0);
    }

    /// What comes next makes a checkpoint if there is anything to be put into it.
    fn expect_checkpoint(&mut self) {
        self.is_reader_current &= ready(|| self.store.status()).unwrap().tail_bytes == 0;
    }

    fn compact(&mut self) {
        self.note("compact".to_owned());
        let outcome = ready(|| self.store.compact(&Control::default())).unwrap();
        let status = ready(|| self.store.status()).unwrap();
        assert_eq!((outcome.epoch, status.row_count), (self.oracle.epoch, self.oracle.len() as u64));
        assert_eq!(status.dead_space_ratio, 0.0);
        self.is_reader_current = false;
        self.stale_below = self.oracle.epoch;
        self.past.retain(|state| state.epoch >= self.stale_below);
    }

    /// Closes, or drops the store as a process that ends without closing does, and opens it again.
    fn reopen(&mut self) {
        // With intervals a thread of the store's own outlives the handle for a moment, and with it the lock.
        let closes = self.rng.chance(60) || self.options.durability == Durability::Interval;
        self.note(format!("reopen, closed first: {closes}"));
        let had_tail = ready(|| self.store.status()).unwrap().tail_bytes > 0;
        if closes {
            self.expect_checkpoint();
            ready(|| self.store.close()).unwrap();
            assert_eq!(self.store.count().unwrap_err().code, ErrorCode::StoreClosed);
        }
        // The only handle: with it goes the lock.
        self.store =
            RvfStore::create(&self.host, ":memory:", &CreateOptions::new(1, self.oracle.shape.metric)).unwrap();
        self.store = ready(|| RvfStore::open(&self.host, &self.path, &self.options)).unwrap();
        let status = ready(|| self.store.status()).unwrap();
        assert_eq!(status.recovered_torn_bytes, 0);
        assert_eq!(status.recovered_commits > 0, had_tail && !closes);
        let shape = self.oracle.shape;
        assert_eq!((self.store.options().dimension, self.store.options().metric), (shape.dimension, shape.metric));
    }

    /// A reader sees what it saw until it refreshes, and then the newest state.
    fn read_elsewhere(&mut self) {
        self.note("read elsewhere".to_owned());
        let reader = match self.reader.take() {
            Some((reader, before)) => {
                same_state(&reader, &before, &mut self.rng);
                assert_eq!(
                    ready(|| reader.refresh()).unwrap(),
                    !self.is_reader_current,
                    "whether there was something new"
                );
                reader
            }
            None => ready(|| RvfStore::open(&self.host, &self.path, &OpenOptions::read_only())).unwrap(),
        };
        same_state(&reader, &self.oracle, &mut self.rng);
        self.is_reader_current = true;
        if self.rng.chance(90) {
            self.reader = Some((reader, self.oracle.clone()));
        }
    }

    fn back_up(&mut self) {
        self.note("back up".to_owned());
        let path = format!("{}.backup", self.path);
        self.expect_checkpoint();
        ready(|| self.store.backup(&path, &Control::default())).unwrap();
        assert_eq!(self.store.backup(&path, &Control::default()).unwrap_err().code, ErrorCode::AlreadyExists);
        let options = OpenOptions { read_only: self.rng.chance(50), ..OpenOptions::default() };
        let copy = ready(|| RvfStore::open(&self.host, &path, &options)).unwrap();
        same_state(&copy, &self.oracle, &mut self.rng);
        copy.close().unwrap();
        drop(copy);
        self.host.storage.remove(&path).unwrap();
    }

    fn export(&mut self) {
        self.note("export".to_owned());
        self.expect_checkpoint();
        let bytes = ready(|| self.store.export_bytes()).unwrap();
        let copy = RvfStore::open_bytes(&self.host, bytes, &OpenOptions::default()).unwrap();
        same_state(&copy, &self.oracle, &mut self.rng);
        copy.delete(strings(&self.ids), WAIT).unwrap();
        assert_eq!(copy.verify(&Control::default()).unwrap().problems, vec![]);
    }

    /// What is not valid changes nothing.
    fn refuse(&mut self) {
        self.note("refuse".to_owned());
        let mut batch = inputs::small_batch(&mut self.rng, &self.oracle.shape, &self.ids);
        let vector = inputs::vector(&mut self.rng, &self.oracle.shape);
        let bad = [
            NewEntry { id: String::new(), vector: vector.clone(), metadata: None },
            NewEntry { id: "a".repeat(1_025), vector: vector.clone(), metadata: None },
            NewEntry { id: "a".to_owned(), vector: vector[1..].to_vec(), metadata: None },
            NewEntry { id: "a".to_owned(), vector, metadata: Some("{]".to_owned()) },
        ];
        batch.push(self.rng.pick(&bad).clone());
        let error = self.store.ingest(batch_of(&batch), OnDuplicate::Replace, WAIT).unwrap_err();
        assert!(matches!(error.code, ErrorCode::InvalidInput | ErrorCode::DimensionMismatch), "{error}");
    }

    fn find_all(&mut self) {
        self.note("find every entry by its own vector".to_owned());
        let ids: Vec<String> = self.oracle.in_order().iter().map(|(id, _)| (*id).to_owned()).collect();
        // All of a small store, some of a large one: each look-up compares everything with everything.
        for id in ids.iter().step_by(1 + ids.len() / 100) {
            found_by_its_own_vector(&self.store, &self.oracle, id);
        }
    }

    fn live(mut self) {
        for _ in 0..OPERATIONS_PER_RUN {
            self.step();
        }
        self.finish();
    }

    fn finish(mut self) {
        self.unload();
        self.find_all();
        let report = ready(|| self.store.verify(&Control::default())).unwrap();
        assert_eq!(report.problems, vec![]);
        ready(|| self.store.close()).unwrap();
        for (snapshot, oracle) in std::mem::take(&mut self.held) {
            same_rows(&snapshot, &oracle, &mut self.rng);
        }
        let reader = ready(|| RvfStore::open(&self.host, &self.path, &OpenOptions::read_only())).unwrap();
        same_state(&reader, &self.oracle, &mut self.rng);
        assert_eq!(ready(|| reader.verify(&Control::default())).unwrap().problems, vec![]);
        assert!(self.not_ready.as_ref().is_none_or(|storage| storage.not_ready_answers() > 0));
    }
}

/// Runs the seeds whose last digit is in `digits`, each with a store of its own.
fn run_all(digits: Range<u64>, start: impl Fn(u64) -> Run) {
    let only: Option<u64> = std::env::var("RVF_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds =
        (0..times(500, 200_000)).filter(|seed| digits.contains(&(seed % 10)) && only.is_none_or(|only| *seed == only));
    seeds.for_each(|seed| start(seed).live());
}

/// Runs on files of a directory that holds nothing else; each run leaves its store alone in it.
fn run_on_files(digits: Range<u64>, storage: FileStorage) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.rvf");
    run_all(digits, |seed| {
        let left: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty() || left == [path.clone()], "{left:?}");
        left.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        Run::new(seed, Arc::new(storage.clone()), path.to_str().unwrap())
    });
}

#[test]
fn a_store_on_files_does_what_the_model_does() {
    run_on_files(0..4, FileStorage::new());
}

#[test]
fn a_store_on_files_without_mapping_does_what_the_model_does() {
    run_on_files(4..6, FileStorage::without_mapping());
}

#[test]
fn a_store_in_memory_does_what_the_model_does() {
    run_all(6..9, |seed| Run::new(seed, Arc::new(MemoryStorage::new()), "/store.rvf"));
}

#[test]
fn a_store_on_storage_that_answers_not_ready_does_what_the_model_does() {
    run_all(9..10, |seed| {
        let storage = Arc::new(NotReadyStorage::new(Arc::new(MemoryStorage::new())));
        let mut run = Run::new(seed, Arc::clone(&storage) as Arc<dyn Storage>, "/store.rvf");
        run.not_ready = Some(storage);
        run
    });
}
