//! Every kernel agrees with the truth in f64, with the reference, and with itself wherever a row lies.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{bytes_of, kernels, random_floats};
use proptest::prelude::*;
use rvf_quant::element::F32;
use rvf_quant::{Kernel, QuantError, Scorer, reference};
use rvf_types::{DataType, Metric};

const FLOAT_METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

fn float_scorer(kernel: Kernel, metric: Metric, query: &[f32]) -> Scorer {
    Scorer::with_kernel(kernel, metric, DataType::F32, query.len() as u32, &bytes_of(query)).expect("a valid query")
}

/// The distance in f64, and how far from it sums in f32 may be.
fn truth(metric: Metric, query: &[f32], row: &[f32]) -> (f64, f64) {
    let pairs = || query.iter().zip(row).map(|(left, right)| (f64::from(*left), f64::from(*right)));
    let sum = |term: fn((f64, f64)) -> f64| pairs().map(term).sum::<f64>();
    // Every kernel has 16 partial sums or more. Each rounding of one may err by half a unit in its last place, which is
    // less than that of the sum of magnitudes; the other half, and the 16, are for products, the tree and the finish.
    let relative = (query.len() as f64 / 16.0 + 16.0) * f64::from(f32::EPSILON);
    match metric {
        Metric::L2 => {
            let distance = sum(|(left, right)| (left - right) * (left - right));
            (distance, distance * relative + query.len() as f64 * 1e-45)
        }
        Metric::DotProduct => {
            let magnitude = sum(|(left, right)| (left * right).abs());
            (-sum(|(left, right)| left * right), magnitude * relative + query.len() as f64 * 1e-45)
        }
        _ => {
            let norms = sum(|(left, _)| left * left).sqrt() * sum(|(_, right)| right * right).sqrt();
            if norms == 0.0 { (1.0, 0.0) } else { (1.0 - sum(|(left, right)| left * right) / norms, relative) }
        }
    }
}

fn assert_near_truth(kernel: Kernel, metric: Metric, query: &[f32], row: &[f32]) {
    let distance = float_scorer(kernel, metric, query).distance(&bytes_of(row));
    let (expected, tolerance) = truth(metric, query, row);
    let name = format!("{:?} {metric:?}, {} dimensions", kernel.isa(), query.len());
    if metric == Metric::Cosine {
        assert!((0.0..=2.0).contains(&distance), "{name}: {distance}");
    }
    if expected.abs() > f64::from(f32::MAX) * 1.001 {
        assert_eq!(f64::from(distance), expected.signum() * f64::INFINITY, "{name}: {expected}");
    } else if expected.abs() < f64::from(f32::MAX) * 0.999 {
        let error = (f64::from(distance) - expected).abs();
        assert!(error <= tolerance, "{name}: {distance} instead of {expected}, off by {error} > {tolerance}");
    }
}

#[test]
fn every_length_is_near_the_truth() {
    for kernel in kernels() {
        for dimension in (1..=130).chain([383, 384, 1_000, 1_536, 65_535, 65_536]) {
            let query = random_floats(dimension, 1);
            let row = random_floats(dimension, 2);
            for metric in FLOAT_METRICS {
                assert_near_truth(kernel, metric, &query, &row);
            }
        }
    }
}

#[test]
fn the_portable_kernels_are_the_reference() {
    let (query, row) = (random_floats(77, 1), bytes_of(&random_floats(77, 2)));
    let kernel = kernels()[0];
    assert_eq!(float_scorer(kernel, Metric::L2, &query).distance(&row), reference::squared_l2::<F32>(&query, &row));
    assert_eq!(float_scorer(kernel, Metric::DotProduct, &query).distance(&row), -reference::dot::<F32>(&query, &row));
    assert_eq!(reference::dot_and_squared_norm::<F32>(&query, &row)[0], reference::dot::<F32>(&query, &row));
}

/// Rows of every count, at every misalignment: one distance per row, whoever computes it.
#[test]
fn distances_do_not_depend_on_place_or_company() {
    for kernel in kernels() {
        for dimension in [1_usize, 7, 16, 33, 100, 384] {
            let query = random_floats(dimension, 3);
            let bytes = bytes_of(&random_floats(dimension * 11, 4));
            for metric in FLOAT_METRICS {
                let scorer = float_scorer(kernel, metric, &query);
                let alone: Vec<u32> =
                    bytes.chunks_exact(scorer.row_bytes()).map(|row| scorer.distance(row).to_bits()).collect();
                for offset in 0..68 {
                    let mut shifted = vec![0xFF; offset];
                    shifted.extend(&bytes);
                    let count = offset % 12;
                    let mut out = vec![0.0; count];
                    scorer.distances(&shifted[offset..offset + count * scorer.row_bytes()], &mut out);
                    let together: Vec<u32> = out.iter().map(|distance| distance.to_bits()).collect();
                    assert_eq!(together, alone[..count], "{:?} {metric:?} {dimension} {offset}", kernel.isa());
                }
            }
        }
    }
}

#[test]
fn a_vector_is_at_cosine_distance_zero_from_itself() {
    for kernel in kernels() {
        for dimension in [1, 2, 15, 16, 17, 384, 1_000] {
            for (seed, scale) in [(1, 1.0), (2, 1e-12), (3, 1e12), (4, 1e-40), (5, 3e38), (6, 1e-20), (7, 1e18)] {
                let query: Vec<f32> = random_floats(dimension, seed).iter().map(|value| value * scale).collect();
                let distance = float_scorer(kernel, Metric::Cosine, &query).distance(&bytes_of(&query));
                let allowed = if (1e-14..1e14).contains(&scale) { 0.0 } else { 1e-7 };
                assert!((0.0..=allowed).contains(&distance), "{:?} {dimension} {scale}: {distance}", kernel.isa());
            }
        }
    }
}

#[test]
fn extremes_are_near_the_truth() {
    let values =
        [0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 1e-40, 1e-20, 1e-23, 1e18, 1e19, -1e19, 1e38, -1e38, f32::MAX, f32::MIN];
    for kernel in kernels() {
        for dimension in [1, 3, 16, 21, 64, 130] {
            for (first, left) in values.iter().enumerate() {
                for (second, right) in values.iter().enumerate() {
                    let pick = |start: usize, step: usize| -> Vec<f32> {
                        (0..dimension).map(|index| values[(start + index * step) % values.len()]).collect()
                    };
                    for metric in FLOAT_METRICS {
                        assert_near_truth(kernel, metric, &vec![*left; dimension], &vec![*right; dimension]);
                        assert_near_truth(kernel, metric, &pick(first, 1), &pick(second, 3));
                    }
                }
            }
        }
    }
}

#[test]
fn zero_vectors_are_at_cosine_distance_one() {
    for kernel in kernels() {
        for (query, row) in [([0.0, -0.0], [1.0, 2.0]), ([1.0, 2.0], [0.0, -0.0]), ([0.0, 0.0], [0.0, 0.0])] {
            assert_eq!(float_scorer(kernel, Metric::Cosine, &query).distance(&bytes_of(&row)), 1.0);
        }
    }
}

#[test]
fn sums_that_cancel_after_overflowing_are_finite() {
    for kernel in kernels() {
        let row: Vec<f32> = (0..32).map(|index| if index % 2 == 0 { 1e38 } else { -1e38 }).collect();
        let distance = float_scorer(kernel, Metric::DotProduct, &[1e38; 32]).distance(&bytes_of(&row));
        assert_eq!(distance.to_bits(), 0.0_f32.to_bits(), "{:?}", kernel.isa());
    }
}

#[test]
fn damaged_rows_do_not_panic() {
    for kernel in kernels() {
        for metric in FLOAT_METRICS {
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut row = random_floats(40, 1);
                row[39] = value;
                let distance = float_scorer(kernel, metric, &random_floats(40, 2)).distance(&bytes_of(&row));
                assert!(!(0.0..=2.0).contains(&distance), "{:?} {metric:?} {value}: {distance}", kernel.isa());
            }
        }
    }
}

#[test]
fn hamming_counts_the_bits_of_the_dimension_only() {
    for kernel in kernels() {
        for dimension in (1..=130).chain([1_024, 12_288, 65_535, 65_536]) {
            let bytes = usize::div_ceil(dimension, 8);
            let query: Vec<u8> = bytes_of(&random_floats(bytes, 5))[..bytes].to_vec();
            let rows: Vec<u8> = bytes_of(&random_floats(bytes * 5, 6))[..bytes * 5].to_vec();
            let scorer = Scorer::with_kernel(kernel, Metric::Hamming, DataType::Binary, dimension as u32, &query)
                .expect("a valid query");
            let mut out = [0.0; 5];
            scorer.distances(&rows, &mut out);
            let bit = |bytes: &[u8], index: usize| bytes[index / 8] >> (index % 8) & 1;
            for (distance, row) in out.iter().zip(rows.chunks_exact(bytes)) {
                let expected = (0..dimension).filter(|index| bit(&query, *index) != bit(row, *index)).count();
                assert_eq!(*distance, expected as f32, "{:?}, {dimension} bits", kernel.isa());
                assert_eq!(*distance, scorer.distance(row));
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let new =
        |metric, data_type, dimension, bytes: usize| Scorer::new(metric, data_type, dimension, &vec![0; bytes]).err();
    let unsupported = |metric, data_type| Some(QuantError::MetricUnsupported { metric, data_type });
    assert_eq!(new(Metric::Hamming, DataType::F32, 4, 16), unsupported(Metric::Hamming, DataType::F32));
    assert_eq!(new(Metric::Hamming, DataType::I8, 4, 4), unsupported(Metric::Hamming, DataType::I8));
    assert_eq!(new(Metric::L2, DataType::Bf16, 4, 8), unsupported(Metric::L2, DataType::Bf16));
    assert_eq!(new(Metric::L2, DataType::Binary, 16, 2), unsupported(Metric::L2, DataType::Binary));
    assert_eq!(new(Metric::Cosine, DataType::U8, 4, 4), unsupported(Metric::Cosine, DataType::U8));
    for dimension in [0, 65_537, u32::MAX] {
        let error = new(Metric::L2, DataType::F32, dimension, 0);
        assert_eq!(error, Some(QuantError::DimensionOutOfRange { dimension }));
    }
    let error = new(Metric::L2, DataType::F32, 4, 15);
    assert_eq!(error, Some(QuantError::QueryLength { expected_bytes: 16, actual_bytes: 15 }));
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "rows of 8"))]
fn a_wrong_length_is_found_by_debug_builds_and_nan_in_release_builds() {
    let scorer = float_scorer(Kernel::best(), Metric::L2, &[1.0, 2.0]);
    let mut out = [0.0; 2];
    scorer.distances(&[0; 15], &mut out);
    assert!(out.iter().all(|distance| distance.is_nan()));
}

proptest! {
    #[test]
    fn any_floats_are_near_the_truth(
        pairs in proptest::collection::vec((proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO, proptest::num::f32::NORMAL), 1..130),
        scale in proptest::sample::select(vec![1.0_f32, 1e-20, 1e-30]),
    ) {
        let (query, row): (Vec<f32>, Vec<f32>) = pairs.iter().map(|(left, right)| (left * scale, right * scale)).unzip();
        for kernel in kernels() {
            for metric in FLOAT_METRICS {
                assert_near_truth(kernel, metric, &query, &row);
            }
        }
    }

    #[test]
    fn everyday_floats_are_near_the_truth(pairs in proptest::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 1..400)) {
        let (query, row): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        for kernel in kernels() {
            for metric in FLOAT_METRICS {
                assert_near_truth(kernel, metric, &query, &row);
            }
        }
    }
}
