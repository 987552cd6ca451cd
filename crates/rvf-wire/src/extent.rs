use rvf_types::limits::{
    BLOCK_BYTES, BLOCK_TABLE_FROM_BYTES, FILE_BYTES_MAX, MANIFEST_BYTES_MAX, SEGMENT_ALIGN_BYTES, SEGMENT_BYTES_MAX,
};
use rvf_types::{SegmentFlags, SegmentKind};

use crate::{HEADER_BYTES, SegmentHeader, WireError, block_count};

/// The next multiple of `boundary`, which is a power of two. `value` is a file offset, far below overflow.
pub fn align_up(value: u64, boundary: u64) -> u64 {
    (value + boundary - 1) & !(boundary - 1)
}

/// Where the parts of one segment lie in the file. All offsets are absolute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte of the header.
    pub offset: u64,
    /// First byte of the payload.
    pub payload_offset: u64,
    /// Bytes of data at the start of the payload.
    pub data_bytes: u64,
    /// Bytes of the block table behind the data, 0 without one.
    pub table_bytes: u64,
    /// Zero bytes behind the payload, up to the next segment.
    pub padding_bytes: u64,
}

impl Extent {
    /// The layout a writer gives a segment of this kind and size at `offset`. Large payloads start on a block boundary
    /// and carry a block table; a manifest never does, since its root page must be its last bytes.
    pub fn plan(offset: u64, kind: SegmentKind, data_bytes: u64) -> Result<Extent, WireError> {
        let large = data_bytes > BLOCK_TABLE_FROM_BYTES && kind != SegmentKind::MANIFEST;
        let behind_header = offset + HEADER_BYTES as u64;
        let payload_offset = if large { align_up(behind_header, BLOCK_BYTES) } else { behind_header };
        let table_bytes = if large { block_count(data_bytes) * 8 } else { 0 };
        let end = payload_offset + data_bytes + table_bytes;
        let extent = Extent {
            offset,
            payload_offset,
            data_bytes,
            table_bytes,
            padding_bytes: align_up(end, SEGMENT_ALIGN_BYTES) - end,
        };
        check_payload_bytes(kind, extent.payload_bytes())?;
        if extent.end() > FILE_BYTES_MAX {
            return Err(WireError::TooLarge("the file"));
        }
        Ok(extent)
    }

    /// The layout that a header found at `offset` declares, checked for sense but not against the file's length.
    pub fn of(offset: u64, header: &SegmentHeader) -> Result<Extent, WireError> {
        check_payload_bytes(header.kind, header.payload_bytes)?;
        if !offset.is_multiple_of(SEGMENT_ALIGN_BYTES) || offset >= FILE_BYTES_MAX {
            return Err(WireError::Invalid("segment offset"));
        }
        let payload_offset = offset + u64::from(header.payload_start_units) * SEGMENT_ALIGN_BYTES;
        let (data_bytes, table_bytes) = if header.flags.contains(SegmentFlags::BLOCK_TABLE) {
            // data + 8 * ceil(data / 4096) = payload has one solution at most: try the two candidates.
            let data_bytes = split_payload(header.payload_bytes)?;
            (data_bytes, header.payload_bytes - data_bytes)
        } else if header.payload_bytes > BLOCK_TABLE_FROM_BYTES && header.kind != SegmentKind::MANIFEST {
            return Err(WireError::Invalid("large segment without a block table"));
        } else {
            (header.payload_bytes, 0)
        };
        let extent =
            Extent { offset, payload_offset, data_bytes, table_bytes, padding_bytes: u64::from(header.padding_bytes) };
        let end = payload_offset + header.payload_bytes;
        if extent.padding_bytes != align_up(end, SEGMENT_ALIGN_BYTES) - end {
            return Err(WireError::Invalid("segment padding length"));
        }
        if extent.end() > FILE_BYTES_MAX {
            return Err(WireError::TooLarge("the file"));
        }
        Ok(extent)
    }

    /// Bytes of data and block table.
    pub fn payload_bytes(&self) -> u64 {
        self.data_bytes + self.table_bytes
    }

    /// First byte behind the segment, where the next one starts.
    pub fn end(&self) -> u64 {
        self.payload_offset + self.payload_bytes() + self.padding_bytes
    }
}

fn check_payload_bytes(kind: SegmentKind, payload_bytes: u64) -> Result<(), WireError> {
    let payload_bytes_max = if kind == SegmentKind::MANIFEST { MANIFEST_BYTES_MAX } else { SEGMENT_BYTES_MAX };
    if payload_bytes > payload_bytes_max {
        return Err(WireError::TooLarge("segment payload"));
    }
    Ok(())
}

/// Data bytes of a payload that ends with its block table.
fn split_payload(payload_bytes: u64) -> Result<u64, WireError> {
    let estimate = payload_bytes / (BLOCK_BYTES + 8);
    [estimate, estimate + 1]
        .into_iter()
        .filter_map(|blocks| payload_bytes.checked_sub(blocks * 8).map(|data| (blocks, data)))
        .find(|(blocks, data)| block_count(*data) == *blocks)
        .map(|(_, data)| data)
        .ok_or(WireError::Invalid("block table length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_table_lengths_follow_from_the_payload_length() {
        for data_bytes in [65_537u64, 69_632, 69_633, 1 << 20, (1 << 20) + 1, SEGMENT_BYTES_MAX / 2] {
            let extent = Extent::plan(12_288, SegmentKind::VEC, data_bytes).unwrap();
            assert_eq!(split_payload(extent.payload_bytes()), Ok(data_bytes));
            assert_eq!(extent.payload_offset % BLOCK_BYTES, 0);
            assert_eq!(extent.end() % SEGMENT_ALIGN_BYTES, 0);
        }
    }

    #[test]
    fn small_payloads_follow_their_header_at_once() {
        let extent = Extent::plan(64, SegmentKind::JOURNAL, 65_536).unwrap();
        assert_eq!((extent.payload_offset, extent.table_bytes), (128, 0));
    }
}
