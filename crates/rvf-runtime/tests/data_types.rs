//! Stores of half floats and of signed bytes: what was put in comes out bit for bit, and is as far as a plain sum says.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod kit;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use half::f16;
use kit::{NewEntry, Rng, WAIT, all_rows, batch_of, strings};
use rvf_runtime::types::limits::COARSE_FROM_ROWS;
use rvf_runtime::types::{DataType, ErrorCode, Metric};
use rvf_runtime::{
    CoarseBudget, Control, CreateOptions, Host, OnDuplicate, OpenOptions, Quality, QueryOptions, RvfStore, Strategy,
};

const DIMENSION: u32 = 24;
const ROWS: usize = 3_000;
const K: usize = 10;

const KINDS: [(DataType, Metric); 6] = [
    (DataType::F16, Metric::L2),
    (DataType::F16, Metric::Cosine),
    (DataType::F16, Metric::DotProduct),
    (DataType::I8, Metric::L2),
    (DataType::I8, Metric::Cosine),
    (DataType::I8, Metric::DotProduct),
];

/// The entries of a store, and how it is asked.
struct Subject {
    data_type: DataType,
    metric: Metric,
    vectors: BTreeMap<String, Vec<u8>>,
    rng: Rng,
}

impl Subject {
    fn new((data_type, metric): (DataType, Metric)) -> Subject {
        Subject { data_type, metric, vectors: BTreeMap::new(), rng: Rng::new(7) }
    }

    fn options(&self) -> CreateOptions {
        let mut options = CreateOptions::new(DIMENSION, self.metric);
        options.store.data_type = self.data_type;
        options
    }

    /// A vector near one of twelve centres.
    fn vector(&mut self) -> Vec<u8> {
        let mut centre = Rng::new(self.rng.below(12) as u64);
        let values: Vec<f64> = (0..DIMENSION).map(|_| 0.7 * centre.fraction() + 0.3 * self.rng.fraction()).collect();
        values.into_iter().flat_map(|value| element(self.data_type, value)).collect()
    }

    /// Stores entries of these numbers, with new vectors.
    fn ingest(&mut self, store: &RvfStore, numbers: std::ops::Range<usize>) {
        let mut entries = Vec::new();
        for number in numbers {
            let (id, vector) = (format!("id-{number}"), self.vector());
            self.vectors.insert(id.clone(), vector.clone());
            entries.push(NewEntry { id, vector, metadata: Some(format!("{{\"n\":{number}}}")) });
        }
        store.ingest(batch_of(&entries), OnDuplicate::Replace, WAIT).unwrap();
    }

    /// The first batches of a life: small ones in journals, one in its final form, new vectors for some, some deleted.
    fn fill(&mut self, store: &RvfStore) {
        for start in (0..200).step_by(20) {
            self.ingest(store, start..start + 20);
        }
        self.ingest(store, 200..ROWS);
        self.ingest(store, 150..250);
        let gone = ["id-5", "id-170", "id-2999"];
        store.delete(strings(&gone), WAIT).unwrap();
        self.vectors.retain(|id, _| !gone.contains(&id.as_str()));
    }

    /// Distances of all entries in `f64`, the nearest first.
    fn distances(&self, query: &[u8]) -> Vec<(f64, &str)> {
        let query = values(self.data_type, query);
        let distance = |vector: &[u8]| distance(self.metric, &query, &values(self.data_type, vector));
        let mut all: Vec<(f64, &str)> =
            self.vectors.iter().map(|(id, vector)| (distance(vector), id.as_str())).collect();
        all.sort_by(|left, right| left.0.total_cmp(&right.0));
        all
    }

    /// The store has exactly these entries, and exact answers are right.
    fn check(&mut self, store: &RvfStore) {
        let page = store.snapshot().unwrap().rows(all_rows(), None).unwrap();
        let vectors = page.vectors.unwrap();
        let rows = page.ids.iter().zip(vectors.chunks(self.data_type.row_bytes(DIMENSION)));
        let stored: BTreeMap<String, Vec<u8>> = rows.map(|(id, vector)| (id.clone(), vector.to_vec())).collect();
        assert!(stored == self.vectors, "{:?} {:?}: other entries", self.data_type, self.metric);
        let exact = QueryOptions { k: K, quality: Quality::Exact, with_vectors: true, ..QueryOptions::default() };
        for _ in 0..5 {
            let query = self.vector();
            let hits = store.query(&query, &exact, None).unwrap();
            let expected = self.distances(&query);
            assert_eq!(hits.ids.len(), K);
            for (distance, (expected, _)) in hits.distances.iter().zip(&expected) {
                let error = (f64::from(*distance) - expected).abs();
                assert!(error <= 1e-5 * expected.abs().max(1.0), "{:?}: {distance}, {expected}", self.metric);
            }
            let vectors: Vec<u8> = hits.ids.iter().flat_map(|id| self.vectors[id].clone()).collect();
            assert_eq!(hits.vectors, Some(vectors));
        }
        assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
    }

    /// Share of the nearest that `answer` finds.
    fn recall(&mut self, answer: impl Fn(&[u8]) -> Vec<String>) -> f64 {
        let mut found = 0;
        for _ in 0..50 {
            let query = self.vector();
            let nearest: BTreeSet<&str> = self.distances(&query)[..K].iter().map(|(_, id)| *id).collect();
            found += answer(&query).iter().filter(|id| nearest.contains(id.as_str())).count();
        }
        found as f64 / (50 * K) as f64
    }
}

/// A number between -1 and 1 as an element; of signed bytes 1 is 127.
fn element(data_type: DataType, value: f64) -> Vec<u8> {
    match data_type {
        DataType::F16 => f16::from_f64(value).to_le_bytes().to_vec(),
        _ => vec![(value * 127.0).round() as i8 as u8],
    }
}

fn values(data_type: DataType, vector: &[u8]) -> Vec<f64> {
    match data_type {
        DataType::F16 => vector.chunks(2).map(|half| f16::from_le_bytes([half[0], half[1]]).to_f64()).collect(),
        _ => vector.iter().map(|byte| f64::from(byte.cast_signed())).collect(),
    }
}

fn distance(metric: Metric, query: &[f64], row: &[f64]) -> f64 {
    let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    match metric {
        Metric::L2 => query.iter().zip(row).map(|(left, right)| (left - right).powi(2)).sum(),
        Metric::DotProduct => -dot(query, row),
        _ => 1.0 - dot(query, row) / (dot(query, query) * dot(row, row)).sqrt(),
    }
}

fn path_in(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().unwrap().to_owned()
}

#[test]
fn entries_live_through_journals_checkpoints_compaction_backup_and_reopening() {
    for kind in KINDS {
        let directory = tempfile::tempdir().unwrap();
        let (host, path) = (Host::native(), path_in(directory.path(), "a.rvf"));
        let mut subject = Subject::new(kind);
        let store = RvfStore::create(&host, &path, &subject.options()).unwrap();
        subject.fill(&store);
        subject.check(&store);
        // What a crash would leave: journals of the tail are replayed.
        let bytes = store.export_bytes().unwrap();
        subject.check(&RvfStore::open_bytes(&host, bytes, &OpenOptions::read_only()).unwrap());
        store.checkpoint().unwrap();
        subject.check(&store);
        store.wait_for_index(&Control::default()).unwrap();
        store.compact(&Control::default()).unwrap();
        subject.ingest(&store, 10..20);
        subject.check(&store);
        let copy = path_in(directory.path(), "copy.rvf");
        store.backup(&copy, &Control::default()).unwrap();
        store.close().unwrap();
        for path in [path, copy] {
            let store = RvfStore::open(&host, &path, &OpenOptions::default()).unwrap();
            assert_eq!(store.options().data_type, kind.0);
            subject.check(&store);
        }
    }
}

#[test]
fn the_graph_finds_what_comparing_all_finds() {
    for kind in KINDS {
        let mut subject = Subject::new(kind);
        let store = RvfStore::create(&Host::native(), ":memory:", &subject.options()).unwrap();
        subject.fill(&store);
        store.wait_for_index(&Control::default()).unwrap();
        let options = QueryOptions { k: K, with_plan: true, ..QueryOptions::default() };
        let recall = subject.recall(|query| {
            let hits = store.query(query, &options, None).unwrap();
            assert_eq!(hits.plan.unwrap().strategy, Strategy::Graph);
            hits.ids
        });
        assert!(recall >= 0.98, "{kind:?}: recall {recall}");
    }
}

#[test]
fn a_cold_reader_gets_rough_answers() {
    for kind in KINDS {
        let directory = tempfile::tempdir().unwrap();
        let (host, path) = (Host::native(), path_in(directory.path(), "a.rvf"));
        let mut subject = Subject::new(kind);
        let store = RvfStore::create(&host, &path, &subject.options()).unwrap();
        subject.fill(&store);
        subject.ingest(&store, ROWS..ROWS + COARSE_FROM_ROWS as usize);
        store.wait_for_index(&Control::default()).unwrap();
        store.close().unwrap();
        let reader = RvfStore::open(&host, &path, &OpenOptions::read_only()).unwrap();
        let budget = CoarseBudget { requests_max: 100, bytes_max: 10_000_000 };
        let recall = subject.recall(|query| reader.query_coarse(query, K, budget).unwrap().unwrap().ids);
        // Two bits an element: an order of the rows by chance would find one in 500.
        assert!(recall >= 0.4, "{kind:?}: recall {recall}");
    }
}

#[test]
fn changes_come_with_their_vectors() {
    for kind in KINDS {
        let mut subject = Subject::new(kind);
        let store = RvfStore::create(&Host::native(), ":memory:", &subject.options()).unwrap();
        subject.ingest(&store, 0..50);
        let epoch = store.status().unwrap().epoch;
        subject.ingest(&store, 3..5);
        let changes = store.changes(epoch, None, 100, true).unwrap();
        let expected = [&subject.vectors["id-3"][..], &subject.vectors["id-4"]].concat();
        assert_eq!(
            (changes.page.ids.as_slice(), changes.page.vectors),
            (&["id-3", "id-4"].map(String::from)[..], Some(expected))
        );
    }
}

#[test]
fn half_floats_that_are_not_finite_are_refused_and_signed_bytes_may_be_any() {
    let entry = |vector: Vec<u8>| batch_of(&[NewEntry { id: "a".to_owned(), vector, metadata: None }]);
    for bad in [f16::NAN, f16::INFINITY, f16::NEG_INFINITY, f16::from_bits(0xFFFF)] {
        let subject = Subject::new((DataType::F16, Metric::L2));
        let store = RvfStore::create(&Host::native(), ":memory:", &subject.options()).unwrap();
        let mut vector: Vec<u8> =
            [f16::MAX, f16::MIN].repeat(12).iter().flat_map(|value| value.to_le_bytes()).collect();
        store.ingest(entry(vector.clone()), OnDuplicate::Error, Duration::ZERO).unwrap();
        vector[46..].copy_from_slice(&bad.to_le_bytes());
        let query = store.query(&vector, &QueryOptions { k: 1, ..QueryOptions::default() }, None).unwrap_err();
        let ingest = store.ingest(entry(vector), OnDuplicate::Replace, Duration::ZERO).unwrap_err();
        for error in [query, ingest] {
            assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
            assert!(error.message.contains("element 23"), "{error}");
        }
    }
    let subject = Subject::new((DataType::I8, Metric::L2));
    let store = RvfStore::create(&Host::native(), ":memory:", &subject.options()).unwrap();
    for start in (0..=u8::MAX).step_by(DIMENSION as usize) {
        let vector: Vec<u8> = (0..DIMENSION as u8).map(|at| start.wrapping_add(at)).collect();
        store.ingest(entry(vector.clone()), OnDuplicate::Replace, Duration::ZERO).unwrap();
        assert_eq!(store.get(&strings(&["a"]), true).unwrap().vectors, Some(vector));
    }
}

#[test]
fn vectors_of_another_type_have_another_length() {
    for (data_type, element_bytes) in [(DataType::F16, 2), (DataType::I8, 1)] {
        let subject = Subject::new((data_type, Metric::Cosine));
        let store = RvfStore::create(&Host::native(), ":memory:", &subject.options()).unwrap();
        for bytes in [DIMENSION as usize * 4, DIMENSION as usize * element_bytes - 1] {
            let entry = NewEntry { id: "a".to_owned(), vector: vec![0; bytes], metadata: None };
            let error = store.ingest(batch_of(&[entry]), OnDuplicate::Error, Duration::ZERO).unwrap_err();
            assert_eq!(error.code, ErrorCode::DimensionMismatch, "{error}");
        }
    }
}
