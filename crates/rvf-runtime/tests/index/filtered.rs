//! Searches with filters: what they find wherever the entries that fit lie, and by which way.

use std::sync::Arc;

use rvf_quant::Scorer;
use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{DataType, Metric};
use rvf_runtime::{CreateOptions, OnDuplicate, QueryOptions, RvfStore, Strategy};

use crate::hosts::{PATH, without_threads};
use crate::kit::{NewEntry, Rng, WAIT, batch_of, ready, strings};
use crate::points::Points;

const DIMENSION: u32 = 16;
const ROWS: usize = 12_000;
const QUERIES: usize = 60;
const BREADTH: usize = 16;

/// Entries whose metadata has their place by the distance from a pivot, and one that has nothing to do with it.
struct Described {
    store: RvfStore,
    vectors: Vec<Vec<u8>>,
    places: Vec<usize>,
    queries: Vec<Vec<u8>>,
}

fn distance(left: &[u8], right: &[u8]) -> f32 {
    Scorer::new(Metric::L2, DataType::F32, DIMENSION, left).unwrap().distance(right)
}

/// A place among `ROWS` that follows from nothing but the row.
fn any(row: usize) -> usize {
    row * 7_919 % ROWS
}

impl Described {
    fn new() -> Described {
        let mut rng = Rng::new(4);
        let points = Points::new(Metric::L2, DIMENSION, &mut rng);
        let vectors: Vec<Vec<u8>> = (0..ROWS).map(|_| points.vector(&mut rng)).collect();
        let mut order: Vec<usize> = (0..ROWS).collect();
        order.sort_by(|left, right| {
            distance(&vectors[0], &vectors[*left]).total_cmp(&distance(&vectors[0], &vectors[*right]))
        });
        let mut places = vec![0; ROWS];
        order.iter().enumerate().for_each(|(place, row)| places[*row] = place);
        // Entries near the pivot ask, so that filters by the place are about the query.
        let queries = order[..QUERIES].iter().map(|row| vectors[*row].clone()).collect();
        let host = without_threads(Arc::new(MemoryStorage::new()));
        let store = RvfStore::create(&host, PATH, &CreateOptions::new(DIMENSION, Metric::L2)).unwrap();
        let entry = |row: usize| NewEntry {
            id: row.to_string(),
            vector: vectors[row].clone(),
            metadata: Some(format!(r#"{{"place":{},"any":{}}}"#, places[row], any(row))),
        };
        let entries: Vec<NewEntry> = (0..ROWS).map(entry).collect();
        for batch in entries.chunks(1_000) {
            store.ingest(batch_of(batch), OnDuplicate::Error, WAIT).unwrap();
        }
        ready(|| store.wait_for_index(&rvf_runtime::Control::default())).unwrap();
        Described { store, vectors, places, queries }
    }

    /// Recall of ten, the ways to the answers, and the rows visited by a query.
    fn ask(&self, filter: &str, fits: impl Fn(usize) -> bool) -> (f64, Vec<Strategy>, u64) {
        let options = QueryOptions {
            k: 10,
            ef_search: Some(BREADTH),
            filter: Some(self.store.filter(filter).unwrap()),
            with_plan: true,
            ..QueryOptions::default()
        };
        let (mut found, mut ways, mut visited) = (0, Vec::new(), 0);
        for query in &self.queries {
            let hits = ready(|| self.store.query(query, &options, None)).unwrap();
            let rows: Vec<usize> = hits.ids.iter().map(|id| id.parse().unwrap()).collect();
            assert!(rows.len() == 10 && rows.iter().all(|row| fits(*row)), "{filter}: {rows:?}");
            let mut nearest: Vec<f32> =
                (0..ROWS).filter(|row| fits(*row)).map(|row| distance(query, &self.vectors[row])).collect();
            nearest.sort_by(f32::total_cmp);
            found += hits.distances.iter().filter(|distance| **distance <= nearest[9]).count();
            let plan = hits.plan.unwrap();
            visited += plan.visited;
            if !ways.contains(&plan.strategy) {
                ways.push(plan.strategy);
            }
        }
        (found as f64 / (QUERIES * 10) as f64, ways, visited / QUERIES as u64)
    }
}

#[test]
fn the_nearest_that_fit_are_found_where_these_lie_near_the_query_far_from_it_or_anywhere() {
    let described = Described::new();
    let mut found = Vec::new();
    for (share, ways) in
        [(50, &[Strategy::Graph][..]), (23, &[Strategy::Graph]), (5, &[Strategy::Codes]), (1, &[Strategy::Matches])]
    {
        let end = ROWS * share / 100;
        let start = ROWS - end;
        let places = &described.places;
        let (near, far) = (|row: usize| places[row] < end, |row: usize| places[row] >= start);
        let asked = [
            described.ask(&format!(r#"{{"op":"lt","field":"any","value":{end}}}"#), |row| any(row) < end),
            described.ask(&format!(r#"{{"op":"lt","field":"place","value":{end}}}"#), near),
            described.ask(&format!(r#"{{"op":"ge","field":"place","value":{start}}}"#), far),
        ];
        for ((recall, by, visited), kind) in asked.iter().zip(["any", "near", "far"]) {
            eprintln!("{kind}, {share} %: recall {recall:.3}, {by:?}, {visited} visited");
            found.push((*recall >= 0.95, kind, share, *recall));
            if kind == "far" && share > 20 {
                continue;
            }
            assert_eq!(by, ways, "{kind}, {share} %");
            let most = if by == &[Strategy::Graph] { end as u64 / 2 } else { end as u64 * 2 };
            assert!(*visited <= most, "{kind}, {share} %: {visited} visited");
        }
    }
    assert!(found.iter().all(|(is_enough, ..)| *is_enough), "{found:?}");
}

#[test]
fn entries_that_the_graph_does_not_have_yet_are_found_with_a_filter_of_any_way() {
    let described = Described::new();
    let store = &described.store;
    let late: Vec<NewEntry> = (0..70)
        .map(|number| NewEntry {
            id: format!("late-{number}"),
            vector: described.vectors[number].clone(),
            metadata: Some(r#"{"place":0,"any":0}"#.to_owned()),
        })
        .collect();
    store.ingest(batch_of(&late), OnDuplicate::Error, WAIT).unwrap();
    for share in [50, 23, 5, 1] {
        let filter = store.filter(&format!(r#"{{"op":"lt","field":"any","value":{}}}"#, ROWS * share / 100)).unwrap();
        let options = QueryOptions { k: 10, ef_search: Some(BREADTH), filter: Some(filter), ..QueryOptions::default() };
        for (number, entry) in late.iter().enumerate() {
            let hits = ready(|| store.query(&entry.vector, &options, None)).unwrap();
            assert!(hits.ids.contains(&entry.id), "{share} %, {number}: {:?}", hits.ids);
        }
    }
}

#[test]
fn a_filter_that_was_asked_before_sees_what_changed_since() {
    let described = Described::new();
    let store = &described.store;
    let filter = store.filter(r#"{"op":"lt","field":"any","value":6000}"#).unwrap();
    let options = QueryOptions { k: 3, filter: Some(filter), ..QueryOptions::default() };
    let query = &described.queries[0];
    let hits = || ready(|| store.query(query, &options, None)).unwrap().ids;
    let before = hits();
    assert_eq!(before, hits());
    store.delete(strings(&before[..1]), WAIT).unwrap();
    assert!(!hits().contains(&before[0]));
    let changed = rvf_runtime::Target::Ids(strings(&before[1..2]));
    store.update_metadata(changed, r#"{"any":11999}"#.into(), WAIT).unwrap();
    assert!(!hits().contains(&before[1]));
    let new = NewEntry { id: "new".into(), vector: query.clone(), metadata: Some(r#"{"any":1}"#.into()) };
    store.ingest(batch_of(&[new]), OnDuplicate::Error, WAIT).unwrap();
    assert_eq!(hits()[0], "new");
}
