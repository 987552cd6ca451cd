//! Files that declare much more than they hold, or that lead in circles, with every checksum right: an error that tells of
//! damage, in little memory and time, and never a panic.
#![allow(clippy::type_complexity)] // tables of cases name their functions
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use damage_common::forger::{Forger, JournalCounts};
use damage_common::patience::{assert_harmless, assert_not_opened, assert_refused, outcome};
use damage_common::peak_memory::CountingAllocator;
use damage_common::{PATH, samples};
use rvf_manifest::SegmentEntry;
use rvf_runtime::types::limits::COUNTER_MAX;
use rvf_runtime::types::{DataType, ErrorCode, SegmentFlags, SegmentKind};
use rvf_runtime::{OnDuplicate, OpenOptions, RvfStore};
use rvf_wire::{HEAD_BYTES, SegmentHeader};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// A closed store, ready to be lied about.
fn forger() -> Forger {
    Forger::of(&samples::closed().bytes)
}

/// The number of the next segment.
fn next_id(forger: &Forger) -> u64 {
    forger.known.last_segment_id + 1
}

#[test]
fn lengths_without_bound_behind_the_end_are_a_tear_or_an_error() {
    for payload_bytes in [1 << 20, 128 << 20, (128 << 20) + 1, 1 << 31, 1 << 32, 1 << 53, 1 << 63, u64::MAX] {
        for flags in [SegmentFlags::NONE, SegmentFlags::BLOCK_TABLE, SegmentFlags::MORE_FOLLOWS] {
            let mut forger = forger();
            let mut header = forger.header(SegmentKind::JOURNAL, next_id(&forger), 64);
            header.payload_bytes = payload_bytes;
            header.flags = flags;
            header.padding_bytes = 0;
            let sealed = forger.seal(&mut header, &[]);
            forger.write(forger.len(), sealed.to_vec());
            assert_harmless(&format!("{payload_bytes} bytes, {flags:?}"), &forger);
        }
    }
}

#[test]
fn lengths_without_bound_in_the_directory_are_refused() {
    for payload_bytes in [128 << 20, 1 << 31, 1 << 32, 1 << 53, 1 << 63, u64::MAX] {
        for file_bytes in [0, 1 << 33, 1 << 50] {
            for kind in [SegmentKind::VEC, SegmentKind::IDS, SegmentKind::META, SegmentKind::JOURNAL] {
                let mut forger = forger();
                let at = forger.len().max(file_bytes);
                let id = next_id(&forger);
                forger.plant_manifest(at, id, |manifest| {
                    let entry = manifest.segments.iter_mut().find(|entry| entry.header.kind == kind).unwrap();
                    entry.header.payload_bytes = payload_bytes;
                });
                assert_refused(&format!("{payload_bytes} bytes of {kind:?} in {file_bytes}"), &forger);
            }
        }
    }
}

#[test]
fn features_that_are_reserved_are_errors_and_not_guesses() {
    for (flag, offset_in_header) in [(SegmentFlags::COMPRESSED, 6), (SegmentFlags::ENCRYPTED, 6)] {
        let mut forger = forger();
        let id = next_id(&forger);
        let mut header = forger.header(SegmentKind::JOURNAL, id, 1_000_000);
        header.flags = flag;
        let sealed = forger.seal(&mut header, &[]);
        assert_eq!(sealed[offset_in_header], flag.0 as u8);
        forger.write(forger.len(), sealed.to_vec());
        forger.set_len(forger.len() + (1 << 20));
        let error = outcome("a reserved flag", &forger).unwrap();
        assert_eq!(error.code, ErrorCode::AlgoUnsupported, "{error}");
    }
}

#[test]
fn vectors_of_a_reserved_type_are_an_error_and_not_a_guess() {
    for data_type in [DataType::Bf16, DataType::U8] {
        let mut forger = forger();
        let (at, id) = (forger.len(), next_id(&forger));
        forger.plant_manifest(at, id, |manifest| manifest.options.data_type = data_type);
        let error = outcome("a reserved type", &forger).unwrap();
        assert_eq!(error.code, ErrorCode::AlgoUnsupported, "{error}");
    }
}

/// A directory of `count` entries, each a changed copy of the store's first.
fn with_directory(count: u32, change: impl Fn(u32, &mut SegmentEntry)) -> Forger {
    let mut forger = forger();
    let at = forger.len();
    let id = next_id(&forger);
    forger.plant_manifest(at, id, |manifest| {
        let first = manifest.segments[0];
        manifest.segments.extend((0..count).map(|index| {
            let mut entry = first;
            change(index, &mut entry);
            entry
        }));
    });
    forger
}

#[test]
fn segments_that_overlap_are_refused() {
    assert_not_opened("the same segment twice", &with_directory(1, |_, _| {}));
    assert_not_opened("many times the same", &with_directory(10_000, |_, _| {}));
    let meta = |index: u32, entry: &mut SegmentEntry| {
        entry.header.kind = SegmentKind::META;
        entry.first_row = 20 + index;
        entry.row_count = 0;
    };
    assert_not_opened("metadata of no rows, many times", &with_directory(10_000, meta));
    let opaque = |_: u32, entry: &mut SegmentEntry| entry.header.kind = SegmentKind::KERNEL;
    assert_not_opened("a kernel over vectors", &with_directory(1, opaque));
    let inside_head = |_: u32, entry: &mut SegmentEntry| {
        entry.header.kind = SegmentKind::KERNEL;
        entry.offset = 64;
        entry.header.payload_bytes = 0;
        entry.header.padding_bytes = 0;
    };
    assert_not_opened("a kernel in the head", &with_directory(1, inside_head));
}

#[test]
fn a_huge_directory_costs_what_it_takes_in_the_file() {
    // Entries that overlap nothing, in a file of holes: each one claims the largest segment there is.
    const SEGMENT_BYTES: u64 = 128 << 20;
    let mut forger = forger();
    let id = next_id(&forger);
    let count = 100_000;
    let at = forger.len().next_multiple_of(SEGMENT_BYTES);
    forger.plant_manifest(at + count * SEGMENT_BYTES, id, |manifest| {
        let first = manifest.segments[0];
        manifest.segments.extend((0..count).map(|index| SegmentEntry {
            offset: at + index * SEGMENT_BYTES,
            header: SegmentHeader {
                kind: SegmentKind::META,
                flags: SegmentFlags::BLOCK_TABLE,
                id: 1,
                payload_bytes: SEGMENT_BYTES - 4096 - 8,
                padding_bytes: 8,
                payload_start_units: 64,
                ..first.header
            },
            first_row: 20,
            row_count: 0,
        }));
    });
    assert_harmless("a huge directory", &forger);
}

#[test]
fn counts_that_the_vectors_do_not_justify_are_refused() {
    let lies: [(&str, fn(&mut rvf_manifest::Manifest)); 14] = [
        ("next row", |manifest| manifest.next_row = u32::MAX),
        ("next row, next less one", |manifest| manifest.next_row -= 1),
        ("vectors", |manifest| manifest.vector_count = u64::MAX),
        ("dead rows", |manifest| manifest.dead_count = u64::MAX),
        ("dead rows and vectors", |manifest| {
            manifest.dead_count = 1 << 40;
            manifest.vector_count = 1 << 40;
        }),
        ("dimension", |manifest| manifest.options.dimension = 65_536),
        ("dimension 0", |manifest| manifest.options.dimension = 0),
        ("dimension beyond its limit", |manifest| manifest.options.dimension = u32::MAX),
        ("rows of vectors", |manifest| manifest.segments[0].row_count = u32::MAX),
        ("first row of vectors", |manifest| manifest.segments[0].first_row = u32::MAX),
        ("no segments", |manifest| manifest.segments.clear()),
        ("no tombstones", |manifest| {
            manifest.segments.retain(|entry| entry.header.kind != SegmentKind::JOURNAL);
        }),
        ("data type", |manifest| manifest.options.data_type = DataType::Binary),
        ("ids beyond all rows", |manifest| {
            for entry in manifest.segments.iter_mut().filter(|entry| entry.header.kind == SegmentKind::IDS) {
                entry.row_count += 1;
            }
        }),
    ];
    for (name, lie) in lies {
        let mut forger = forger();
        let at = forger.len();
        let id = next_id(&forger);
        forger.plant_manifest(at, id, lie);
        assert_refused(name, &forger);
    }
}

#[test]
fn numbers_at_the_end_of_their_range_do_not_overflow() {
    let extremes: [(&str, fn(&mut rvf_manifest::Manifest)); 6] = [
        ("epoch", |manifest| manifest.epoch = u64::MAX),
        ("epoch, last but one", |manifest| manifest.epoch = u64::MAX - 1),
        ("witness entries", |manifest| manifest.witness_count = u64::MAX),
        ("witness entries, many", |manifest| manifest.witness_count = 1 << 45),
        ("time", |manifest| manifest.modified_ns = u64::MAX),
        ("next segment", |manifest| manifest.next_segment_id = 0),
    ];
    for (name, change) in extremes {
        let mut forger = forger();
        let at = forger.len();
        let id = next_id(&forger);
        let end = forger.plant_manifest(at, id, change);
        assert_harmless(name, &forger);
        let one_row = JournalCounts { rows: 1, operations: 1, ..JournalCounts::default() };
        let payload = forger.journal(one_row, &upsert(b"new", 24, b"{}", u32::MAX), &[]);
        let commit = forger.segment(forger.header(SegmentKind::JOURNAL, id + 1, payload.len() as u64), &payload);
        forger.write(end, commit);
        assert_harmless(&format!("{name}, and a commit"), &forger);
    }
    for id in [u64::MAX, u64::MAX - 1, 1 << 63, 0] {
        let mut forger = forger();
        let at = forger.len();
        forger.plant_manifest(at, id, |_| {});
        assert_harmless(&format!("segment {id}"), &forger);
    }
}

#[test]
fn a_store_whose_counters_are_used_up_can_be_read_and_not_written() {
    let changes: [fn(&mut rvf_manifest::Manifest); 3] =
        [|manifest| manifest.epoch = COUNTER_MAX, |manifest| manifest.witness_count = COUNTER_MAX, |_| {}];
    for (change, id) in changes.into_iter().zip([10, 10, COUNTER_MAX - 1]) {
        let mut forger = forger();
        let at = forger.len();
        forger.plant_manifest(at, id, change);
        let host = forger.host();
        let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
        assert!(samples::closed().expected().compare(&store).is_right());
        let entry = samples::other_entry(&store);
        let batch = damage_common::expected::batch(&[entry]);
        let error = store.ingest(batch, OnDuplicate::Replace, damage_common::WAIT).unwrap_err();
        assert_eq!(error.code, ErrorCode::SegmentTooLarge, "{error}");
        assert!(error.message.contains("COUNTER_MAX"), "{error}");
        drop(store.close());
        let store = RvfStore::open(&host, PATH, &OpenOptions::read_only()).unwrap();
        assert!(samples::closed().expected().compare(&store).is_right());
    }
}

/// The file with a journal of these operations behind its end.
fn with_journal(counts: JournalCounts, operations: &[u8]) -> Forger {
    let mut forger = forger();
    let payload = forger.journal(counts, operations, &[]);
    let header = forger.header(SegmentKind::JOURNAL, next_id(&forger), payload.len() as u64);
    let segment = forger.segment(header, &payload);
    forger.write(forger.len(), segment);
    forger
}

fn upsert(id: &[u8], vector_bytes: usize, metadata: &[u8], replaced: u32) -> Vec<u8> {
    let mut bytes = vec![1, u8::from(!metadata.is_empty())];
    bytes.extend_from_slice(&(id.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&(metadata.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&replaced.to_le_bytes());
    bytes.extend_from_slice(id);
    bytes.resize(bytes.len() + vector_bytes, 0);
    bytes.extend_from_slice(metadata);
    bytes
}

fn kill(row: u32) -> Vec<u8> {
    [&[2, 0, 0, 0][..], &row.to_le_bytes()].concat()
}

fn adopt(segments: u32) -> Vec<u8> {
    [&[3, 0, 0, 0][..], &segments.to_le_bytes()].concat()
}

#[test]
fn a_commit_that_contradicts_itself_is_refused() {
    let none = u32::MAX;
    let one_row = JournalCounts { rows: 1, operations: 1, ..JournalCounts::default() };
    let no_rows = JournalCounts { operations: 1, ..JournalCounts::default() };
    let one_kill = JournalCounts { operations: 1, deletes: 1, ..JournalCounts::default() };
    // The control: a commit like this one is taken.
    assert_eq!(outcome("a right commit", &with_journal(one_row, &upsert(b"new", 24, b"{}", none))), None);
    let two_kills = JournalCounts { operations: 2, deletes: 2, ..JournalCounts::default() };
    let cases = [
        (
            "more rows than upserts",
            with_journal(JournalCounts { rows: u32::MAX - 100, ..one_row }, &upsert(b"a", 24, b"", none)),
        ),
        ("fewer rows than upserts", with_journal(no_rows, &upsert(b"a", 24, b"", none))),
        (
            "rows given out before",
            with_journal(JournalCounts { first_row: Some(3), ..one_row }, &upsert(b"a", 24, b"", none)),
        ),
        (
            "rows that leave a gap",
            with_journal(JournalCounts { first_row: Some(1 << 30), ..one_row }, &upsert(b"a", 24, b"", none)),
        ),
        ("a replaced row that does not exist", with_journal(one_row, &upsert(b"a", 24, b"", 4_000_000))),
        ("an id that is not UTF-8", with_journal(one_row, &upsert(b"\xFF", 24, b"", none))),
        ("killing a row that does not exist", with_journal(one_kill, &kill(1 << 31))),
        ("killing a dead row", with_journal(one_kill, &kill(1))),
        ("killing a row twice", with_journal(two_kills, &[kill(0), kill(0)].concat())),
        ("adopting what is not there", with_journal(JournalCounts { rows: 4, ..one_row }, &adopt(3))),
        ("adopting without end", with_journal(JournalCounts { rows: u32::MAX - 100, ..one_row }, &adopt(u32::MAX))),
        ("adopting nothing as something", with_journal(JournalCounts { rows: 4, ..one_row }, &adopt(0))),
    ];
    for (name, forger) in cases {
        assert_refused(name, &forger);
    }
}

#[test]
fn operations_that_run_out_of_their_journal_are_no_commit() {
    let one_row = JournalCounts { rows: 1, operations: 1, ..JournalCounts::default() };
    let none = u32::MAX;
    let cases = [
        ("an empty id", upsert(b"", 24, b"", none)),
        ("an id without end", [&[1, 0, 0xFF, 0xFF][..], &[0; 40]].concat()),
        ("metadata without end", [&[1, 1, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF][..], &[b'a'; 40]].concat()),
        ("a vector that is cut", upsert(b"a", 23, b"", none)),
        ("an unknown operation", vec![9; 40]),
    ];
    for (name, operations) in cases {
        // Behind the end of a closed file, what is no whole commit is a tear.
        assert_eq!(outcome(name, &with_journal(one_row, &operations)), None, "{name}");
    }
    let overflowing = JournalCounts { first_row: Some(u32::MAX), ..one_row };
    assert_eq!(outcome("rows that overflow", &with_journal(overflowing, &upsert(b"a", 24, b"", none))), None);
}

#[test]
fn rows_are_adopted_once() {
    let mut forger = forger();
    let row = forger.known.manifest.next_row;
    let shape = rvf_wire::VecHeader {
        space: 0,
        data_type: forger.known.manifest.options.data_type,
        metric: forger.known.manifest.options.metric,
        dimension: 6,
        first_row: row,
        row_count: 1,
    };
    let vectors = [&shape.encode()[..], &[0; 24]].concat();
    let mut ids = rvf_wire::IdsBuilder::new(row);
    ids.push(Some((rvf_wire::id_hash(b"new", forger.salt()), b"new")), forger.known.epoch + 1);
    let ids = ids.finish();
    let first_id = next_id(&forger);
    let mut bytes = Vec::new();
    let mut hashes = Vec::new();
    for (index, (kind, payload)) in [(SegmentKind::VEC, &vectors), (SegmentKind::IDS, &ids)].into_iter().enumerate() {
        let mut header = forger.header(kind, first_id + index as u64, payload.len() as u64);
        header.flags = SegmentFlags::MORE_FOLLOWS;
        if index > 0 {
            header.flags = header.flags.with(SegmentFlags::SAME_APPEND);
        }
        hashes.push(header.hash_content(&[payload]));
        bytes.extend(forger.segment(header, payload));
    }
    let with = |operations: &[u8], operation_count| {
        let counts = JournalCounts { rows: 1, operations: operation_count, ..JournalCounts::default() };
        let payload = forger.journal(counts, operations, &hashes);
        let mut header = forger.header(SegmentKind::JOURNAL, first_id + 2, payload.len() as u64);
        header.flags = SegmentFlags::SAME_APPEND;
        [bytes.clone(), forger.segment(header, &payload)].concat()
    };
    let (once, twice) = (with(&adopt(2), 1), with(&[adopt(2), adopt(2)].concat(), 2));
    let end = forger.len();
    forger.write(end, once);
    assert_eq!(outcome("adopted once", &forger), None);
    forger.set_len(end);
    forger.write(end, twice);
    assert_not_opened("adopted twice", &forger);
}

#[test]
fn a_sparse_file_behind_a_whole_head_is_refused() {
    for file_bytes in [1u64 << 31, 1 << 32, (1 << 32) + 1, 1 << 50, 1 << 53, (1 << 53) + 1, i64::MAX as u64] {
        let mut forger = forger();
        let head = forger.bytes()[..HEAD_BYTES].to_vec();
        forger.clear();
        forger.write(0, head);
        forger.plant_anchors(None);
        forger.set_len(file_bytes);
        assert_refused(&format!("a head and {file_bytes} bytes of holes"), &forger);
    }
}

#[test]
fn holes_behind_the_end_of_a_store_are_a_tear_or_an_error() {
    for more_bytes in [1u64 << 31, (1 << 31) + 64, 1 << 32, 1 << 50] {
        let mut forger = forger();
        forger.set_len(forger.len() + more_bytes);
        assert_harmless(&format!("{more_bytes} bytes of holes"), &forger);
    }
}

#[test]
fn a_store_lies_on_both_sides_of_offsets_where_numbers_end() {
    for at in [1u64 << 31, 1 << 32, 1 << 40, (1 << 53) - (1 << 20)] {
        for back in [4096u64, 64, 0] {
            let mut forger = forger();
            let id = next_id(&forger);
            forger.plant_manifest(at - back, id, |_| {});
            let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).unwrap();
            assert!(samples::closed().expected().compare(&store).is_right(), "manifest at {}", at - back);
            let host = forger.host();
            let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
            let mut expected = samples::closed().expected().clone();
            let entry = samples::other_entry(&store);
            let batch = damage_common::expected::batch(std::slice::from_ref(&entry));
            store.ingest(batch, rvf_runtime::OnDuplicate::Replace, damage_common::WAIT).unwrap();
            expected.put(&[entry]);
            store.close().unwrap();
            let store = RvfStore::open(&host, PATH, &OpenOptions::read_only()).unwrap();
            assert!(expected.compare(&store).is_right(), "manifest at {}, written to", at - back);
        }
    }
}

#[test]
fn a_copy_of_a_file_too_large_for_memory_is_an_error() {
    let mut forger = forger();
    let id = next_id(&forger);
    forger.plant_manifest(1 << 50, id, |_| {});
    let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).unwrap();
    let error = store.export_bytes().err().unwrap();
    assert_eq!(error.code, ErrorCode::SegmentTooLarge, "{error}");
}
