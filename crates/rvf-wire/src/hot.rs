//! HOT: packed rows that are asked for often, beside what a cold packing keeps of them.

use alloc::vec::Vec;

use rvf_types::{Row, SegmentId};

use crate::{WireError, pad_to, read_u16, read_u32, read_u64, slice};

/// Bytes in front of the list of rows.
pub const HOT_HEADER_BYTES: usize = 64;

const WHAT: &str = "HOT";
const VERSION: u16 = 1;
/// Packed rows start at a multiple of this.
const ALIGN_BYTES: usize = 64;

/// What a HOT segment holds: the numbers of its rows, ascending, u32 each, zeros up to a multiple of 64, and the packed rows
/// in the same order without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotHeader {
    /// Number of rows.
    pub row_count: u32,
    /// Bytes of a packed row.
    pub row_bytes: u32,
    /// Number of the segment with the quantiser that the rows were packed by.
    pub quantiser: SegmentId,
}

impl HotHeader {
    /// Bytes of the list of rows.
    pub fn list_bytes(&self) -> usize {
        self.row_count as usize * size_of::<Row>()
    }

    /// Where the packed rows start.
    pub fn rows_start(&self) -> usize {
        (HOT_HEADER_BYTES + self.list_bytes()).next_multiple_of(ALIGN_BYTES)
    }

    /// Header and list of a payload; the packed rows are to follow.
    pub fn encode(&self, rows: impl Iterator<Item = Row>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.rows_start());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.row_count.to_le_bytes());
        bytes.extend_from_slice(&self.row_bytes.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.quantiser.to_le_bytes());
        bytes.resize(HOT_HEADER_BYTES, 0);
        rows.for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
        pad_to(&mut bytes, ALIGN_BYTES);
        bytes
    }

    /// Reads the header of a payload with `data_bytes` bytes of data.
    pub fn decode(bytes: &[u8], data_bytes: u64) -> Result<HotHeader, WireError> {
        let bytes = slice(bytes, 0, HOT_HEADER_BYTES, WHAT)?;
        if read_u16(bytes, 0, WHAT)? != VERSION {
            return Err(WireError::Unsupported("kind of HOT"));
        }
        let header = HotHeader {
            row_count: read_u32(bytes, 4, WHAT)?,
            row_bytes: read_u32(bytes, 8, WHAT)?,
            quantiser: read_u64(bytes, 16, WHAT)?,
        };
        let list_bytes = u64::from(header.row_count) * size_of::<Row>() as u64;
        let rows_start = (HOT_HEADER_BYTES as u64 + list_bytes).next_multiple_of(ALIGN_BYTES as u64);
        let rows_bytes = u64::from(header.row_count) * u64::from(header.row_bytes);
        if header.row_count == 0 || header.row_bytes == 0 || rows_start + rows_bytes != data_bytes {
            return Err(WireError::Invalid("length of HOT rows"));
        }
        Ok(header)
    }

    /// Reads the list of rows; `bytes` are its own.
    pub fn rows(bytes: &[u8]) -> Result<Vec<Row>, WireError> {
        let rows: Vec<Row> = bytes.as_chunks::<4>().0.iter().map(|bytes| Row::from_le_bytes(*bytes)).collect();
        match rows.is_sorted_by(|left, right| left < right) {
            true => Ok(rows),
            false => Err(WireError::Invalid("order of HOT rows")),
        }
    }
}
