//! META: metadata of consecutive rows, and OVERLAY: newer metadata of some rows. Used in place.
//!
//! Payload: 64-byte header {u32 first row, u32 row count, u32 section count}, then 24 bytes a section {u32 kind, u32 0,
//! u64 offset in the payload, u64 bytes}, then the sections on 8-byte boundaries. Section 1: u32 offsets [rows + 1] into
//! section 2; section 2: the rows' JSON texts as given, a row without metadata takes no bytes; section 3: columns and
//! indexes made of those texts (`docs/filter-columns.md`), where there are any. An OVERLAY has two more: section 4, its
//! u32 rows in ascending order, and section 5, the u64 epochs that wrote them; the header's first row is its lowest.
//! Readers pass over sections of other kinds.

use alloc::vec::Vec;

use core::ops::Range;

use rvf_types::{Epoch, Row};

use crate::{WireError, pad_to, read_u32, read_u64, slice};

/// Bytes in front of the section table of a META payload.
pub const META_HEADER_BYTES: usize = 64;

const SECTION_BYTES: usize = 24;
const SECTIONS_MAX: u32 = 4_096;
const SECTION_TEXT_OFFSETS: u32 = 1;
const SECTION_TEXT: u32 = 2;
const SECTION_COLUMNS: u32 = 3;
const SECTION_ROWS: u32 = 4;
const SECTION_EPOCHS: u32 = 5;
const WHAT: &str = "META";

/// Where the parts of a META or OVERLAY payload lie, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaLayout {
    /// First row.
    pub first_row: Row,
    /// Number of rows, those without metadata included.
    pub row_count: u32,
    /// Byte of the first text offset.
    pub text_offsets_start: usize,
    /// Byte of the first text.
    pub text_start: usize,
    /// Bytes of all texts.
    pub text_bytes: usize,
    /// Bytes of the columns, where there are any.
    pub columns: Option<(usize, usize)>,
    /// Byte of the first row and of the first epoch of an OVERLAY.
    pub overlay: Option<(usize, usize)>,
}

impl MetaLayout {
    /// Bytes at the start of a payload that [`MetaLayout::decode`] needs, told by its first 64 bytes.
    pub fn directory_bytes(header: &[u8]) -> Result<usize, WireError> {
        let section_count = read_u32(slice(header, 0, META_HEADER_BYTES, WHAT)?, 8, WHAT)?;
        if section_count > SECTIONS_MAX {
            return Err(WireError::TooLarge("number of META sections"));
        }
        Ok(META_HEADER_BYTES + section_count as usize * SECTION_BYTES)
    }

    /// Reads header and section table of a payload with `data_bytes` bytes of data.
    pub fn decode(bytes: &[u8], data_bytes: u64) -> Result<MetaLayout, WireError> {
        let directory = slice(bytes, 0, MetaLayout::directory_bytes(bytes)?, WHAT)?;
        let first_row = read_u32(directory, 0, WHAT)?;
        let row_count = read_u32(directory, 4, WHAT)?;
        if first_row.checked_add(row_count).is_none() {
            return Err(WireError::Invalid("row range of META"));
        }
        let mut sections = [None; SECTION_EPOCHS as usize + 1];
        for section in directory[META_HEADER_BYTES..].chunks_exact(SECTION_BYTES) {
            let start = read_u64(section, 8, WHAT)?;
            let bytes = read_u64(section, 16, WHAT)?;
            if start.checked_add(bytes).is_none_or(|end| end > data_bytes) {
                return Err(WireError::Invalid("range of a META section"));
            }
            if let Some(slot) = sections.get_mut(read_u32(section, 0, WHAT)? as usize)
                && slot.replace((start as usize, bytes as usize)).is_some()
            {
                return Err(WireError::Invalid("a META section that is there twice"));
            }
        }
        let [_, offsets, text, columns, rows, epochs] = sections;
        let (Some((text_offsets_start, offset_bytes)), Some((text_start, text_bytes))) = (offsets, text) else {
            return Err(WireError::Invalid("section table of META"));
        };
        let has = |section: Option<(usize, usize)>, width: u64| match section {
            Some((_, bytes)) => bytes as u64 == u64::from(row_count) * width,
            None => true,
        };
        if offset_bytes as u64 != (u64::from(row_count) + 1) * 4 || !has(rows, 4) || !has(epochs, 8) {
            return Err(WireError::Invalid("length of a META section"));
        }
        let overlay = rows.zip(epochs).map(|(rows, epochs)| (rows.0, epochs.0));
        Ok(MetaLayout { first_row, row_count, text_offsets_start, text_start, text_bytes, columns, overlay })
    }
}

/// Makes a META payload, row by row.
pub struct MetaBuilder {
    first_row: Row,
    text_offsets: Vec<u32>,
    text: Vec<u8>,
}

impl MetaBuilder {
    /// A builder for rows from `first_row` on.
    pub fn new(first_row: Row) -> MetaBuilder {
        MetaBuilder { first_row, text_offsets: alloc::vec![0], text: Vec::new() }
    }

    /// First row.
    pub fn first_row(&self) -> Row {
        self.first_row
    }

    /// Rows added so far.
    pub fn row_count(&self) -> u32 {
        (self.text_offsets.len() - 1) as u32
    }

    /// True where no row has metadata, so that no segment is needed.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Bytes the payload would take now, without columns.
    pub fn data_bytes(&self) -> usize {
        META_HEADER_BYTES + 2 * SECTION_BYTES + (self.text_offsets.len() * 4).next_multiple_of(8) + self.text.len()
    }

    /// Adds the next row's JSON text, empty where it has none.
    pub fn push(&mut self, json: &[u8]) {
        self.text.extend_from_slice(json);
        self.text_offsets.push(self.text.len() as u32);
    }

    /// Adds the rows of a builder that starts where this one ends.
    pub fn absorb(&mut self, behind: &MetaBuilder) {
        debug_assert_eq!(behind.first_row, self.first_row + self.row_count());
        let shift = self.text.len() as u32;
        self.text.extend_from_slice(&behind.text);
        self.text_offsets.extend(behind.text_offsets[1..].iter().map(|offset| offset + shift));
    }

    /// The rows' JSON texts in order.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.text_offsets.windows(2).map(|pair| &self.text[pair[0] as usize..pair[1] as usize])
    }

    /// The payload's bytes, with columns that were made of the texts.
    pub fn finish(self, columns: Option<&[u8]>) -> Vec<u8> {
        self.encode(&[], columns)
    }

    fn encode(&self, more: &[(u32, &[u8])], columns: Option<&[u8]>) -> Vec<u8> {
        let mut offsets = Vec::with_capacity(self.text_offsets.len() * 4);
        for offset in &self.text_offsets {
            offsets.extend_from_slice(&offset.to_le_bytes());
        }
        let mut sections: Vec<(u32, &[u8])> =
            alloc::vec![(SECTION_TEXT_OFFSETS, &offsets[..]), (SECTION_TEXT, &self.text)];
        sections.extend_from_slice(more);
        sections.extend(columns.map(|columns| (SECTION_COLUMNS, columns)));

        let mut start = META_HEADER_BYTES + sections.len() * SECTION_BYTES;
        let ranges: Vec<Range<usize>> = sections
            .iter()
            .map(|(_, bytes)| {
                let range = start.next_multiple_of(8)..start.next_multiple_of(8) + bytes.len();
                start = range.end;
                range
            })
            .collect();
        let mut payload = Vec::with_capacity(start);
        payload.extend_from_slice(&self.first_row.to_le_bytes());
        payload.extend_from_slice(&self.row_count().to_le_bytes());
        payload.extend_from_slice(&(sections.len() as u32).to_le_bytes());
        payload.resize(META_HEADER_BYTES, 0);
        for ((kind, bytes), range) in sections.iter().zip(&ranges) {
            payload.extend_from_slice(&u64::from(*kind).to_le_bytes());
            payload.extend_from_slice(&(range.start as u64).to_le_bytes());
            payload.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        }
        for (_, bytes) in &sections {
            pad_to(&mut payload, 8);
            payload.extend_from_slice(bytes);
        }
        payload
    }
}

/// Makes an OVERLAY payload from rows in ascending order.
pub struct OverlayBuilder {
    texts: MetaBuilder,
    rows: Vec<u8>,
    epochs: Vec<u8>,
}

impl OverlayBuilder {
    /// A builder whose lowest row is `first_row`.
    pub fn new(first_row: Row) -> OverlayBuilder {
        OverlayBuilder { texts: MetaBuilder::new(first_row), rows: Vec::new(), epochs: Vec::new() }
    }

    /// The lowest row.
    pub fn first_row(&self) -> Row {
        self.texts.first_row
    }

    /// Rows added so far.
    pub fn row_count(&self) -> u32 {
        self.texts.row_count()
    }

    /// Bytes the payload would take now, without columns.
    pub fn data_bytes(&self) -> usize {
        self.texts.data_bytes() + 2 * SECTION_BYTES + self.rows.len() + self.epochs.len()
    }

    /// Adds a row, higher than all before, with its metadata as JSON text, empty for none, and the epoch that wrote it.
    pub fn push(&mut self, row: Row, epoch: Epoch, json: &[u8]) {
        self.texts.push(json);
        self.rows.extend_from_slice(&row.to_le_bytes());
        self.epochs.extend_from_slice(&epoch.to_le_bytes());
    }

    /// The rows' JSON texts in order.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.texts()
    }

    /// The payload's bytes, with columns that were made of the texts.
    pub fn finish(self, columns: Option<&[u8]>) -> Vec<u8> {
        self.texts.encode(&[(SECTION_ROWS, &self.rows), (SECTION_EPOCHS, &self.epochs)], columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_tells_rows_epochs_texts_and_columns() {
        let mut builder = OverlayBuilder::new(4);
        builder.push(4, 9, b"{}");
        builder.push(7, 8, b"[1]");
        let bytes = builder.finish(Some(b"columns"));
        let layout = MetaLayout::decode(&bytes, bytes.len() as u64).unwrap();
        let (rows, epochs) = layout.overlay.unwrap();
        assert_eq!(read_u32(&bytes, rows + 4, WHAT), Ok(7));
        assert_eq!(read_u64(&bytes, epochs + 8, WHAT), Ok(8));
        assert_eq!(&bytes[layout.text_start..][..layout.text_bytes], b"{}[1]");
        let (start, length) = layout.columns.unwrap();
        assert_eq!(&bytes[start..start + length], b"columns");
        assert_eq!((layout.first_row, layout.row_count), (4, 2));
        for cut in 0..bytes.len() {
            let _ = MetaLayout::decode(&bytes[..cut], cut as u64);
        }
    }

    #[test]
    fn sections_of_another_length_than_the_rows_are_refused() {
        let mut builder = OverlayBuilder::new(0);
        builder.push(0, 1, b"{}");
        let bytes = builder.finish(None);
        for section in 0..4 {
            let mut changed = bytes.clone();
            let at = META_HEADER_BYTES + section * SECTION_BYTES;
            if read_u32(&changed, at, WHAT) == Ok(SECTION_TEXT) {
                continue;
            }
            changed[at + 16] -= 1;
            assert!(MetaLayout::decode(&changed, bytes.len() as u64).is_err(), "section {section}");
        }
    }
}
