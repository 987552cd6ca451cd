use alloc::vec::Vec;

use rvf_types::limits::COUNTER_MAX;
use rvf_types::{Row, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{Extent, HEAD_BYTES, HEADER_BYTES, SegmentHeader, WireError, read_array, read_u16, read_u32, read_u64};

const WHAT: &str = "SEGMENT_DIR";

/// One live segment, as the manifest pins it: where it lies, what it must hash to, and which rows it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Offset of the header in the file.
    pub offset: u64,
    /// The header, content hash included.
    pub header: SegmentHeader,
    /// First row it holds, 0 where it holds none.
    pub first_row: Row,
    /// Number of rows it holds.
    pub row_count: u32,
}

impl SegmentEntry {
    /// Bytes of an entry in the directory.
    pub const BYTES: usize = 72;

    /// Where the segment's parts lie.
    pub fn extent(&self) -> Result<Extent, WireError> {
        Extent::of(self.offset, &self.header)
    }

    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(&self.header.id.to_le_bytes());
        bytes.extend_from_slice(&self.header.payload_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.header.timestamp_ns.to_le_bytes());
        bytes.extend_from_slice(&self.header.content_hash);
        bytes.extend_from_slice(&self.header.payload_start_units.to_le_bytes());
        bytes.extend_from_slice(&self.header.flags.0.to_le_bytes());
        bytes.extend_from_slice(&[self.header.kind.0, 0]);
        bytes.extend_from_slice(&(self.header.padding_bytes as u16).to_le_bytes());
        bytes.extend_from_slice(&self.first_row.to_le_bytes());
        bytes.extend_from_slice(&self.row_count.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
    }

    /// Reads an entry and checks that the segment lies between the HEAD and `manifest_offset`.
    pub(crate) fn decode(bytes: &[u8], manifest_offset: u64) -> Result<SegmentEntry, WireError> {
        let entry = SegmentEntry {
            offset: read_u64(bytes, 0, WHAT)?,
            header: SegmentHeader {
                id: read_u64(bytes, 8, WHAT)?,
                payload_bytes: read_u64(bytes, 16, WHAT)?,
                timestamp_ns: read_u64(bytes, 24, WHAT)?,
                content_hash: read_array(bytes, 32, WHAT)?,
                payload_start_units: read_u16(bytes, 48, WHAT)?,
                flags: SegmentFlags(read_u16(bytes, 50, WHAT)?),
                kind: SegmentKind(read_array::<1>(bytes, 52, WHAT)?[0]),
                padding_bytes: u32::from(read_u16(bytes, 54, WHAT)?),
            },
            first_row: read_u32(bytes, 56, WHAT)?,
            row_count: read_u32(bytes, 60, WHAT)?,
        };
        let extent = entry.extent()?;
        let is_inside = entry.offset >= HEAD_BYTES as u64 && extent.end() <= manifest_offset;
        if extent.payload_offset < entry.offset + HEADER_BYTES as u64 || !is_inside {
            return Err(WireError::Invalid("segment offset in SEGMENT_DIR"));
        }
        if entry.header.id > COUNTER_MAX {
            return Err(WireError::TooLarge("a segment's number in SEGMENT_DIR"));
        }
        if entry.first_row.checked_add(entry.row_count).is_none() {
            return Err(WireError::Invalid("row range in SEGMENT_DIR"));
        }
        Ok(entry)
    }

    /// The segment's number.
    pub fn id(&self) -> SegmentId {
        self.header.id
    }
}
