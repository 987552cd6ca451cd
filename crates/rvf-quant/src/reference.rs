//! Portable kernels: the oracle of the tests, and what runs where no kernel of its own exists (wasm32 among them).
//!
//! Floats are summed in `f32`, in [`LANES`] independent partial sums that LLVM turns into vector registers; their
//! error grows with `dimension / LANES`, so it is smaller than that of one running sum. Rows are bytes of any
//! alignment; the type parameter says what their elements are.

use crate::element::Element;

/// Partial sums of one kernel: four registers of 128 bits, enough to hide the latency of an addition.
pub const LANES: usize = 16;

/// Sum of squared differences of `query` and the elements of `row`.
///
/// The shorter side decides how many elements count.
pub fn squared_l2<E: Element>(query: &[f32], row: &[u8]) -> f32 {
    let mut partial = [0.0_f32; LANES];
    for_each_block::<E>(query, row, |left, right| {
        for lane in 0..LANES {
            let difference = left[lane] - right[lane];
            partial[lane] += difference * difference;
        }
    });
    total(partial)
}

/// Dot product of `query` and the elements of `row`.
///
/// The shorter side decides how many elements count.
pub fn dot<E: Element>(query: &[f32], row: &[u8]) -> f32 {
    let mut partial = [0.0_f32; LANES];
    for_each_block::<E>(query, row, |left, right| {
        for lane in 0..LANES {
            partial[lane] += left[lane] * right[lane];
        }
    });
    total(partial)
}

/// Dot product of `query` and `row`, and the squared norm of `row`, in one pass.
///
/// The shorter side decides how many elements count.
pub fn dot_and_squared_norm<E: Element>(query: &[f32], row: &[u8]) -> [f32; 2] {
    let (mut dot, mut squared_norm) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    for_each_block::<E>(query, row, |left, right| {
        for lane in 0..LANES {
            dot[lane] += left[lane] * right[lane];
            squared_norm[lane] += right[lane] * right[lane];
        }
    });
    [total(dot), total(squared_norm)]
}

/// Number of differing bits. The shorter side decides how many bytes count.
#[inline(always)]
pub fn hamming(query: &[u8], row: &[u8]) -> u32 {
    let bytes = query.len().min(row.len());
    let (query_words, query_rest) = query[..bytes].as_chunks::<8>();
    let (row_words, row_rest) = row[..bytes].as_chunks::<8>();
    let mut differing = 0_u64;
    for (left, right) in query_words.iter().zip(row_words) {
        differing += u64::from((u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right)).count_ones());
    }
    for (left, right) in query_rest.iter().zip(row_rest) {
        differing += u64::from((left ^ right).count_ones());
    }
    differing as u32
}

/// Dot product of two parts of a query, signed bytes, and the lower and upper halves of a row's bytes. The shortest side
/// decides how many count.
#[inline(always)]
pub fn nibble_dot(lower: &[u8], upper: &[u8], row: &[u8]) -> i32 {
    let product = |code: &u8, nibble: u8| i32::from(code.cast_signed()) * i32::from(nibble);
    let pairs = lower.iter().zip(upper).zip(row);
    pairs.map(|((lower, upper), byte)| product(lower, byte & 0xF) + product(upper, byte >> 4)).sum()
}

/// Dot product of a query of signed bytes and a row of unsigned ones. The shorter side decides how many count.
///
/// Products of 16-bit numbers, two of which are added at once, are what LLVM knows the instruction of most CPUs for:
/// three times as fast as the plain sum of products.
#[inline(always)]
pub fn code_dot(query: &[u8], row: &[u8]) -> i32 {
    let bytes = query.len().min(row.len());
    let (query_blocks, query_rest) = query[..bytes].as_chunks::<LANES>();
    let (row_blocks, row_rest) = row[..bytes].as_chunks::<LANES>();
    let mut partial = [0_i32; LANES / 2];
    for (left, right) in query_blocks.iter().zip(row_blocks) {
        let left = left.map(|byte| i16::from(byte.cast_signed()));
        let right = right.map(i16::from);
        let mut products = [0_i32; LANES];
        for lane in 0..LANES {
            products[lane] = i32::from(left[lane]) * i32::from(right[lane]);
        }
        for (lane, sum) in partial.iter_mut().enumerate() {
            *sum += products[lane] + products[lane + LANES / 2];
        }
    }
    let rest = query_rest.iter().zip(row_rest).map(|(left, right)| i32::from(left.cast_signed()) * i32::from(*right));
    partial.iter().sum::<i32>() + rest.sum::<i32>()
}

/// Hands out both sides in blocks, the last one padded with zeros.
///
/// Padding, rather than a loop over the rest, keeps partial sums from being indexed by a variable: LLVM would hold them
/// in memory instead of registers.
#[inline(always)]
fn for_each_block<E: Element>(query: &[f32], row: &[u8], mut visit: impl FnMut(&[f32; LANES], &[f32; LANES])) {
    let row = E::elements(row);
    let count = query.len().min(row.len());
    let (query_blocks, query_rest) = query[..count].as_chunks::<LANES>();
    let (row_blocks, row_rest) = row[..count].as_chunks::<LANES>();
    for (left, right) in query_blocks.iter().zip(row_blocks) {
        visit(left, &right.map(E::value));
    }
    if !query_rest.is_empty() {
        let (mut left, mut right) = ([0.0; LANES], [E::Bytes::default(); LANES]);
        left[..query_rest.len()].copy_from_slice(query_rest);
        right[..row_rest.len()].copy_from_slice(row_rest);
        visit(&left, &right.map(E::value));
    }
}

/// Sum of all lanes, as a tree.
#[inline(always)]
pub(crate) fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}
