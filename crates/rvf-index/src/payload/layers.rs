use alloc::vec::Vec;

use rvf_types::Row;

use super::delta::Delta;
use super::header::{Header, Pending};
use super::source::{GraphSource, check_rows, checked_range, decode};
use crate::build::Table;
use crate::{Graph, SearchError};

/// A graph in the bytes of its payloads: a whole graph, and what changed since. Opening reads headers and entries.
pub struct GraphLayers<S> {
    whole: Whole<S>,
    deltas: Vec<Delta<S>>,
}

/// The graph as its first layers leave it.
pub struct FirstLayers<'l, S> {
    whole: &'l Whole<S>,
    deltas: &'l [Delta<S>],
}

/// Lists of all rows, in the bytes of their payload.
struct Whole<S> {
    source: S,
    header: Header,
    lists_start: u64,
}

impl<S: GraphSource> GraphLayers<S> {
    /// Opens a whole graph, and the deltas over it, oldest first.
    ///
    /// # Errors
    /// Bytes cannot be had, are of another version, or contradict themselves or one another.
    pub fn open(sources: Vec<S>) -> Result<GraphLayers<S>, SearchError<S::Error>> {
        let mut sources = sources.into_iter();
        let Some(source) = sources.next() else { return Err(SearchError::Damaged("the number of layers")) };
        let mut layers = GraphLayers { whole: Whole::open(source)?, deltas: Vec::new() };
        for source in sources {
            let delta = Delta::open(source, layers.newest())?;
            layers.deltas.push(delta);
        }
        Ok(layers)
    }

    /// How many layers there are, the whole graph included.
    pub fn layer_count(&self) -> usize {
        1 + self.deltas.len()
    }

    /// Bytes of each layer, oldest first.
    pub fn layer_bytes(&self) -> impl Iterator<Item = u64> {
        core::iter::once(self.whole.source.len()).chain(self.deltas.iter().map(|delta| delta.source.len()))
    }

    /// The graph without its newer layers: `layers` of them, at least the whole graph and at most all. A delta that is
    /// written against it takes the place of the others.
    pub fn first(&self, layers: usize) -> FirstLayers<'_, S> {
        let deltas = layers.saturating_sub(1).min(self.deltas.len());
        FirstLayers { whole: &self.whole, deltas: &self.deltas[..deltas] }
    }

    /// Rows that are in the graph.
    pub fn present(&self) -> u32 {
        self.newest().present
    }

    /// Places for neighbours of each row.
    pub fn degree(&self) -> usize {
        self.whole.header.degree
    }

    /// One more than the highest row.
    pub fn row_count(&self) -> u32 {
        self.newest().row_count
    }

    /// Rows where walks start.
    pub fn entries(&self) -> &[Row] {
        &self.newest().entries
    }

    fn newest(&self) -> &Header {
        self.deltas.last().map_or(&self.whole.header, |delta| &delta.header)
    }

    /// Copies all links to be built on, and what repair has yet to do.
    pub(crate) fn read(&self) -> Result<(Table, Pending), SearchError<S::Error>> {
        let newest = self.newest();
        let mut table = Table::new(newest.degree);
        if let Some(last) = newest.row_count.checked_sub(1) {
            table.reserve(last);
        }
        let mut links = Vec::with_capacity(newest.degree);
        for row in 0..newest.row_count {
            self.neighbours(row, &mut links)?;
            if !links.is_empty() || newest.entries.contains(&row) {
                table.set_links(row, &links);
            }
        }
        if table.present() != newest.present {
            return Err(SearchError::Damaged("the number of rows"));
        }
        // A link to a row that is not in the graph would be followed to nowhere, and repaired into something wrong.
        let is_whole = table.rows().all(|row| table.links(row).iter().all(|link| table.contains(*link)));
        if !is_whole {
            return Err(SearchError::Damaged("a link"));
        }
        table.set_entries(newest.entries.clone());
        Ok((table, newest.pending.clone()))
    }
}

impl<S: GraphSource> Graph<S::Error> for GraphLayers<S> {
    fn row_count(&self) -> u32 {
        self.newest().row_count
    }

    fn entries(&self) -> &[Row] {
        &self.newest().entries
    }

    #[inline]
    fn neighbours(&self, row: Row, neighbours: &mut Vec<Row>) -> Result<(), SearchError<S::Error>> {
        neighbours_of(&self.whole, &self.deltas, row, neighbours)
    }

    #[inline]
    fn touch(&self, row: Row) {
        self.whole.touch(row);
    }
}

impl<S: GraphSource> FirstLayers<'_, S> {
    fn newest(&self) -> &Header {
        self.deltas.last().map_or(&self.whole.header, |delta| &delta.header)
    }
}

impl<S: GraphSource> Graph<S::Error> for FirstLayers<'_, S> {
    fn row_count(&self) -> u32 {
        self.newest().row_count
    }

    fn entries(&self) -> &[Row] {
        &self.newest().entries
    }

    fn neighbours(&self, row: Row, neighbours: &mut Vec<Row>) -> Result<(), SearchError<S::Error>> {
        neighbours_of(self.whole, self.deltas, row, neighbours)
    }

    fn touch(&self, row: Row) {
        self.whole.touch(row);
    }
}

#[inline]
fn neighbours_of<S: GraphSource>(
    whole: &Whole<S>,
    deltas: &[Delta<S>],
    row: Row,
    neighbours: &mut Vec<Row>,
) -> Result<(), SearchError<S::Error>> {
    neighbours.clear();
    let newest = deltas.last().map_or(&whole.header, |delta| &delta.header);
    if row >= newest.row_count {
        return Err(SearchError::RowOutOfRange(row));
    }
    if deltas.is_empty() {
        whole.append(row, neighbours)?;
    } else {
        append_changed(whole, deltas, row, neighbours)?;
    }
    if neighbours.len() > newest.degree {
        return Err(SearchError::Damaged("the length of a list"));
    }
    check_rows(neighbours, newest.row_count)
}

/// Appends the list of a row, from the newest layer that replaced it on.
fn append_changed<S: GraphSource>(
    whole: &Whole<S>,
    deltas: &[Delta<S>],
    row: Row,
    neighbours: &mut Vec<Row>,
) -> Result<(), SearchError<S::Error>> {
    // Newest first, and the links of each the last first, because what is added comes after what was there.
    for delta in deltas.iter().rev() {
        if row >= delta.header.row_count {
            break;
        }
        let Some(change) = delta.find(row)? else { continue };
        let links = change.links.as_chunks::<4>().0.iter().rev();
        neighbours.extend(links.map(|bytes| u32::from_le_bytes(*bytes)));
        if !change.is_added {
            neighbours.reverse();
            return Ok(());
        }
    }
    let added = neighbours.len();
    if row < whole.header.row_count {
        whole.append(row, neighbours)?;
    }
    neighbours[..added].reverse();
    neighbours.rotate_left(added);
    Ok(())
}

impl<S: GraphSource> Whole<S> {
    fn open(source: S) -> Result<Whole<S>, SearchError<S::Error>> {
        let header = Header::read(&source)?;
        if header.delta.is_some() {
            return Err(SearchError::Damaged("the order of layers"));
        }
        let lists_start = header.bytes();
        if lists_start + u64::from(header.row_count) * header.degree as u64 * 4 != source.len() {
            return Err(SearchError::Damaged("the length"));
        }
        Ok(Whole { source, header, lists_start })
    }

    fn list_start(&self, row: Row) -> u64 {
        self.lists_start + u64::from(row) * self.header.degree as u64 * 4
    }

    /// Appends the list of a row that there is one of.
    #[inline]
    fn append(&self, row: Row, neighbours: &mut Vec<Row>) -> Result<(), SearchError<S::Error>> {
        decode(&checked_range(&self.source, self.list_start(row), self.header.degree * 4)?, neighbours);
        Ok(())
    }

    #[inline]
    fn touch(&self, row: Row) {
        if row < self.header.row_count {
            self.source.touch(self.list_start(row), self.header.degree * 4);
        }
    }
}
