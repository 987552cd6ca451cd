//! Rows of half floats and signed bytes are as far as the floats that they are equal to.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{NARROW, bytes_of, kernels, narrow, random_floats};
use half::f16;
use rvf_quant::element::{Element, F16, I8};
use rvf_quant::{Kernel, Scorer};
use rvf_types::{DataType, Metric};

const NUMBER_METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

fn scorer(kernel: Kernel, metric: Metric, data_type: DataType, query: &[u8]) -> Scorer {
    let dimension = query.len() / data_type.row_bytes(1);
    Scorer::with_kernel(kernel, metric, data_type, dimension as u32, query).unwrap()
}

fn halves(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
}

/// Everything that sixteen and eight bits can say.
#[test]
fn every_element_is_the_float_it_is_equal_to() {
    for bits in 0..=u16::MAX {
        let (value, expected) = (F16::value(bits.to_le_bytes()), f16::from_bits(bits).to_f32());
        let same = value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan();
        assert!(same, "{bits:#06x}: {value} instead of {expected}");
    }
    for byte in i8::MIN..=i8::MAX {
        assert_eq!(I8::value(byte.to_le_bytes()), f32::from(byte));
    }
}

/// A query of one 1 and zeros picks one element, whose negative is the distance: at the front, where whole registers are
/// loaded, and at the end of a row, where only a part is left.
#[test]
fn every_kernel_loads_every_element() {
    for kernel in kernels() {
        for dimension in [1_usize, 5, 37] {
            for at in [0, dimension - 1] {
                let mut one = vec![0.0; dimension];
                one[at] = 1.0;
                let half_scorer = scorer(kernel, Metric::DotProduct, DataType::F16, &halves(&one));
                for value in (0..=u16::MAX).map(f16::from_bits).filter(|value| value.is_finite()) {
                    let mut row = vec![f16::MAX; dimension];
                    row[at] = value;
                    let row: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                    assert_eq!(half_scorer.distance(&row), -value.to_f32(), "{:?} {dimension} {at}", kernel.isa());
                }
                let one: Vec<u8> = one.iter().map(|value| *value as u8).collect();
                let byte_scorer = scorer(kernel, Metric::DotProduct, DataType::I8, &one);
                for value in i8::MIN..=i8::MAX {
                    let mut row = vec![127; dimension];
                    row[at] = value as u8;
                    assert_eq!(byte_scorer.distance(&row), -f32::from(value), "{:?} {dimension} {at}", kernel.isa());
                }
            }
        }
    }
}

#[test]
fn distances_are_those_of_the_same_vectors_as_floats() {
    for kernel in kernels() {
        for dimension in (1..=130).chain([383, 384, 1_000, 1_536, 65_535, 65_536]) {
            for data_type in NARROW {
                let (query, float_query) = narrow(data_type, &random_floats(dimension, 1));
                let (row, float_row) = narrow(data_type, &random_floats(dimension, 2));
                for metric in NUMBER_METRICS {
                    let distance = scorer(kernel, metric, data_type, &query).distance(&row);
                    let as_floats = scorer(kernel, metric, DataType::F32, &bytes_of(&float_query));
                    let expected = as_floats.distance(&bytes_of(&float_row));
                    let name = format!("{:?} {metric:?} {data_type:?} {dimension}", kernel.isa());
                    assert_eq!(distance.to_bits(), expected.to_bits(), "{name}: {distance} instead of {expected}");
                }
            }
        }
    }
}

/// Sums of up to 250 squared differences of bytes are less than 2^24, up to which floats have every integer.
#[test]
fn distances_of_bytes_are_exact() {
    for kernel in kernels() {
        for dimension in (1..=130).chain([249, 250]) {
            let extreme = |step: usize| (0..dimension).map(|at| if at % step == 0 { -128 } else { 127 }).collect();
            let usual = |seed| random_floats(dimension, seed).iter().map(|value| (value * 128.0) as i8).collect();
            let pairs: [(Vec<i8>, Vec<i8>); 3] =
                [(extreme(1), extreme(2)), (extreme(2), extreme(3)), (usual(1), usual(2))];
            for (query, row) in pairs {
                let bytes = |vector: &[i8]| vector.iter().map(|value| *value as u8).collect::<Vec<u8>>();
                let products = query.iter().zip(&row).map(|(left, right)| i32::from(*left) * i32::from(*right));
                let differences = query.iter().zip(&row).map(|(left, right)| i32::from(*left) - i32::from(*right));
                let squared: i32 = differences.map(|difference| difference * difference).sum();
                let distance = |metric| scorer(kernel, metric, DataType::I8, &bytes(&query)).distance(&bytes(&row));
                assert_eq!(distance(Metric::L2), squared as f32, "{:?} {dimension}", kernel.isa());
                assert_eq!(
                    distance(Metric::DotProduct),
                    -products.sum::<i32>() as f32,
                    "{:?} {dimension}",
                    kernel.isa()
                );
            }
        }
    }
}

/// Rows of every count, at every misalignment: one distance per row, whoever computes it.
#[test]
fn distances_do_not_depend_on_place_or_company() {
    for kernel in kernels() {
        for dimension in [1_usize, 7, 16, 33, 100, 384] {
            for data_type in NARROW {
                let (query, _) = narrow(data_type, &random_floats(dimension, 3));
                let (bytes, _) = narrow(data_type, &random_floats(dimension * 11, 4));
                for metric in NUMBER_METRICS {
                    let scorer = scorer(kernel, metric, data_type, &query);
                    let alone: Vec<f32> = bytes.chunks_exact(query.len()).map(|row| scorer.distance(row)).collect();
                    for offset in 0..68 {
                        let shifted = [&vec![0xFF; offset], &bytes[..]].concat();
                        let mut together = vec![0.0; offset % 12];
                        scorer.distances(&shifted[offset..offset + offset % 12 * query.len()], &mut together);
                        assert_eq!(together, alone[..offset % 12], "{:?} {metric:?} {data_type:?}", kernel.isa());
                    }
                }
            }
        }
    }
}

#[test]
fn a_vector_is_at_distance_zero_from_itself_and_the_zero_vector_at_cosine_distance_one() {
    for kernel in kernels() {
        for dimension in [1, 2, 15, 16, 17, 384, 1_000] {
            let usual = narrow(DataType::F16, &random_floats(dimension, 1)).0;
            let vectors = [usual, halves(&vec![65_504.0; dimension]), [1_u8, 0].repeat(dimension)]
                .map(|vector| (DataType::F16, vector))
                .into_iter()
                .chain([vec![0x80; dimension], vec![1; dimension]].map(|vector| (DataType::I8, vector)));
            for (data_type, vector) in vectors {
                for metric in [Metric::L2, Metric::Cosine] {
                    let distance = scorer(kernel, metric, data_type, &vector).distance(&vector);
                    assert_eq!(distance, 0.0, "{:?} {metric:?} {data_type:?} {dimension}", kernel.isa());
                }
                let zero = vec![0; vector.len()];
                assert_eq!(scorer(kernel, Metric::Cosine, data_type, &vector).distance(&zero), 1.0);
                assert_eq!(scorer(kernel, Metric::Cosine, data_type, &zero).distance(&vector), 1.0);
            }
        }
    }
}

#[test]
fn damaged_half_floats_do_not_panic() {
    for kernel in kernels() {
        for value in [f16::NAN, f16::INFINITY, f16::NEG_INFINITY] {
            let (query, _) = narrow(DataType::F16, &random_floats(40, 2));
            let mut row = narrow(DataType::F16, &random_floats(40, 1)).0;
            row[78..].copy_from_slice(&value.to_le_bytes());
            for metric in NUMBER_METRICS {
                let distance = scorer(kernel, metric, DataType::F16, &query).distance(&row);
                assert!(!(0.0..=2.0).contains(&distance), "{:?} {metric:?} {value}: {distance}", kernel.isa());
                scorer(kernel, metric, DataType::F16, &row).distance(&query);
            }
        }
    }
}
