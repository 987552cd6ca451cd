use alloc::vec::Vec;

use rvf_types::Row;

use super::source::{check_rows, checked_range, decode};
use super::{GRAPH_HEADER_BYTES, GRAPH_VERSION, GraphSource};
use crate::{DEGREE_MAX, DEGREE_MIN, ENTRIES_MAX, GRAPH_ROWS_MAX, SUSPECTS_MAX, SearchError};

/// What repair has yet to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Where it goes on looking for rows that nothing happened to.
    pub(crate) cursor: Row,
    /// How many of those it owes.
    pub(crate) owed: u32,
    /// Rows it has to look for, in ascending order.
    pub(crate) suspects: Vec<Row>,
}

/// What sets a delta apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeltaShape {
    pub(super) earlier_row_count: u32,
    /// Rows whose lists differ.
    pub(super) changed: u32,
    pub(super) links: u32,
}

/// The state of a graph, without its lists.
pub(super) struct Header {
    pub(super) row_count: u32,
    pub(super) present: u32,
    pub(super) degree: usize,
    pub(super) entries: Vec<Row>,
    pub(super) pending: Pending,
    pub(super) delta: Option<DeltaShape>,
}

impl Header {
    pub(super) fn read<S: GraphSource>(source: &S) -> Result<Header, SearchError<S::Error>> {
        let bytes = checked_range(source, 0, GRAPH_HEADER_BYTES)?.into_owned();
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if number(0) != GRAPH_VERSION {
            return Err(SearchError::Damaged("the version"));
        }
        let (row_count, present, shape) = (number(4), number(8), number(12));
        let (degree, entry_count) = ((shape & 0xFFFF) as usize, (shape >> 16) as usize);
        if row_count > GRAPH_ROWS_MAX || present > row_count {
            return Err(SearchError::Damaged("the number of rows"));
        }
        if !(DEGREE_MIN..=DEGREE_MAX).contains(&degree) {
            return Err(SearchError::Damaged("the degree"));
        }
        if entry_count > ENTRIES_MAX || (entry_count == 0) != (present == 0) {
            return Err(SearchError::Damaged("the number of entries"));
        }
        let (cursor, owed, suspect_count) = (number(16), number(20), number(24) as usize);
        if cursor > row_count || owed > row_count || suspect_count > SUSPECTS_MAX {
            return Err(SearchError::Damaged("the state of repair"));
        }
        let delta = match number(28) {
            0 => None,
            1 => Some(DeltaShape { earlier_row_count: number(32), changed: number(36), links: number(40) }),
            _ => return Err(SearchError::Damaged("the kind")),
        };
        let mut entries = Vec::with_capacity(entry_count + suspect_count);
        decode(&checked_range(source, GRAPH_HEADER_BYTES as u64, (entry_count + suspect_count) * 4)?, &mut entries);
        if entries.len() != entry_count + suspect_count {
            return Err(SearchError::Damaged("an entry"));
        }
        check_rows(&entries, row_count)?;
        let pending = Pending { cursor, owed, suspects: entries.split_off(entry_count) };
        Ok(Header { row_count, present, degree, entries, pending, delta })
    }

    /// Bytes of the header, the entries and the suspects.
    pub(super) fn bytes(&self) -> u64 {
        (GRAPH_HEADER_BYTES + ((self.entries.len() + self.pending.suspects.len()) * 4).next_multiple_of(64)) as u64
    }

    /// Appends all of it.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let shape = self.degree as u32 | (self.entries.len() as u32) << 16;
        let Pending { cursor, owed, suspects } = &self.pending;
        let delta = self.delta.unwrap_or_default();
        let kind = u32::from(self.delta.is_some());
        let state = [GRAPH_VERSION, self.row_count, self.present, shape, *cursor, *owed, suspects.len() as u32, kind];
        let numbers = state.into_iter().chain([delta.earlier_row_count, delta.changed, delta.links]);
        bytes.extend(numbers.flat_map(u32::to_le_bytes));
        bytes.resize(GRAPH_HEADER_BYTES, 0);
        bytes.extend(self.entries.iter().chain(suspects).flat_map(|row| row.to_le_bytes()));
        bytes.resize(self.bytes() as usize, 0);
    }
}
