//! Codes of half a byte an element: their bytes, the kernels, and how near their distances come.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{bytes_of, code_kernels, random_floats};
use rvf_quant::{CodeLayout, CodePrecision, CodeScorer, CodeTable, Scorer, reference};
use rvf_types::{DataType, Metric};

const FLOAT_METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];

fn layout(metric: Metric, dimension: usize) -> CodeLayout {
    let layout = CodeLayout::new(metric, DataType::F32, dimension as u32).expect("a valid layout");
    layout.with_precision(CodePrecision::Int4)
}

fn encode(layout: CodeLayout, vectors: &[f32]) -> Vec<u8> {
    let vectors = bytes_of(vectors);
    let mut codes = vec![0xAA; vectors.len() / layout.vector_bytes() * layout.row_bytes()];
    layout.encode(&vectors, &mut codes).expect("whole vectors");
    codes
}

fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    random_floats(count, seed).iter().map(|value| (value * 128.0 + 128.0) as u8).collect()
}

/// Element `index` of a row with `bytes` of elements, as a code.
fn nibble(elements: &[u8], index: usize) -> i64 {
    let half = elements.len();
    let nibble = if index < half { elements[index] & 0xF } else { elements[index - half] >> 4 };
    i64::from(nibble) - 8
}

/// Scale, bias; the first sixteen elements in the lower halves, the others in the upper ones; 8 where there is none.
#[test]
fn golden_bytes() {
    let row = |terms: [u8; 8], elements: &[u8]| {
        let mut row = [&terms, elements].concat();
        row.resize(8 + elements.len().next_multiple_of(16), 0x88);
        row
    };
    // 1 / 7 is 0x3E12_4925. -0.5 * 7 = -3.5 becomes -4, as halves round to even, and 0.5 becomes 4.
    let vector = [1.0, -0.5, 0.001, 0.5, -1.0];
    let elements = [0x8F, 0x84, 0x88, 0x8C, 0x81];
    assert_eq!(encode(layout(Metric::DotProduct, 5), &vector), row([0x25, 0x49, 0x12, 0x3E, 0, 0, 0, 0], &elements));
    // (49 + 16 + 16 + 49) / 49 is 2.6530614: 0x4029_CBC2.
    let squared = [0x25, 0x49, 0x12, 0x3E, 0xC2, 0xCB, 0x29, 0x40];
    assert_eq!(encode(layout(Metric::L2, 5), &vector), row(squared, &elements));
    let mut long = vec![0.0; 18];
    (long[0], long[16], long[17]) = (1.0, -1.0, 1.0);
    let mut elements = vec![0x88; 16];
    (elements[0], elements[1]) = (0x1F, 0xF8);
    assert_eq!(encode(layout(Metric::DotProduct, 18), &long), row([0x25, 0x49, 0x12, 0x3E, 0, 0, 0, 0], &elements));
    assert_eq!(encode(layout(Metric::Cosine, 2), &[1.0, f32::NAN]), row([0; 8], &[0x88; 2]));
}

#[test]
fn rows_have_half_a_byte_an_element() {
    for (dimension, bytes) in [(1, 24), (32, 24), (33, 40), (100, 72), (384, 200), (65_536, 32_776)] {
        assert_eq!(layout(Metric::Cosine, dimension).row_bytes(), bytes);
    }
    let bits = CodeLayout::new(Metric::Hamming, DataType::Binary, 13).expect("a valid layout");
    assert_eq!(bits.with_precision(CodePrecision::Int4), bits);
}

/// The bias leaves of the exact sum only what `f32` cannot hold: so a distance tells every bit of the sum.
#[test]
fn every_kernel_gives_the_sum_of_a_plain_loop() {
    for dimension in (1..=260).chain([383, 384, 385, 1_000, 1_536, 65_535, 65_536]) {
        let layout = layout(Metric::DotProduct, dimension);
        let mut codes: Vec<i8> = random_bytes(dimension, 1).iter().map(|byte| byte.cast_signed().max(-127)).collect();
        codes[dimension / 2] = 127;
        let query: Vec<f32> = codes.iter().map(|code| f32::from(*code)).collect();
        let row_elements = layout.row_bytes() - 8;
        let mut elements: Vec<Vec<u8>> = (0..5).map(|seed| random_bytes(row_elements, seed + 9)).collect();
        elements.extend([vec![0; row_elements], vec![0xFF; row_elements], vec![0x88; row_elements]]);
        let (mut table, mut expected) = (Vec::new(), Vec::new());
        for elements in &elements {
            let products = codes.iter().enumerate().map(|(index, code)| i64::from(*code) * nibble(elements, index));
            let dot: i64 = products.sum();
            let bias = dot as f32;
            table.extend([&1.0_f32.to_le_bytes()[..], &bias.to_le_bytes(), elements].concat());
            expected.push((f64::from(bias) - dot as f64) as f32);
        }
        let table = CodeTable::new(layout, &table).expect("a table");
        let picked: Vec<u32> = (0..elements.len() as u32).collect();
        for kernel in code_kernels() {
            let scorer = CodeScorer::with_kernel(kernel, layout, &bytes_of(&query)).expect("a query");
            let mut out = vec![f32::NAN; picked.len()];
            scorer.distances(&table, &picked, &mut out).expect("rows of the table");
            assert_eq!(out, expected, "{:?}, {dimension} dimensions", kernel.isa());
        }
    }
}

#[test]
fn the_reference_is_the_sum_of_products() {
    for bytes in 0..50 {
        let (lower, upper, row) = (random_bytes(bytes, 7), random_bytes(bytes, 8), random_bytes(bytes + 3, 9));
        let products = (0..bytes).map(|index| {
            let [lower, upper] = [lower[index], upper[index]].map(|code| i32::from(code.cast_signed()));
            lower * i32::from(row[index] % 16) + upper * i32::from(row[index] / 16)
        });
        assert_eq!(reference::nibble_dot(&lower, &upper, &row), products.sum::<i32>());
    }
}

/// A row as the query is the vector it stands for, which has the same code.
#[test]
fn a_row_as_the_query_measures_as_its_decoded_vector_does() {
    for metric in FLOAT_METRICS {
        for dimension in [5, 33, 384] {
            let layout = layout(metric, dimension);
            let vectors = random_floats(dimension * 6, 3);
            let codes = encode(layout, &vectors);
            let table = CodeTable::new(layout, &codes).expect("a table");
            let mut decoded = vec![0.0; dimension];
            layout.add_decoded(table.row(2).unwrap(), &mut decoded).expect("one row");
            let rows = [0, 1, 2, 3, 4, 5];
            let (mut of_row, mut of_vector, mut aimed) = ([0.0; 6], [0.0; 6], [0.0; 6]);
            CodeScorer::of_row(&table, 2).unwrap().distances(&table, &rows, &mut of_row).unwrap();
            let mut scorer = CodeScorer::new(layout, &bytes_of(&vectors[..dimension])).unwrap();
            scorer.aim_at(&table, 2).unwrap();
            scorer.distances(&table, &rows, &mut aimed).unwrap();
            assert_eq!(of_row, aimed);
            let exact = CodeScorer::new(layout, &bytes_of(&decoded)).unwrap();
            exact.distances(&table, &rows, &mut of_vector).unwrap();
            // Each element of the query of whole bytes is off by at most half a 127th of the largest, to either side.
            let tolerance = (dimension as f32).sqrt() / 50.0;
            for (left, right) in of_row.iter().zip(of_vector) {
                assert!((left - right).abs() <= tolerance, "{metric:?} {left} {right}");
            }
        }
    }
}

/// Each element of a row is off by at most half a 7th of the largest one, and of the query by half a 127th.
#[test]
fn dot_products_are_off_by_no_more_than_the_steps_allow() {
    for dimension in [1, 31, 32, 100, 384] {
        let layout = layout(Metric::DotProduct, dimension);
        let (query, vectors) = (random_floats(dimension, 1), random_floats(dimension * 20, 2));
        let codes = encode(layout, &vectors);
        let table = CodeTable::new(layout, &codes).expect("a table");
        let scorer = CodeScorer::new(layout, &bytes_of(&query)).expect("a query");
        let exact =
            Scorer::new(Metric::DotProduct, DataType::F32, dimension as u32, &bytes_of(&query)).expect("a query");
        for (row, vector) in (0..).zip(vectors.chunks(dimension)) {
            let mut by_code = [0.0];
            scorer.distances(&table, &[row], &mut by_code).expect("a row of the table");
            let magnitude = |vector: &[f32]| vector.iter().map(|value| value.abs()).sum::<f32>();
            let largest = |vector: &[f32]| vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let bound =
                largest(vector) / 14.0 * magnitude(&query) * 1.01 + largest(&query) / 254.0 * magnitude(vector) * 1.2;
            let error = (by_code[0] - exact.distance(&bytes_of(vector))).abs();
            assert!(error <= bound + 1e-5, "{dimension} dimensions: {error} > {bound}");
        }
    }
}
