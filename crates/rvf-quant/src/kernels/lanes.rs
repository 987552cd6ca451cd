//! The float kernels, written once for every instruction set and every type of element, which
//! is loaded as floats.
//!
//! Several rows are scored at a time: each load of the query serves all of them, their sums are independent of each
//! other, and the hardware fetches several streams at once. A row's own sums are the same whatever stands beside it,
//! so a block of rows and a single row give the same bits.

use super::elements::LaneElement;
use crate::element::Element;
use crate::query::FloatQuery;
use crate::{finish, wide};

/// Partial sums per row and sum, to hide the latency of a fused multiply-add.
const UNROLL: usize = 2;

/// Bytes one prefetch brings in.
const CACHE_LINE_BYTES: usize = 64;

/// How far past the same place in the next block a block prefetches. Hardware prefetchers stop at page ends; without
/// our own a scan ran 5-20 % slower, and small rows need more than one block's distance. A row alone prefetches
/// nothing: what lies behind it may never be wanted.
const PREFETCH_PAST_BLOCK_BYTES: usize = 2_048;

/// Vector registers of one instruction set.
///
/// # Safety
/// Every method needs a CPU with the instruction set, which also goes for all functions of this module. They must be
/// called from a function that enables it, or they will not be inlined.
pub(super) unsafe trait Lanes {
    /// One register, or as many as are used as one.
    type Vector: Copy;
    /// Floats in a vector: a divisor of 16, by which queries are padded.
    const WIDTH: usize;

    /// All zeros.
    unsafe fn zero() -> Self::Vector;
    /// `WIDTH` floats at any alignment; they must be readable.
    unsafe fn load(floats: *const f32) -> Self::Vector;
    /// The first `count` floats, `count` in `1..=WIDTH`, and zeros; only those floats must be readable.
    unsafe fn load_first(floats: *const f32, count: usize) -> Self::Vector;
    /// `WIDTH` half floats at any alignment; they must be readable.
    unsafe fn load_f16(halves: *const u8) -> Self::Vector;
    /// `WIDTH` signed bytes, which must be readable.
    unsafe fn load_i8(bytes: *const u8) -> Self::Vector;
    /// `left + right`.
    unsafe fn add(left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// `left - right`.
    unsafe fn subtract(left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// `left * right + sum`, rounded once.
    unsafe fn multiply_add(left: Self::Vector, right: Self::Vector, sum: Self::Vector) -> Self::Vector;
    /// Sum of all lanes, in a fixed order.
    unsafe fn total(vector: Self::Vector) -> f32;
    /// Asks for the cache line at `address`, which may be anywhere: a hint that never faults.
    unsafe fn prefetch(address: *const u8);
}

/// What is summed over the elements of a row, and what becomes of the sums. A second sum that an operation does not
/// touch costs nothing: the compiler removes it.
pub(super) trait Operation {
    /// Adds the terms of the elements in `query` and `row`.
    ///
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn step<L: Lanes>(sums: &mut [L::Vector; 2], query: L::Vector, row: L::Vector);
    /// The distance.
    fn finish<E: Element>(query: &FloatQuery, sums: [f32; 2], row: &[u8]) -> f32;
}

/// Squared Euclidean distance.
pub(super) struct SquaredL2;

impl Operation for SquaredL2 {
    #[inline(always)]
    unsafe fn step<L: Lanes>(sums: &mut [L::Vector; 2], query: L::Vector, row: L::Vector) {
        // SAFETY: the caller's contract is that of `Lanes`.
        unsafe {
            let difference = L::subtract(query, row);
            sums[0] = L::multiply_add(difference, difference, sums[0]);
        }
    }

    #[inline(always)]
    fn finish<E: Element>(_query: &FloatQuery, sums: [f32; 2], _row: &[u8]) -> f32 {
        sums[0]
    }
}

/// Negated dot product.
pub(super) struct NegatedDot;

impl Operation for NegatedDot {
    #[inline(always)]
    unsafe fn step<L: Lanes>(sums: &mut [L::Vector; 2], query: L::Vector, row: L::Vector) {
        // SAFETY: the caller's contract is that of `Lanes`.
        unsafe { sums[0] = L::multiply_add(query, row, sums[0]) }
    }

    #[inline(always)]
    fn finish<E: Element>(query: &FloatQuery, sums: [f32; 2], row: &[u8]) -> f32 {
        finish::negated_dot(sums[0]).unwrap_or_else(|| wide::negated_dot::<E>(query.values(), row))
    }
}

/// Cosine distance: dot product and the row's squared norm in one pass.
pub(super) struct Cosine;

impl Operation for Cosine {
    #[inline(always)]
    unsafe fn step<L: Lanes>(sums: &mut [L::Vector; 2], query: L::Vector, row: L::Vector) {
        // SAFETY: the caller's contract is that of `Lanes`.
        unsafe {
            sums[0] = L::multiply_add(query, row, sums[0]);
            sums[1] = L::multiply_add(row, row, sums[1]);
        }
    }

    #[inline(always)]
    fn finish<E: Element>(query: &FloatQuery, sums: [f32; 2], row: &[u8]) -> f32 {
        finish::cosine(query.squared_norm(), sums[0], sums[1]).unwrap_or_else(|| wide::cosine::<E>(query.values(), row))
    }
}

/// Scores all rows, `ROWS` at a time, then the rest one by one.
///
/// # Safety
/// That of [`super::FloatScan`].
#[inline(always)]
pub(super) unsafe fn scan<L: Lanes, E: LaneElement, O: Operation, const ROWS: usize>(
    query: &FloatQuery,
    rows: &[u8],
    out: &mut [f32],
) {
    let (blocks_out, rest_out) = out.as_chunks_mut::<ROWS>();
    let (blocks, rest) = rows.split_at(blocks_out.len() * ROWS * query.row_bytes());
    for (block_out, block) in blocks_out.iter_mut().zip(blocks.chunks_exact(ROWS * query.row_bytes())) {
        // SAFETY: `block` holds ROWS rows; the rest is the caller's contract.
        unsafe { score::<L, E, O, ROWS>(query, block, block_out) };
    }
    let (singles_out, _) = rest_out.as_chunks_mut::<1>();
    for (single_out, row) in singles_out.iter_mut().zip(rest.chunks_exact(query.row_bytes())) {
        // SAFETY: `row` holds one row; the rest is the caller's contract.
        unsafe { score::<L, E, O, 1>(query, row, single_out) };
    }
}

/// Scores the `ROWS` rows that `rows` consists of.
#[inline(always)]
unsafe fn score<L: Lanes, E: LaneElement, O: Operation, const ROWS: usize>(
    query: &FloatQuery,
    rows: &[u8],
    out: &mut [f32; ROWS],
) {
    // SAFETY: the caller's contract.
    let sums = unsafe { sums::<L, E, O, ROWS>(query, rows) };
    for (index, (slot, row)) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())).enumerate() {
        *slot = O::finish::<E>(query, sums[index], row);
    }
}

/// Both sums of each of the `ROWS` rows that `rows` consists of.
#[inline(always)]
unsafe fn sums<L: Lanes, E: LaneElement, O: Operation, const ROWS: usize>(
    query: &FloatQuery,
    rows: &[u8],
) -> [[f32; 2]; ROWS] {
    let dimension = query.dimension();
    let whole = dimension - dimension % (L::WIDTH * UNROLL);
    // SAFETY: the CPU has the instruction set. Reads of rows end within them: a whole vector is read only below
    // `whole`, after that `load_first` is told how many elements are left. Reads of the query may pass the dimension, but
    // not the multiple of 16 up to which it is padded, as WIDTH divides 16. Prefetches may point anywhere.
    unsafe {
        let mut partial = [[[L::zero(); 2]; UNROLL]; ROWS];
        let mut column = 0;
        while column < whole {
            for part in 0..UNROLL {
                let from_query = L::load(query.padded_ptr().add(column));
                for (row, sums) in partial.iter_mut().enumerate() {
                    let elements = rows.as_ptr().add(row * query.row_bytes() + column * E::BYTES);
                    if ROWS > 1 && begins_line::<L, E>(part, column) {
                        L::prefetch(elements.wrapping_add(ROWS * query.row_bytes() + PREFETCH_PAST_BLOCK_BYTES));
                    }
                    O::step::<L>(&mut sums[part], from_query, E::load::<L>(elements));
                }
                column += L::WIDTH;
            }
        }
        for part in 0..UNROLL {
            if column < dimension {
                let count = (dimension - column).min(L::WIDTH);
                let from_query = L::load(query.padded_ptr().add(column));
                for (row, sums) in partial.iter_mut().enumerate() {
                    let elements = rows.as_ptr().add(row * query.row_bytes() + column * E::BYTES);
                    O::step::<L>(&mut sums[part], from_query, E::load_first::<L>(elements, count));
                }
                column += count;
            }
        }
        totals::<L, ROWS>(partial)
    }
}

/// True where the elements from `column` on, those of `part`, begin a cache line of an aligned row. Where every step of
/// the loop takes whole lines this is known when it is compiled.
#[inline(always)]
fn begins_line<L: Lanes, E: Element>(part: usize, column: usize) -> bool {
    let elements =
        if (UNROLL * L::WIDTH * E::BYTES).is_multiple_of(CACHE_LINE_BYTES) { part * L::WIDTH } else { column };
    (elements * E::BYTES).is_multiple_of(CACHE_LINE_BYTES)
}

/// Adds up the partial sums of each row.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn totals<L: Lanes, const ROWS: usize>(partial: [[[L::Vector; 2]; UNROLL]; ROWS]) -> [[f32; 2]; ROWS] {
    let mut totals = [[0.0; 2]; ROWS];
    for (total, [first, second]) in totals.iter_mut().zip(partial) {
        for sum in 0..2 {
            // SAFETY: the caller's contract.
            total[sum] = unsafe { L::total(L::add(first[sum], second[sum])) };
        }
    }
    totals
}
