//! Compares what a store answers with what the oracle says.

use std::collections::HashSet;

use rvf_runtime::{Hits, Quality, QueryOptions, RvfStore, StoreSnapshot, Strategy};
use serde_json::Value;

use crate::kit::{Rng, page_at, ready, strings};
use crate::oracle::{Entry, Neighbour, Oracle};

/// The JSON array, and the indexes without a value of their own, that rows with this metadata must come with.
fn metadata_of(entries: &[&Entry]) -> (Option<String>, Vec<u32>) {
    if entries.iter().all(|entry| entry.metadata.is_none()) {
        return (None, Vec::new());
    }
    let texts: Vec<&str> = entries.iter().map(|entry| entry.metadata.as_deref().unwrap_or("null")).collect();
    let is_missing = |(_, entry): &(u32, &&Entry)| entry.metadata.is_none();
    let without = (0..).zip(entries).filter(is_missing).map(|(index, _)| index).collect();
    (Some(format!("[{}]", texts.join(","))), without)
}

fn vectors_of(entries: &[&Entry]) -> Vec<u8> {
    entries.iter().flat_map(|entry| entry.vector.iter().copied()).collect()
}

/// Reads all rows page by page.
pub fn same_rows(snapshot: &StoreSnapshot, oracle: &Oracle, rng: &mut Rng) {
    let expected = oracle.in_order();
    assert_eq!(snapshot.count(), expected.len() as u64, "count of a snapshot");
    let limit = *rng.pick(&[1, 3, 100, 1_000, usize::MAX]).max(&(expected.len() / 50));
    let (mut at, mut cursor) = (0usize, Some(0));
    while let Some(from) = cursor {
        let page = ready(|| snapshot.rows(page_at(from, limit), None)).unwrap();
        let rows = &expected[at..at.saturating_add(limit).min(expected.len())];
        let entries: Vec<&Entry> = rows.iter().map(|(_, entry)| *entry).collect();
        assert_eq!(page.ids, rows.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "ids from row {from} on");
        assert_eq!((page.metadata, page.without_metadata), metadata_of(&entries));
        assert_eq!(page.vectors, Some(vectors_of(&entries)), "vectors from row {from} on");
        at += rows.len();
        cursor = page.next;
    }
    assert_eq!(at, expected.len(), "rows read");
}

/// Compares everything that a store tells of its contents.
pub fn same_state(store: &RvfStore, oracle: &Oracle, rng: &mut Rng) {
    same_rows(&store.snapshot().unwrap(), oracle, rng);
    let status = ready(|| store.status()).unwrap();
    assert_eq!((status.epoch, status.vector_count), (oracle.epoch, oracle.len() as u64));
    assert!(status.row_count >= status.vector_count && !status.is_poisoned);
    assert_eq!(store.count().unwrap(), oracle.len() as u64);
}

/// Compares everything that a store tells of the entries that fit a filter.
pub fn same_matches(store: &RvfStore, oracle: &Oracle, filter: &Value, rng: &mut Rng) {
    let expression = ready(|| store.filter(&filter.to_string())).unwrap();
    let fitting = oracle.matching(filter);
    let count = ready(|| store.count_where(&expression, 0, None)).unwrap();
    assert_eq!(count, fitting.len() as u64, "count of {filter}");
    let (mut found, mut cursor, mut generation) = (Vec::new(), Some(0), None);
    let limit = *rng.pick(&[1, 7, 100, usize::MAX]).max(&(fitting.len() / 20));
    let snapshot = store.snapshot().unwrap();
    while let Some(at) = cursor {
        let request = page_at(at, limit);
        let answer = ready(|| store.list_where(Some(&expression), request, generation, 0, None)).unwrap();
        let entries: Vec<&Entry> = answer.page.ids.iter().map(|id| oracle.get(id).unwrap()).collect();
        assert_eq!((answer.page.metadata.clone(), answer.page.without_metadata.clone()), metadata_of(&entries));
        assert_eq!(answer.page.vectors, Some(vectors_of(&entries)));
        assert_eq!(ready(|| snapshot.rows(request, Some(&expression))).unwrap(), answer.page, "a snapshot's page");
        assert!(answer.page.ids.len() == limit || answer.page.next.is_none(), "a page in the middle is full");
        generation = Some(answer.generation);
        cursor = answer.page.next;
        found.extend(answer.page.ids);
    }
    assert_eq!(found, fitting, "list of {filter}");
    let plan = ready(|| store.explain(&expression)).unwrap();
    assert_eq!((plan.rows, plan.matched), (oracle.len() as u64, count), "{filter}");
    assert!((0.0..=1.0).contains(&plan.estimated), "{plan:?}");
    for condition in &plan.conditions {
        let part = filter_at(filter, &condition.path);
        let matches = oracle.matching(part).len() as u64;
        // Counts know no deletions, so they bound from above alone.
        assert!(matches <= condition.high && condition.low <= condition.high, "{part}: {matches} of {condition:?}");
    }
}

/// The part of a filter that a path such as `filter.exprs[1].expr` names.
fn filter_at<'a>(filter: &'a Value, path: &str) -> &'a Value {
    let pointer = path.trim_start_matches("filter").replace(['.', '['], "/").replace(']', "");
    filter.pointer(&pointer).unwrap_or_else(|| panic!("no {path} in {filter}"))
}

/// Checks the answer to a query with a filter: the neighbours among the entries that fit, and the plan.
pub fn right_filtered_hits(oracle: &Oracle, query: &[u8], filter: &Value, options: &QueryOptions, hits: &Hits) {
    let fitting = oracle.only(&oracle.matching(filter));
    right_hits(&fitting, query, options, hits);
    if let Some(plan) = &hits.plan {
        let told = plan.filter.as_ref().unwrap();
        assert_eq!(
            (plan.rows, told.rows, told.matched),
            (oracle.len() as u64, oracle.len() as u64, fitting.len() as u64)
        );
        assert_eq!(plan.strategy == Strategy::Check, told.checked_rows > 0, "{plan:?}");
        assert_ne!(plan.strategy, Strategy::Scan);
    }
}

/// Looks ids up, stored ones and others, in any order and repeatedly.
pub fn same_lookups(store: &RvfStore, oracle: &Oracle, ids: &[String]) {
    let asked = strings(ids);
    let found: Vec<bool> = ids.iter().map(|id| oracle.get(id).is_some()).collect();
    assert_eq!(ready(|| store.has(&asked)).unwrap(), found);
    let page = ready(|| store.get(&asked, true)).unwrap();
    let indexes: Vec<u32> = (0..).zip(&found).filter(|(_, found)| **found).map(|(index, _)| index).collect();
    let entries: Vec<&Entry> = ids.iter().filter_map(|id| oracle.get(id)).collect();
    assert_eq!(page.ids, indexes.iter().map(|index| ids[*index as usize].as_str()).collect::<Vec<_>>());
    assert_eq!(page.indexes, indexes);
    assert_eq!((page.metadata, page.without_metadata), metadata_of(&entries));
    assert_eq!(page.vectors, Some(vectors_of(&entries)));
}

/// Checks the answer to a query: recall 1, distances, order, ties by insertion order, and what was asked for beside.
pub fn right_hits(oracle: &Oracle, query: &[u8], options: &QueryOptions, hits: &Hits) {
    let neighbours = oracle.neighbours(query);
    if oracle.shape.is_exact() {
        let limit = options.distance_max.map_or(f64::INFINITY, f64::from);
        let expected: Vec<&Neighbour<'_>> =
            neighbours.iter().filter(|neighbour| neighbour.distance <= limit).take(options.k).collect();
        assert_eq!(hits.ids, expected.iter().map(|neighbour| neighbour.id).collect::<Vec<_>>());
        let distances: Vec<f32> = expected.iter().map(|neighbour| neighbour.distance as f32).collect();
        assert_eq!(hits.distances, distances);
    } else {
        near_hits(&neighbours, options, hits);
    }
    let entries: Vec<&Entry> = hits.ids.iter().map(|id| oracle.get(id).unwrap()).collect();
    let metadata = if options.with_metadata { metadata_of(&entries) } else { (None, Vec::new()) };
    assert_eq!((hits.metadata.clone(), hits.without_metadata.clone()), metadata);
    assert_eq!(hits.vectors, options.with_vectors.then(|| vectors_of(&entries)));
}

/// As exact as sums in `f32` allow: what is farther than the worst hit by more than their error must not be there, what
/// is nearer must be, and of equal vectors the earlier one comes first.
fn near_hits(neighbours: &[Neighbour<'_>], options: &QueryOptions, hits: &Hits) {
    let limit = options.distance_max.map_or(f64::INFINITY, f64::from);
    let find = |id: &str| neighbours.iter().find(|neighbour| neighbour.id == id).unwrap();
    let found: Vec<&Neighbour<'_>> = hits.ids.iter().map(|id| find(id)).collect();
    let distinct: HashSet<&str> = found.iter().map(|neighbour| neighbour.id).collect();
    assert_eq!(distinct.len(), found.len(), "a row came twice");
    assert_eq!(hits.distances.len(), found.len());
    for (neighbour, distance) in found.iter().zip(&hits.distances) {
        let error = (f64::from(*distance) - neighbour.distance).abs();
        assert!(error <= neighbour.tolerance, "{}: {distance} for {}", neighbour.id, neighbour.distance);
        assert!(f64::from(*distance) <= limit);
    }
    for (index, pair) in hits.distances.windows(2).enumerate() {
        let in_order = found[index].entry.sequence < found[index + 1].entry.sequence;
        assert!(pair[0] < pair[1] || (pair[0] == pair[1] && in_order), "{:?} at {index}", &hits.distances);
    }
    let is_full = found.len() == options.k;
    let worst = hits.distances.last().map_or(f64::NEG_INFINITY, |distance| f64::from(*distance));
    for missing in neighbours.iter().filter(|neighbour| !distinct.contains(neighbour.id)) {
        let is_beyond = if is_full { missing.distance + missing.tolerance >= worst } else { false };
        let is_outside = missing.distance + missing.tolerance > limit;
        assert!(is_beyond || is_outside, "{} at {} is missing", missing.id, missing.distance);
        let twin = found.iter().find(|neighbour| neighbour.entry.vector == missing.entry.vector);
        let comes_first = twin.is_none_or(|twin| twin.entry.sequence < missing.entry.sequence);
        assert!(comes_first, "{} stands behind an equal vector that came first", missing.id);
    }
    assert!(found.len() <= options.k);
}

/// Asks for an entry by its own vector. Others may be as near, or with the dot product nearer; among so many it must be.
pub fn found_by_its_own_vector(store: &RvfStore, oracle: &Oracle, id: &str) {
    let vector = &oracle.get(id).unwrap().vector;
    let neighbours = oracle.neighbours(vector);
    let own = neighbours.iter().find(|neighbour| neighbour.id == id).unwrap();
    let bound = own.distance + 2.0 * own.tolerance;
    let k = neighbours.iter().filter(|other| other.distance - 2.0 * other.tolerance <= bound).count();
    let options = QueryOptions { k, quality: Quality::Exact, ..QueryOptions::default() };
    let hits = ready(|| store.query(vector, &options, None)).unwrap();
    assert!(hits.ids.iter().any(|hit| hit == id), "{id} is not among the {k} nearest to its own vector");
}
