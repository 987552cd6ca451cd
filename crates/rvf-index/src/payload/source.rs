use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::convert::Infallible;

use rvf_types::{NO_ROW, Row};

use crate::SearchError;

/// The bytes of a graph's payload, wherever they are.
pub trait GraphSource {
    /// Why bytes cannot be had.
    type Error;

    /// Bytes of the payload.
    fn len(&self) -> u64;

    /// `len` bytes at `start`. Never called for bytes outside the payload.
    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Self::Error>;

    /// Reads a byte or two of a range, so that it is in the cache when it is asked for soon. Does nothing where that
    /// would be slow.
    fn touch(&self, _start: u64, _len: usize) {}

    /// True where the payload has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl GraphSource for &[u8] {
    type Error = Infallible;

    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    #[inline]
    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Infallible> {
        Ok(Cow::Borrowed(&self[start as usize..][..len]))
    }

    #[inline]
    fn touch(&self, start: u64, len: usize) {
        // A line at a time. Reading ahead of use measured as fast as the prefetch instruction, and is safe.
        for offset in (0..len).step_by(64) {
            core::hint::black_box(self.get(start as usize + offset));
        }
    }
}

/// Bytes of the payload, an error where it does not have them.
#[inline]
pub(super) fn checked_range<S: GraphSource>(
    source: &S,
    start: u64,
    len: usize,
) -> Result<Cow<'_, [u8]>, SearchError<S::Error>> {
    if start + len as u64 > source.len() {
        return Err(SearchError::Damaged("the length"));
    }
    let bytes = source.range(start, len).map_err(SearchError::Source)?;
    if bytes.len() == len { Ok(bytes) } else { Err(SearchError::Damaged("the length of a range")) }
}

/// Two numbers that lie one after the other.
#[inline]
pub(super) fn two_numbers<S: GraphSource>(source: &S, start: u64) -> Result<(u32, u32), SearchError<S::Error>> {
    let bytes = checked_range(source, start, 8)?;
    match bytes.as_chunks::<4>().0 {
        [first, second] => Ok((u32::from_le_bytes(*first), u32::from_le_bytes(*second))),
        _ => Err(SearchError::Damaged("the length of a range")),
    }
}

/// Appends rows up to the first free place.
#[inline]
pub(super) fn decode(bytes: &[u8], rows: &mut Vec<Row>) {
    let start = rows.len();
    let numbers = bytes.as_chunks::<4>().0;
    rows.extend(numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)));
    while rows.len() > start && rows.last() == Some(&NO_ROW) {
        rows.pop();
    }
}

/// Refuses rows that are not below `row_count`.
#[inline]
pub(super) fn check_rows<E>(rows: &[Row], row_count: u32) -> Result<(), SearchError<E>> {
    // The largest decides for all: looking for it takes no branch for each row.
    match rows.iter().copied().max() {
        Some(largest) if largest >= row_count => Err(SearchError::Damaged("a link")),
        _ => Ok(()),
    }
}
