use std::convert::Infallible;

use roaring::RoaringBitmap;
use rvf_manifest::{ByteSource, Manifest, ROOT_PAGE_BYTES, RootPage, recover};
use rvf_types::FileId;
use rvf_wire::{
    Anchor, Extent, HEADER_BYTES, HOT_HEADER_BYTES, Head, HotHeader, IdsLayout, Journal, MetaLayout, Operation,
    SegmentHeader, SketchPayload, VecHeader, WitnessRun, sketch_places,
};

/// Where a fuzzed manifest says that it lies.
const OFFSET: u64 = 1 << 40;

/// Reads `data` as every structure of the format; the first byte chooses which.
pub fn segment(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let len = bytes.len() as u64;
    match choice % 12 {
        0 => header(bytes),
        1 => drop(VecHeader::decode(bytes, len)),
        2 => ids(bytes),
        3 => meta(bytes),
        4 => journal(bytes),
        5 => drop(WitnessRun::decode(bytes).map(|run| run.encode())),
        6 => drop((Head::decode(bytes), Anchor::decode(bytes, 0))),
        7 => manifest(bytes),
        8 => drop(RoaringBitmap::deserialize_from(bytes)),
        9 => drop(recover(&Bytes(bytes))),
        10 => sketch(bytes),
        _ => hot(bytes),
    }
}

/// A header as it is, and its fields under a right CRC.
fn header(bytes: &[u8]) {
    let _ = SegmentHeader::decode(bytes, 0);
    let Some(bytes) = bytes.get(..HEADER_BYTES) else { return };
    let fields = SegmentHeader {
        kind: rvf_types::SegmentKind(bytes[5]),
        flags: rvf_types::SegmentFlags(u16::from_le_bytes([bytes[6], bytes[7]])),
        id: number(bytes, 8),
        payload_bytes: number(bytes, 16),
        timestamp_ns: number(bytes, 24),
        payload_start_units: u16::from_le_bytes([bytes[0x22], bytes[0x23]]),
        content_hash: [0; 16],
        padding_bytes: number(bytes, 0x38) as u32,
    };
    if let Ok(header) = SegmentHeader::decode(&fields.encode(1), 1) {
        assert_eq!(header, fields);
        if let Ok(extent) = Extent::of(number(bytes, 0x28), &header) {
            assert!(extent.end() >= extent.payload_offset && extent.payload_bytes() == header.payload_bytes);
        }
    }
}

/// What is read of a sketch is all of it, and a key's counters are among them.
fn sketch(bytes: &[u8]) {
    let Ok(sketch) = SketchPayload::decode(bytes) else { return };
    let hash = number(bytes, 8);
    assert!(sketch_places(hash, sketch.width).iter().all(|place| *place < sketch.counters.len()));
    assert_eq!(SketchPayload::decode(&sketch.encode()), Ok(sketch));
}

/// List and packed rows lie inside the payload.
fn hot(bytes: &[u8]) {
    let Ok(header) = HotHeader::decode(bytes, bytes.len() as u64) else { return };
    let rows_bytes = header.row_count as usize * header.row_bytes as usize;
    assert_eq!(header.rows_start() + rows_bytes, bytes.len());
    let _ = HotHeader::rows(&bytes[HOT_HEADER_BYTES..][..header.list_bytes()]);
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Everything that a layout points at lies inside the payload.
fn ids(bytes: &[u8]) {
    let Ok(layout) = IdsLayout::decode(bytes, bytes.len() as u64) else { return };
    assert!(layout.hash_at(layout.entry_count) <= bytes.len());
    assert!(layout.epoch_range_at(layout.epoch_range_count) <= bytes.len());
    assert!(layout.row_at(layout.entry_count) <= bytes.len());
    assert_eq!(layout.text_start() as u64 + layout.text_bytes, bytes.len() as u64);
}

fn meta(bytes: &[u8]) {
    let directory = MetaLayout::directory_bytes(bytes);
    let Ok(layout) = MetaLayout::decode(bytes, bytes.len() as u64) else { return };
    assert!(directory.is_ok_and(|len| len <= bytes.len()));
    assert!(layout.text_offsets_start + (layout.row_count as usize + 1) * 4 <= bytes.len());
    assert!(layout.text_start + layout.text_bytes <= bytes.len());
}

fn journal(bytes: &[u8]) {
    let Some((row_bytes, payload)) = bytes.split_first() else { return };
    let Ok(journal) = Journal::decode(payload) else { return };
    let row_bytes = usize::from(*row_bytes);
    let mut upserts = 0;
    for operation in journal.operations(row_bytes) {
        if let Ok(Operation::Upsert(upsert)) = operation {
            assert!(!upsert.id.is_empty() && upsert.vector.len() == row_bytes);
            upserts += 1;
        }
    }
    assert!(upserts * (13 + row_bytes) <= payload.len());
    let _ = journal.counts(row_bytes);
}

/// The bytes as Level 1, with a root page that is right.
fn manifest(bytes: &[u8]) {
    drop(Manifest::decode(bytes, OFFSET, 0));
    let _ = RootPage::decode(bytes, 0);
    let level1_bytes = bytes.len() as u64;
    let mut payload = bytes.to_vec();
    payload.resize(bytes.len().next_multiple_of(64), 0);
    let root = RootPage {
        level1_offset: OFFSET + HEADER_BYTES as u64,
        level1_bytes,
        vector_count: 1,
        dimension: 4,
        data_type: 0,
        profile: 0,
        created_ns: 1,
        modified_ns: 1,
        file_id: FileId::default(),
        parent_id: FileId::default(),
        parent_hash: [0; 32],
        lineage_depth: 0,
        features: [0; 3],
        epoch: 1,
        manifest_offset: OFFSET,
        witness_head: [0; 32],
    };
    payload.extend_from_slice(&root.encode(0));
    debug_assert_eq!(payload.len() % 64, ROOT_PAGE_BYTES % 64);
    let Ok(manifest) = Manifest::decode(&payload, OFFSET, 0) else { return };
    for entry in &manifest.segments {
        assert!(entry.extent().is_ok_and(|extent| extent.end() <= OFFSET));
    }
    // What was understood is written and understood the same way again.
    let again = Manifest::decode(&manifest.encode(OFFSET, 0), OFFSET, 0);
    assert_eq!(again.as_ref(), Ok(&manifest));
}

struct Bytes<'a>(&'a [u8]);

impl ByteSource for Bytes<'_> {
    type Error = Infallible;

    fn len(&self) -> Result<u64, Infallible> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, Infallible> {
        // Out of range is a panic: callers stay within the file's length.
        Ok(self.0[offset as usize..][..len].to_vec())
    }
}
