//! META: metadata by row. Used in place.
//!
//! Payload: 64-byte header {u32 first row, u32 row count, u32 section count}, then 24 bytes a section {u32 kind, u32 0,
//! u64 offset in the payload, u64 bytes}, then the sections on 8-byte boundaries. Section 1: u32 offsets [rows + 1] into
//! section 2; section 2: the rows' JSON texts as given, a row without metadata takes no bytes. Readers pass over sections
//! of other kinds (columns will be such).

use alloc::vec::Vec;

use rvf_types::Row;

use crate::{WireError, pad_to, read_u32, read_u64, slice};

/// Bytes in front of the section table of a META payload.
pub const META_HEADER_BYTES: usize = 64;

const SECTION_BYTES: usize = 24;
const SECTIONS_MAX: u32 = 4_096;
const SECTION_TEXT_OFFSETS: u32 = 1;
const SECTION_TEXT: u32 = 2;
const WHAT: &str = "META";

/// Where the parts of a META payload lie, in bytes from its start.
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
        let (mut offsets, mut text) = (None, None);
        for section in directory[META_HEADER_BYTES..].chunks_exact(SECTION_BYTES) {
            let start = read_u64(section, 8, WHAT)?;
            let bytes = read_u64(section, 16, WHAT)?;
            if start.checked_add(bytes).is_none_or(|end| end > data_bytes) {
                return Err(WireError::Invalid("range of a META section"));
            }
            match read_u32(section, 0, WHAT)? {
                SECTION_TEXT_OFFSETS => offsets = Some((start as usize, bytes as usize)),
                SECTION_TEXT => text = Some((start as usize, bytes as usize)),
                _ => {}
            }
        }
        let (Some((text_offsets_start, offset_bytes)), Some((text_start, text_bytes))) = (offsets, text) else {
            return Err(WireError::Invalid("section table of META"));
        };
        if offset_bytes as u64 != (u64::from(row_count) + 1) * 4 {
            return Err(WireError::Invalid("length of META offsets"));
        }
        Ok(MetaLayout { first_row, row_count, text_offsets_start, text_start, text_bytes })
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

    /// Rows added so far.
    pub fn row_count(&self) -> u32 {
        (self.text_offsets.len() - 1) as u32
    }

    /// True where no row has metadata, so that no segment is needed.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Bytes the payload would take now.
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

    /// The payload's bytes.
    pub fn finish(self) -> Vec<u8> {
        let offsets_start = META_HEADER_BYTES + 2 * SECTION_BYTES;
        let offsets_bytes = self.text_offsets.len() * 4;
        let text_start = offsets_start + offsets_bytes.next_multiple_of(8);
        let mut bytes = Vec::with_capacity(text_start + self.text.len());
        bytes.extend_from_slice(&self.first_row.to_le_bytes());
        bytes.extend_from_slice(&self.row_count().to_le_bytes());
        bytes.extend_from_slice(&2u32.to_le_bytes());
        bytes.resize(META_HEADER_BYTES, 0);
        let sections =
            [(SECTION_TEXT_OFFSETS, offsets_start, offsets_bytes), (SECTION_TEXT, text_start, self.text.len())];
        for (kind, start, length) in sections {
            bytes.extend_from_slice(&u64::from(kind).to_le_bytes());
            bytes.extend_from_slice(&(start as u64).to_le_bytes());
            bytes.extend_from_slice(&(length as u64).to_le_bytes());
        }
        for offset in &self.text_offsets {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        pad_to(&mut bytes, 8);
        bytes.extend_from_slice(&self.text);
        bytes
    }
}
