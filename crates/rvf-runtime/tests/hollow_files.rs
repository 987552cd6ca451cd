//! Files that are long because they are full of holes, with every checksum right: what they cost is bounded, or an error.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use damage_common::fixed_host::NOW_NS;
use damage_common::forger::{Forger, JournalCounts};
use damage_common::patience::{BYTES_MAX, assert_harmless, assert_refused};
use damage_common::peak_memory::{CountingAllocator, peak_of};
use damage_common::{PATH, samples};
use rvf_manifest::{ROOT_PAGE_BYTES, SegmentEntry};
use rvf_runtime::types::{ErrorCode, Metric, Row, SegmentFlags, SegmentKind};
use rvf_runtime::{OpenOptions, RvfStore};
use rvf_wire::{IDS_HEADER_BYTES, SegmentHeader, VEC_HEADER_BYTES, VecHeader};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn forger() -> Forger {
    Forger::of(&samples::closed().bytes)
}

fn next_id(forger: &Forger) -> u64 {
    forger.known.last_segment_id + 1
}

fn entry(offset: u64, header: SegmentHeader, first_row: Row, row_count: u32) -> SegmentEntry {
    SegmentEntry { offset, header, first_row, row_count }
}

#[test]
fn tombstones_longer_than_all_rows_need_are_refused_unread() {
    let mut forger = forger();
    let (at, id) = (forger.len(), next_id(&forger));
    let flags = SegmentFlags::TOMBSTONE;
    let (header, end) = forger.write_hollow_segment(at, SegmentKind::JOURNAL, flags, id, (&[], 120 << 20));
    forger.plant_manifest(end, id + 1, |manifest| manifest.segments.push(entry(at, header, 0, 0)));
    assert_refused("120 MiB of tombstones", &forger);
}

/// Manifests one behind the other, each with a gap of zeros in front of its root page; no anchor names one.
fn many_manifests(count: u64, gap_bytes: usize, flags: SegmentFlags) -> Forger {
    let mut forger = forger();
    let mut at = forger.len();
    forger.plant_anchors(None);
    let first_id = next_id(&forger);
    let zeros = vec![0; gap_bytes];
    for id in first_id..first_id + count {
        let manifest = rvf_manifest::Manifest { next_segment_id: id + 1, ..forger.known.manifest.clone() };
        let payload = manifest.encode(at, forger.salt());
        let (level1, root) = payload.split_at(payload.len() - ROOT_PAGE_BYTES);
        let mut header = forger.header(SegmentKind::MANIFEST, id, (payload.len() + gap_bytes) as u64);
        header.flags = flags;
        let sealed = forger.seal(&mut header, &[level1, &zeros, root]);
        forger.write(at, [&sealed[..], level1].concat());
        let root_at = at + (64 + level1.len() + gap_bytes) as u64;
        forger.write(root_at, root.to_vec());
        at = root_at + ROOT_PAGE_BYTES as u64 + u64::from(header.padding_bytes);
        forger.set_len(at);
    }
    forger
}

#[test]
fn of_many_manifests_only_the_newest_is_kept() {
    let forger = many_manifests(12, 24 << 20, SegmentFlags::NONE);
    assert_harmless("12 manifests of 24 MiB", &forger);
    let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).unwrap();
    assert!(samples::closed().expected().compare(&store).is_right());
}

#[test]
fn many_manifests_in_one_append_are_refused() {
    assert_refused("12 manifests of 24 MiB in one append", &many_manifests(12, 24 << 20, SegmentFlags::SAME_APPEND));
}

#[test]
fn a_manifest_beyond_its_limit_is_refused() {
    let mut forger = forger();
    let (at, id) = (forger.len(), next_id(&forger));
    let mut header = forger.header(SegmentKind::MANIFEST, id, (32 << 20) + 64);
    let sealed = forger.seal(&mut header, &[]);
    forger.write(at, sealed.to_vec());
    forger.set_len(at + (64 << 20));
    assert_refused("a manifest of 32 MiB and 64 bytes", &forger);
}

/// A commit that adopts `segments` segments of vectors, each as large as a segment can be.
fn large_commit(forger: &mut Forger, segments: u64) {
    let options = forger.known.manifest.options.clone();
    let mut at = forger.len();
    let first_id = next_id(forger);
    let mut hashes = Vec::new();
    for index in 0..segments {
        let shape = VecHeader {
            space: 0,
            data_type: options.data_type,
            metric: options.metric,
            dimension: options.dimension,
            first_row: 0,
            row_count: 0,
        };
        let mut flags = SegmentFlags::MORE_FOLLOWS;
        if index > 0 {
            flags = flags.with(SegmentFlags::SAME_APPEND);
        }
        let data = (&shape.encode()[..], 127 << 20);
        let (header, end) = forger.write_hollow_segment(at, SegmentKind::VEC, flags, first_id + index, data);
        hashes.push(header.content_hash);
        at = end;
    }
    let operations = [&[3, 0, 0, 0][..], &(segments as u32).to_le_bytes()].concat();
    let counts = JournalCounts { operations: 1, ..JournalCounts::default() };
    let payload = forger.journal(counts, &operations, &hashes);
    let mut header = forger.header(SegmentKind::JOURNAL, first_id + segments, payload.len() as u64);
    header.flags = SegmentFlags::SAME_APPEND;
    let segment = forger.segment(header, &payload);
    forger.write(at, segment);
}

#[test]
fn an_append_longer_than_a_writer_makes_is_refused_unread() {
    let mut forger = forger();
    let at = forger.len();
    large_commit(&mut forger, 20);
    // Read, this would be a tear.
    forger.write(at + 8_192, vec![1]);
    let (opened, peak_bytes) = peak_of(|| RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()));
    assert_eq!(opened.err().unwrap().code, ErrorCode::InvalidManifest);
    assert!(peak_bytes < BYTES_MAX);
    assert_refused("a commit of 2.5 GiB", &forger);
}

/// A store of packed bits with `rows` rows that all are zeros and have no id; those in `dead` are dead.
fn hollow_store(rows: u32, dead: Option<roaring::RoaringBitmap>) -> Forger {
    const ROWS_PER_SEGMENT: u32 = 31 << 20;
    let sample = samples::compacted();
    let mut forger = Forger::of(&sample.bytes);
    let (mut at, mut id) = (forger.len(), next_id(&forger));
    let mut segments = Vec::new();
    for first_row in (0..rows).step_by(ROWS_PER_SEGMENT as usize) {
        let row_count = ROWS_PER_SEGMENT.min(rows - first_row);
        let shape = VecHeader {
            space: 0,
            data_type: rvf_runtime::types::DataType::Binary,
            metric: Metric::Hamming,
            dimension: 8,
            first_row,
            row_count,
        };
        let mut ids = [0; IDS_HEADER_BYTES];
        ids[..4].copy_from_slice(&first_row.to_le_bytes());
        ids[4..8].copy_from_slice(&row_count.to_le_bytes());
        let vectors = shape.encode();
        assert_eq!(shape.data_bytes(), VEC_HEADER_BYTES as u64 + u64::from(row_count));
        let offsets_bytes = (u64::from(row_count) + 1) * 4;
        for (kind, start, zeros) in
            [(SegmentKind::VEC, &vectors[..], u64::from(row_count)), (SegmentKind::IDS, &ids[..], offsets_bytes)]
        {
            let (header, end) = forger.write_hollow_segment(at, kind, SegmentFlags::NONE, id, (start, zeros));
            segments.push(entry(at, header, first_row, row_count));
            (at, id) = (end, id + 1);
        }
    }
    let dead_count = dead.as_ref().map_or(0, roaring::RoaringBitmap::len);
    if let Some(mut dead) = dead {
        dead.optimize();
        let mut bytes = Vec::new();
        dead.serialize_into(&mut bytes).unwrap();
        let mut header = forger.header(SegmentKind::JOURNAL, id, bytes.len() as u64);
        header.flags = SegmentFlags::TOMBSTONE;
        let segment = forger.segment(header, &bytes);
        header.content_hash = header.hash_content(&[&bytes]);
        segments.push(entry(at, header, 0, 0));
        let end = at + segment.len() as u64;
        forger.write(at, segment);
        (at, id) = (end, id + 1);
    }
    forger.plant_manifest(at, id, |manifest| {
        manifest.options.dimension = 8;
        manifest.segments = segments;
        manifest.next_row = rows;
        manifest.dead_count = dead_count;
        manifest.vector_count = u64::from(rows) - dead_count;
        manifest.modified_ns = NOW_NS;
    });
    forger
}

#[test]
fn rows_without_ids_are_refused() {
    assert_refused("50,000,000 rows of holes", &hollow_store(50_000_000, None));
}

#[test]
fn many_dead_rows_in_few_bytes_are_harmless() {
    let rows = 50_000_000;
    let mut dead = roaring::RoaringBitmap::new();
    dead.insert_range(0..rows);
    assert_harmless("50,000,000 dead rows", &hollow_store(rows, Some(dead)));
}
