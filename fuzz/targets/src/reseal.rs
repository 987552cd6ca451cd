//! Makes the checksums of an edited file right again, so that what is behind them is reached: header CRCs, content hashes,
//! root pages, anchors, and the links of witness entries. Lengths and counts stay as the edits left them.

use rvf_crypto::WitnessEntry;
use rvf_manifest::witness_summary;
use rvf_types::{SegmentFlags, SegmentKind};
use rvf_wire::{
    ANCHOR_OFFSETS, Anchor, HEAD_BYTES, HEADER_BYTES, JOURNAL_HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader,
    WITNESS_ENTRY_BYTES, block_table, content_hash, read_u16, read_u32, read_u64,
};

const ROOT_PAGE_BYTES: usize = rvf_manifest::ROOT_PAGE_BYTES;
const ROOT_WITNESS_AT: usize = 0xFAC;
const ROOT_CRC_AT: usize = 0xFFC;
const SALT_AT: usize = 0x50;
/// How many segments are followed.
const SEGMENTS_MAX: usize = 1_000;

/// The state of a walk from segment to segment.
struct Sealer {
    salt: u32,
    witness_head: [u8; 32],
    /// Content hashes of the segments in front of the transaction's last one.
    in_front: Vec<[u8; 16]>,
}

/// Seals everything that can be found by walking from the head.
pub(crate) fn reseal(bytes: &mut [u8]) {
    if bytes.len() < HEAD_BYTES {
        return;
    }
    let salt = read_u32(bytes, SALT_AT, "salt").unwrap_or(0);
    seal_head(bytes, salt);
    let mut sealer = Sealer { salt, witness_head: [0; 32], in_front: Vec::new() };
    let mut offset = HEAD_BYTES;
    for _ in 0..SEGMENTS_MAX {
        let Some(next) = sealer.seal(bytes, offset) else { return };
        offset = next;
    }
}

fn seal_head(bytes: &mut [u8], salt: u32) {
    if let Some(mut header) = lenient_header(bytes) {
        header.content_hash = header.hash_content(&[&bytes[HEADER_BYTES..4096]]);
        bytes[..HEADER_BYTES].copy_from_slice(&header.encode(0));
    }
    for offset in ANCHOR_OFFSETS.map(|offset| offset as usize) {
        let root_offset = read_u64(bytes, offset, "anchor").unwrap_or(0);
        let epoch = read_u64(bytes, offset + 8, "anchor").unwrap_or(0);
        if (root_offset, epoch) != (0, 0) {
            let encoded = Anchor { root_offset, epoch }.encode(salt);
            bytes[offset..offset + encoded.len()].copy_from_slice(&encoded);
        }
    }
}

/// A header's fields, whatever its checksums and version say.
fn lenient_header(bytes: &[u8]) -> Option<SegmentHeader> {
    let header = bytes.get(..HEADER_BYTES)?;
    if read_u32(header, 0, "magic") != Ok(SEGMENT_MAGIC) {
        return None;
    }
    Some(SegmentHeader {
        kind: SegmentKind(header[5]),
        flags: SegmentFlags(read_u16(header, 6, "flags").ok()?),
        id: read_u64(header, 8, "id").ok()?,
        payload_bytes: read_u64(header, 16, "payload").ok()?,
        timestamp_ns: read_u64(header, 24, "time").ok()?,
        payload_start_units: read_u16(header, 0x22, "start").ok()?,
        content_hash: [0; 16],
        padding_bytes: read_u32(header, 0x3C, "padding").ok()?,
    })
}

impl Sealer {
    /// Seals the segment at `offset` and answers where the next one starts.
    fn seal(&mut self, bytes: &mut [u8], offset: usize) -> Option<usize> {
        let mut header = lenient_header(bytes.get(offset..)?)?;
        let start = offset.checked_add(usize::from(header.payload_start_units) * 64)?;
        let end = start.checked_add(usize::try_from(header.payload_bytes).ok()?)?;
        let next = end.checked_add(header.padding_bytes as usize)?.next_multiple_of(64);
        let hash = match bytes.get_mut(start..end) {
            Some(payload) => {
                self.seal_payload(&header, payload);
                let has_table = header.flags.contains(SegmentFlags::BLOCK_TABLE);
                let table_bytes = if has_table { seal_block_table(payload) } else { payload.len() };
                header.hash_content(&[&payload[payload.len() - table_bytes..]])
            }
            None => [0; 16],
        };
        header.content_hash = hash;
        bytes[offset..offset + HEADER_BYTES].copy_from_slice(&header.encode(self.salt));
        if header.flags.contains(SegmentFlags::MORE_FOLLOWS) {
            self.in_front.push(hash);
        } else {
            self.in_front.clear();
        }
        (next > offset && next < bytes.len()).then_some(next)
    }

    fn seal_payload(&mut self, header: &SegmentHeader, payload: &mut [u8]) {
        match header.kind {
            SegmentKind::MANIFEST if payload.len() >= ROOT_PAGE_BYTES => {
                let root_at = payload.len() - ROOT_PAGE_BYTES;
                let root = &mut payload[root_at..];
                self.witness_head.copy_from_slice(&root[ROOT_WITNESS_AT..ROOT_WITNESS_AT + 32]);
                let crc = crc(self.salt, &root[..ROOT_CRC_AT]);
                root[ROOT_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
            }
            SegmentKind::JOURNAL if !header.flags.contains(SegmentFlags::TOMBSTONE) => {
                self.seal_journal(payload);
            }
            _ => {}
        }
    }

    /// Links the journal's witness entry to the one before, and to what the journal now says.
    fn seal_journal(&mut self, payload: &mut [u8]) -> Option<()> {
        let operations_bytes = usize::try_from(read_u64(payload, 24, "operations").ok()?).ok()?;
        let witness_at = JOURNAL_HEADER_BYTES.checked_add(operations_bytes)?;
        let entry = payload.get(witness_at..witness_at.checked_add(WITNESS_ENTRY_BYTES)?)?;
        let mut entry = WitnessEntry::decode(entry.try_into().ok()?).ok()?;
        let rows = read_u32(payload, 8, "rows").ok()?;
        let epoch = read_u64(payload, 16, "epoch").ok()?;
        let deletes = count_deletes(&payload[JOURNAL_HEADER_BYTES..witness_at]);
        let hashes = self.in_front.iter().copied();
        entry.previous_hash = self.witness_head;
        entry.action_hash =
            witness_summary(epoch, u64::from(rows), deletes, hashes, content_hash(&payload[..witness_at]));
        payload[witness_at..witness_at + WITNESS_ENTRY_BYTES].copy_from_slice(&entry.encode());
        self.witness_head = entry.hash();
        Some(())
    }
}

/// Deletions in journals that only delete, as all do in the files that scripts start from.
fn count_deletes(operations: &[u8]) -> u64 {
    operations.chunks_exact(8).take_while(|operation| operation[0] == 2).filter(|operation| operation[1] == 0).count()
        as u64
}

/// Writes the block table anew and answers its length.
fn seal_block_table(payload: &mut [u8]) -> usize {
    let blocks = payload.len().div_ceil(4096 + 8);
    let data_bytes = payload.len().saturating_sub(blocks * 8);
    let table = block_table(&[&payload[..data_bytes]]);
    let len = table.len().min(payload.len() - data_bytes);
    payload[data_bytes..data_bytes + len].copy_from_slice(&table[..len]);
    payload.len() - data_bytes
}

/// CRC32C continued from `salt`, bit by bit.
fn crc(salt: u32, bytes: &[u8]) -> u32 {
    let mut state = !salt;
    for byte in bytes {
        state ^= u32::from(*byte);
        for _ in 0..8 {
            state = if state & 1 == 1 { state >> 1 ^ 0x82F6_3B78 } else { state >> 1 };
        }
    }
    !state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::BASES;

    #[test]
    fn a_whole_file_is_sealed_as_it_is() {
        for base in BASES {
            let mut sealed = base.to_vec();
            reseal(&mut sealed);
            assert!(sealed == base);
        }
    }

    #[test]
    fn a_file_whose_checksums_were_all_cleared_gets_them_back() {
        for base in BASES {
            let mut sealed = base.to_vec();
            let mut offset = HEAD_BYTES;
            while let Some(header) = sealed.get(offset..).and_then(lenient_header) {
                sealed[offset + 0x24..offset + 0x38].fill(0);
                let start = u64::from(header.payload_start_units) * 64;
                offset += (start + header.payload_bytes + u64::from(header.padding_bytes)) as usize;
            }
            sealed[0x24..0x38].fill(0);
            reseal(&mut sealed);
            assert!(sealed == base);
        }
    }
}
