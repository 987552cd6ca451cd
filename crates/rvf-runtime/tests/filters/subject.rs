//! A store with the map that says what it must hold; each change is made to both and compared.

use std::ops::Range;
use std::sync::Arc;

use rvf_runtime::storage::Storage;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{
    CreateOptions, Expression, Host, OnDuplicate, OpenOptions, Quality, QueryOptions, RvfStore, StoreSnapshot, Target,
};
use serde_json::{Value, json};

use crate::checks::{right_filtered_hits, same_lookups, same_matches, same_rows, same_state};
use crate::kit::{NewEntry, Rng, WAIT, batch_of, floats, page_at, plain, strings};
use crate::oracle::{Oracle, Shape};

/// The filter that everything fits.
pub fn everything() -> Value {
    json!({"op": "and", "exprs": []})
}

pub struct Subject {
    pub host: Host,
    pub path: String,
    pub store: RvfStore,
    pub oracle: Oracle,
    pub rng: Rng,
}

impl Subject {
    pub fn new(seed: u64, storage: Arc<dyn Storage>, metric: Metric) -> Subject {
        Subject::at("/store.rvf", seed, storage, metric)
    }

    pub fn at(path: &str, seed: u64, storage: Arc<dyn Storage>, metric: Metric) -> Subject {
        Subject::with_host(path, seed, Host::native_over(storage), metric)
    }

    pub fn with_host(path: &str, seed: u64, host: Host, metric: Metric) -> Subject {
        let shape = Shape { metric, dimension: 8, is_grid: true, scale: 1.0 };
        let store = RvfStore::create(&host, path, &CreateOptions::new(shape.dimension, metric)).unwrap();
        Subject { host, path: path.to_owned(), store, oracle: Oracle::new(shape), rng: Rng::new(seed) }
    }

    /// The engine's own form of a filter.
    pub fn expression(&self, filter: &Value) -> Arc<Expression> {
        self.store.filter(&filter.to_string()).unwrap()
    }

    fn vector(&mut self) -> Vec<u8> {
        let shape = self.oracle.shape;
        match shape.metric {
            Metric::Hamming => vec![self.rng.next() as u8; shape.row_bytes()],
            _ => floats((0..shape.dimension).map(|_| (self.rng.below(17) as f32 - 8.0) / 2.0)),
        }
    }

    /// Entries `id-{number}` with random metadata, and each with so much of it more.
    pub fn entries(&mut self, numbers: Range<usize>, padding: usize) -> Vec<NewEntry> {
        numbers
            .map(|number| {
                let metadata = match padding {
                    0 => plain::document(&mut self.rng),
                    padding => {
                        let document = plain::document(&mut self.rng).filter(|text| text.starts_with('{'));
                        let patch = json!({"n": number % 20, "padding": "p".repeat(padding)}).to_string();
                        plain::patched(document.as_deref(), &patch)
                    }
                };
                NewEntry { id: format!("id-{number}"), vector: self.vector(), metadata }
            })
            .collect()
    }

    pub fn ingest(&mut self, batch: &[NewEntry], on_duplicate: OnDuplicate) {
        let expected = self.oracle.ingest(batch, on_duplicate).unwrap();
        let outcome = self.store.ingest(batch_of(batch), on_duplicate, WAIT).unwrap();
        assert_eq!((outcome.accepted, outcome.skipped), (expected.accepted, expected.skipped));
        assert_eq!(outcome.epoch, self.oracle.epoch);
    }

    pub fn delete(&mut self, ids: &[String]) {
        let outcome = self.store.delete(strings(ids), WAIT).unwrap();
        assert_eq!((outcome.deleted, outcome.epoch), (self.oracle.delete(ids), self.oracle.epoch));
    }

    pub fn delete_where(&mut self, filter: &Value) {
        let outcome = self.store.delete_where(self.expression(filter), WAIT).unwrap();
        let ids = self.oracle.matching(filter);
        assert_eq!((outcome.deleted, outcome.epoch), (self.oracle.delete(&ids), self.oracle.epoch), "{filter}");
    }

    pub fn update_where(&mut self, filter: &Value, patch: &str) {
        let target = Target::Where(self.expression(filter));
        let outcome = self.store.update_metadata(target, patch.into(), WAIT).unwrap();
        let ids = self.oracle.matching(filter);
        let updated = self.oracle.update(&ids, patch);
        assert_eq!((outcome.updated, outcome.epoch), (updated, self.oracle.epoch), "{patch} where {filter}");
    }

    pub fn update_ids(&mut self, ids: &[String], patch: &str) {
        let outcome = self.store.update_metadata(Target::Ids(strings(ids)), patch.into(), WAIT).unwrap();
        let updated = self.oracle.update(ids, patch);
        assert_eq!((outcome.updated, outcome.epoch), (updated, self.oracle.epoch), "{patch}");
    }

    pub fn replace_where(&mut self, filter: &Value, batch: &[NewEntry], on_duplicate: OnDuplicate) {
        let expected = self.oracle.replace(filter, batch, on_duplicate);
        match (self.store.replace_where(self.expression(filter), batch_of(batch), on_duplicate, WAIT), expected) {
            (Ok(outcome), Some((deleted, stored))) => {
                assert_eq!(outcome.deleted, deleted, "{filter}");
                assert_eq!((outcome.ingest.accepted, outcome.ingest.skipped), (stored.accepted, stored.skipped));
                assert_eq!(outcome.ingest.epoch, self.oracle.epoch);
            }
            (Err(error), None) => assert_eq!(error.code, ErrorCode::AlreadyExists),
            (answer, expected) => panic!("{answer:?} where {expected:?} was expected"),
        }
    }

    /// Opens the store again, after closing it or as if its process had ended.
    pub fn reopen(&mut self, closes: bool) {
        if closes {
            self.store.close().unwrap();
        }
        let (host, path) = (self.host.clone(), self.path.clone());
        self.store = RvfStore::create(&host, ":memory:", &CreateOptions::new(1, Metric::L2)).unwrap();
        self.store = RvfStore::open(&host, &path, &OpenOptions::default()).unwrap();
    }

    /// Compares all rows, and what `filters` random filters answer.
    pub fn check(&mut self, filters: usize) {
        let oracle = self.oracle.clone();
        same_state(&self.store, &oracle, &mut self.rng);
        let store = self.store.clone();
        for _ in 0..filters {
            self.check_filter(&store, &oracle);
        }
        let some: Vec<String> = (0..5).map(|_| format!("id-{}", self.rng.below(oracle.len() + 2))).collect();
        same_lookups(&store, &oracle, &some);
    }

    /// As [`Subject::check`], for another handle of the same file.
    pub fn check_other(&mut self, store: &RvfStore, oracle: &Oracle) {
        same_state(store, oracle, &mut self.rng);
        self.check_filter(store, oracle);
    }

    fn check_filter(&mut self, store: &RvfStore, oracle: &Oracle) {
        let filter =
            if self.rng.chance(30) { plain::narrow_filter(&mut self.rng) } else { plain::filter(&mut self.rng) };
        same_matches(store, oracle, &filter, &mut self.rng);
        let query = self.vector();
        let options = QueryOptions {
            // What the graph finds is the subject of tests/index.
            quality: Quality::Exact,
            k: *self.rng.pick(&[1, 10, oracle.len().max(1)]),
            distance_max: self.rng.chance(30).then_some(40.0),
            with_metadata: self.rng.chance(50),
            with_vectors: self.rng.chance(20),
            filter: Some(store.filter(&filter.to_string()).unwrap()),
            with_plan: self.rng.chance(50),
            ..QueryOptions::default()
        };
        let hits = store.query(&query, &options, None).unwrap();
        right_filtered_hits(oracle, &query, &filter, &options, &hits);
        let (counts, twice) = store.query_batch(&[&query[..], &query].concat(), &options, None).unwrap();
        assert_eq!(counts, [hits.ids.len() as u32; 2]);
        assert_eq!(twice.ids, [&hits.ids[..], &hits.ids].concat());
    }

    /// A state that was held is what it was, filters included.
    pub fn check_held(&mut self, held: &StoreSnapshot, before: &Oracle) {
        same_rows(held, before, &mut self.rng);
        let filter = plain::filter(&mut self.rng);
        let page = held.rows(page_at(0, usize::MAX), Some(&self.expression(&filter))).unwrap();
        assert_eq!(page.ids, before.matching(&filter), "{filter} of a held state");
    }
}
