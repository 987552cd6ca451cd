//! What a search answers, and what it reads for it.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{Counting, EVERYTHING, Random, Rows, bytes_of, search};
use rvf_layer::{Budget, LayerError, ProgressiveReader};
use rvf_quant::Scorer;
use rvf_types::{DataType, Metric, Row};

const FLOAT_METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

/// Rows of 40 normal numbers around 25 places.
fn crowds(metric: Metric, rows: usize) -> Rows {
    let mut random = Random(9);
    let places = random.normals(25 * 40);
    let vectors: Vec<f32> = (0..rows)
        .flat_map(|_| {
            let place = random.below(25) * 40;
            let offsets = random.normals(40);
            places[place..place + 40].iter().zip(offsets).map(|(place, offset)| place + offset).collect::<Vec<_>>()
        })
        .collect();
    let mut rows = Rows::of_floats(metric, 40, &vectors);
    (rows.first_row, rows.step) = (5, 3);
    rows
}

/// The `k` rows that are nearest by the vectors themselves.
fn truly_nearest(rows: &Rows, query: &[u8], k: usize) -> Vec<(f32, Row)> {
    let scorer = Scorer::new(rows.metric, rows.data_type(), rows.dimension, query).unwrap();
    let mut all: Vec<_> = rows.numbers().into_iter().map(|row| (scorer.distance(rows.vector_of(row)), row)).collect();
    all.sort_by(|left, right| left.partial_cmp(right).unwrap());
    all.truncate(k);
    all
}

#[test]
fn with_all_bytes_most_of_the_nearest_are_found_and_distances_are_near() {
    for metric in FLOAT_METRICS {
        let rows = crowds(metric, 3_000);
        let payload = rows.build();
        let mut random = Random(10);
        let mut found = 0;
        for _ in 0..20 {
            let query = bytes_of(&random.normals(40));
            let answer = search(&payload, &query, 10, &EVERYTHING);
            assert_eq!(answer.rows_read, 3_000);
            let truth = truly_nearest(&rows, &query, 10);
            found += truth.iter().filter(|(_, row)| answer.hits.iter().any(|hit| hit.row == *row)).count();
            let exact = Scorer::new(metric, DataType::F32, 40, &query).unwrap();
            let spread = match metric {
                Metric::L2 => 80.0,
                Metric::Cosine => 1.0,
                _ => 40.0,
            };
            for hit in answer.hits {
                let error = (hit.distance - exact.distance(rows.vector_of(hit.row))).abs();
                assert!(error < spread / 4.0, "{metric:?}: {} is off by {error}", hit.distance);
                assert_eq!(hit.id, (rows.id)(hit.row));
            }
        }
        assert!(found >= 120, "{metric:?}: {found} of 200");
    }
}

#[test]
fn with_all_bytes_hamming_is_exact() {
    for dimension in [1, 7, 64, 100] {
        let mut random = Random(11);
        let bytes = (dimension as usize).div_ceil(8);
        let vectors = (0..2_000 * bytes).map(|_| random.next() as u8).collect();
        let rows = Rows::new(Metric::Hamming, dimension, vectors);
        let payload = rows.build();
        let query: Vec<u8> = (0..bytes).map(|_| random.next() as u8).collect();
        let hits = search(&payload, &query, 50, &EVERYTHING).hits;
        let found: Vec<_> = hits.iter().map(|hit| (hit.distance, hit.row)).collect();
        assert_eq!(found, truly_nearest(&rows, &query, 50), "{dimension}");
    }
}

#[test]
fn clusters_near_the_query_are_read_first() {
    for metric in [Metric::L2, Metric::Cosine, Metric::DotProduct] {
        let rows = crowds(metric, 8_000);
        let payload = rows.build();
        let budget = Budget { requests_max: 8, bytes_max: payload.len() as u64 / 4 };
        let (mut found, mut random) = (0, Random(12));
        for _ in 0..20 {
            let query = rows.vector_of(rows.first_row + rows.step * random.below(8_000) as Row);
            let whole = search(&payload, query, 10, &EVERYTHING).hits;
            let part = search(&payload, query, 10, &budget).hits;
            found += whole.iter().filter(|hit| part.contains(hit)).count();
        }
        // A quarter of the bytes taken anywhere would have 50 of them.
        assert!(found >= 140, "{metric:?}: {found} of 200");
    }
}

#[test]
fn no_search_reads_more_than_its_budget_nor_counts_other_than_its_source() {
    let rows = crowds(Metric::L2, 6_000);
    let payload = rows.build();
    let query = rows.vector_of(5);
    for requests_max in [0, 1, 2, 3, 7, 30, 64, 1_000] {
        for bytes_max in [0, 1, 3_000, 10_000, 40_000, 100_000, u64::MAX] {
            let source = Counting::new(&payload);
            let reader = ProgressiveReader::open(&source).unwrap();
            assert_eq!(source.cost(), reader.opened());
            let answer = reader.search(query, 10, &Budget { requests_max, bytes_max }, &|_| false).unwrap();
            assert!(answer.cost.requests <= requests_max && answer.cost.bytes <= bytes_max);
            assert_eq!(source.cost().requests, reader.opened().requests + answer.cost.requests);
            assert_eq!(source.cost().bytes, reader.opened().bytes + answer.cost.bytes);
            let is_plenty = requests_max > 0 && bytes_max >= 10_000;
            assert!(!is_plenty || answer.cost.bytes * 2 > bytes_max.min(payload.len() as u64 / 2), "{answer:?}");
        }
    }
}

#[test]
fn dead_rows_are_passed_over_and_make_room_for_others() {
    let rows = crowds(Metric::Cosine, 1_000);
    let payload = rows.build();
    let source = Counting::new(&payload);
    let reader = ProgressiveReader::open(&source).unwrap();
    let query = rows.vector_of(5);
    let all = reader.search(query, 20, &EVERYTHING, &|_| false).unwrap().hits;
    let dead: Vec<Row> = all.iter().step_by(2).map(|hit| hit.row).collect();
    let living = reader.search(query, 10, &EVERYTHING, &|row| dead.contains(&row)).unwrap().hits;
    let expected: Vec<_> = all.into_iter().filter(|hit| !dead.contains(&hit.row)).collect();
    assert_eq!(living, expected);
    assert!(reader.search(query, 10, &EVERYTHING, &|_| true).unwrap().hits.is_empty());
}

#[test]
fn no_neighbours_wanted_reads_nothing_and_more_than_there_are_answers_all() {
    let rows = crowds(Metric::L2, 300);
    let payload = rows.build();
    let nothing = search(&payload, rows.vector_of(5), 0, &EVERYTHING);
    assert_eq!((nothing.hits.len(), nothing.cost.requests), (0, 0));
    let mut found: Vec<Row> =
        search(&payload, rows.vector_of(5), 500, &EVERYTHING).hits.iter().map(|hit| hit.row).collect();
    found.sort_unstable();
    assert_eq!(found, rows.numbers());
}

#[test]
fn a_query_of_another_length_is_an_error() {
    let payload = crowds(Metric::L2, 300).build();
    let source = Counting::new(&payload);
    let reader = ProgressiveReader::open(&source).unwrap();
    let answer = reader.search(&[0; 159], 10, &EVERYTHING, &|_| false);
    assert!(matches!(answer, Err(LayerError::Query(_))));
}
