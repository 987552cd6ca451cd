//! The dot product of codes, written once for every instruction set.
//!
//! Several rows are scored at a time: each load of the query serves all of them, their sums wait for memory together and
//! not one after another, and adding up lanes is shared.

use super::{CodeQuery, CodeRows};

/// Rows scored at a time: their sums of four are added up together.
pub(super) const ROWS: usize = 4;

/// Vector operations of one instruction set on bytes.
///
/// # Safety
/// The methods may be called only where the CPU has the instruction set, and pointers must be readable as far as each
/// says, at any alignment. They are to be inlined into a function that enables it.
pub(super) unsafe trait ByteLanes {
    /// Bytes of the query, as the multiplication wants them.
    type Query: Copy;
    /// Partial sums.
    type Sums: Copy;
    /// Bytes of one step: 16, 32 or 64.
    const WIDTH: usize;
    /// Rows are multiplied as the unsigned bytes they are, so the sums have [`CodeQuery::excess`].
    const UNSIGNED: bool = true;

    /// All lanes 0.
    unsafe fn zero() -> Self::Sums;
    /// Takes [`Self::WIDTH`] bytes.
    unsafe fn query(bytes: *const u8) -> Self::Query;
    /// Adds the products of [`Self::WIDTH`] bytes of a row, all of which are readable.
    unsafe fn step(sums: Self::Sums, query: Self::Query, row: *const u8) -> Self::Sums;
    /// Adds the products of the first `count` bytes, a multiple of 16 below [`Self::WIDTH`]; no others are read. There are
    /// none, and this is never called, where the width is 16.
    #[inline(always)]
    unsafe fn step_first(sums: Self::Sums, _query: Self::Query, _row: *const u8, _count: usize) -> Self::Sums {
        sums
    }
    /// Adds the products of the halves of [`Self::WIDTH`] bytes of a row, all of which are readable: the lower halves with
    /// the first part of the query, the upper halves with the second.
    unsafe fn step_nibbles(sums: Self::Sums, query: [Self::Query; 2], row: *const u8) -> Self::Sums;
    /// What [`ByteLanes::step_first`] is to [`ByteLanes::step`].
    #[inline(always)]
    unsafe fn step_first_nibbles(
        sums: Self::Sums,
        _query: [Self::Query; 2],
        _row: *const u8,
        _count: usize,
    ) -> Self::Sums {
        sums
    }
    /// The sum of all lanes of each row.
    unsafe fn totals(sums: [Self::Sums; ROWS]) -> [i32; ROWS];
}

/// Scores the rows picked, [`ROWS`] at a time. Where the last ones are fewer, the last of all fills up.
///
/// # Safety
/// That of [`super::CodeScan`].
#[inline(always)]
pub(super) unsafe fn scan<L: ByteLanes>(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    for (picked, sums) in picked.chunks(ROWS).zip(sums.chunks_mut(ROWS)) {
        let elements = std::array::from_fn(|index| rows.elements(picked[index.min(picked.len() - 1)]).as_ptr());
        // SAFETY: the caller's contract; each pointer is to the elements of a row of the table, as many as the query has.
        let dots = unsafe { dots::<L>(query, elements) };
        for (sum, dot) in sums.iter_mut().zip(dots) {
            *sum = dot;
        }
    }
}

/// Dot products of the query with the rows that start at `elements`.
#[inline(always)]
unsafe fn dots<L: ByteLanes>(query: &CodeQuery, elements: [*const u8; ROWS]) -> [i32; ROWS] {
    let bytes = query.values().len();
    let whole = bytes - bytes % L::WIDTH;
    // SAFETY: the CPU has the instruction set. Reads of rows end within them: a whole step is made only below `whole`,
    // after that `step_first` is told how many bytes are left. Reads of the query may pass its bytes, but not the
    // multiple of 64 up to which it is padded, as WIDTH divides 64.
    let totals = unsafe {
        let mut sums = [L::zero(); ROWS];
        let mut column = 0;
        while column < whole {
            let from_query = L::query(query.padded_ptr().add(column));
            for index in 0..ROWS {
                sums[index] = L::step(sums[index], from_query, elements[index].add(column));
            }
            column += L::WIDTH;
        }
        if column < bytes {
            let from_query = L::query(query.padded_ptr().add(column));
            for index in 0..ROWS {
                sums[index] = L::step_first(sums[index], from_query, elements[index].add(column), bytes - column);
            }
        }
        L::totals(sums)
    };
    let excess = if L::UNSIGNED { query.excess() } else { 0 };
    totals.map(|total| total - excess)
}

/// [`scan`] for rows of half bytes.
///
/// # Safety
/// That of [`super::CodeScan`].
#[inline(always)]
pub(super) unsafe fn scan_nibbles<L: ByteLanes>(
    query: &CodeQuery,
    rows: CodeRows<'_>,
    picked: &[u32],
    sums: &mut [i32],
) {
    for (picked, sums) in picked.chunks(ROWS).zip(sums.chunks_mut(ROWS)) {
        let elements = std::array::from_fn(|index| rows.elements(picked[index.min(picked.len() - 1)]).as_ptr());
        // SAFETY: the caller's contract; each pointer is to the elements of a row of the table, as many as the query has.
        let dots = unsafe { nibble_dots::<L>(query, elements) };
        for (sum, dot) in sums.iter_mut().zip(dots) {
            *sum = dot;
        }
    }
}

/// Dot products of the query with the rows of half bytes that start at `elements`.
#[inline(always)]
unsafe fn nibble_dots<L: ByteLanes>(query: &CodeQuery, elements: [*const u8; ROWS]) -> [i32; ROWS] {
    let bytes = query.values().len();
    let whole = bytes - bytes % L::WIDTH;
    let (lower, upper) = (query.padded_ptr(), query.upper_ptr());
    // SAFETY: as in `dots`; both parts of the query are padded alike.
    let totals = unsafe {
        let mut sums = [L::zero(); ROWS];
        let mut column = 0;
        while column < whole {
            let from_query = [L::query(lower.add(column)), L::query(upper.add(column))];
            for index in 0..ROWS {
                sums[index] = L::step_nibbles(sums[index], from_query, elements[index].add(column));
            }
            column += L::WIDTH;
        }
        if column < bytes {
            let from_query = [L::query(lower.add(column)), L::query(upper.add(column))];
            for index in 0..ROWS {
                let row = elements[index].add(column);
                sums[index] = L::step_first_nibbles(sums[index], from_query, row, bytes - column);
            }
        }
        L::totals(sums)
    };
    totals.map(|total| total - query.nibble_excess())
}
