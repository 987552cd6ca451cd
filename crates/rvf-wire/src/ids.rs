//! IDS: id text by row, and rows by id hash. Used in place.
//!
//! Payload: 64-byte header {u32 first row, u32 row count, u32 entry count, u32 epoch range count, u64 text bytes}, then
//! u64 hashes ascending [entries], {u32 row, u32 0, u64 epoch} by row [epoch ranges], u32 rows [entries],
//! u32 text offsets [rows + 1], text. A row without an entry is dead and has no text.

use alloc::vec::Vec;

use rvf_types::{Epoch, Row};

use crate::{WireError, read_u32, read_u64, slice};

/// Bytes in front of the tables of an IDS payload.
pub const IDS_HEADER_BYTES: usize = 64;

const EPOCH_RANGE_BYTES: usize = 16;
const WHAT: &str = "IDS";

/// Where the tables of an IDS payload lie, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdsLayout {
    /// First row.
    pub first_row: Row,
    /// Number of rows, dead ones included.
    pub row_count: u32,
    /// Number of rows with an id.
    pub entry_count: u32,
    /// Number of epoch ranges.
    pub epoch_range_count: u32,
    /// Bytes of all ids.
    pub text_bytes: u64,
}

impl IdsLayout {
    /// Reads the header of a payload with `data_bytes` bytes of data.
    pub fn decode(bytes: &[u8], data_bytes: u64) -> Result<IdsLayout, WireError> {
        let bytes = slice(bytes, 0, IDS_HEADER_BYTES, WHAT)?;
        let layout = IdsLayout {
            first_row: read_u32(bytes, 0, WHAT)?,
            row_count: read_u32(bytes, 4, WHAT)?,
            entry_count: read_u32(bytes, 8, WHAT)?,
            epoch_range_count: read_u32(bytes, 12, WHAT)?,
            text_bytes: read_u64(bytes, 16, WHAT)?,
        };
        // In 64 bits: what a hostile header declares may not fit the address space.
        let (entries, rows) = (u64::from(layout.entry_count), u64::from(layout.row_count));
        let range_bytes = u64::from(layout.epoch_range_count) * EPOCH_RANGE_BYTES as u64;
        let tables_bytes = IDS_HEADER_BYTES as u64 + entries * 12 + range_bytes + (rows + 1) * 4;
        if layout.text_bytes > data_bytes
            || layout.entry_count > layout.row_count
            || tables_bytes + layout.text_bytes != data_bytes
            || layout.first_row.checked_add(layout.row_count).is_none()
        {
            return Err(WireError::Invalid("length of IDS tables"));
        }
        Ok(layout)
    }

    /// Byte of the `index`-th hash.
    pub fn hash_at(&self, index: u32) -> usize {
        IDS_HEADER_BYTES + index as usize * 8
    }

    /// Byte of the `index`-th epoch range: u32 first row, u32 zero, u64 epoch.
    pub fn epoch_range_at(&self, index: u32) -> usize {
        self.hash_at(self.entry_count) + index as usize * EPOCH_RANGE_BYTES
    }

    /// Byte of the row that belongs to the `index`-th hash.
    pub fn row_at(&self, index: u32) -> usize {
        self.epoch_range_at(self.epoch_range_count) + index as usize * 4
    }

    /// Byte of the u32 text offset of the `index`-th row of this run; the next one ends its text.
    pub fn text_offset_at(&self, index: u32) -> usize {
        self.row_at(self.entry_count) + index as usize * 4
    }

    /// Byte of the first id's text.
    pub fn text_start(&self) -> usize {
        self.text_offset_at(self.row_count) + 4
    }
}

/// Makes an IDS payload, row by row.
pub struct IdsBuilder {
    first_row: Row,
    entries: Vec<(u64, Row)>,
    epoch_ranges: Vec<(Row, Epoch)>,
    text_offsets: Vec<u32>,
    text: Vec<u8>,
}

impl IdsBuilder {
    /// A builder for rows from `first_row` on.
    pub fn new(first_row: Row) -> IdsBuilder {
        IdsBuilder {
            first_row,
            entries: Vec::new(),
            epoch_ranges: Vec::new(),
            text_offsets: alloc::vec![0],
            text: Vec::new(),
        }
    }

    /// Rows added so far.
    pub fn row_count(&self) -> u32 {
        (self.text_offsets.len() - 1) as u32
    }

    /// Bytes the payload would take now.
    pub fn data_bytes(&self) -> usize {
        IDS_HEADER_BYTES
            + self.entries.len() * 12
            + self.epoch_ranges.len() * EPOCH_RANGE_BYTES
            + self.text_offsets.len() * 4
            + self.text.len()
    }

    /// Adds the next row: its id with the id's hash, or `None` for a dead row, and the epoch that wrote it.
    pub fn push(&mut self, id: Option<(u64, &[u8])>, epoch: Epoch) {
        let row = self.first_row + self.row_count();
        if self.epoch_ranges.last().is_none_or(|(_, last)| *last != epoch) {
            self.epoch_ranges.push((row, epoch));
        }
        if let Some((hash, text)) = id {
            self.entries.push((hash, row));
            self.text.extend_from_slice(text);
        }
        self.text_offsets.push(self.text.len() as u32);
    }

    /// The id of a row added so far.
    pub fn id(&self, row: Row) -> Option<&[u8]> {
        let index = row.checked_sub(self.first_row)? as usize;
        let (start, end) = (self.text_offsets.get(index)?, self.text_offsets.get(index + 1)?);
        self.text.get(*start as usize..*end as usize)
    }

    /// Hash and row of each id added so far, in the order they came.
    pub fn entries(&self) -> &[(u64, Row)] {
        &self.entries
    }

    /// Adds the rows of a builder that starts where this one ends.
    pub fn absorb(&mut self, behind: &IdsBuilder) {
        debug_assert_eq!(behind.first_row, self.first_row + self.row_count());
        self.entries.extend_from_slice(&behind.entries);
        for (row, epoch) in &behind.epoch_ranges {
            if self.epoch_ranges.last().is_none_or(|(_, last)| last != epoch) {
                self.epoch_ranges.push((*row, *epoch));
            }
        }
        let shift = self.text.len() as u32;
        self.text.extend_from_slice(&behind.text);
        self.text_offsets.extend(behind.text_offsets[1..].iter().map(|offset| offset + shift));
    }

    /// The payload's bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.entries.sort_unstable();
        let mut bytes = Vec::with_capacity(self.data_bytes());
        bytes.extend_from_slice(&self.first_row.to_le_bytes());
        bytes.extend_from_slice(&self.row_count().to_le_bytes());
        bytes.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.epoch_ranges.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.text.len() as u64).to_le_bytes());
        bytes.resize(IDS_HEADER_BYTES, 0);
        for (hash, _) in &self.entries {
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
        for (row, epoch) in &self.epoch_ranges {
            bytes.extend_from_slice(&row.to_le_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&epoch.to_le_bytes());
        }
        for (_, row) in &self.entries {
            bytes.extend_from_slice(&row.to_le_bytes());
        }
        for offset in &self.text_offsets {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes.extend_from_slice(&self.text);
        bytes
    }
}
