//! What a store must hold and answer, by a plain map and by comparing all vectors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rvf_quant::Scorer;
use rvf_runtime::types::Metric;
use rvf_runtime::{Hits, Quality, QueryOptions, RvfStore};

use crate::kit::{NewEntry, ready};
use crate::points::data_type;

/// Entries are of so many groups, by the number in their metadata.
pub const GROUPS: usize = 4;

#[derive(Clone)]
pub struct Stored {
    pub vector: Vec<u8>,
    pub group: usize,
}

/// The metadata of an entry of this group.
pub fn metadata(group: usize) -> String {
    format!("{{\"group\":{group}}}")
}

/// The filter that entries of this group fit.
pub fn group_filter(group: usize) -> String {
    format!("{{\"op\":\"eq\",\"field\":\"group\",\"value\":{group}}}")
}

/// The entries of a store by id.
#[derive(Clone)]
pub struct Model {
    pub metric: Metric,
    pub dimension: u32,
    pub entries: BTreeMap<String, Stored>,
}

impl Model {
    pub fn new(metric: Metric, dimension: u32) -> Model {
        Model { metric, dimension, entries: BTreeMap::new() }
    }

    /// Puts entries that have a group into the model; answers them as the store takes them.
    pub fn put(&mut self, entries: Vec<(String, Stored)>) -> Vec<NewEntry> {
        let new = |(id, stored): &(String, Stored)| NewEntry {
            id: id.clone(),
            vector: stored.vector.clone(),
            metadata: Some(metadata(stored.group)),
        };
        let batch = entries.iter().map(new).collect();
        self.entries.extend(entries);
        batch
    }

    fn scorer(&self, query: &[u8]) -> Scorer {
        Scorer::new(self.metric, data_type(self.metric), self.dimension, query).unwrap()
    }

    /// Distances of all that fit, ascending.
    pub fn distances(&self, query: &[u8], group: Option<usize>) -> Vec<f32> {
        let scorer = self.scorer(query);
        let fitting = self.entries.values().filter(|stored| group.is_none_or(|group| stored.group == group));
        let mut distances: Vec<f32> = fitting.map(|stored| scorer.distance(&stored.vector)).collect();
        distances.sort_by(f32::total_cmp);
        distances
    }

    /// Ids of the nearest that fit.
    pub fn nearest_ids(&self, query: &[u8], k: usize, group: Option<usize>) -> BTreeSet<String> {
        let scorer = self.scorer(query);
        let fitting = self.entries.iter().filter(|(_, stored)| group.is_none_or(|group| stored.group == group));
        let mut nearest: Vec<(f32, &String)> =
            fitting.map(|(id, stored)| (scorer.distance(&stored.vector), id)).collect();
        nearest.sort_by(|left, right| left.0.total_cmp(&right.0));
        nearest.into_iter().take(k).map(|(_, id)| id.clone()).collect()
    }

    /// Asks the store, and proves of the answer what holds whatever the quality; answers the share of the nearest that was
    /// found.
    pub fn ask(&self, store: &RvfStore, query: &[u8], options: &QueryOptions, group: Option<usize>) -> f64 {
        let filter = group.map(|group| store.filter(&group_filter(group)).unwrap());
        let options = QueryOptions { filter, ..options.clone() };
        let hits = ready(|| store.query(query, &options, None)).unwrap();
        self.check(query, &hits, options.k, group);
        let exact = self.distances(query, group);
        if options.quality == Quality::Exact && options.ef_search.is_none() {
            assert_eq!(hits.distances, exact[..hits.distances.len()], "an exact answer is not exact");
        }
        share_found(&hits.distances, &exact)
    }

    /// Proves that hits are living entries that fit, each once, as many as there are, in order, at their exact distances.
    pub fn check(&self, query: &[u8], hits: &Hits, k: usize, group: Option<usize>) {
        let scorer = self.scorer(query);
        let fitting = self.entries.values().filter(|stored| group.is_none_or(|group| stored.group == group)).count();
        assert_eq!(hits.ids.len(), k.min(fitting), "the number of hits of {fitting} entries for k {k}, {group:?}");
        assert!(hits.distances.is_sorted(), "hits out of order: {:?}", hits.distances);
        assert_eq!(hits.ids.iter().collect::<BTreeSet<_>>().len(), hits.ids.len(), "a hit came twice");
        for (id, distance) in hits.ids.iter().zip(&hits.distances) {
            let stored = self.entries.get(id).unwrap_or_else(|| panic!("{id} is a hit and not stored"));
            assert!(group.is_none_or(|group| stored.group == group), "{id} is a hit and does not fit");
            assert_eq!(distance.to_bits(), scorer.distance(&stored.vector).to_bits(), "the distance of {id}");
        }
    }

    /// Proves that these entries are found by their own vectors: nothing may be farther than an entry is from itself. The
    /// dot product obeys no triangle inequality, and a graph by it promises no more than its recall.
    pub fn found_by_own_vector<'a>(&self, store: &RvfStore, ids: impl IntoIterator<Item = &'a String>) {
        let (mut asked, mut missed) = (0, Vec::new());
        for id in ids {
            let vector = &self.entries[id].vector;
            let hits = ready(|| store.query(vector, &nearest(1), None)).unwrap();
            self.check(vector, &hits, 1, None);
            asked += 1;
            if hits.distances[0] > self.scorer(vector).distance(vector) {
                missed.push((id, hits));
            }
        }
        let missed_max = if self.metric == Metric::DotProduct { 1 + asked / 100 } else { 0 };
        assert!(missed.len() <= missed_max, "not found by their own vectors: {missed:?}");
    }

    /// Mean share of the k nearest that queries of the default quality find.
    pub fn recall(&self, store: &RvfStore, queries: &[Vec<u8>], options: &QueryOptions) -> f64 {
        let shares = queries.iter().map(|query| self.ask(store, query, options, None));
        shares.sum::<f64>() / queries.len() as f64
    }
}

/// Share of the nearest among what was found; entries at equal distances are equally good.
fn share_found(found: &[f32], exact: &[f32]) -> f64 {
    let Some(worst) = found.len().checked_sub(1).and_then(|last| exact.get(last)) else { return 1.0 };
    found.iter().filter(|distance| *distance <= worst).count() as f64 / found.len() as f64
}

/// Default quality and so many neighbours.
pub fn nearest(k: usize) -> QueryOptions {
    QueryOptions { k, ..QueryOptions::default() }
}

/// True where the graph leads to the answer of a default query.
pub fn walks(store: &RvfStore, query: &[u8]) -> bool {
    let options = QueryOptions { with_plan: true, ..nearest(1) };
    let hits = ready(|| store.query(query, &options, None)).unwrap();
    hits.plan.unwrap().strategy == rvf_runtime::Strategy::Graph
}

/// A filter of a group as queries take it.
pub fn filtered(store: &RvfStore, group: usize, k: usize) -> QueryOptions {
    let filter: Arc<_> = store.filter(&group_filter(group)).unwrap();
    QueryOptions { filter: Some(filter), ..nearest(k) }
}
