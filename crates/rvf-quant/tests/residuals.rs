//! Residual codes: their bytes, and how near their distances come to those of the vectors.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{NARROW, bytes_of, narrow, random_floats};
use rvf_quant::{QuantError, ResidualEncoder, ResidualLayout, ResidualScorer, Scorer};
use rvf_types::{DataType, Metric};

const FLOAT_METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

fn layout(metric: Metric, dimension: usize) -> ResidualLayout {
    ResidualLayout::new(metric, DataType::F32, dimension as u32).unwrap()
}

fn encode(layout: ResidualLayout, vector: &[f32], centre: &[f32]) -> Vec<u8> {
    let mut row = vec![0xAA; layout.row_bytes()];
    ResidualEncoder::new(layout).encode(&bytes_of(vector), centre, &mut row).unwrap();
    row
}

fn distance(layout: ResidualLayout, query: &[f32], centre: &[f32], row: &[u8]) -> f32 {
    let mut scorer = ResidualScorer::new(layout, &bytes_of(query)).unwrap();
    scorer.aim_at(centre).unwrap();
    let mut distance = [0.0];
    scorer.distances(row, &mut distance).unwrap();
    distance[0]
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Scale, bias and the decoded residual, as the table of the module has them.
fn decode(row: &[u8], dimension: usize) -> (f64, Vec<f64>) {
    let float = |at: usize| f64::from(f32::from_le_bytes(row[at..at + 4].try_into().unwrap()));
    let quarter = dimension.div_ceil(4);
    let level = |index: usize| f64::from(2 * (row[8 + index % quarter] >> (2 * (index / quarter)) & 3)) - 3.0;
    (float(4), (0..dimension).map(|index| float(0) * level(index)).collect())
}

#[test]
fn golden_bytes() {
    // The residual is 3, -1, 1, -3, 0: levels 3, -1, 1, -3, 1 and bits 3, 1, 2, 0, 2; quarters have two elements.
    let (vector, centre) = ([4.0, 0.0, 2.0, -2.0, 1.0], [1.0; 5]);
    let levels = [3 | 2 << 2 | 2 << 4, 1];
    let row = |scale: f32, bias: f32| [&scale.to_le_bytes()[..], &bias.to_le_bytes(), &levels].concat();
    assert_eq!(encode(layout(Metric::L2, 5), &vector, &centre), row(1.0, 20.0));
    assert_eq!(encode(layout(Metric::DotProduct, 5), &vector, &centre), row(1.0, 0.0));
    let unit = encode(layout(Metric::Cosine, 5), &vector.map(|value| value * 1024.0), &[0.0; 5]);
    assert_eq!(unit, encode(layout(Metric::Cosine, 5), &vector, &[0.0; 5]));
    for metric in FLOAT_METRICS {
        assert_eq!(encode(layout(metric, 2), &[f32::NAN, 1.0], &[0.0; 2])[..8], [0; 8]);
        assert_eq!(encode(layout(metric, 2), &[0.0, 0.0], &[0.0; 2])[..8], [0; 8]);
    }
    let bits = ResidualLayout::new(Metric::Hamming, DataType::Binary, 13).unwrap();
    let mut row = [0; 2];
    let squared = ResidualEncoder::new(bits).encode(&[3, 16], &[0.0; 13], &mut row).unwrap();
    assert_eq!((bits.row_bytes(), row, squared), (2, [3, 16], 3.0));
}

#[test]
fn half_floats_and_bytes_are_coded_as_the_floats_they_are_equal_to() {
    for metric in FLOAT_METRICS {
        for dimension in [1, 5, 16, 63, 384] {
            for data_type in NARROW {
                let (vector, floats) = narrow(data_type, &random_floats(dimension, 5));
                let (query, float_query) = narrow(data_type, &random_floats(dimension, 6));
                let centre = random_floats(dimension, 7);
                let of_type = ResidualLayout::new(metric, data_type, dimension as u32).unwrap();
                let mut row = vec![0xAA; of_type.row_bytes()];
                ResidualEncoder::new(of_type).encode(&vector, &centre, &mut row).unwrap();
                let name = format!("{metric:?} {data_type:?} {dimension}");
                assert_eq!(row, encode(layout(metric, dimension), &floats, &centre), "{name}");
                let scorer = ResidualScorer::new(of_type, &query).unwrap();
                let as_floats = ResidualScorer::new(layout(metric, dimension), &bytes_of(&float_query)).unwrap();
                assert_eq!(scorer.query(), as_floats.query(), "{name}");
            }
        }
    }
}

#[test]
fn distances_are_those_of_the_table_of_formulas() {
    for dimension in [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 384] {
        let [vector, centre, query] = [1, 2, 3].map(|seed| random_floats(dimension, seed));
        for metric in FLOAT_METRICS {
            let layout = layout(metric, dimension);
            let row = encode(layout, &vector, &centre);
            let (bias, residual) = decode(&row, dimension);
            let mut prepared = vec![0.0; dimension];
            layout.prepare(&bytes_of(&query), &mut prepared).unwrap();
            let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let (query, centre_wide) = (wide(&prepared), wide(&centre));
            let difference: Vec<f64> = query.iter().zip(&centre_wide).map(|(query, centre)| query - centre).collect();
            let with_centre = dot(&query, &centre_wide);
            let along = with_centre / dot(&centre_wide, &centre_wide);
            let across: Vec<f64> =
                query.iter().zip(&centre_wide).map(|(query, centre)| query - along * centre).collect();
            let expected = match metric {
                Metric::L2 => dot(&difference, &difference) + bias - 2.0 * dot(&difference, &residual),
                Metric::Cosine => 1.0 - with_centre - along * bias - dot(&across, &residual),
                _ => -with_centre - along * bias - dot(&across, &residual),
            };
            let actual = f64::from(distance(layout, &prepared, &centre, &row));
            assert!(
                (actual - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                "{metric:?} {dimension}: {actual} {expected}"
            );
        }
    }
}

#[test]
fn distances_err_little_and_to_both_sides() {
    let dimension = 384;
    for metric in FLOAT_METRICS {
        let layout = layout(metric, dimension);
        let centre = vec![0.01; dimension];
        let query = random_floats(dimension, 77);
        let exact = Scorer::new(metric, DataType::F32, dimension as u32, &bytes_of(&query)).unwrap();
        let (mut errors, mut squares) = (0.0, 0.0);
        for seed in 100..600 {
            let vector = random_floats(dimension, seed);
            let row = encode(layout, &vector, &centre);
            let unit = if metric == Metric::Cosine { 1.0 } else { dimension as f64 / 3.0 };
            let estimate = distance(layout, &query, &centre, &row);
            let error = f64::from(estimate - exact.distance(&bytes_of(&vector))) / unit;
            errors += error / 500.0;
            squares += error * error / 500.0;
        }
        // Squared distances have twice the error of dot products. The error of a mean of 500 is 22 times smaller.
        let limit = if metric == Metric::L2 { 0.06 } else { 0.03 };
        assert!(squares.sqrt() < limit && errors.abs() < limit / 8.0, "{metric:?}: {errors} {}", squares.sqrt());
    }
}

#[test]
fn a_row_at_its_centre_is_as_far_as_the_centre() {
    for metric in FLOAT_METRICS {
        let layout = layout(metric, 3);
        let (unit, query) = ([0.0, 0.6, 0.8], [0.0, 3.0, 4.0]);
        let row = encode(layout, &unit, &unit);
        let exact = Scorer::new(metric, DataType::F32, 3, &bytes_of(&query)).unwrap();
        let error = distance(layout, &query, &unit, &row) - exact.distance(&bytes_of(&unit));
        assert!(error.abs() < 1e-5, "{metric:?}: {error}");
    }
}

#[test]
fn bits_are_compared_exactly() {
    let layout = ResidualLayout::new(Metric::Hamming, DataType::Binary, 13).unwrap();
    let mut scorer = ResidualScorer::new(layout, &[0b1010_1010, 0b1_1111]).unwrap();
    scorer.aim_at(&[0.3; 13]).unwrap();
    let mut distances = [0.0; 2];
    scorer.distances(&[0b1010_1011, 0b1_1101, 0, 0b1110_0000], &mut distances).unwrap();
    assert_eq!(distances, [2.0, 9.0]);
    assert_eq!(scorer.query()[..4], [0.0, 1.0, 0.0, 1.0]);
}

#[test]
fn numbers_that_overflow_or_are_damaged_are_far_and_never_nan() {
    for metric in FLOAT_METRICS {
        let layout = layout(metric, 4);
        let large = [f32::MAX, f32::MIN, f32::MAX, f32::MIN];
        let row = encode(layout, &large, &[f32::MIN, f32::MAX, 0.0, 1.0]);
        assert!(!distance(layout, &large, &large, &row).is_nan());
        for damaged in [[0xFF; 9], [0x7F; 9], [0; 9]] {
            assert!(!distance(layout, &[1.0, -1.0, 0.5, 0.0], &[1.0; 4], &damaged).is_nan());
            assert!(!distance(layout, &large, &[f32::NAN; 4], &damaged).is_nan());
        }
        assert_eq!(distance(layout, &[1.0; 4], &[0.0; 4], &[0xFF; 9]), f32::INFINITY);
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let layout = layout(Metric::L2, 5);
    let mut encoder = ResidualEncoder::new(layout);
    let mut row = vec![0; layout.row_bytes()];
    assert!(encoder.encode(&[0; 16], &[0.0; 5], &mut row).is_err());
    assert!(encoder.encode(&[0; 20], &[0.0; 4], &mut row).is_err());
    assert!(encoder.encode(&[0; 20], &[0.0; 5], &mut row[1..]).is_err());
    let error = QuantError::QueryLength { expected_bytes: 20, actual_bytes: 21 };
    assert_eq!(ResidualScorer::new(layout, &[0; 21]).err(), Some(error));
    let mut scorer = ResidualScorer::new(layout, &[0; 20]).unwrap();
    assert_eq!(scorer.aim_at(&[0.0; 6]), Err(QuantError::LayoutMismatch));
    assert!(scorer.distances(&row, &mut [0.0; 2]).is_err());
    assert!(layout.prepare(&[0; 20], &mut [0.0; 4]).is_err());
    assert!(ResidualLayout::new(Metric::Hamming, DataType::F32, 5).is_err());
}
