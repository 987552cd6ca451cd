use alloc::vec::Vec;

use rvf_types::{NO_ROW, Row};

use crate::{ENTRIES_MAX, Graph, SearchError};

/// In place of a count: the row is not in the graph.
const ABSENT: u8 = u8::MAX;

/// Rows from which there are two entries.
const TWO_ENTRIES_FROM_ROWS: usize = 256;

/// The links of all rows while a graph is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    degree: usize,
    links: Vec<Row>,
    counts: Vec<u8>,
    present: u32,
    entries: Vec<Row>,
}

impl Table {
    pub(crate) fn new(degree: usize) -> Table {
        Table { degree, links: Vec::new(), counts: Vec::new(), present: 0, entries: Vec::new() }
    }

    pub(crate) fn degree(&self) -> usize {
        self.degree
    }

    /// Rows that are in the graph.
    pub(crate) fn present(&self) -> u32 {
        self.present
    }

    /// One more than the highest row.
    pub(crate) fn row_count(&self) -> u32 {
        self.counts.len() as u32
    }

    pub(crate) fn contains(&self, row: Row) -> bool {
        self.counts.get(row as usize).is_some_and(|count| *count != ABSENT)
    }

    /// Rows that are in the graph, in ascending order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        (0..self.row_count()).filter(|row| self.contains(*row))
    }

    pub(crate) fn entries(&self) -> &[Row] {
        &self.entries
    }

    /// Makes room for rows up to `row`.
    pub(crate) fn reserve(&mut self, row: Row) {
        if row >= self.row_count() {
            self.counts.resize(row as usize + 1, ABSENT);
            self.links.resize(self.counts.len() * self.degree, NO_ROW);
        }
    }

    pub(crate) fn links(&self, row: Row) -> &[Row] {
        match self.counts.get(row as usize) {
            Some(&count) if count != ABSENT => {
                let start = row as usize * self.degree;
                &self.links[start..start + usize::from(count)]
            }
            _ => &[],
        }
    }

    /// Puts `links`, as many as there are places, in place of those a row has; there must be room for the row.
    pub(crate) fn set_links(&mut self, row: Row, links: &[Row]) {
        let count = &mut self.counts[row as usize];
        self.present += u32::from(*count == ABSENT);
        *count = links.len() as u8;
        let start = row as usize * self.degree;
        let places = &mut self.links[start..start + self.degree];
        places[..links.len()].copy_from_slice(links);
        places[links.len()..].fill(NO_ROW);
    }

    /// Links a row to one more, which takes a free place.
    pub(crate) fn add_link(&mut self, row: Row, neighbour: Row) {
        let start = row as usize * self.degree;
        let count = &mut self.counts[row as usize];
        self.links[start + usize::from(*count)] = neighbour;
        *count += 1;
    }

    /// Puts a neighbour in the place of another and gives that one.
    pub(crate) fn replace_link(&mut self, row: Row, place: usize, neighbour: Row) -> Row {
        core::mem::replace(&mut self.links[row as usize * self.degree + place], neighbour)
    }

    pub(crate) fn set_entries(&mut self, entries: Vec<Row>) {
        self.entries = entries;
    }

    /// Takes `row`, one of the last that came in, as one more place to start from where rows have doubled since the last
    /// one. Of data that comes cluster by cluster, a few clusters so get one. One entry is as fast as
    /// many where data is not in clusters.
    pub(crate) fn offer_entry(&mut self, row: Row) {
        let entries = self.entries.len();
        let is_taken =
            entries == 0 || entries < ENTRIES_MAX && self.present as usize >> entries >= TWO_ENTRIES_FROM_ROWS / 2;
        if is_taken {
            self.entries.push(row);
        }
    }
}

impl<E> Graph<E> for Table {
    fn row_count(&self) -> u32 {
        Table::row_count(self)
    }

    fn entries(&self) -> &[Row] {
        &self.entries
    }

    #[inline]
    fn neighbours(&self, row: Row, neighbours: &mut Vec<Row>) -> Result<(), SearchError<E>> {
        neighbours.clear();
        neighbours.extend_from_slice(self.links(row));
        Ok(())
    }

    #[inline]
    fn touch(&self, row: Row) {
        for place in (0..self.degree).step_by(16) {
            core::hint::black_box(self.links.get(row as usize * self.degree + place));
        }
    }
}
