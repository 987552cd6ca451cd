use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::convert::Infallible;

use rvf_types::{NO_ROW, Row};

use super::{GRAPH_HEADER_BYTES, GRAPH_VERSION, lists_start};
use crate::build::Table;
use crate::{DEGREE_MAX, DEGREE_MIN, ENTRIES_MAX, GRAPH_ROWS_MAX, Graph, SearchError};

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

/// A graph in the bytes of its payload. Opening reads the header and the entries.
pub struct GraphReader<S> {
    source: S,
    row_count: u32,
    present: u32,
    looked_for: u32,
    degree: usize,
    entries: Vec<Row>,
    lists_start: u64,
}

impl<S: GraphSource> GraphReader<S> {
    /// Reads header and entries.
    ///
    /// # Errors
    /// Bytes cannot be had, are of another version, or contradict themselves.
    pub fn open(source: S) -> Result<GraphReader<S>, SearchError<S::Error>> {
        let header = checked_range(&source, 0, GRAPH_HEADER_BYTES)?.into_owned();
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (row_count, present, shape) = (number(4), number(8), number(12));
        let (degree, entry_count) = ((shape & 0xFFFF) as usize, (shape >> 16) as usize);
        if number(0) != GRAPH_VERSION {
            return Err(SearchError::Damaged("the version"));
        }
        if row_count > GRAPH_ROWS_MAX || present > row_count {
            return Err(SearchError::Damaged("the number of rows"));
        }
        if !(DEGREE_MIN..=DEGREE_MAX).contains(&degree) {
            return Err(SearchError::Damaged("the degree"));
        }
        if entry_count > ENTRIES_MAX || (entry_count == 0) != (present == 0) {
            return Err(SearchError::Damaged("the number of entries"));
        }
        let lists_start = lists_start(entry_count) as u64;
        if lists_start + u64::from(row_count) * degree as u64 * 4 != source.len() {
            return Err(SearchError::Damaged("the length"));
        }
        let mut entries = Vec::with_capacity(entry_count);
        decode(&checked_range(&source, GRAPH_HEADER_BYTES as u64, entry_count * 4)?, row_count, &mut entries)?;
        if entries.len() != entry_count {
            return Err(SearchError::Damaged("an entry"));
        }
        Ok(GraphReader { source, row_count, present, looked_for: number(16), degree, entries, lists_start })
    }

    /// Rows that are in the graph.
    pub fn present(&self) -> u32 {
        self.present
    }

    /// Places for neighbours of each row.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// One more than the highest row.
    pub fn row_count(&self) -> u32 {
        self.row_count
    }

    /// Rows where walks start.
    pub fn entries(&self) -> &[Row] {
        &self.entries
    }

    /// Copies all links to be built on.
    pub(crate) fn read_into(&self, table: &mut Table) -> Result<(), SearchError<S::Error>> {
        let mut links = Vec::with_capacity(self.degree);
        for row in 0..self.row_count {
            self.neighbours(row, &mut links)?;
            if !links.is_empty() || self.entries.contains(&row) {
                table.reserve(row);
                table.set_links(row, &links);
            }
        }
        if table.present() != self.present {
            return Err(SearchError::Damaged("the number of rows"));
        }
        // A link to a row that is not in the graph would be followed to nowhere, and repaired into something wrong.
        let is_whole = table.rows().all(|row| table.links(row).iter().all(|link| table.contains(*link)));
        if !is_whole {
            return Err(SearchError::Damaged("a link"));
        }
        table.set_entries(self.entries.clone());
        table.set_looked_for(self.looked_for);
        Ok(())
    }

    fn list_start(&self, row: Row) -> u64 {
        self.lists_start + u64::from(row) * self.degree as u64 * 4
    }
}

impl<S: GraphSource> Graph<S::Error> for GraphReader<S> {
    fn row_count(&self) -> u32 {
        self.row_count
    }

    fn entries(&self) -> &[Row] {
        &self.entries
    }

    #[inline]
    fn neighbours(&self, row: Row, neighbours: &mut Vec<Row>) -> Result<(), SearchError<S::Error>> {
        neighbours.clear();
        if row >= self.row_count {
            return Err(SearchError::RowOutOfRange(row));
        }
        let list = checked_range(&self.source, self.list_start(row), self.degree * 4)?;
        decode(&list, self.row_count, neighbours)
    }

    #[inline]
    fn touch(&self, row: Row) {
        if row < self.row_count {
            self.source.touch(self.list_start(row), self.degree * 4);
        }
    }
}

/// Bytes of the payload, an error where it does not have them.
#[inline]
fn checked_range<S: GraphSource>(source: &S, start: u64, len: usize) -> Result<Cow<'_, [u8]>, SearchError<S::Error>> {
    if start + len as u64 > source.len() {
        return Err(SearchError::Damaged("the length"));
    }
    let bytes = source.range(start, len).map_err(SearchError::Source)?;
    if bytes.len() == len { Ok(bytes) } else { Err(SearchError::Damaged("the length of a range")) }
}

/// Reads rows up to the first free place.
#[inline]
fn decode<E>(bytes: &[u8], row_count: u32, rows: &mut Vec<Row>) -> Result<(), SearchError<E>> {
    let numbers = bytes.as_chunks::<4>().0;
    rows.extend(numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)));
    while rows.last() == Some(&NO_ROW) {
        rows.pop();
    }
    // The largest decides for all: looking for it takes no branch for each row.
    if rows.iter().copied().max().is_some_and(|largest| largest >= row_count) {
        return Err(SearchError::Damaged("a link"));
    }
    Ok(())
}
