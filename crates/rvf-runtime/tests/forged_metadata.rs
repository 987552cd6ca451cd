//! Overlays, columns, schemas and chains of manifests that no engine writes, with every checksum right: an error that
//! tells of damage, in little memory and time, never a panic, and never the metadata of another row.
#![allow(clippy::type_complexity)] // tables of cases name their functions
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use damage_common::forger::{Forger, JournalCounts};
use damage_common::numbers::Numbers;
use damage_common::patience::{assert_harmless, assert_not_opened, assert_refused, outcome};
use damage_common::peak_memory::CountingAllocator;
use damage_common::{PATH, samples};
use rvf_manifest::{Manifest, ROOT_PAGE_BYTES, SegmentEntry};
use rvf_runtime::types::{ErrorCode, SegmentFlags, SegmentKind};
use rvf_runtime::{OpenOptions, PackedStrings, RvfStore};
use rvf_wire::{MetaBuilder, OverlayBuilder};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// First byte of the first section's entry in the section table, and bytes of an entry.
const SECTIONS_AT: usize = 64;
const SECTION_BYTES: usize = 24;

/// A closed store, ready to be lied about, and the row it gives out next.
fn forger() -> (Forger, u32) {
    let forger = Forger::of(&samples::closed().bytes);
    let next_row = forger.known.manifest.next_row;
    (forger, next_row)
}

fn next_id(forger: &Forger) -> u64 {
    forger.known.last_segment_id + 1
}

/// An overlay's payload of these rows, each with its number.
fn overlay(first_row: u32, rows: &[u32]) -> Vec<u8> {
    builder(first_row, rows).finish(None)
}

fn builder(first_row: u32, rows: &[u32]) -> OverlayBuilder {
    let mut builder = OverlayBuilder::new(first_row);
    rows.iter().for_each(|row| builder.push(*row, 1, format!("{{\"forged\":{row}}}").as_bytes()));
    builder
}

/// The store with a segment more in its directory.
fn with_segment(kind: SegmentKind, payload: &[u8], rows: (u32, u32)) -> Forger {
    let (mut forger, _) = forger();
    let (at, id) = (forger.len(), next_id(&forger));
    let mut header = forger.header(kind, id, payload.len() as u64);
    header.flags = SegmentFlags::MORE_FOLLOWS;
    header.content_hash = header.hash_content(&[payload]);
    let segment = forger.segment(header, payload);
    let end = at + segment.len() as u64;
    forger.write(at, segment);
    let entry = SegmentEntry { offset: at, header, first_row: rows.0, row_count: rows.1 };
    forger.plant_manifest(end, id + 1, |manifest| manifest.segments.push(entry));
    forger
}

fn with_overlay(payload: &[u8]) -> Forger {
    let word = |at: usize| u32::from_le_bytes(payload[at..at + 4].try_into().unwrap());
    with_segment(SegmentKind::OVERLAY, payload, (word(0), word(4)))
}

fn changed(payload: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = payload.to_vec();
    change(&mut payload);
    payload
}

#[test]
fn an_overlay_like_the_engines_own_is_believed() {
    // The control of the tests below.
    let forger = with_overlay(&overlay(2, &[2, 7, 11]));
    assert_eq!(outcome("an overlay", &forger), None);
    let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).unwrap();
    let page = store.get(&PackedStrings::from_strings(["id-2", "id-3", "id-11"]), false).unwrap();
    let metadata = page.metadata.unwrap();
    assert!(metadata.starts_with("[{\"forged\":2},null,{\"forged\":11}]"), "{metadata}");
}

#[test]
fn rows_of_an_overlay_ascend_and_are_there() {
    let (_, next_row) = forger();
    let cases: [(&str, u32, &[u32]); 8] = [
        ("descending rows", 2, &[7, 2]),
        ("rows out of order", 2, &[2, 9, 7, 11]),
        ("a row twice", 2, &[2, 2]),
        ("a row that is not given out", 2, &[2, next_row]),
        ("the last row number", 2, &[2, u32::MAX]),
        ("no row that is given out", next_row, &[next_row]),
        ("a row below the first one", 5, &[2, 7]),
        ("a first row that is not there", 1, &[2, 7]),
    ];
    for (name, first_row, rows) in cases {
        assert_refused(name, &with_overlay(&overlay(first_row, rows)));
    }
}

#[test]
fn sections_of_an_overlay_are_as_long_as_its_rows_say() {
    let whole = overlay(2, &[2, 7, 11]);
    let mut meta = MetaBuilder::new(2);
    (0..3).for_each(|_| meta.push(b"{}"));
    let without_rows = meta.finish(None);
    assert_refused("no rows and epochs", &with_overlay(&without_rows));
    for section in 0..4 {
        let at = SECTIONS_AT + section * SECTION_BYTES;
        let without = changed(&whole, |payload| payload[at] = 99);
        assert_refused(&format!("without section {section}"), &with_overlay(&without));
        for bytes in [0u64, 4, 1 << 31, 1 << 32, u64::MAX] {
            let other = changed(&whole, |payload| payload[at + 16..at + 24].copy_from_slice(&bytes.to_le_bytes()));
            assert_refused(&format!("section {section} of {bytes} bytes"), &with_overlay(&other));
        }
        for start in [whole.len() as u64, 1 << 32, u64::MAX - 7] {
            let other = changed(&whole, |payload| payload[at + 8..at + 16].copy_from_slice(&start.to_le_bytes()));
            assert_refused(&format!("section {section} at {start}"), &with_overlay(&other));
        }
    }
    for rows in [2u32, 4, 1 << 31, u32::MAX] {
        assert_refused(
            &format!("{rows} rows in the directory"),
            &with_segment(SegmentKind::OVERLAY, &whole, (2, rows)),
        );
        let other = changed(&whole, |payload| payload[4..8].copy_from_slice(&rows.to_le_bytes()));
        assert_refused(&format!("{rows} rows in the header"), &with_overlay(&other));
    }
    for sections in [0u32, 1, 3, 4_097, u32::MAX] {
        let other = changed(&whole, |payload| payload[8..12].copy_from_slice(&sections.to_le_bytes()));
        assert_refused(&format!("{sections} sections"), &with_overlay(&other));
    }
}

#[test]
fn metadata_that_is_no_json_is_damage_to_whoever_asks_for_it() {
    for text in [&b"{"[..], b"tru", b"{\"tag\":\"\xFF\"}", b"\xFF", b"{\"tag\":\"red\"}}"] {
        let mut builder = OverlayBuilder::new(2);
        builder.push(2, 1, text);
        let forger = with_overlay(&builder.finish(None));
        assert_refused(&String::from_utf8_lossy(text), &forger);
        let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).unwrap();
        let filter = store.filter(samples::RED).unwrap();
        match store.count_where(&filter, 0, None) {
            Ok(_) => assert!(str::from_utf8(text).is_err(), "only what is no UTF-8 may be compared and not read"),
            Err(error) => assert_eq!(error.code, ErrorCode::InvalidChecksum, "{error}"),
        }
    }
}

#[test]
fn columns_of_nonsense_are_harmless() {
    let whole = {
        let entries: Vec<u32> = (0..20).collect();
        builder(0, &entries)
    };
    let mut columns = rvf_filter::ColumnBuilder::new(0);
    (0..20).for_each(|row| columns.push(format!("{{\"tag\":\"red\",\"n\":{row}}}").as_bytes()).unwrap());
    let sound = columns.finish().unwrap();
    // Those of other texts are believed, whatever they say, since they are not nonsense.
    assert_harmless("columns of other texts", &with_overlay(&whole.finish(Some(&sound))));
    let rounds = if damage_common::is_long_run() { 50_000 } else { 300 };
    for seed in 0..rounds {
        let mut numbers = Numbers::new(seed);
        let mut bytes = sound.clone();
        match seed % 3 {
            0 => bytes = numbers.bytes(seed as usize % 400),
            1 => bytes.truncate(numbers.below(sound.len())),
            _ => {
                for _ in 0..1 + numbers.below(4) {
                    let at = numbers.below(bytes.len());
                    bytes[at] = [0, 0xFF, numbers.next() as u8][numbers.below(3)];
                }
            }
        }
        let rows: Vec<u32> = (0..20).collect();
        let payload = builder(0, &rows).finish(Some(&bytes));
        assert_harmless(&format!("columns of an overlay, seed {seed}"), &with_overlay(&payload));
    }
}

/// The store with a commit more: segments, and a journal of these operations.
fn with_commit(segments: &[(SegmentKind, &[u8])], counts: JournalCounts, operations: &[u8]) -> Forger {
    let (mut forger, _) = forger();
    let (first_id, mut bytes, mut hashes) = (next_id(&forger), Vec::new(), Vec::new());
    for (id, (kind, payload)) in (first_id..).zip(segments) {
        let mut header = forger.header(*kind, id, payload.len() as u64);
        header.flags = SegmentFlags::MORE_FOLLOWS;
        if id > first_id {
            header.flags = header.flags.with(SegmentFlags::SAME_APPEND);
        }
        hashes.push(header.hash_content(&[payload]));
        bytes.extend(forger.segment(header, payload));
    }
    let payload = forger.journal(counts, operations, &hashes);
    let mut header = forger.header(SegmentKind::JOURNAL, first_id + segments.len() as u64, payload.len() as u64);
    if !segments.is_empty() {
        header.flags = SegmentFlags::SAME_APPEND;
    }
    bytes.extend(forger.segment(header, &payload));
    forger.write(forger.len(), bytes);
    forger
}

fn adopt(segments: u32) -> Vec<u8> {
    [&[3, 0, 0, 0][..], &segments.to_le_bytes()].concat()
}

#[test]
fn a_commit_of_overlays_that_contradicts_itself_is_refused() {
    let (_, next_row) = forger();
    let whole = overlay(2, &[2, 7]);
    let beyond = overlay(2, &[2, next_row]);
    let descending = overlay(2, &[7, 2]);
    fn over(payload: &[u8]) -> (SegmentKind, &[u8]) {
        (SegmentKind::OVERLAY, payload)
    }
    let one = JournalCounts { operations: 1, ..JournalCounts::default() };
    let two = JournalCounts { operations: 2, ..JournalCounts::default() };
    assert_eq!(outcome("a right commit", &with_commit(&[over(&whole)], one, &adopt(1))), None);
    assert_eq!(outcome("of two overlays", &with_commit(&[over(&whole), over(&whole)], one, &adopt(2))), None);
    let cases = [
        ("more than there are", with_commit(&[over(&whole)], one, &adopt(2))),
        ("without end", with_commit(&[over(&whole)], one, &adopt(u32::MAX))),
        ("fewer than there are", with_commit(&[over(&whole), over(&whole)], one, &adopt(1))),
        ("none", with_commit(&[over(&whole)], one, &adopt(0))),
        ("twice", with_commit(&[over(&whole)], two, &[adopt(1), adopt(1)].concat())),
        ("with rows", with_commit(&[over(&whole)], JournalCounts { rows: 2, ..one }, &adopt(1))),
        ("rows that are not given out", with_commit(&[over(&beyond)], one, &adopt(1))),
        ("descending rows", with_commit(&[over(&descending)], one, &adopt(1))),
        ("a kernel", with_commit(&[(SegmentKind::KERNEL, &whole)], one, &adopt(1))),
        ("vectors without rows", with_commit(&[(SegmentKind::VEC, &whole)], one, &adopt(1))),
    ];
    for (name, forger) in cases {
        assert_refused(name, &forger);
    }
}

#[test]
fn a_chain_of_manifests_that_leads_nowhere_or_in_circles_is_an_error() {
    let ends: [(&str, fn(u64, u64) -> u64); 7] = [
        ("to itself", |offset, len| offset + len - ROOT_PAGE_BYTES as u64),
        ("to its own header", |offset, _| offset),
        ("behind the file", |offset, _| offset + (1 << 40)),
        ("to the end of numbers", |_, _| u64::MAX),
        ("into the head", |_, _| 64),
        ("to a segment that is no root", |_, _| rvf_wire::HEAD_BYTES as u64),
        ("between segments", |offset, _| offset - 4_160),
    ];
    for (name, end) in ends {
        let (mut forger, _) = forger();
        let (offset, id) = (forger.len(), next_id(&forger));
        let len = forger.manifest(offset, id, |_| {}).len() as u64;
        forger.plant_manifest(offset, id, |manifest| manifest.previous_root_offset = end(offset, len));
        assert_refused(name, &forger);
        let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).unwrap();
        let error = store.changes(1, None, 10, true).unwrap_err();
        assert!(damage_common::expected::is_about_damage(&error), "{name}: {error}");
    }
}

#[test]
fn an_earlier_manifest_that_says_it_is_later_is_passed_or_an_error() {
    for epoch in [0, 1, 2, 3, 1 << 20, 1 << 50] {
        let (mut forger, _) = forger();
        let (offset, id) = (forger.len(), next_id(&forger));
        let first = forger.manifest(offset, id, |manifest| manifest.epoch = epoch);
        let behind = offset + first.len() as u64;
        forger.write(offset, first);
        forger.plant_manifest(behind, id + 1, |manifest| {
            manifest.previous_root_offset = behind - ROOT_PAGE_BYTES as u64;
        });
        assert_harmless(&format!("an earlier manifest of epoch {epoch}"), &forger);
    }
}

#[test]
fn a_schema_or_a_compaction_that_no_engine_writes_is_refused() {
    let long = format!("[{}]", " ".repeat(1 << 20));
    let schemas = ["", "[", "{}", "[{}]", "[1]", r#"[{"field":"a","type":"date"}]"#, &long];
    for schema in schemas {
        let (mut forger, _) = forger();
        let (offset, id) = (forger.len(), next_id(&forger));
        forger.plant_manifest(offset, id, |manifest| manifest.options.schema = Some(schema.to_owned()));
        assert_not_opened(&format!("the schema {:?}", &schema[..schema.len().min(30)]), &forger);
    }
    let states: [(&str, bool, fn(&mut Manifest)); 3] = [
        ("compactions without end", true, |manifest| manifest.compaction.count = u64::MAX),
        ("a compaction of an epoch to come", false, |manifest| manifest.compaction.epoch = 1 << 50),
        ("a compaction of the last epoch", false, |manifest| {
            manifest.compaction.count = 1;
            manifest.compaction.epoch = u64::MAX;
        }),
    ];
    for (name, is_impossible, change) in states {
        let (mut forger, _) = forger();
        let (offset, id) = (forger.len(), next_id(&forger));
        forger.plant_manifest(offset, id, change);
        if is_impossible {
            assert_not_opened(name, &forger);
        } else {
            assert_harmless(name, &forger);
        }
    }
}
