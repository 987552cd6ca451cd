//! Packed vectors: what comes back of them, and what distances say.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::packed::*;
use common::{bytes_of, random_floats};
use rvf_quant::{CodeLayout, Packing, Scorer};
use rvf_types::{DataType, Metric};

/// The scalar packings, and how many steps the largest element is.
const SCALARS: [(Packing, f32); 2] = [(SCALAR, 127.0), (SCALAR_4, 7.0)];

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
        for (metric, (packing, steps)) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar)))
        {
            let quantiser = trained(layout(packing, metric, dimension), &[]);
            let decoded = decode(&quantiser, &encode(&quantiser, &vectors));
            for (vector, decoded) in vectors.chunks(dimension).zip(decoded.chunks(dimension)) {
                let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                for (value, decoded) in vector.iter().zip(decoded) {
                    assert!(
                        (value - decoded).abs() <= largest / (2.0 * steps - 0.1),
                        "{value} as {decoded} of {largest}"
                    );
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
        for (metric, (packing, _)) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar))) {
            let quantiser = trained(layout(packing, metric, dimension), &[]);
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
    for (metric, (packing, steps)) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar))) {
        let quantiser = trained(layout(packing, metric, 384), &[]);
        let rows = encode(&quantiser, &vectors);
        let query = &vectors[384 * 7..384 * 8];
        let precise = distances_of(&quantiser, query, &rows);
        let whole = if metric == Metric::Cosine { 1.0 } else { query.iter().map(|value| value * value).sum::<f32>() };
        for (quick, precise) in quick_distances(&quantiser, query, &rows).iter().zip(precise) {
            let allowed = if steps < 127.0 { 0.03 } else { 0.01 };
            assert!((quick - precise).abs() <= allowed * whole, "{packing:?} {metric:?}: {quick} {precise}");
        }
    }
}

/// Squared length.
fn squared(vector: &[f32]) -> f64 {
    vector.iter().map(|value| f64::from(*value).powi(2)).sum()
}

#[test]
fn l2_and_dotproduct_of_trained_rows_are_those_of_the_decoded_vectors() {
    for dimension in [1, 2, 15, 17, 64, 100, 384] {
        let vectors = random_floats(dimension * 300, 3);
        let query = random_floats(dimension, 4);
        for packing in packings(dimension) {
            for metric in [Metric::L2, Metric::DotProduct] {
                let quantiser = trained(layout(packing, metric, dimension), &vectors);
                let rows = encode(&quantiser, &vectors);
                let expected = reference_distances(metric, &query, &decode(&quantiser, &rows));
                let whole = squared(&query) as f32 + dimension as f32;
                for (actual, expected) in distances_of(&quantiser, &query, &rows).iter().zip(expected) {
                    let off = (actual - expected).abs();
                    assert!(off <= 1e-4 * whole, "{packing:?} {metric:?} {dimension}: {actual} {expected}");
                }
            }
        }
    }
}

/// Of product and binary packing it is half the squared distance from what is decoded, before that is brought to the
/// length of the vector.
#[test]
fn cosine_of_trained_rows_is_that_of_the_decoded_vectors_but_for_what_packing_is_off() {
    let vectors = clustered(96, 1_000, 20, 0.3, 3);
    for packing in packings(96) {
        let quantiser = trained(layout(packing, Metric::Cosine, 96), &vectors);
        let rows = encode(&quantiser, &vectors);
        let decoded = decode(&quantiser, &rows);
        let allowed = 0.6 * quantiser.relative_error(&bytes_of(&vectors)).expect("whole vectors") as f32 + 1e-5;
        for query in vectors.chunks(96).take(20) {
            let expected = reference_distances(Metric::Cosine, query, &decoded);
            let off = distances_of(&quantiser, query, &rows).into_iter().zip(expected).map(|(a, b)| (a - b).abs());
            let mean = off.sum::<f32>() / 1_000.0;
            assert!(mean <= allowed, "{packing:?}: {mean} of {allowed}");
        }
    }
}

#[test]
fn the_quick_estimate_of_trained_rows_is_near_the_distance() {
    let vectors = random_floats(384 * 300, 5);
    for packing in packings(384) {
        for metric in METRICS {
            let quantiser = trained(layout(packing, metric, 384), &vectors);
            let rows = encode(&quantiser, &vectors);
            let query = &vectors[384 * 7..384 * 8];
            let whole = if metric == Metric::Cosine { 1.0 } else { squared(query) as f32 };
            let precise = distances_of(&quantiser, query, &rows);
            for (quick, precise) in quick_distances(&quantiser, query, &rows).iter().zip(precise) {
                assert!((quick - precise).abs() <= 0.01 * whole, "{packing:?} {metric:?}: {quick} {precise}");
            }
        }
    }
}

#[test]
fn cosine_gives_vectors_back_at_their_own_length() {
    let lengths = [1e-30, 1e-3, 1.0, 700.0, 1e30];
    let mut vectors = clustered(48, 500, 10, 0.2, 6);
    for (vector, length) in vectors.chunks_mut(48).zip(lengths.into_iter().cycle()) {
        vector.iter_mut().for_each(|value| *value *= length);
    }
    for packing in packings(48) {
        let quantiser = trained(layout(packing, Metric::Cosine, 48), &vectors);
        let decoded = decode(&quantiser, &encode(&quantiser, &vectors));
        for (vector, decoded) in vectors.chunks(48).zip(decoded.chunks(48)) {
            let ratio = (squared(decoded) / squared(vector)).sqrt();
            assert!((ratio - 1.0).abs() < 0.01, "{packing:?}: {ratio}");
        }
    }
}

#[test]
fn what_comes_back_is_as_near_as_the_bits_allow() {
    let vectors = clustered(96, 4_000, 50, 0.5, 7);
    for (packing, allowed) in packings(96).into_iter().zip([1e-4, 0.06, 0.35]) {
        for metric in METRICS {
            let quantiser = trained(layout(packing, metric, 96), &vectors);
            let error = quantiser.relative_error(&bytes_of(&vectors)).expect("whole vectors");
            assert!(error > 0.0 && error < allowed, "{packing:?} {metric:?}: {error}");
        }
    }
}

/// What was learned of some vectors does not fit others, and that can be noticed.
#[test]
fn the_relative_error_grows_when_vectors_change() {
    let before = clustered(96, 2_000, 5, 0.1, 8);
    let after = clustered(96, 200, 5, 0.1, 80);
    for packing in [Packing::default_product(96), Packing::Binary] {
        let quantiser = trained(layout(packing, Metric::Cosine, 96), &before);
        let error = |vectors: &[f32]| quantiser.relative_error(&bytes_of(vectors)).expect("whole vectors");
        assert!(error(&after) > 1.4 * error(&before), "{packing:?}: {} {}", error(&before), error(&after));
    }
}

/// The nearest row of a vector that was packed is its own, or one of the same bytes.
#[test]
fn a_packed_vector_is_found_by_itself_and_by_what_is_decoded_of_it() {
    let vectors = clustered(128, 1_000, 100, 0.4, 9);
    for packing in packings(128) {
        for metric in [Metric::L2, Metric::Cosine] {
            let quantiser = trained(layout(packing, metric, 128), &vectors);
            let rows = encode(&quantiser, &vectors);
            let decoded = decode(&quantiser, &rows);
            for row in (0..1_000).step_by(37) {
                for query in [&vectors, &decoded] {
                    let distances = distances_of(&quantiser, &query[row * 128..][..128], &rows);
                    let best = (0..1_000).min_by(|a, b| distances[*a].total_cmp(&distances[*b])).expect("rows");
                    let bytes =
                        |row: usize| &rows[row * quantiser.layout().row_bytes()..][..quantiser.layout().row_bytes()];
                    assert!(best == row || bytes(best) == bytes(row), "{packing:?} {metric:?}: {best} for {row}");
                }
            }
        }
    }
}

#[test]
fn a_zero_vector_or_query_is_at_cosine_distance_1_of_all() {
    let mut vectors = clustered(20, 300, 5, 0.3, 10);
    vectors[..20].fill(0.0);
    for packing in packings(20) {
        let quantiser = trained(layout(packing, Metric::Cosine, 20), &vectors);
        let rows = encode(&quantiser, &vectors);
        assert_eq!(decode(&quantiser, &rows)[..20], [0.0; 20], "{packing:?}");
        let query = &vectors[40..60];
        assert_eq!(distances_of(&quantiser, query, &rows)[0], 1.0, "{packing:?}");
        assert_eq!(quick_distances(&quantiser, query, &rows)[0], 1.0, "{packing:?}");
        assert!(distances_of(&quantiser, &[0.0; 20], &rows).iter().all(|distance| *distance == 1.0), "{packing:?}");
    }
}
