//! Somebody who can read a store's file, so that the salt and every checksum are known, and writes what was never
//! committed.

use std::convert::Infallible;
use std::sync::Arc;

use rvf_manifest::{ByteSource, Manifest, ROOT_PAGE_BYTES, Recovered, recover, witness_summary};
use rvf_runtime::Host;
use rvf_runtime::storage::{MemoryStorage, Storage, StorageFile};
use rvf_runtime::types::{SegmentFlags, SegmentKind};
use rvf_wire::{ANCHOR_OFFSETS, Anchor, SegmentHeader, block_table, content_hash};

use super::fixed_host::{self, NOW_NS};
use super::{PATH, file_bytes};

/// Bytes as the manifest crate reads them.
pub struct Bytes<'a>(pub &'a [u8]);

impl ByteSource for Bytes<'_> {
    type Error = Infallible;

    fn len(&self) -> Result<u64, Infallible> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, Infallible> {
        Ok(self.0[offset as usize..offset as usize + len].to_vec())
    }
}

/// What is known of a store, and pieces of another file made from it. Between the pieces there are holes.
pub struct Forger {
    pub known: Recovered,
    pieces: Vec<(u64, Vec<u8>)>,
    len: u64,
}

impl Forger {
    /// Reads a store; the forged file starts as a copy of it.
    pub fn of(bytes: &[u8]) -> Forger {
        let known = recover(&Bytes(bytes)).unwrap();
        Forger { known, pieces: vec![(0, bytes.to_vec())], len: bytes.len() as u64 }
    }

    pub fn salt(&self) -> u32 {
        self.known.head.salt
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Forgets everything written so far.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.len = 0;
    }

    /// Writes bytes over whatever is there.
    pub fn write(&mut self, offset: u64, bytes: Vec<u8>) {
        self.len = self.len.max(offset + bytes.len() as u64);
        self.pieces.push((offset, bytes));
    }

    pub fn set_len(&mut self, len: u64) {
        self.len = len;
    }

    /// A segment's header with everything right but what the caller changes.
    pub fn header(&self, kind: SegmentKind, id: u64, payload_bytes: u64) -> SegmentHeader {
        SegmentHeader {
            kind,
            flags: SegmentFlags::NONE,
            id,
            payload_bytes,
            timestamp_ns: NOW_NS.wrapping_add(id),
            payload_start_units: 1,
            content_hash: [0; 16],
            padding_bytes: (payload_bytes.next_multiple_of(64) - payload_bytes) as u32,
        }
    }

    /// Hashes what the content hash covers, and answers the header's bytes with a right CRC.
    pub fn seal(&self, header: &mut SegmentHeader, hashed: &[&[u8]]) -> [u8; 64] {
        header.content_hash = header.hash_content(hashed);
        header.encode(self.salt())
    }

    /// A whole segment: header, payload, padding. Payloads that need a block table are not for this.
    pub fn segment(&self, mut header: SegmentHeader, payload: &[u8]) -> Vec<u8> {
        let mut bytes = self.seal(&mut header, &[payload]).to_vec();
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len() + header.padding_bytes as usize, 0);
        bytes
    }

    /// A segment with a block table at `offset`, whose data is nothing but zeros, which are left to be a hole. Answers its
    /// header and its end.
    pub fn write_hollow_segment(
        &mut self,
        offset: u64,
        kind: SegmentKind,
        flags: SegmentFlags,
        id: u64,
        data: (&[u8], u64),
    ) -> (SegmentHeader, u64) {
        let (start, zero_bytes) = data;
        let table = hollow_table(start, zero_bytes);
        let payload_offset = (offset + 64).next_multiple_of(4096);
        let payload_bytes = start.len() as u64 + zero_bytes + table.len() as u64;
        let mut header = self.header(kind, id, payload_bytes);
        header.flags = flags.with(SegmentFlags::BLOCK_TABLE);
        header.payload_start_units = ((payload_offset - offset) / 64) as u16;
        let sealed = self.seal(&mut header, &[&table]);
        self.write(offset, sealed.to_vec());
        self.write(payload_offset, start.to_vec());
        self.write(payload_offset + start.len() as u64 + zero_bytes, table);
        let end = (payload_offset + payload_bytes).next_multiple_of(64);
        self.set_len(self.len.max(end));
        (header, end)
    }

    /// A whole MANIFEST segment for `offset`: the newest state, changed.
    pub fn manifest(&self, offset: u64, id: u64, change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
        let mut manifest = Manifest { next_segment_id: id.wrapping_add(1), ..self.known.manifest.clone() };
        change(&mut manifest);
        let payload = manifest.encode(offset, self.salt());
        self.segment(self.header(SegmentKind::MANIFEST, id, payload.len() as u64), &payload)
    }

    /// Writes a manifest and points both anchors at it, as if it had been committed; answers its end.
    pub fn plant_manifest(&mut self, offset: u64, id: u64, change: impl FnOnce(&mut Manifest)) -> u64 {
        let segment = self.manifest(offset, id, change);
        let root_offset = offset + segment.len() as u64 - ROOT_PAGE_BYTES as u64;
        let end = offset + segment.len() as u64;
        self.write(offset, segment);
        self.plant_anchors(Some(Anchor { root_offset, epoch: self.known.epoch }));
        end
    }

    /// Writes both anchor slots.
    pub fn plant_anchors(&mut self, anchor: Option<Anchor>) {
        let mut block = vec![0; 4096];
        if let Some(anchor) = anchor {
            let encoded = anchor.encode(self.salt());
            block[..encoded.len()].copy_from_slice(&encoded);
        }
        for offset in ANCHOR_OFFSETS {
            self.write(offset, block.clone());
        }
    }

    /// The payload of a journal that continues the newest commit, with these operations.
    pub fn journal(&self, counts: JournalCounts, operations: &[u8], in_front: &[[u8; 16]]) -> Vec<u8> {
        let epoch = self.known.epoch + 1;
        let first_row = counts.first_row.unwrap_or(self.known.manifest.next_row);
        let mut bytes = vec![1, 0, 0, 0];
        bytes.extend_from_slice(&first_row.to_le_bytes());
        bytes.extend_from_slice(&counts.rows.to_le_bytes());
        bytes.extend_from_slice(&counts.operations.to_le_bytes());
        bytes.extend_from_slice(&epoch.to_le_bytes());
        bytes.extend_from_slice(&(operations.len() as u64).to_le_bytes());
        bytes.extend_from_slice(operations);
        let hashes = in_front.iter().copied();
        let entry = rvf_crypto::WitnessEntry {
            previous_hash: self.known.witness_head,
            action_hash: witness_summary(epoch, counts.rows.into(), counts.deletes, hashes, content_hash(&bytes)),
            timestamp_ns: NOW_NS,
            kind: rvf_crypto::WitnessKind::PROVENANCE,
        };
        bytes.extend_from_slice(&entry.encode());
        bytes
    }

    /// The forged file as the only one of a host's storage.
    pub fn host(&self) -> Host {
        let storage = MemoryStorage::new();
        let file: Arc<dyn StorageFile> = storage.create_exclusive(PATH).unwrap();
        file.set_len(self.len).unwrap();
        for (offset, bytes) in &self.pieces {
            let end = (offset + bytes.len() as u64).min(self.len);
            file.write_at(*offset, &[&bytes[..end.saturating_sub(*offset) as usize]]).unwrap();
        }
        fixed_host::over(Arc::new(storage))
    }

    /// All bytes of the forged file, holes as zeros.
    pub fn bytes(&self) -> Vec<u8> {
        file_bytes(&self.host())
    }
}

/// What a forged journal says of itself.
#[derive(Clone, Copy, Default)]
pub struct JournalCounts {
    /// `None` for the right one.
    pub first_row: Option<u32>,
    pub rows: u32,
    pub operations: u32,
    pub deletes: u64,
}

/// The block table of some bytes and the zeros behind them.
fn hollow_table(start: &[u8], zero_bytes: u64) -> Vec<u8> {
    let whole = start.len() as u64 + zero_bytes;
    let lead = start.len().next_multiple_of(4096).min(whole as usize);
    let mut first = start.to_vec();
    first.resize(lead, 0);
    let mut table = block_table(&[&first]);
    let zero_block = block_table(&[&[0; 4096]]);
    let rest = whole - lead as u64;
    for _ in 0..rest / 4096 {
        table.extend_from_slice(&zero_block);
    }
    if !rest.is_multiple_of(4096) {
        table.extend_from_slice(&block_table(&[&vec![0; (rest % 4096) as usize]]));
    }
    table
}
