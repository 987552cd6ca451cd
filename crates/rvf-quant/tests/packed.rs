//! Packed vectors: what comes back of them, and what distances say.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{bytes_of, random_floats};
use rvf_quant::{CodeLayout, PackedLayout, PackedScorer, PackedTable, Packing, QuantError, Quantiser, Scorer};
use rvf_types::{DataType, Metric};

const METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];
const SCALAR: Packing = Packing::Scalar { bits: 8 };

fn layout(packing: Packing, metric: Metric, dimension: usize) -> PackedLayout {
    PackedLayout::new(packing, metric, dimension as u32).expect("a valid layout")
}

fn trained(layout: PackedLayout, vectors: &[f32]) -> Quantiser {
    Quantiser::train(layout, &bytes_of(vectors), &|| false).expect("whole vectors").expect("nobody stopped it")
}

fn encode(quantiser: &Quantiser, vectors: &[f32]) -> Vec<u8> {
    let count = vectors.len() / quantiser.layout().dimension() as usize;
    let mut rows = vec![0xAA; count * quantiser.layout().row_bytes()];
    quantiser.encode(&bytes_of(vectors), &mut rows).expect("whole vectors");
    rows
}

fn decode(quantiser: &Quantiser, rows: &[u8]) -> Vec<f32> {
    let count = rows.len() / quantiser.layout().row_bytes();
    let mut vectors = vec![f32::NAN; count * quantiser.layout().dimension() as usize];
    quantiser.decode(rows, &mut vectors).expect("whole rows");
    vectors
}

fn distances_of(quantiser: &Quantiser, query: &[f32], rows: &[u8]) -> Vec<f32> {
    let mut out = vec![f32::NAN; rows.len() / quantiser.layout().row_bytes()];
    let scorer = PackedScorer::new(quantiser, &bytes_of(query)).expect("a query");
    scorer.distances_of(rows, &mut out).expect("whole rows");
    out
}

fn quick_distances(quantiser: &Quantiser, query: &[f32], rows: &[u8]) -> Vec<f32> {
    let table = PackedTable::new(quantiser.layout(), rows).expect("a table");
    let picked: Vec<u32> = (0..table.rows()).collect();
    let mut out = vec![f32::NAN; picked.len()];
    let scorer = PackedScorer::new(quantiser, &bytes_of(query)).expect("a query");
    scorer.prefetch(&table, &picked);
    scorer.distances(&table, &picked, &mut out).expect("rows of the table");
    out
}

#[test]
fn a_scalar_row_is_a_coded_row_with_the_scale_of_the_vector_for_cosine() {
    let vectors = random_floats(40 * 17, 1);
    for metric in METRICS {
        let quantiser = trained(layout(SCALAR, metric, 17), &[]);
        let mut rows = encode(&quantiser, &vectors);
        let codes = CodeLayout::new(metric, DataType::F32, 17).expect("a valid layout");
        let mut expected = vec![0; 40 * codes.row_bytes()];
        codes.encode(&bytes_of(&vectors), &mut expected).expect("whole vectors");
        if metric == Metric::Cosine {
            for row in rows.chunks_exact_mut(codes.row_bytes()) {
                assert_ne!(row[4..8], [0; 4]);
                row[4..8].fill(0);
            }
        }
        assert_eq!(rows, expected, "{metric:?}");
    }
}

#[test]
fn a_scalar_row_gives_each_element_back_within_half_a_step() {
    for (dimension, length) in [(1, 1.0), (17, 1e30), (384, 1e-30), (100, 1e38), (33, 12.0)] {
        let vectors: Vec<f32> = random_floats(dimension * 20, 2).iter().map(|value| value * length).collect();
        for metric in METRICS {
            let quantiser = trained(layout(SCALAR, metric, dimension), &[]);
            let decoded = decode(&quantiser, &encode(&quantiser, &vectors));
            for (vector, decoded) in vectors.chunks(dimension).zip(decoded.chunks(dimension)) {
                let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                for (value, decoded) in vector.iter().zip(decoded) {
                    assert!((value - decoded).abs() <= largest / 253.9, "{value} as {decoded} of {largest}");
                }
            }
        }
    }
}

/// Distances by a scorer of the decoded vectors.
fn reference_distances(metric: Metric, query: &[f32], decoded: &[f32]) -> Vec<f32> {
    let scorer = Scorer::new(metric, DataType::F32, query.len() as u32, &bytes_of(query)).expect("a query");
    let mut out = vec![f32::NAN; decoded.len() / query.len()];
    scorer.distances(&bytes_of(decoded), &mut out);
    out
}

#[test]
fn distances_of_scalar_rows_are_those_of_the_decoded_vectors() {
    for dimension in [1, 2, 15, 16, 17, 384] {
        let vectors = random_floats(dimension * 30, 3);
        let query = random_floats(dimension, 4);
        for metric in METRICS {
            let quantiser = trained(layout(SCALAR, metric, dimension), &[]);
            let rows = encode(&quantiser, &vectors);
            let expected = reference_distances(metric, &query, &decode(&quantiser, &rows));
            for (actual, expected) in distances_of(&quantiser, &query, &rows).iter().zip(expected) {
                assert!((actual - expected).abs() <= 1e-5 * (1.0 + expected.abs()), "{actual} {expected}");
            }
        }
    }
}

#[test]
fn the_quick_estimate_of_scalar_rows_is_near_the_distance() {
    let vectors = random_floats(384 * 50, 5);
    for metric in METRICS {
        let quantiser = trained(layout(SCALAR, metric, 384), &[]);
        let rows = encode(&quantiser, &vectors);
        let query = &vectors[384 * 7..384 * 8];
        let precise = distances_of(&quantiser, query, &rows);
        let whole = if metric == Metric::Cosine { 1.0 } else { query.iter().map(|value| value * value).sum::<f32>() };
        for (quick, precise) in quick_distances(&quantiser, query, &rows).iter().zip(precise) {
            assert!((quick - precise).abs() <= 0.01 * whole, "{metric:?}: {quick} {precise}");
        }
    }
}

#[test]
fn vectors_with_nan_or_infinity_are_packed_as_the_zero_vector() {
    for metric in METRICS {
        let quantiser = trained(layout(SCALAR, metric, 3), &[]);
        let zero = encode(&quantiser, &[0.0; 3]);
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(encode(&quantiser, &[1.0, odd, 2.0]), zero);
        }
        assert_eq!(decode(&quantiser, &zero), [0.0; 3]);
        assert!(distances_of(&quantiser, &[f32::NAN, 1.0, 2.0], &zero)[0].is_finite());
    }
}

#[test]
fn hamming_and_other_bits_are_refused() {
    assert!(matches!(
        PackedLayout::new(SCALAR, Metric::Hamming, 8),
        Err(QuantError::MetricUnsupported { metric: Metric::Hamming, .. })
    ));
    let five = Packing::Scalar { bits: 5 };
    assert_eq!(PackedLayout::new(five, Metric::L2, 8), Err(QuantError::BitsUnsupported { bits: 5 }));
}
