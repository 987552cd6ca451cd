//! Every kernel for codes gives the integers of a plain loop, whatever the bytes, their place and their company.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{bytes_of, code_kernels, random_floats};
use rvf_quant::{CodeKernel, CodeLayout, CodeScorer, CodeTable, reference};
use rvf_types::{DataType, Metric};

fn float_layout(dimension: usize) -> CodeLayout {
    CodeLayout::new(Metric::DotProduct, DataType::F32, dimension as u32).expect("a valid layout")
}

/// A query whose codes are exactly `codes`, at scale 1: one of them must be 127 or -127.
fn scorer(kernel: CodeKernel, codes: &[i8]) -> CodeScorer {
    let query: Vec<f32> = codes.iter().map(|code| f32::from(*code)).collect();
    CodeScorer::with_kernel(kernel, float_layout(codes.len()), &bytes_of(&query)).expect("a query")
}

/// A row of scale 1 with these elements, as the file has them, and a bias that leaves of the exact sum only what `f32`
/// cannot hold: so a distance tells every bit of the sum.
fn row(query: &[i8], elements: &[u8]) -> (Vec<u8>, f32) {
    let pairs = query.iter().zip(elements);
    let dot: i64 = pairs.map(|(code, element)| i64::from(*code) * (i64::from(*element) - 128)).sum();
    let bias = dot as f32;
    let mut row = [1.0_f32.to_le_bytes(), bias.to_le_bytes()].concat();
    row.extend(elements);
    row.resize(float_layout(query.len()).row_bytes(), 0x5A);
    (row, (f64::from(bias) - dot as f64) as f32)
}

fn assert_exact(query: &[i8], rows: &[Vec<u8>]) {
    let layout = float_layout(query.len());
    let (rows, expected): (Vec<Vec<u8>>, Vec<f32>) = rows.iter().map(|elements| row(query, elements)).unzip();
    let picked: Vec<u32> = (0..rows.len() as u32).collect();
    for kernel in code_kernels() {
        let mut out = vec![f32::NAN; rows.len()];
        let codes = rows.concat();
        let table = CodeTable::new(layout, &codes).expect("a table");
        scorer(kernel, query).distances(&table, &picked, &mut out).expect("rows of the table");
        assert_eq!(out, expected, "{:?}, {} dimensions", kernel.isa(), query.len());
    }
}

/// Bytes from the same generator as the floats.
fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    random_floats(count, seed).iter().map(|value| (value * 128.0 + 128.0) as u8).collect()
}

fn random_query(dimension: usize, seed: u64) -> Vec<i8> {
    let mut query: Vec<i8> = random_bytes(dimension, seed).iter().map(|byte| byte.cast_signed().max(-127)).collect();
    query[dimension / 2] = 127;
    query
}

fn dimensions() -> impl Iterator<Item = usize> {
    (1..=260).chain([383, 384, 385, 1_000, 1_536, 65_535, 65_536])
}

#[test]
fn random_codes_of_every_length() {
    for dimension in dimensions() {
        let rows: Vec<Vec<u8>> = (0..7).map(|seed| random_bytes(dimension, seed + 9)).collect();
        assert_exact(&random_query(dimension, 1), &rows);
    }
}

/// The largest sums there can be, and 0, which only a damaged file has and counts as -128.
#[test]
fn extreme_codes_of_every_length() {
    for dimension in dimensions() {
        let alternating = |first: u8, second: u8| [first, second].into_iter().cycle().take(dimension).collect();
        let mut single = vec![128; dimension];
        single[dimension - 1] = 255;
        let mut rows: Vec<Vec<u8>> = [0, 1, 127, 128, 129, 255].iter().map(|byte| vec![*byte; dimension]).collect();
        rows.extend([alternating(255, 1), alternating(1, 255), alternating(0, 255), single]);
        let signs: Vec<i8> = [127, -127].into_iter().cycle().take(dimension).collect();
        let mut last = vec![0; dimension];
        last[dimension - 1] = -127;
        for query in [vec![127; dimension], vec![-127; dimension], signs, last] {
            assert_exact(&query, &rows);
        }
    }
}

#[test]
fn vectors_of_one_huge_element_or_denormals() {
    for (metric, dimension) in [(Metric::Cosine, 100), (Metric::L2, 384), (Metric::DotProduct, 33)] {
        let layout = CodeLayout::new(metric, DataType::F32, dimension as u32).expect("a valid layout");
        let mut vectors = random_floats(dimension * 8, 5);
        vectors[dimension / 2] = 1e30;
        vectors[dimension..dimension * 2].fill(0.0);
        vectors[dimension * 2..dimension * 4].iter_mut().for_each(|value| *value *= 1e-40);
        let mut codes = vec![0; layout.row_bytes() * 8];
        layout.encode(&bytes_of(&vectors), &mut codes).expect("whole vectors");
        let table = CodeTable::new(layout, &codes).expect("a table");
        for query in vectors.chunks(dimension) {
            let bits = |kernel| {
                let scorer = CodeScorer::with_kernel(kernel, layout, &bytes_of(query)).expect("a query");
                let mut out = [f32::NAN; 8];
                scorer.distances(&table, &[0, 1, 2, 3, 4, 5, 6, 7], &mut out).expect("rows of the table");
                out.map(f32::to_bits)
            };
            let all: Vec<[u32; 8]> = code_kernels().into_iter().map(bits).collect();
            assert!(all.iter().all(|bits| *bits == all[0]), "{all:?}");
        }
    }
}

/// Rows in any order and number, repeated, at every misalignment: one distance for each, whoever computes it.
#[test]
fn distances_do_not_depend_on_place_or_company() {
    for dimension in [1, 17, 100, 384] {
        let layout = float_layout(dimension);
        let query = random_query(dimension, 2);
        let rows: Vec<(Vec<u8>, f32)> = (0..50).map(|seed| row(&query, &random_bytes(dimension, seed + 20))).collect();
        for kernel in code_kernels() {
            let scorer = scorer(kernel, &query);
            for offset in 0..9 {
                let mut shifted = vec![0xEE; offset];
                rows.iter().for_each(|(row, _)| shifted.extend(row));
                let table = CodeTable::new(layout, &shifted[offset..]).expect("a table");
                for count in 0..70 {
                    let picked: Vec<u32> = (0..count).map(|index| (index * 37 + 11) % 50).collect();
                    let expected: Vec<f32> = picked.iter().map(|row| rows[*row as usize].1).collect();
                    let mut out = vec![f32::NAN; picked.len()];
                    scorer.prefetch(&table, &picked);
                    scorer.distances(&table, &picked, &mut out).expect("rows of the table");
                    assert_eq!(out, expected, "{:?}, {dimension} dimensions, {count} rows", kernel.isa());
                }
            }
        }
    }
}

#[test]
fn hamming_counts_the_bits_of_the_dimension_only() {
    for dimension in (1..=130).chain([1_024, 12_288, 65_535, 65_536]) {
        let layout = CodeLayout::new(Metric::Hamming, DataType::Binary, dimension as u32).expect("a valid layout");
        let bytes = layout.vector_bytes();
        let (query, rows) = (random_bytes(bytes, 5), random_bytes(bytes * 5, 6));
        let bit = |bytes: &[u8], index: usize| bytes[index / 8] >> (index % 8) & 1;
        let picked = [4, 0, 0, 3];
        let expected = picked.map(|row| {
            let row = &rows[row as usize * bytes..][..bytes];
            (0..dimension).filter(|index| bit(&query, *index) != bit(row, *index)).count() as f32
        });
        for kernel in code_kernels() {
            let scorer = CodeScorer::with_kernel(kernel, layout, &query).expect("a query");
            let mut out = [f32::NAN; 4];
            let table = CodeTable::new(layout, &rows).expect("a table");
            scorer.distances(&table, &picked, &mut out).expect("rows of the table");
            assert_eq!(out, expected, "{:?}, {dimension} bits", kernel.isa());
        }
    }
}

/// What the kernels are compared with is the loop that the documentation says it is.
#[test]
fn the_reference_is_the_sum_of_products() {
    for bytes in 0..100 {
        let (query, row) = (random_bytes(bytes, 7), random_bytes(bytes + 3, 8));
        let products = query.iter().zip(&row).map(|(left, right)| i32::from(left.cast_signed()) * i32::from(*right));
        assert_eq!(reference::code_dot(&query, &row), products.sum::<i32>());
    }
}
