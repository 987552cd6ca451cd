use rvf_types::{FileId, SegmentFlags, SegmentKind};

use crate::{HEADER_BYTES, SegmentHeader, WireError, read_array, read_u32, read_u64, slice};

/// Bytes of the HEAD segment, header included: one block of identity and two blocks with an anchor each.
pub const HEAD_BYTES: usize = 12_288;
/// Offsets of the two anchor slots in the file.
pub const ANCHOR_OFFSETS: [u64; 2] = [4_096, 8_192];

const IDENTITY_BYTES: usize = 4_096;
const ANCHOR_BYTES: usize = 20;

/// First segment of the file: who the file is. Never written again, but for the anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Random name of the file.
    pub file_id: FileId,
    /// Random seed of header CRCs and id hashes; never shown outside.
    pub salt: u32,
    /// Nanoseconds since the Unix epoch.
    pub created_ns: u64,
    /// Feature bits at creation: compat, ro_compat, incompat.
    pub features: [u64; 3],
}

/// A hint to the newest root page, at worst an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Offset of the root page.
    pub root_offset: u64,
    /// Epoch of the state it describes.
    pub epoch: u64,
}

impl Head {
    /// The whole HEAD segment, both anchors empty.
    pub fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0x40..0x50].copy_from_slice(&self.file_id.0);
        bytes[0x50..0x54].copy_from_slice(&self.salt.to_le_bytes());
        bytes[0x58..0x60].copy_from_slice(&self.created_ns.to_le_bytes());
        for (index, mask) in self.features.iter().enumerate() {
            bytes[0x60 + index * 8..][..8].copy_from_slice(&mask.to_le_bytes());
        }
        let mut header = head_header(self.created_ns);
        header.content_hash = header.hash_content(&[&bytes[HEADER_BYTES..IDENTITY_BYTES]]);
        bytes[..HEADER_BYTES].copy_from_slice(&header.encode(0));
        bytes
    }

    /// Reads and checks the identity block. The anchors are read on their own.
    pub fn decode(bytes: &[u8]) -> Result<Head, WireError> {
        const WHAT: &str = "HEAD";
        let bytes = slice(bytes, 0, HEAD_BYTES, WHAT)?;
        let header = SegmentHeader::decode(bytes, 0)?;
        let expected = SegmentHeader { content_hash: header.content_hash, ..head_header(header.timestamp_ns) };
        if header != expected {
            return Err(WireError::Invalid(WHAT));
        }
        if header.hash_content(&[&bytes[HEADER_BYTES..IDENTITY_BYTES]]) != header.content_hash {
            return Err(WireError::Checksum(WHAT));
        }
        Ok(Head {
            file_id: FileId(read_array(bytes, 0x40, WHAT)?),
            salt: read_u32(bytes, 0x50, WHAT)?,
            created_ns: read_u64(bytes, 0x58, WHAT)?,
            features: [read_u64(bytes, 0x60, WHAT)?, read_u64(bytes, 0x68, WHAT)?, read_u64(bytes, 0x70, WHAT)?],
        })
    }
}

fn head_header(timestamp_ns: u64) -> SegmentHeader {
    SegmentHeader {
        kind: SegmentKind::HEAD,
        flags: SegmentFlags::NONE,
        id: 1,
        payload_bytes: (HEAD_BYTES - HEADER_BYTES) as u64,
        timestamp_ns,
        payload_start_units: 1,
        content_hash: [0; 16],
        padding_bytes: 0,
    }
}

impl Anchor {
    /// The anchor's block, zeros behind it.
    pub fn encode(&self, salt: u32) -> [u8; ANCHOR_BYTES] {
        let mut bytes = [0; ANCHOR_BYTES];
        bytes[0..8].copy_from_slice(&self.root_offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        let crc = crc32c::crc32c_append(salt, &bytes[..16]);
        bytes[16..20].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads an anchor slot's block: `Ok(None)` where it was never written, an error where it is not whole.
    pub fn decode(block: &[u8], salt: u32) -> Result<Option<Anchor>, WireError> {
        const WHAT: &str = "anchor";
        let slot = slice(block, 0, ANCHOR_BYTES, WHAT)?;
        if block[ANCHOR_BYTES..].iter().any(|byte| *byte != 0) {
            return Err(WireError::Checksum(WHAT));
        }
        if slot.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if crc32c::crc32c_append(salt, &slot[..16]) != read_u32(slot, 16, WHAT)? {
            return Err(WireError::Checksum(WHAT));
        }
        Ok(Some(Anchor { root_offset: read_u64(slot, 0, WHAT)?, epoch: read_u64(slot, 8, WHAT)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_anchor_read_back_as_written() {
        let head = Head { file_id: FileId([3; 16]), salt: 77, created_ns: 5, features: [0, 0, 0] };
        assert_eq!(Head::decode(&head.encode()), Ok(head));
        let anchor = Anchor { root_offset: 99, epoch: 4 };
        assert_eq!(Anchor::decode(&anchor.encode(77), 77), Ok(Some(anchor)));
        assert_eq!(Anchor::decode(&[0; 4096], 77), Ok(None));
        assert!(Anchor::decode(&anchor.encode(77), 78).is_err());
    }

    #[test]
    fn every_flipped_byte_of_the_identity_block_is_found() {
        let bytes = Head { file_id: FileId([3; 16]), salt: 77, created_ns: 5, features: [0, 0, 0] }.encode();
        for at in 0..IDENTITY_BYTES {
            let mut flipped = bytes;
            flipped[at] ^= 1;
            assert!(Head::decode(&flipped).is_err(), "byte {at}");
        }
    }
}
