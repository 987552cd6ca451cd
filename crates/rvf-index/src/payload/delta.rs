use alloc::borrow::Cow;

use rvf_types::Row;

use super::header::{DeltaShape, Header};
use super::source::{checked_range, two_numbers};
use super::{ADDED, DELTA_GROUP_ROWS, GraphSource};
use crate::SearchError;

/// What changed since an earlier state, in the bytes of its payload.
pub(super) struct Delta<S> {
    pub(super) source: S,
    pub(super) header: Header,
    shape: DeltaShape,
    groups_start: u64,
    rows_start: u64,
    lists_start: u64,
    links_start: u64,
}

/// The links of a row in a delta.
pub(super) struct Change<'s> {
    /// Rows of four bytes.
    pub(super) links: Cow<'s, [u8]>,
    /// They are added to the end of the earlier list, and do not replace it.
    pub(super) is_added: bool,
}

impl<S: GraphSource> Delta<S> {
    /// Reads the header of a delta over a graph of `earlier_row_count` rows and this degree.
    pub(super) fn open(source: S, earlier: &Header) -> Result<Delta<S>, SearchError<S::Error>> {
        let header = Header::read(&source)?;
        let Some(shape) = header.delta else { return Err(SearchError::Damaged("the order of layers")) };
        let is_fitting = shape.earlier_row_count == earlier.row_count
            && header.row_count >= earlier.row_count
            && header.present >= earlier.present
            && header.degree == earlier.degree;
        if !is_fitting || shape.changed > header.row_count || shape.links >= ADDED {
            return Err(SearchError::Damaged("a delta"));
        }
        let groups_start = header.bytes();
        let groups = u64::from(header.row_count.div_ceil(DELTA_GROUP_ROWS));
        let rows_start = groups_start + (groups + 1) * 4;
        let lists_start = rows_start + u64::from(shape.changed).next_multiple_of(4);
        let links_start = lists_start + (u64::from(shape.changed) + 1) * 4;
        if links_start + u64::from(shape.links) * 4 != source.len() {
            return Err(SearchError::Damaged("the length"));
        }
        Ok(Delta { source, header, shape, groups_start, rows_start, lists_start, links_start })
    }

    /// The links of `row`, which is below the row count, where they changed.
    #[inline]
    pub(super) fn find(&self, row: Row) -> Result<Option<Change<'_>>, SearchError<S::Error>> {
        let group = u64::from(row / DELTA_GROUP_ROWS);
        let (start, end) = two_numbers(&self.source, self.groups_start + group * 4)?;
        if start == end {
            return Ok(None);
        }
        if start > end || end > self.shape.changed || end - start > DELTA_GROUP_ROWS {
            return Err(SearchError::Damaged("a delta"));
        }
        let rows = checked_range(&self.source, self.rows_start + u64::from(start), (end - start) as usize)?;
        match rows.binary_search(&((row % DELTA_GROUP_ROWS) as u8)) {
            Ok(index) => self.change(u64::from(start) + index as u64).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn change(&self, index: u64) -> Result<Change<'_>, SearchError<S::Error>> {
        let (start, end) = two_numbers(&self.source, self.lists_start + index * 4)?;
        let (is_added, start, end) = (start & ADDED != 0, start & !ADDED, end & !ADDED);
        if start > end || end > self.shape.links || (end - start) as usize > self.header.degree {
            return Err(SearchError::Damaged("a delta"));
        }
        let bytes = (end - start) as usize * 4;
        let links = checked_range(&self.source, self.links_start + u64::from(start) * 4, bytes)?;
        Ok(Change { links, is_added })
    }
}
