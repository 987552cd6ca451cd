//! Codes: their bytes, and how near their distances come to those of the vectors.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{NARROW, bytes_of, narrow, random_floats};
use proptest::prelude::*;
use rvf_quant::{CodeLayout, CodeScorer, CodeTable, QuantError, Scorer};
use rvf_types::{DataType, Metric};

const FLOAT_METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

fn layout(metric: Metric, dimension: usize) -> CodeLayout {
    CodeLayout::new(metric, DataType::F32, dimension as u32).expect("a valid layout")
}

fn encode(layout: CodeLayout, vectors: &[f32]) -> Vec<u8> {
    let vectors = bytes_of(vectors);
    let mut codes = vec![0xAA; vectors.len() / layout.vector_bytes() * layout.row_bytes()];
    layout.encode(&vectors, &mut codes).expect("whole vectors");
    codes
}

fn terms(code: &[u8]) -> (f32, f32) {
    let term = |start: usize| f32::from_le_bytes(code[start..start + 4].try_into().expect("four bytes"));
    (term(0), term(4))
}

/// Scale, bias, elements; then zeros of the code up to a multiple of 16.
#[test]
fn golden_bytes() {
    let golden = |metric, vector: &[f32]| encode(layout(metric, vector.len()), vector);
    let row = |terms: [u8; 8], elements: &[u8]| {
        let mut row = [&terms, elements].concat();
        row.resize(8 + elements.len().next_multiple_of(16), 128);
        row
    };
    // 1 / 127 is 0x3C01_0204. Halves round to even: -0.5 * 127 = -63.5 becomes -64.
    let elements = [255, 64, 128, 192, 1];
    let vector = [1.0, -0.5, 0.001, 0.5, -1.0];
    assert_eq!(golden(Metric::DotProduct, &vector), row([4, 2, 1, 0x3C, 0, 0, 0, 0], &elements));
    // (127^2 + 64^2 + 64^2 + 127^2) times the square of that is 2.507905: 0x4020_8184.
    assert_eq!(golden(Metric::L2, &vector), row([4, 2, 1, 0x3C, 0x84, 0x81, 0x20, 0x40], &elements));
    // 1 / (127 * sqrt(2.500001)) is 0.004979963: 0x3BA3_2EF7.
    assert_eq!(golden(Metric::Cosine, &vector), row([0xF7, 0x2E, 0xA3, 0x3B, 0, 0, 0, 0], &elements));
    // Tenfold is the same direction; what dotproduct wants to know is the scale.
    let tenfold = vector.map(|value| value * 1024.0);
    assert_eq!(golden(Metric::Cosine, &tenfold), golden(Metric::Cosine, &vector));
    assert_eq!(golden(Metric::DotProduct, &tenfold), row([4, 2, 1, 0x41, 0, 0, 0, 0], &elements));
    for metric in FLOAT_METRICS {
        assert_eq!(golden(metric, &[0.0; 17]), row([0; 8], &[128; 17]));
        assert_eq!(golden(metric, &[1.0, f32::NAN]), row([0; 8], &[128; 2]));
        assert_eq!(golden(metric, &[1.0, f32::NEG_INFINITY]), row([0; 8], &[128; 2]));
    }
    let bits = CodeLayout::new(Metric::Hamming, DataType::Binary, 13).expect("a valid layout");
    let mut codes = [0; 4];
    bits.encode(&[1, 2, 3, 4], &mut codes).expect("two vectors");
    assert_eq!((bits.row_bytes(), codes), (2, [1, 2, 3, 4]));
}

#[test]
fn half_floats_and_bytes_are_coded_as_the_floats_they_are_equal_to() {
    for metric in FLOAT_METRICS {
        for dimension in [1, 7, 16, 33, 384] {
            for data_type in NARROW {
                let (vectors, floats) = narrow(data_type, &random_floats(dimension * 3, 5));
                let of_type = CodeLayout::new(metric, data_type, dimension as u32).expect("a valid layout");
                let mut codes = vec![0xAA; 3 * of_type.row_bytes()];
                of_type.encode(&vectors, &mut codes).expect("whole vectors");
                assert_eq!(codes, encode(layout(metric, dimension), &floats), "{metric:?} {data_type:?} {dimension}");
            }
        }
    }
}

#[test]
fn rows_are_padded_to_sixteen_elements() {
    for (dimension, bytes) in [(1, 24), (16, 24), (17, 40), (100, 120), (384, 392), (65_536, 65_544)] {
        assert_eq!(layout(Metric::Cosine, dimension).row_bytes(), bytes);
    }
}

#[test]
fn a_batch_is_its_rows() {
    for metric in FLOAT_METRICS {
        for dimension in [1, 7, 33, 384] {
            let vectors = random_floats(dimension * 5, 3);
            let single = vectors.chunks(dimension).flat_map(|vector| encode(layout(metric, dimension), vector));
            assert_eq!(encode(layout(metric, dimension), &vectors), single.collect::<Vec<u8>>());
        }
    }
}

/// Vectors whose elements are off by at most half a step give distances that are off by no more than this.
#[test]
fn distances_are_near_those_of_the_vectors() {
    for metric in FLOAT_METRICS {
        for dimension in [1, 2, 15, 16, 17, 64, 100, 384, 1_000] {
            let (query, vectors) = (random_floats(dimension, 1), random_floats(dimension * 40, 2));
            let codes = encode(layout(metric, dimension), &vectors);
            let table = CodeTable::new(layout(metric, dimension), &codes).expect("a table");
            let scorer = CodeScorer::new(layout(metric, dimension), &bytes_of(&query)).expect("a query");
            let exact = Scorer::new(metric, DataType::F32, dimension as u32, &bytes_of(&query)).expect("a query");
            let rows: Vec<u32> = (0..40).collect();
            let (mut estimates, mut distances) = ([0.0; 40], [0.0; 40]);
            scorer.distances(&table, &rows, &mut estimates).expect("rows of the table");
            exact.distances(&bytes_of(&vectors), &mut distances);
            // Elements are at most 1: each product errs by two half steps of 1/127, and a little.
            let allowed = match metric {
                Metric::L2 => 4.1 * dimension as f32 / 127.0,
                Metric::Cosine => 0.03,
                _ => 1.1 * dimension as f32 / 127.0,
            };
            for (estimate, distance) in estimates.iter().zip(distances) {
                assert!((estimate - distance).abs() <= allowed, "{metric:?} {dimension}: {estimate}, {distance}");
            }
        }
    }
}

#[test]
fn a_row_is_a_query_like_its_vector() {
    for (metric, data_type) in
        FLOAT_METRICS.map(|metric| (metric, DataType::F32)).into_iter().chain([(Metric::Hamming, DataType::Binary)])
    {
        let layout = CodeLayout::new(metric, data_type, 100).expect("a valid layout");
        let vectors = bytes_of(&random_floats(100 * 9, 4))[..layout.vector_bytes() * 9].to_vec();
        let mut codes = vec![0; layout.row_bytes() * 9];
        layout.encode(&vectors, &mut codes).expect("whole vectors");
        let table = CodeTable::new(layout, &codes).expect("a table");
        let rows: Vec<u32> = (0..9).collect();
        let distances = |scorer: &CodeScorer| {
            let mut out = [f32::NAN; 9];
            scorer.distances(&table, &rows, &mut out).expect("rows of the table");
            out
        };
        let mut aimed = CodeScorer::of_row(&table, 0).expect("a row");
        for (row, vector) in rows.iter().zip(vectors.chunks(layout.vector_bytes())) {
            let expected = distances(&CodeScorer::new(layout, vector).expect("a query"));
            assert_eq!(distances(&CodeScorer::of_row(&table, *row).expect("a row")), expected);
            aimed.aim_at(&table, *row).expect("a row");
            assert_eq!(distances(&aimed), expected);
            if metric == Metric::L2 {
                assert!(expected[*row as usize].abs() < 1e-5, "{expected:?}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let layout = layout(Metric::L2, 4);
    let codes = encode(layout, &random_floats(12, 1));
    let table = CodeTable::new(layout, &codes).expect("a table");
    let scorer = CodeScorer::new(layout, &[0; 16]).expect("a query");
    let new = |metric, data_type, dimension| CodeLayout::new(metric, data_type, dimension).err();
    let unsupported = |metric, data_type| Some(QuantError::MetricUnsupported { metric, data_type });
    assert_eq!(new(Metric::L2, DataType::U8, 8), unsupported(Metric::L2, DataType::U8));
    assert_eq!(new(Metric::Hamming, DataType::F16, 8), unsupported(Metric::Hamming, DataType::F16));
    assert_eq!(new(Metric::L2, DataType::Binary, 8), unsupported(Metric::L2, DataType::Binary));
    assert_eq!(new(Metric::Hamming, DataType::F32, 8), unsupported(Metric::Hamming, DataType::F32));
    assert_eq!(new(Metric::L2, DataType::F32, 0), Some(QuantError::DimensionOutOfRange { dimension: 0 }));
    assert_eq!(new(Metric::L2, DataType::F32, 65_537), Some(QuantError::DimensionOutOfRange { dimension: 65_537 }));
    let error = layout.encode(&[0; 17], &mut [0; 24]);
    assert_eq!(error, Err(QuantError::CodeLength { vector_bytes: 17, code_bytes: 24 }));
    assert_eq!(layout.encode(&[0; 16], &mut []), Err(QuantError::CodeLength { vector_bytes: 16, code_bytes: 0 }));
    assert_eq!(CodeTable::new(layout, &codes[1..]).err(), Some(QuantError::TableLength { bytes: 71, row_bytes: 24 }));
    let error = CodeScorer::new(layout, &[0; 15]).err();
    assert_eq!(error, Some(QuantError::QueryLength { expected_bytes: 16, actual_bytes: 15 }));
    for row in [3, u32::MAX] {
        let error = QuantError::RowOutOfRange { row, rows: 3 };
        assert_eq!(scorer.distances(&table, &[0, row, 1], &mut [0.0; 3]), Err(error));
        assert_eq!(table.row(row).err(), Some(error));
        assert_eq!(CodeScorer::of_row(&table, row).err(), Some(error));
        scorer.prefetch(&table, &[0, row, 1]);
    }
    let error = scorer.distances(&table, &[0, 1], &mut [0.0; 3]);
    assert_eq!(error, Err(QuantError::OutputLength { rows: 2, places: 3 }));
    assert_eq!(scorer.distances(&table, &[], &mut []), Ok(()));
    let other = CodeLayout::new(Metric::DotProduct, DataType::F32, 4).expect("a valid layout");
    let other = CodeTable::new(other, &codes).expect("a table");
    assert_eq!(scorer.distances(&other, &[0], &mut [0.0]), Err(QuantError::LayoutMismatch));
    let empty = CodeTable::new(layout, &[]).expect("a table");
    assert_eq!(scorer.distances(&empty, &[0], &mut [0.0]), Err(QuantError::RowOutOfRange { row: 0, rows: 0 }));
}

proptest! {
    #[test]
    fn codes_decode_to_within_half_a_step(
        vector in proptest::collection::vec(proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO, 1..100),
    ) {
        let code = encode(layout(Metric::DotProduct, vector.len()), &vector);
        let step = vector.iter().fold(0.0_f64, |largest, value| largest.max(f64::from(value.abs()))) / 127.0;
        prop_assert!((f64::from(terms(&code).0) - step).abs() <= step * 1e-7 + 1e-45);
        for (value, element) in vector.iter().zip(&code[8..]) {
            let decoded = (f64::from(*element) - 128.0) * step;
            prop_assert!(*element >= 1 && (decoded - f64::from(*value)).abs() <= step * 0.500_001);
        }
        prop_assert!(code[8 + vector.len()..].iter().all(|element| *element == 128));
    }

    #[test]
    fn finite_vectors_are_never_at_distance_nan(
        pairs in proptest::collection::vec((proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO, proptest::num::f32::NORMAL), 1..50),
    ) {
        let (query, row): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        for metric in FLOAT_METRICS {
            let layout = layout(metric, query.len());
            let codes = encode(layout, &[row.clone(), vec![0.0; query.len()], query.clone()].concat());
            let mut out = [0.0; 3];
            let scorer = CodeScorer::new(layout, &bytes_of(&query)).expect("a query");
            scorer.distances(&CodeTable::new(layout, &codes).expect("a table"), &[0, 1, 2], &mut out).expect("rows");
            prop_assert!(out.iter().all(|distance| !distance.is_nan()), "{:?} {:?}", metric, out);
        }
    }
}
