//! Rows that clusters are bad at.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use std::borrow::Cow;

use common::{Counting, EVERYTHING, Random, Rows, bytes_of, search};
use rvf_layer::{BuildError, ProgressiveBuilder, ProgressiveReader, RowSource};
use rvf_types::{DataType, Metric, Row, limits};

/// Name, dimension and vectors.
fn shapes(rows: usize) -> Vec<(&'static str, u32, Vec<f32>)> {
    let mut random = Random(3);
    let kinds = random.normals(5 * 8);
    let outliers = (0..rows * 8).map(|index| random.normal() * 10.0_f32.powi(index as i32 / 8 % 38)).collect();
    let far = random.normals(rows * 8).iter().map(|value| 1e6 + value).collect();
    let extreme = (0..rows * 8).map(|index| if index % 3 == 0 { f32::MAX } else { f32::MIN }).collect();
    let broken = (0..rows * 8).map(|index| [1.0, f32::NAN, f32::INFINITY, 0.0, 2.0][index % 5]).collect();
    let mut zeros_among_others = random.normals(rows * 8);
    zeros_among_others.chunks_exact_mut(8).step_by(3).for_each(|vector| vector.fill(0.0));
    vec![
        ("zeros", 8, vec![0.0; rows * 8]),
        ("one vector", 8, [1.0, 0.5, -0.5, 2.0, 0.0, 1.0, 1.0, 1.0].repeat(rows)),
        ("five vectors", 8, (0..rows).flat_map(|row| kinds[row * 5 / rows * 8..][..8].to_vec()).collect()),
        ("one dimension", 1, (0..rows).map(|row| row as f32 - 3.0).collect()),
        ("outliers", 8, outliers),
        ("far from the origin", 8, far),
        ("the largest numbers", 8, extreme),
        ("no numbers", 8, broken),
        ("zeros among others", 8, zeros_among_others),
    ]
}

#[test]
fn every_row_is_in_the_layer_and_no_distance_is_nan() {
    for count in [1, 2, 3, 300, 1_500] {
        for (name, dimension, vectors) in shapes(count) {
            for metric in [Metric::L2, Metric::Cosine, Metric::DotProduct] {
                let rows = Rows::of_floats(metric, dimension, &vectors);
                let payload = rows.build();
                let answer = search(&payload, rows.vector_of(0), count + 1, &EVERYTHING);
                let mut found: Vec<Row> = answer.hits.iter().map(|hit| hit.row).collect();
                found.sort_unstable();
                assert_eq!(found, rows.numbers(), "{name}, {metric:?}");
                assert!(answer.hits.iter().all(|hit| !hit.distance.is_nan() && hit.id == (rows.id)(hit.row)));
            }
        }
    }
}

#[test]
fn a_layer_of_no_rows_answers_nothing() {
    let payload = Rows::of_floats(Metric::L2, 8, &[]).build();
    let answer = search(&payload, &[0; 32], 10, &EVERYTHING);
    assert_eq!((answer.hits.len(), answer.cost.requests), (0, 0));
}

#[test]
fn rows_that_are_all_alike_are_cut_into_blocks_that_fit_a_budget() {
    let rows = Rows::of_floats(Metric::L2, 64, &[0.5; 64].repeat(20_000));
    let payload = rows.build();
    let budget = rvf_layer::Budget { requests_max: 2, bytes_max: 200_000 };
    let answer = search(&payload, rows.vector_of(0), 10, &budget);
    assert!(answer.rows_read > 1_000 && answer.cost.bytes > 100_000, "{:?}", answer.cost);
    assert_eq!(answer.hits.len(), 10);
}

#[test]
fn one_dimension_of_l2_is_ranked_as_it_is() {
    let rows = Rows::of_floats(Metric::L2, 1, &(0..5_000).map(|row| (row * 7 % 5_000) as f32).collect::<Vec<_>>());
    let payload = rows.build();
    let hits = search(&payload, &bytes_of(&[1_234.2]), 3, &EVERYTHING).hits;
    let found: Vec<_> =
        hits.iter().map(|hit| f32::from_le_bytes(rows.vector_of(hit.row).try_into().unwrap())).collect();
    assert_eq!(found, [1_234.0, 1_235.0, 1_233.0]);
}

#[test]
fn the_largest_dimension_takes_one_more_request_for_its_head() {
    let mut random = Random(4);
    let vectors: Vec<u8> = (0..330 * 8_192).map(|_| random.next() as u8).collect();
    let rows = Rows::new(Metric::Hamming, limits::DIMENSION_MAX, vectors);
    let payload = rows.build();
    let source = Counting::new(&payload);
    let reader = ProgressiveReader::open(&source).unwrap();
    assert_eq!(reader.opened().requests, 2);
    let hits = reader.search(rows.vector_of(77), 1, &EVERYTHING, &|_| false).unwrap().hits;
    assert_eq!((hits[0].row, hits[0].distance), (77, 0.0));
    let floats = Rows::of_floats(Metric::Cosine, limits::DIMENSION_MAX, &random.normals(3 * 65_536));
    assert_eq!(search(&floats.build(), floats.vector_of(2), 1, &EVERYTHING).hits[0].row, 2);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    for (name, dimension, vectors) in shapes(1_000) {
        let build = || Rows::of_floats(Metric::Cosine, dimension, &vectors).build();
        assert!(build() == build(), "{name}");
    }
}

#[test]
fn ids_of_all_lengths_come_back() {
    let mut rows = Rows::of_floats(Metric::L2, 2, &Random(5).normals(2 * 700));
    rows.id = Box::new(|row| vec![b'a' + (row / 300) as u8; row as usize * 37 % (limits::ID_BYTES_MAX + 1)]);
    let hits = search(&rows.build(), &[0; 8], 700, &EVERYTHING).hits;
    assert!(hits.len() == 700 && hits.iter().all(|hit| hit.id == (rows.id)(hit.row)));
    rows.id = Box::new(|row| vec![0; if row == 600 { limits::ID_BYTES_MAX + 1 } else { 3 }]);
    let builder = ProgressiveBuilder::new(Metric::L2, DataType::F32, 2).unwrap();
    let error = BuildError::IdLength { row: 600, bytes: limits::ID_BYTES_MAX + 1 };
    assert_eq!(builder.build(&rows.numbers(), &rows), Err(error));
}

#[test]
fn rows_out_of_order_and_vectors_of_another_length_are_refused() {
    let rows = Rows::of_floats(Metric::L2, 2, &[0.0; 20]);
    let builder = ProgressiveBuilder::new(Metric::L2, DataType::F32, 2).unwrap();
    assert_eq!(builder.build(&[0, 2, 2], &rows), Err(BuildError::RowOrder(2)));
    assert_eq!(builder.build(&[3, limits::ROWS_MAX], &rows), Err(BuildError::RowOrder(limits::ROWS_MAX)));
    let builder = ProgressiveBuilder::new(Metric::L2, DataType::F32, 3).unwrap();
    assert!(matches!(builder.build(&[0, 2], &rows), Err(BuildError::Vector(_))));
    assert!(ProgressiveBuilder::new(Metric::Hamming, DataType::F32, 3).is_err());
}

/// Has nothing.
struct Nowhere;

impl RowSource for Nowhere {
    type Error = &'static str;

    fn vector(&self, _: Row) -> Result<Cow<'_, [u8]>, &'static str> {
        Err("nothing here")
    }

    fn id(&self, _: Row) -> Result<Cow<'_, [u8]>, &'static str> {
        Err("nothing here")
    }
}

#[test]
fn the_error_of_a_source_is_handed_on() {
    let builder = ProgressiveBuilder::new(Metric::L2, DataType::F32, 2).unwrap();
    assert_eq!(builder.build(&[1], &Nowhere), Err(BuildError::Source("nothing here")));
}
