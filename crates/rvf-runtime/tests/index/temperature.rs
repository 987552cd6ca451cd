//! Stores with tiering: which rows a compaction keeps as they were, and what is left of the others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{Compression, ErrorCode, Metric, Tiering};
use rvf_runtime::{Control, CreateOptions, Host, Quality, QueryOptions, RvfStore, TieringStatus};

use crate::hosts::{PATH, SteppingClock, Subject, without_threads};
use crate::kit::{all_rows, ready, strings, times};
use crate::model::{group_filter, metadata, nearest};

const DIMENSION: u32 = 32;
pub const DAY_NS: u64 = 24 * 3_600 * 1_000_000_000;
/// How far off scalar packing is at most, as a share of a vector's squared length.
const HOT_ERROR_MAX: f64 = 3e-4;
/// Ids that may pass for others, with which they share their counters: which do is different in every run.
const STRANGERS_MAX: usize = 4;
pub const COLD: [Compression; 2] = [
    Compression::Binary { training_rows: 1_000 },
    Compression::Product { subvectors: 16, bits: 8, training_rows: 1_000 },
];

pub fn options(metric: Metric, cold: Compression) -> CreateOptions {
    let mut options = CreateOptions::new(DIMENSION, metric);
    options.store.compression = Compression::Scalar { bits: 8 };
    options.store.tiering = Some(Tiering { hot_share_per_mille: 100, cold });
    options
}

pub fn subject_on(host: Host, metric: Metric, cold: Compression, seed: u64) -> Subject {
    Subject::with_options(host, PATH, &options(metric, cold), seed)
}

pub fn subject(metric: Metric, cold: Compression, seed: u64) -> Subject {
    subject_on(without_threads(Arc::new(MemoryStorage::new())), metric, cold, seed)
}

pub fn compact(subject: &Subject) {
    subject.store.compact(&Control::default()).unwrap();
}

fn tiering(subject: &Subject) -> TieringStatus {
    subject.store.status().unwrap().tiering.unwrap()
}

pub fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("id-{number}")).collect()
}

/// Asks for each of these ids so many times.
pub fn ask_for(store: &RvfStore, ids: &[String], count: usize) {
    (0..count).for_each(|_| drop(store.get(&strings(ids), false).unwrap()));
}

/// How many of some ids are not among these.
fn strangers(found: &BTreeSet<String>, expected: std::ops::Range<usize>) -> usize {
    let expected = ids(expected);
    found.iter().filter(|id| !expected.contains(id)).count()
}

fn values(vector: &[u8]) -> impl Iterator<Item = f64> {
    vector.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

/// Ids of the entries that are as near to what was given as scalar packing leaves them, and of the others. Proves that all
/// else is what the model holds, and that what is not marked as changed is as it was given.
fn by_precision(store: &RvfStore, subject: &Subject) -> (BTreeSet<String>, BTreeSet<String>) {
    let page = ready(|| store.snapshot()?.rows(all_rows(), None)).unwrap();
    let entries = &subject.model.entries;
    assert_eq!(page.ids.len(), entries.len());
    let texts: Vec<String> = page.ids.iter().map(|id| metadata(entries[id].group)).collect();
    assert_eq!(page.metadata, Some(format!("[{}]", texts.join(","))).filter(|_| !texts.is_empty()));
    let (mut precise, mut rough) = (BTreeSet::new(), BTreeSet::new());
    let vectors = page.vectors.unwrap();
    for (index, (id, found)) in (0..).zip(page.ids.iter().zip(vectors.chunks_exact(DIMENSION as usize * 4))) {
        let given = &entries[id].vector;
        if page.lossy.binary_search(&index).is_err() {
            assert_eq!(found, &given[..], "{id} is not as it was given, and not said to be otherwise");
        }
        let distance: f64 = values(given).zip(values(found)).map(|(given, found)| (given - found).powi(2)).sum();
        let error = distance / values(given).map(|value| value * value).sum::<f64>();
        assert!(error <= 3.0, "{id} is off by {error}");
        if error <= HOT_ERROR_MAX {
            precise.insert(id.clone())
        } else {
            rough.insert(id.clone())
        };
    }
    (precise, rough)
}

/// Share of the 10 nearest by the vectors as they were given that queries find.
fn recall(subject: &mut Subject, quality: Quality, group: Option<usize>) -> f64 {
    let queries = subject.queries(8);
    let mut found = 0.0;
    for query in &queries {
        let filter = group.map(|group| subject.store.filter(&group_filter(group)).unwrap());
        let hits = subject.store.query(query, &QueryOptions { quality, filter, ..nearest(10) }, None).unwrap();
        let truth = subject.model.nearest_ids(query, 10, group);
        assert_eq!(hits.ids.len(), truth.len());
        assert!(hits.distances.is_sorted());
        found += hits.ids.iter().filter(|id| truth.contains(*id)).count() as f64 / truth.len().max(1) as f64;
    }
    found / queries.len() as f64
}

#[test]
fn a_compaction_keeps_the_rows_asked_for_most_often_as_they_were_and_packs_the_others_smaller() {
    for cold in COLD {
        for metric in [Metric::L2, Metric::Cosine, Metric::DotProduct] {
            let mut subject = subject(metric, cold, 4);
            subject.ingest_new(2_000);
            compact(&subject);
            let untiered = subject.store.status().unwrap().file_bytes;
            assert_eq!(by_precision(&subject.store, &subject).1.len(), 0, "nothing was asked for yet");
            // Twice as many as may be hot, half of them more often.
            ask_for(&subject.store, &ids(500..900), 1);
            ask_for(&subject.store, &ids(700..900), 3);
            compact(&subject);
            let (precise, rough) = by_precision(&subject.store, &subject);
            assert_eq!((precise.len(), rough.len()), (200, 1_800));
            assert!(strangers(&precise, 700..900) <= STRANGERS_MAX, "{precise:?}");
            let status = tiering(&subject);
            assert_eq!((status.hot_rows, status.cold_rows), (200, 2_000));
            assert!(status.measured.is_some_and(|measured| measured.recall > 0.1), "{status:?}");
            let bytes = subject.store.status().unwrap().file_bytes;
            assert!(bytes < untiered, "{bytes} bytes, {untiered} before");
            subject.reopen();
            assert_eq!(by_precision(&subject.store, &subject), (precise, rough));
            assert_eq!(subject.store.verify(&Control::default()).unwrap().problems, []);
        }
    }
}

#[test]
fn hot_rows_are_found_by_their_own_vectors_at_the_distance_of_what_is_kept_of_them() {
    for cold in COLD {
        let mut subject = subject(Metric::L2, cold, 5);
        subject.ingest_new(2_000);
        compact(&subject);
        ask_for(&subject.store, &ids(100..300), 2);
        compact(&subject);
        let (hot, _) = by_precision(&subject.store, &subject);
        assert_eq!(hot.len(), 200);
        for (quality, missed_max) in [(Quality::Exact, 0), (Quality::Standard, 10)] {
            let mut missed = 0;
            for id in &hot {
                let found = subject.store.get(&strings(&[id.as_str()]), true).unwrap().vectors.unwrap();
                let hits = subject.store.query(&found, &QueryOptions { quality, ..nearest(1) }, None).unwrap();
                // Walks go by the cold packing, and may miss what it makes look far away.
                missed += usize::from(hits.ids != [id.as_str()]);
                assert!(hits.ids != [id.as_str()] || hits.distances[0] <= 1e-5, "{id} at {}", hits.distances[0]);
            }
            assert!(missed <= missed_max, "{cold:?}, {quality:?}: {missed} of 200 not found");
        }
    }
}

#[test]
fn a_later_compaction_decides_anew_for_rows_that_are_not_lost_yet() {
    let mut subject = subject(Metric::L2, COLD[0], 6);
    subject.ingest_new(1_000);
    ask_for(&subject.store, &ids(0..100), 5);
    compact(&subject);
    let (first, _) = by_precision(&subject.store, &subject);
    assert_eq!((first.len(), strangers(&first, 0..100)), (100, 0));
    let new = ids(1_000..1_500);
    subject.ingest_new(500);
    assert_eq!(by_precision(&subject.store, &subject).0.len(), 600);
    // These are cold for good, and take no place of others.
    let never_hot: BTreeSet<String> = ids(500..900).into_iter().collect();
    ask_for(&subject.store, &ids(500..900), 60);
    ask_for(&subject.store, &new[..120], 50);
    compact(&subject);
    let (precise, _) = by_precision(&subject.store, &subject);
    assert_eq!(precise.len(), 150);
    assert!(new[..120].iter().all(|id| precise.contains(id)), "{precise:?}");
    let rest: BTreeSet<String> = precise.into_iter().filter(|id| !new[..120].contains(id)).collect();
    assert!(strangers(&rest, 0..100) <= STRANGERS_MAX && rest.is_disjoint(&never_hot), "{rest:?}");
    assert_eq!(tiering(&subject).cold_rows, 1_500);
}

#[test]
fn hot_rows_stay_while_nothing_is_known_of_what_is_asked_for() {
    let clock = SteppingClock::new();
    let host = Host { clock: clock.clone(), ..without_threads(Arc::new(MemoryStorage::new())) };
    let mut subject = subject_on(host, Metric::L2, COLD[0], 7);
    subject.ingest_new(1_000);
    ask_for(&subject.store, &ids(0..100), 5);
    compact(&subject);
    subject.ingest_new(100);
    clock.now_ns.fetch_add(1_000 * DAY_NS, Ordering::Relaxed);
    compact(&subject);
    let (first, _) = by_precision(&subject.store, &subject);
    assert_eq!((first.len(), strangers(&first, 0..1_100)), (200, 0));
    compact(&subject);
    assert_eq!(by_precision(&subject.store, &subject).0, first);
}

#[test]
fn a_random_life_with_tiering_holds_and_answers_what_was_stored() {
    for (seed, cold) in (0..times(2, 20)).zip(COLD.into_iter().cycle()) {
        let mut subject = subject([Metric::L2, Metric::Cosine][seed as usize % 2], cold, seed);
        subject.ingest_new(900);
        for _ in 0..12 {
            let some = subject.some_ids(40);
            ask_for(&subject.store, &some, 1);
            crate::packed::step(&mut subject);
            if subject.rng.chance(30) {
                compact(&subject);
            }
            by_precision(&subject.store, &subject);
            for quality in [Quality::Exact, Quality::Standard] {
                for group in [None, Some(1)] {
                    let found = recall(&mut subject, quality, group);
                    assert!(found >= 0.12, "{cold:?}: recall {found}, {quality:?}, {group:?}");
                }
            }
        }
        compact(&subject);
        let status = tiering(&subject);
        assert!(status.hot_rows > 0 && status.cold_rows > status.hot_rows, "{status:?}");
        by_precision(&subject.store, &subject);
        assert_eq!(subject.store.verify(&Control::default()).unwrap().problems, []);
    }
}

#[test]
fn tiering_that_makes_no_sense_is_refused() {
    let refused = |change: &dyn Fn(&mut CreateOptions)| {
        let mut options = options(Metric::L2, COLD[0]);
        change(&mut options);
        let host = without_threads(Arc::new(MemoryStorage::new()));
        let error = RvfStore::create(&host, PATH, &options).err().unwrap();
        assert_eq!(error.code, ErrorCode::InvalidOptions, "{error}");
    };
    let tiering = |hot_share_per_mille, cold| Some(Tiering { hot_share_per_mille, cold });
    refused(&|options| options.store.compression = Compression::None);
    refused(&|options| options.store.compression = COLD[1]);
    refused(&|options| options.store.tiering = tiering(9, COLD[0]));
    refused(&|options| options.store.tiering = tiering(501, COLD[0]));
    refused(&|options| options.store.tiering = tiering(100, Compression::None));
    refused(&|options| options.store.tiering = tiering(100, Compression::Scalar { bits: 8 }));
    refused(&|options| options.store.tiering = tiering(100, Compression::Binary { training_rows: 1 }));
    let parts = Compression::Product { subvectors: 99, bits: 8, training_rows: 1_000 };
    refused(&|options| options.store.tiering = tiering(100, parts));
}
