//! Level 1: {u16 tag, u32 length, u16 zero, value, padding to 8} one behind the other.

use alloc::vec::Vec;

use rvf_wire::{WireError, pad_to, read_u16, read_u32, slice};

const HEADER_BYTES: usize = 8;
const WHAT: &str = "Level 1";

pub(crate) const SEGMENT_DIR: u16 = 0x01;
pub(crate) const OVERLAY_CHAIN: u16 = 0x04;
pub(crate) const COMPACTION_STATE: u16 = 0x05;
pub(crate) const PROFILE_CONFIG: u16 = 0x08;
pub(crate) const ID_RESTART: u16 = 0x0B;
pub(crate) const WITNESS: u16 = 0x0C;
pub(crate) const DELETION_BITMAP: u16 = 0x0E;
pub(crate) const DIMENSION_CATALOG: u16 = 0x10;
pub(crate) const SCHEMA: u16 = 0x11;
pub(crate) const COMPRESSION: u16 = 0x12;
pub(crate) const TIERING: u16 = 0x13;

/// Appends one tag with its value.
pub(crate) fn push(bytes: &mut Vec<u8>, tag: u16, value: &[u8]) {
    bytes.extend_from_slice(&tag.to_le_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(value);
    pad_to(bytes, 8);
}

/// Iterator over {tag, value}; stops after the first error. Tag 0 with length 0 is padding.
pub(crate) struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Tags<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Tags<'a> {
        Tags { rest: bytes }
    }

    fn read(&mut self) -> Result<(u16, &'a [u8]), WireError> {
        let tag = read_u16(self.rest, 0, WHAT)?;
        let length = read_u32(self.rest, 2, WHAT)? as usize;
        let value = slice(self.rest, HEADER_BYTES, length, WHAT)?;
        let end = (HEADER_BYTES + length).next_multiple_of(8);
        self.rest = self.rest.get(end..).ok_or(WireError::Truncated(WHAT))?;
        Ok((tag, value))
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<(u16, &'a [u8]), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let tag = self.read();
        if tag.is_err() {
            self.rest = &[];
        }
        Some(tag)
    }
}
