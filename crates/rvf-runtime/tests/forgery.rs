//! Somebody who can read the file (and so knows its salt, its offsets and every checksum) and whose data the store takes
//! can put roots, headers and whole files inside vectors and ids. Nothing of that is ever believed, wherever the power
//! goes out and whatever is damaged.
#![allow(clippy::type_complexity)] // tables of cases name their functions
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use std::sync::Arc;

use damage_common::expected::{Entry, Expected, batch, is_about_damage};
use damage_common::forger::Forger;
use damage_common::numbers::Numbers;
use damage_common::{PATH, WAIT, file_bytes, fixed_host, host_with, is_long_run, open_to_read, samples};
use rvf_manifest::ROOT_PAGE_BYTES;
use rvf_runtime::storage::{CrashChoice, FaultyStorage, MemoryStorage};
use rvf_runtime::types::{Metric, SegmentFlags, SegmentKind};
use rvf_runtime::{Control, CreateOptions, Host, OnDuplicate, OpenOptions, RvfStore};
use rvf_wire::SegmentHeader;

/// Packed bits take any byte; a row is as long as a block.
const DIMENSION: u32 = 4_096 * 8;
const ROW_BYTES: usize = 4_096;
/// Enough for a batch that is written in final form.
const ROWS: usize = 70;

fn row(number: usize, vector: Vec<u8>) -> Entry {
    Entry { id: format!("row-{number}"), vector, metadata: Some(format!("{{\"n\":{number}}}")) }
}

/// A store of packed bits that was closed.
fn bits_store() -> (Vec<u8>, Expected) {
    let host = fixed_host::in_memory();
    let store = RvfStore::create(&host, PATH, &CreateOptions::new(DIMENSION, Metric::Hamming)).unwrap();
    let mut expected = Expected::default();
    let mut numbers = Numbers::new(11);
    let entries: Vec<Entry> = (0..4).map(|number| row(number, numbers.bytes(ROW_BYTES))).collect();
    store.ingest(batch(&entries), OnDuplicate::Replace, WAIT).unwrap();
    expected.put(&entries);
    store.close().unwrap();
    (file_bytes(&host), expected)
}

/// Where the rows of the next batch in final form will lie.
fn first_row_offset(bytes: &[u8]) -> u64 {
    (bytes.len() as u64 + 64).next_multiple_of(4096) + 64
}

/// Something forged, to be put at an offset of the file.
type Forgery = fn(&Forger, u64) -> Vec<u8>;

fn newer_manifest(forger: &Forger, offset: u64) -> Vec<u8> {
    forger.manifest(offset, 1_000, |manifest| {
        manifest.epoch = 1_000;
        manifest.options.embedding_model = Some("forged".to_owned());
    })
}

/// What stands for the state that the file is in, so that it would be taken as a checkpoint behind the last commit.
fn fitting_manifest(forger: &Forger, offset: u64) -> Vec<u8> {
    forger.manifest(offset, forger.known.last_segment_id + 1, |manifest| {
        manifest.options.embedding_model = Some("forged".to_owned());
    })
}

fn lone_root(forger: &Forger, offset: u64) -> Vec<u8> {
    let segment = newer_manifest(forger, offset);
    segment[segment.len() - ROOT_PAGE_BYTES..].to_vec()
}

fn newer_headers(forger: &Forger, _: u64) -> Vec<u8> {
    let kinds = [SegmentKind::MANIFEST, SegmentKind::JOURNAL, SegmentKind::VEC, SegmentKind::HEAD];
    let flags = [SegmentFlags::NONE, SegmentFlags::SAME_APPEND, SegmentFlags::MORE_FOLLOWS, SegmentFlags::BLOCK_TABLE];
    let mut bytes = Vec::new();
    for (index, (kind, flags)) in kinds.into_iter().flat_map(|kind| flags.map(|flags| (kind, flags))).enumerate() {
        let mut header = forger.header(kind, 1_000 + index as u64, 64);
        header.flags = flags;
        bytes.extend(forger.segment(header, &[0xEE; 64]));
    }
    bytes
}

fn own_file(forger: &Forger, _: u64) -> Vec<u8> {
    forger.bytes()
}

fn another_file(_: &Forger, _: u64) -> Vec<u8> {
    samples::closed().bytes
}

const FORGERIES: [(&str, Forgery); 6] = [
    ("a newer manifest", newer_manifest),
    ("a manifest that fits", fitting_manifest),
    ("a root page", lone_root),
    ("newer headers", newer_headers),
    ("the file itself", own_file),
    ("another file", another_file),
];

/// A batch in final form whose vectors hold the forgery at every block, and the entries it must leave.
fn forged_batch(base: &[u8], forgery: Forgery) -> Vec<Entry> {
    let forger = Forger::of(base);
    let start = first_row_offset(base);
    let mut vectors = Numbers::new(12).bytes(ROWS * ROW_BYTES);
    let mut at = 0;
    while at < vectors.len() {
        let forged = forgery(&forger, start + at as u64);
        let take = forged.len().min(vectors.len() - at);
        vectors[at..at + take].copy_from_slice(&forged[..take]);
        at += take.next_multiple_of(ROW_BYTES);
    }
    (100..).zip(vectors.chunks(ROW_BYTES)).map(|(number, vector)| row(number, vector.to_vec())).collect()
}

fn ingest(host: &Host, entries: &[Entry]) -> RvfStore {
    let store = RvfStore::open(host, PATH, &OpenOptions::default()).unwrap();
    store.ingest(batch(entries), OnDuplicate::Replace, WAIT).unwrap();
    store
}

fn assert_holds(what: &str, bytes: &[u8], expected: &Expected) {
    let store = open_to_read(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let findings = expected.compare(&store);
    assert!(findings.is_right(), "{what}: {findings:?}");
    assert_eq!(store.options().embedding_model, None, "{what} was believed");
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![], "{what}");
}

#[test]
fn a_forgery_lies_in_the_file_where_a_reader_could_take_it_for_real() {
    // The control of the tests below: the same bytes at the same place are a manifest.
    let (base, _) = bits_store();
    let host = host_with(&base);
    drop(ingest(&host, &forged_batch(&base, newer_manifest)));
    let bytes = file_bytes(&host);
    let at = first_row_offset(&base) as usize;
    let header = SegmentHeader::decode(&bytes[at..], Forger::of(&base).salt()).unwrap();
    assert_eq!((header.kind, header.id), (SegmentKind::MANIFEST, 1_000));
}

#[test]
fn roots_headers_and_files_inside_vectors_are_never_believed() {
    for (what, forgery) in FORGERIES {
        let (base, mut expected) = bits_store();
        let entries = forged_batch(&base, forgery);
        expected.put(&entries);
        let host = host_with(&base);
        let store = ingest(&host, &entries);
        let unclosed = file_bytes(&host);
        assert_holds(&format!("{what}, not closed"), &unclosed, &expected);
        let mut forger = Forger::of(&unclosed);
        forger.plant_anchors(None);
        assert_holds(&format!("{what}, not closed, without anchors"), &forger.bytes(), &expected);
        store.close().unwrap();
        let closed = file_bytes(&host);
        assert_holds(&format!("{what}, closed"), &closed, &expected);
        let mut forger = Forger::of(&closed);
        forger.plant_anchors(None);
        assert_holds(&format!("{what}, closed, without anchors"), &forger.bytes(), &expected);
        let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
        store.compact(&Control::default()).unwrap();
        store.close().unwrap();
        assert_holds(&format!("{what}, compacted"), &file_bytes(&host), &expected);
    }
}

#[test]
fn a_power_cut_while_a_forgery_is_written_leaves_the_state_before_or_after() {
    let seeds = if is_long_run() { 2_000 } else { 40 };
    for (what, forgery) in FORGERIES {
        let (base, before) = bits_store();
        let entries = forged_batch(&base, forgery);
        let mut after = before.clone();
        after.put(&entries);
        let storage = Arc::new(FaultyStorage::over(MemoryStorage::with_file(PATH, &base[..])));
        drop(ingest(&fixed_host::over(storage.clone()), &entries));
        let log = storage.log();
        for position in 0..=log.len() {
            let choices = (0..seeds).map(CrashChoice::Seeded).chain([CrashChoice::KeepAll, CrashChoice::DropAll]);
            for choice in choices {
                let host = fixed_host::over(Arc::new(log.crash_image(position, &choice)));
                let store = RvfStore::open(&host, PATH, &OpenOptions::default())
                    .unwrap_or_else(|error| panic!("{what}, cut behind {position}, {choice:?}: {error}"));
                let is_one_of_both = before.compare(&store).is_right() || after.compare(&store).is_right();
                assert!(is_one_of_both, "{what}, cut behind {position}, {choice:?}");
            }
        }
    }
}

#[test]
fn damage_to_the_header_around_a_forgery_does_not_bring_it_to_life() {
    for (what, forgery) in FORGERIES {
        let (base, before) = bits_store();
        let entries = forged_batch(&base, forgery);
        let mut after = before.clone();
        after.put(&entries);
        let host = host_with(&base);
        let store = ingest(&host, &entries);
        let last_end = file_bytes(&host).len();
        store.ingest(batch(&[row(500, vec![1; ROW_BYTES])]), OnDuplicate::Replace, WAIT).unwrap();
        drop(store);
        let whole = file_bytes(&host);
        for at in base.len()..base.len() + 64 {
            // Behind the damage there is another commit: no roll-back is excused.
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let error = open_to_read(&bytes).err().unwrap_or_else(|| panic!("{what}, byte {at}"));
            assert!(is_about_damage(&error), "{what}, byte {at}: {error}");
            // The damage is in the last append, which may be a tear or be refused, but is nothing else.
            match open_to_read(&bytes[..last_end]) {
                Ok(store) => assert!(before.compare(&store).is_right(), "{what}, byte {at}"),
                Err(error) => assert!(is_about_damage(&error), "{what}, byte {at}: {error}"),
            }
        }
    }
}

#[test]
fn forgeries_behind_the_end_of_a_file_are_never_believed() {
    // What fits a state may be appended by anybody who can write the file: only signatures help against that.
    for (what, forgery) in FORGERIES.into_iter().filter(|(what, _)| *what != "a manifest that fits") {
        for sample in samples::small() {
            for gap in [0, 64, 4096] {
                let mut bytes = sample.bytes.clone();
                bytes.resize(bytes.len() + gap, 0);
                let forged = forgery(&Forger::of(&sample.bytes), bytes.len() as u64);
                bytes.extend(forged);
                match open_to_read(&bytes) {
                    Ok(store) => {
                        let findings = sample.expected().compare(&store);
                        assert!(findings.is_right(), "{what} behind {} and {gap} zeros: {findings:?}", sample.name);
                        assert_eq!(store.options().embedding_model, None);
                    }
                    Err(error) => assert!(is_about_damage(&error), "{what} behind {}: {error}", sample.name),
                }
            }
        }
    }
}

/// A segment number whose bytes are ASCII.
const ID_OF_ASCII: u64 = 0x0404;

/// An id that holds a whole header at a 64-byte boundary of the file: all its bytes are ASCII.
fn header_in_id(base: &[u8]) -> String {
    const OPERATIONS_AT: u64 = 64 + 32;
    const UPSERT_HEADER_BYTES: u64 = 12;
    let forger = Forger::of(base);
    let id_offset = base.len() as u64 + OPERATIONS_AT + UPSERT_HEADER_BYTES;
    let lead = (id_offset.next_multiple_of(64) - id_offset) as usize;
    for timestamp_ns in 0..100_000u64 {
        let mut header = forger.header(SegmentKind::JOURNAL, ID_OF_ASCII, 64);
        header.timestamp_ns = timestamp_ns & 0x7F7F_7F7F;
        header.content_hash = [0x41; 16];
        let bytes = header.encode(forger.salt());
        if bytes.is_ascii() {
            return format!("{}{}", "x".repeat(lead), String::from_utf8(bytes.to_vec()).unwrap());
        }
    }
    panic!("no header of ASCII was found");
}

#[test]
fn a_header_inside_an_id_is_text() {
    let (base, mut expected) = bits_store();
    let entry = Entry { id: header_in_id(&base), vector: vec![3; ROW_BYTES], metadata: None };
    let storage = Arc::new(FaultyStorage::over(MemoryStorage::with_file(PATH, &base[..])));
    let host = fixed_host::over(storage.clone());
    drop(ingest(&host, std::slice::from_ref(&entry)));
    let at = base.len().next_multiple_of(64) + 128;
    let bytes = file_bytes(&host);
    assert_eq!(SegmentHeader::decode(&bytes[at..], Forger::of(&base).salt()).unwrap().id, ID_OF_ASCII);
    let before = expected.clone();
    expected.put(&[entry]);
    assert_holds("a header in an id", &bytes, &expected);
    let log = storage.log();
    for position in 0..=log.len() {
        for seed in 0..200 {
            let host = fixed_host::over(Arc::new(log.crash_image(position, &CrashChoice::Seeded(seed))));
            let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
            assert!(
                before.compare(&store).is_right() || expected.compare(&store).is_right(),
                "{position}, seed {seed}"
            );
        }
    }
}

#[test]
fn a_changed_header_with_a_right_crc_contradicts_its_content_hash() {
    let changes: [(&str, fn(&mut SegmentHeader)); 5] = [
        ("time", |header| header.timestamp_ns += 1),
        ("number", |header| header.id += 1_000),
        ("kind", |header| header.kind = SegmentKind::KERNEL),
        ("flags", |header| header.flags = SegmentFlags(header.flags.0 ^ 0x0040)),
        ("tombstones", |header| header.flags = SegmentFlags(header.flags.0 ^ SegmentFlags::TOMBSTONE.0)),
    ];
    for sample in samples::small().into_iter().chain([samples::large_closed()]) {
        let salt = Forger::of(&sample.bytes).salt();
        let mut offset = rvf_wire::HEAD_BYTES;
        while offset < sample.bytes.len() {
            let header = SegmentHeader::decode(&sample.bytes[offset..], salt).unwrap();
            for (what, change) in changes {
                let mut changed = header;
                change(&mut changed);
                let mut bytes = sample.bytes.clone();
                bytes[offset..offset + 64].copy_from_slice(&changed.encode(salt));
                let Ok(store) = open_to_read(&bytes) else { continue };
                let is_rolled_back = store.status().unwrap().recovered_torn_bytes > 0;
                let problems = store.verify(&Control::default()).unwrap().problems;
                let is_last_append = offset as u64 >= sample.last_append_start;
                assert!(
                    !problems.is_empty() || (is_rolled_back && is_last_append),
                    "{}: {what} of the segment at {offset} changed unseen",
                    sample.name
                );
            }
            let extent = rvf_wire::Extent::of(offset as u64, &header).unwrap();
            offset = extent.end() as usize;
        }
    }
}
