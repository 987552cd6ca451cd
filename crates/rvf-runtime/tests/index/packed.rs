//! Stores that keep packed vectors: what they hold and answer beside the vectors as they were given.

use std::collections::BTreeMap;
use std::sync::Arc;

use half::f16;
use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{Compression, DataType, ErrorCode, Metric};
use rvf_runtime::{Control, CreateOptions, OnDuplicate, OpenOptions, Quality, QueryOptions, RvfStore};

use crate::hosts::{PATH, Subject, without_threads};
use crate::kit::{NewEntry, Rng, WAIT, all_rows, batch_of, ready, strings, times};
use crate::model::{GROUPS, group_filter, metadata, nearest};

const DIMENSION: u32 = 32;
const METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

/// A compression, how far off its vectors may be, as a share of their squared length, and the least recall@10 of them
/// alone on the points of these tests.
#[derive(Clone, Copy)]
struct Case {
    compression: Compression,
    error_max: f64,
    recall_min: f64,
}

const CASES: [Case; 4] = [
    Case { compression: Compression::Scalar { bits: 8 }, error_max: 1e-4, recall_min: 0.95 },
    Case { compression: Compression::Scalar { bits: 4 }, error_max: 0.02, recall_min: 0.5 },
    Case {
        compression: Compression::Product { subvectors: 16, bits: 8, training_rows: 1_000 },
        error_max: 0.2,
        recall_min: 0.6,
    },
    Case { compression: Compression::Binary { training_rows: 1_000 }, error_max: 1.0, recall_min: 0.12 },
];

fn subject(case: Case, metric: Metric, seed: u64) -> Subject {
    let host = without_threads(Arc::new(MemoryStorage::new()));
    let mut options = CreateOptions::new(DIMENSION, metric);
    options.store.compression = case.compression;
    Subject::with_options(host, PATH, &options, seed)
}

fn values(vector: &[u8]) -> impl Iterator<Item = f64> {
    vector.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

/// Squared distance as a share of the squared length of the first.
fn relative_error(given: &[u8], found: &[u8]) -> f64 {
    let distance: f64 = values(given).zip(values(found)).map(|(given, found)| (given - found).powi(2)).sum();
    distance / values(given).map(|value| value * value).sum::<f64>()
}

/// Proves that the store holds what the model holds, vectors as well as its compression can; answers how many vectors are
/// as they were given.
fn check_contents(store: &RvfStore, subject: &Subject, case: Case) -> usize {
    let page = ready(|| store.snapshot()?.rows(all_rows(), None)).unwrap();
    let entries = &subject.model.entries;
    assert_eq!(page.ids.len(), entries.len());
    let texts: Vec<String> = page.ids.iter().map(|id| metadata(entries[id].group)).collect();
    assert_eq!(page.metadata, Some(format!("[{}]", texts.join(","))).filter(|_| !texts.is_empty()));
    let vectors = page.vectors.unwrap();
    let mut error_sum = 0.0;
    for (index, (id, found)) in (0..).zip(page.ids.iter().zip(vectors.chunks_exact(DIMENSION as usize * 4))) {
        let given = &entries[id].vector;
        if page.lossy.binary_search(&index).is_err() {
            assert_eq!(found, &given[..], "{id} is not as it was given, and not said to be otherwise");
        } else {
            let error = relative_error(given, found);
            assert!(error <= 3.0 * case.error_max, "{id} is off by {error}");
            error_sum += error;
        }
    }
    let mean = error_sum / page.lossy.len().max(1) as f64;
    assert!(mean <= case.error_max, "{:?}: vectors are off by {mean}", case.compression);
    page.ids.len() - page.lossy.len()
}

/// Share of the 10 nearest by the vectors as they were given that queries find.
fn recall(store: &RvfStore, subject: &Subject, queries: &[Vec<u8>], quality: Quality, group: Option<usize>) -> f64 {
    let mut found = 0.0;
    for query in queries {
        let filter = group.map(|group| store.filter(&group_filter(group)).unwrap());
        let options = QueryOptions { quality, filter, ..nearest(10) };
        let hits = ready(|| store.query(query, &options, None)).unwrap();
        let truth = subject.model.nearest_ids(query, 10, group);
        assert_eq!(hits.ids.len(), truth.len());
        assert!(hits.distances.is_sorted());
        let is_right = |id: &&String| truth.contains(*id);
        found += hits.ids.iter().filter(is_right).count() as f64 / truth.len().max(1) as f64;
    }
    found / queries.len() as f64
}

fn check_answers(store: &RvfStore, subject: &mut Subject, case: Case) {
    let queries = subject.queries(8);
    let exact = recall(store, subject, &queries, Quality::Exact, None);
    assert!(exact >= case.recall_min, "{:?}: recall {exact} of comparing all", case.compression);
    let walked = recall(store, subject, &queries, Quality::Standard, None);
    assert!(walked >= exact - 0.1, "{:?}: recall {walked}, of comparing all {exact}", case.compression);
    let filtered = recall(store, subject, &queries, Quality::Standard, Some(1));
    assert!(filtered >= case.recall_min - 0.1, "{:?}: recall {filtered} with a filter", case.compression);
}

#[test]
fn rows_are_packed_by_waiting_for_the_index_and_found_from_then_on() {
    for case in CASES {
        for metric in METRICS {
            let mut subject = subject(case, metric, 1);
            subject.ingest_new(1_500);
            assert_eq!(check_contents(&subject.store, &subject, case), 1_500);
            subject.wait_for_index();
            assert_eq!(check_contents(&subject.store, &subject, case), 0);
            check_answers(&subject.store.clone(), &mut subject, case);
            subject.ingest_new(100);
            assert_eq!(check_contents(&subject.store, &subject, case), 100);
            subject.reopen();
            check_contents(&subject.store, &subject, case);
            check_answers(&subject.store.clone(), &mut subject, case);
        }
    }
}

#[test]
fn a_random_life_of_packed_rows_holds_and_answers_what_was_stored() {
    for case in CASES {
        for seed in 0..times(1, 20) {
            let mut subject = subject(case, METRICS[seed as usize % 3], seed);
            subject.ingest_new(600);
            for _ in 0..12 {
                step(&mut subject);
                check_contents(&subject.store, &subject, case);
                check_answers(&subject.store.clone(), &mut subject, case);
            }
            subject.wait_for_index();
            assert_eq!(check_contents(&subject.store, &subject, case), 0);
            assert_eq!(subject.store.verify(&Control::default()).unwrap().problems, []);
        }
    }
}

pub fn step(subject: &mut Subject) {
    let some = 1 + subject.rng.below(200);
    match subject.rng.below(12) {
        0..3 => subject.ingest_new(some),
        3..5 => {
            let ids = subject.some_ids(some);
            subject.ingest(ids);
        }
        5..7 => {
            let ids = subject.some_ids(some);
            subject.delete(&ids);
        }
        7..9 => subject.wait_for_index(),
        9 => subject.reopen(),
        10 => drop(subject.store.compact(&Control::default()).unwrap()),
        _ => {
            let ids = subject.some_ids(some);
            let group = subject.rng.below(GROUPS);
            let target = rvf_runtime::Target::Ids(strings(&ids));
            subject.store.update_metadata(target, metadata(group).into_bytes(), WAIT).unwrap();
            ids.iter().for_each(|id| subject.model.entries.get_mut(id).unwrap().group = group);
        }
    }
}

#[test]
fn a_compacted_store_keeps_no_vector_as_it_was_given_and_takes_so_much_less() {
    for case in CASES {
        let mut subject = subject(case, Metric::Cosine, 3);
        subject.ingest_new(2_000);
        subject.store.compact(&Control::default()).unwrap();
        assert_eq!(check_contents(&subject.store, &subject, case), 0);
        let status = subject.store.status().unwrap();
        let compression = status.compression.unwrap();
        assert_eq!((compression.packed_rows, compression.quantisers), (2_000, 1));
        let measured = compression.measured.unwrap();
        assert!(measured.recall >= case.recall_min && measured.relative_error <= 2.0 * case.error_max, "{measured:?}");
        let segments = subject.store.segments().unwrap();
        assert!(segments.iter().all(|segment| segment.kind != "vec"), "{segments:?}");
        let bytes = subject.store.export_bytes().unwrap();
        let needle = &subject.model.entries["id-7"].vector[..];
        assert!(!bytes.windows(needle.len()).any(|window| window == needle), "a vector as it was given is in the file");
    }
}

#[test]
fn few_rows_stay_as_they_were_given_where_a_quantiser_has_to_be_learned() {
    for case in CASES {
        let mut subject = subject(case, Metric::L2, 4);
        subject.ingest_new(200);
        subject.wait_for_index();
        subject.store.compact(&Control::default()).unwrap();
        let is_learned = !matches!(case.compression, Compression::Scalar { .. });
        assert_eq!(check_contents(&subject.store, &subject, case), if is_learned { 200 } else { 0 });
        check_answers(&subject.store.clone(), &mut subject, case);
        subject.ingest_new(100);
        subject.wait_for_index();
        assert_eq!(check_contents(&subject.store, &subject, case), 0);
    }
}

#[test]
fn vectors_unlike_the_first_are_packed_by_a_quantiser_of_their_own() {
    for case in CASES.into_iter().filter(|case| !matches!(case.compression, Compression::Scalar { .. })) {
        let mut subject = subject(case, Metric::L2, 5);
        subject.ingest_new(1_200);
        subject.wait_for_index();
        let mut rng = Rng::new(77);
        subject.points = crate::points::Points::new(Metric::L2, DIMENSION, &mut rng).moved(6.0);
        subject.ingest_new(1_500);
        subject.wait_for_index();
        let quantisers = |subject: &Subject| subject.store.status().unwrap().compression.unwrap().quantisers;
        assert_eq!(quantisers(&subject), 2, "{:?}", case.compression);
        check_contents(&subject.store, &subject, case);
        subject.store.compact(&Control::default()).unwrap();
        subject.reopen();
        assert_eq!(quantisers(&subject), 2);
        check_contents(&subject.store, &subject, case);
        check_answers(&subject.store.clone(), &mut subject, case);
    }
}

#[test]
fn half_floats_and_signed_bytes_are_packed_and_come_back_as_such() {
    for data_type in [DataType::F16, DataType::I8] {
        let compressions = CASES.map(|case| case.compression).into_iter();
        let fits =
            |compression: &Compression| data_type != DataType::I8 || !matches!(compression, Compression::Scalar { .. });
        for compression in compressions.filter(fits) {
            let host = without_threads(Arc::new(MemoryStorage::new()));
            let mut options = CreateOptions::new(DIMENSION, Metric::Cosine);
            (options.store.compression, options.store.data_type) = (compression, data_type);
            let store = RvfStore::create(&host, PATH, &options).unwrap();
            let entries = typed_entries(data_type, 1_200);
            store.ingest(batch_of(&entries), OnDuplicate::Error, WAIT).unwrap();
            store.compact(&Control::default()).unwrap();
            let row_bytes = data_type.row_bytes(DIMENSION);
            let page = store.snapshot().unwrap().rows(all_rows(), None).unwrap();
            assert_eq!(page.lossy.len(), entries.len());
            let vectors = page.vectors.unwrap();
            let mut found = 0;
            for (entry, kept) in entries.iter().zip(vectors.chunks_exact(row_bytes)) {
                let hits = store.query(&entry.vector, &nearest(10), None).unwrap();
                found += usize::from(hits.ids.contains(&entry.id));
                let similarity = cosine(data_type, &entry.vector, kept);
                assert!(similarity > 0.6, "{data_type:?}, {compression:?}: {similarity}");
            }
            assert!(found * 10 >= entries.len() * 9, "{data_type:?}, {compression:?}: {found} found");
        }
    }
}

#[test]
fn what_cannot_be_packed_is_refused() {
    let host = without_threads(Arc::new(MemoryStorage::new()));
    let scalar = Compression::Scalar { bits: 8 };
    let create = |metric, data_type, compression| {
        let mut options = CreateOptions::new(DIMENSION, metric);
        (options.store.compression, options.store.data_type) = (compression, data_type);
        RvfStore::create(&host, PATH, &options).err().unwrap().code
    };
    let too_many = Compression::Product { subvectors: DIMENSION + 1, bits: 8, training_rows: 1_000 };
    let too_few_rows = Compression::Binary { training_rows: 255 };
    for code in [
        create(Metric::Hamming, DataType::Binary, scalar),
        create(Metric::L2, DataType::I8, scalar),
        create(Metric::L2, DataType::F32, Compression::Scalar { bits: 5 }),
        create(Metric::L2, DataType::F32, too_many),
        create(Metric::L2, DataType::F32, too_few_rows),
    ] {
        assert_eq!(code, ErrorCode::InvalidOptions);
    }
}

/// Entries with random vectors of a data type.
fn typed_entries(data_type: DataType, count: usize) -> Vec<NewEntry> {
    let mut rng = Rng::new(9);
    let element = |value: f64| match data_type {
        DataType::F16 => f16::from_f64(value).to_le_bytes().to_vec(),
        _ => vec![(value * 127.0) as i8 as u8],
    };
    let mut vector = || (0..DIMENSION).flat_map(|_| element(rng.fraction())).collect();
    (0..count).map(|id| NewEntry { id: format!("id-{id}"), vector: vector(), metadata: None }).collect()
}

fn cosine(data_type: DataType, left: &[u8], right: &[u8]) -> f64 {
    let values = |vector: &[u8]| -> Vec<f64> {
        match data_type {
            DataType::F16 => vector.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f64()).collect(),
            _ => vector.iter().map(|byte| f64::from(*byte as i8)).collect(),
        }
    };
    let (left, right) = (values(left), values(right));
    let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    dot(&left, &right) / (dot(&left, &left) * dot(&right, &right)).sqrt()
}

#[test]
fn an_entry_is_found_by_the_vector_that_is_left_of_it() {
    for case in CASES {
        let mut subject = subject(case, Metric::L2, 6);
        subject.ingest_new(1_500);
        subject.wait_for_index();
        let page = subject.store.snapshot().unwrap().rows(all_rows(), None).unwrap();
        let vectors = page.vectors.unwrap();
        let mut equals: BTreeMap<&[u8], Vec<&String>> = BTreeMap::new();
        for (id, vector) in page.ids.iter().zip(vectors.chunks_exact(DIMENSION as usize * 4)) {
            equals.entry(vector).or_default().push(id);
        }
        let mut missed = 0;
        for (vector, ids) in &equals {
            let hits = subject.store.query(vector, &nearest(3.max(ids.len())), None).unwrap();
            missed += usize::from(!hits.ids.iter().any(|id| ids.contains(&id)));
        }
        assert!(missed * 100 <= equals.len(), "{:?}: {missed} of {} not found", case.compression, equals.len());
    }
}

#[test]
fn a_reader_goes_on_while_the_writer_packs_rows() {
    for case in CASES {
        let mut subject = subject(case, Metric::Cosine, 8);
        subject.ingest_new(1_200);
        let reader = RvfStore::open(&subject.host, PATH, &OpenOptions::read_only()).unwrap();
        assert_eq!(check_contents(&reader, &subject, case), 1_200);
        subject.wait_for_index();
        assert_eq!(check_contents(&reader, &subject, case), 1_200);
        reader.refresh().unwrap();
        assert_eq!(check_contents(&reader, &subject, case), 0);
        subject.store.compact(&Control::default()).unwrap();
        check_answers(&reader, &mut subject, case);
        reader.refresh().unwrap();
        check_contents(&reader, &subject, case);
        check_answers(&reader, &mut subject, case);
    }
}
