//! Vectors whose bytes are headers of the very file they are stored in, made by someone who has read it.

use std::sync::Arc;

use rvf_runtime::storage::{OpenMode, Storage, StorageResult};
use rvf_runtime::types::{SegmentFlags, SegmentKind};
use rvf_wire::{HEAD_BYTES, HEADER_BYTES, Head, SegmentHeader};

use super::{Change, DIMENSION, Entry, PATH};
use crate::kit::Rng;

const ROW_BYTES: usize = DIMENSION as usize * 4;
/// An id of this length puts the vector of a journal's first row on a 64-byte boundary of the file.
const ALIGNING_ID_BYTES: usize = 20;

/// Flags that forged headers have: of an append of its own, of a longer one, of a part of one, and of two versions to
/// come.
pub const FORGED_FLAGS: [SegmentFlags; 5] = [
    SegmentFlags::NONE,
    SegmentFlags::MORE_FOLLOWS,
    SegmentFlags::SAME_APPEND,
    SegmentFlags::COMPRESSED,
    SegmentFlags(SegmentFlags::ENCRYPTED.0 | SegmentFlags::SAME_APPEND.0),
];

/// A batch of `count` rows that look like segments written after everything the file holds now.
pub fn forged_rows(
    storage: &dyn Storage,
    random: &mut Rng,
    flags: SegmentFlags,
    count: usize,
) -> StorageResult<Change> {
    let file = storage.open(PATH, OpenMode::Read)?;
    let mut bytes = vec![0; HEAD_BYTES];
    file.read_at(0, &mut bytes)?;
    let salt = Head::decode(&bytes).unwrap().salt;
    let entries = (0..count).map(|index| {
        let id = format!("{:0width$}", random.below(8) * 100 + index, width = ALIGNING_ID_BYTES);
        let headers = (0..ROW_BYTES / HEADER_BYTES).flat_map(|_| forged_header(salt, flags, random));
        (id, Arc::new(Entry { vector: headers.collect(), metadata: None }))
    });
    Ok(Change::Put(entries.collect()))
}

/// A header that the file's own reader takes for one; its bytes are also finite floats.
fn forged_header(salt: u32, flags: SegmentFlags, random: &mut Rng) -> [u8; HEADER_BYTES] {
    let kinds = [SegmentKind::JOURNAL, SegmentKind::VEC, SegmentKind::MANIFEST];
    let mut header = SegmentHeader {
        kind: kinds[random.below(3)],
        flags,
        id: 100_000 + random.below(1_000) as u64,
        payload_bytes: random.below(3) as u64 * 64,
        timestamp_ns: 0,
        payload_start_units: 1,
        content_hash: [0; 16],
        padding_bytes: 0,
    };
    loop {
        let bytes = header.encode(salt);
        let is_finite = |word: &[u8]| f32::from_le_bytes([word[0], word[1], word[2], word[3]]).is_finite();
        if bytes.chunks_exact(4).all(is_finite) {
            return bytes;
        }
        header.timestamp_ns += 1;
    }
}
