//! Packed vectors of shapes that break what is made for others, and training that is cut short.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::packed::*;
use common::{bytes_of, random_floats};
use rvf_quant::{Packing, QuantError, Quantiser};
use rvf_types::Metric;
use std::cell::Cell;

/// Sum of the squared differences.
fn off(vectors: &[f32], others: &[f32]) -> f64 {
    vectors.iter().zip(others).map(|(left, right)| (f64::from(*left) - f64::from(*right)).powi(2)).sum()
}

/// No distance is NaN, nothing decoded is infinite, and what comes back is nearer than nothing would be.
fn assert_sane(name: &str, dimension: usize, vectors: &[f32]) {
    for packing in packings(dimension).into_iter().chain([SCALAR_4]) {
        for metric in METRICS {
            let quantiser = trained(layout(packing, metric, dimension), vectors);
            let rows = encode(&quantiser, vectors);
            let context = format!("{name}, {packing:?}, {metric:?}, {dimension}");
            let decoded = decode(&quantiser, &rows);
            assert!(decoded.iter().all(|value| value.is_finite()), "{context}");
            let (error, whole) = (off(vectors, &decoded), off(vectors, &vec![0.0; vectors.len()]));
            assert!(error <= whole, "{context}: {error} of {whole}");
            assert!(quantiser.relative_error(&bytes_of(vectors)).expect("whole vectors").is_finite(), "{context}");
            for query in [&vectors[..dimension], &random_floats(dimension, 77), &vec![1e30; dimension]] {
                assert!(distances_of(&quantiser, query, &rows).iter().all(|distance| !distance.is_nan()), "{context}");
                assert!(
                    quick_distances(&quantiser, query, &rows).iter().all(|distance| !distance.is_nan()),
                    "{context}"
                );
            }
        }
    }
}

fn scaled(vectors: Vec<f32>, factor: f32) -> Vec<f32> {
    vectors.into_iter().map(|value| value * factor).collect()
}

#[test]
fn vectors_of_every_small_dimension() {
    for dimension in 1..=17 {
        assert_sane("random", dimension, &random_floats(dimension * 300, 1));
        assert_sane("zeros", dimension, &vec![0.0; dimension * 20]);
        assert_sane("constant", dimension, &vec![0.7; dimension * 20]);
    }
}

#[test]
fn vectors_that_are_all_equal() {
    assert_sane("equal", 33, &random_floats(33, 2).repeat(300));
    assert_sane("two", 33, &random_floats(66, 3).repeat(150));
}

#[test]
fn vectors_of_huge_and_tiny_magnitudes() {
    for factor in [1e-40, 1e-30, 1e-10, 1e10, 1e30, 3e38] {
        assert_sane("scaled", 24, &scaled(clustered(24, 300, 10, 0.3, 4), factor / 1.4));
    }
    let mut mixed = clustered(24, 300, 10, 0.3, 5);
    for (vector, factor) in mixed.chunks_mut(24).zip([1e-30, 1.0, 1e30].into_iter().cycle()) {
        vector.iter_mut().for_each(|value| *value *= factor);
    }
    assert_sane("mixed", 24, &mixed);
}

#[test]
fn vectors_of_one_element_that_is_not_zero() {
    let vectors: Vec<f32> =
        (0..300).flat_map(|row| (0..50).map(move |index| if index == row % 50 { 1.0 } else { 0.0 })).collect();
    assert_sane("sparse", 50, &vectors);
}

/// Taking off the mean is what makes them tell apart.
#[test]
fn near_vectors_are_told_apart_far_from_the_origin() {
    let near = clustered(64, 1_000, 40, 0.2, 6);
    let mut far: Vec<f32> = near.iter().map(|value| value + 20.0).collect();
    // At one length, so that dot products have the same neighbours.
    for vector in far.chunks_mut(64) {
        let length = off(vector, &[0.0; 64]).sqrt() as f32;
        vector.iter_mut().for_each(|value| *value *= 160.0 / length);
    }
    for packing in [Packing::default_product(64), Packing::Binary] {
        for metric in METRICS {
            let quantiser = trained(layout(packing, metric, 64), &far);
            let rows = encode(&quantiser, &far);
            for query in 0..40 {
                let distances = distances_of(&quantiser, &far[query * 64..][..64], &rows);
                let mut order: Vec<usize> = (0..1_000).collect();
                order.sort_by(|left, right| distances[*left].total_cmp(&distances[*right]));
                let same = order[..25].iter().filter(|row| *row % 40 == query).count();
                assert!(same >= 23, "{packing:?} {metric:?}: {same} of the 25 of a cluster");
            }
        }
    }
}

#[test]
fn a_sample_of_one_vector_is_enough_and_of_none_is_refused() {
    let vectors = clustered(24, 100, 10, 0.3, 7);
    for packing in [Packing::default_product(24), Packing::Binary] {
        let layout = layout(packing, Metric::L2, 24);
        assert!(layout.needs_training() && layout.training_rows_min() > 0);
        assert_eq!(Quantiser::train(layout, &[], &|| false).err(), Some(QuantError::SampleEmpty));
        for count in [1, 2, 50] {
            let quantiser = trained(layout, &vectors[..24 * count]);
            let decoded = decode(&quantiser, &encode(&quantiser, &vectors));
            // Not farther than the mean of the sample.
            let mean: Vec<f32> =
                (0..24).map(|index| vectors.iter().skip(index).step_by(24).take(count).sum()).collect();
            let mean: Vec<f32> = mean.iter().map(|sum| sum / count as f32).collect();
            let (error, allowed) = (off(&vectors, &decoded), off(&vectors, &mean.repeat(100)));
            assert!(error <= allowed, "{packing:?} with {count}: {error} of {allowed}");
        }
    }
    assert!(!layout(SCALAR, Metric::L2, 24).needs_training());
}

/// 256 parts of a direction are as many as there are vectors: each is its own.
#[test]
fn a_product_of_few_vectors_knows_them_all() {
    let vectors = clustered(24, 200, 10, 0.3, 8);
    let quantiser = trained(layout(Packing::default_product(24), Metric::Cosine, 24), &vectors);
    assert!(quantiser.relative_error(&bytes_of(&vectors)).expect("whole vectors") < 1e-4);
}

#[test]
fn training_stops_when_it_is_told_to() {
    let vectors = clustered(24, 300, 10, 0.3, 9);
    for packing in packings(24) {
        let layout = layout(packing, Metric::L2, 24);
        let asked = Cell::new(0);
        let count = || {
            asked.set(asked.get() + 1);
            false
        };
        assert!(Quantiser::train(layout, &bytes_of(&vectors), &count).expect("a sample").is_some());
        // Of a product in every part, which take long.
        assert!(asked.get() > if matches!(packing, Packing::Product { .. }) { 8 } else { 0 });
        for stop_at in 1..=asked.get() {
            let left = Cell::new(stop_at);
            let should_stop = || {
                left.set(left.get() - 1);
                left.get() == 0
            };
            let stopped = Quantiser::train(layout, &bytes_of(&vectors), &should_stop).expect("a sample");
            assert!(stopped.is_none(), "{packing:?}, asked {stop_at} of {} times", asked.get());
        }
    }
}
