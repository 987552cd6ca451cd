//! Tiered rows and counters whose bytes are not what was written.

use rvf_manifest::SegmentEntry;
use rvf_runtime::types::{Compression, ErrorCode, Metric, SegmentFlags, SegmentKind};
use rvf_runtime::{Control, OpenOptions, Quality, QueryOptions, Result, RvfStore};
use std::sync::Arc;

use crate::damage_common::forger::Forger;
use crate::damage_common::{PATH, host_with};
use crate::hosts::{Subject, without_threads};
use crate::kit::strings;
use crate::model::nearest;

const HOT_ID: &str = "id-1";
const COLD_ID: &str = "id-900";

/// Bytes of a store with hot and cold rows, and what it holds.
fn sample() -> (Vec<u8>, Subject) {
    let host = without_threads(Arc::new(rvf_runtime::storage::MemoryStorage::new()));
    let options = crate::temperature::options(Metric::L2, Compression::Binary { training_rows: 1_000 });
    let mut subject = Subject::with_options(host, PATH, &options, 1);
    subject.ingest_new(1_200);
    let hot: Vec<String> = (0..100).map(|number| format!("id-{number}")).collect();
    subject.store.get(&strings(&hot), false).unwrap();
    subject.store.compact(&Control::default()).unwrap();
    subject.store.close().unwrap();
    let bytes = crate::damage_common::file_bytes(&subject.host);
    (bytes, subject)
}

fn segments(bytes: &[u8]) -> Vec<SegmentEntry> {
    Forger::of(bytes).known.manifest.segments
}

fn find(segments: &[SegmentEntry], is_it: impl Fn(&SegmentEntry) -> bool) -> usize {
    segments.iter().position(is_it).unwrap()
}

fn is_hot(entry: &SegmentEntry) -> bool {
    entry.header.kind == SegmentKind::HOT
}

fn is_cold(entry: &SegmentEntry) -> bool {
    entry.header.flags.contains(SegmentFlags::COLD) && entry.row_count > 0
}

fn is_sketch(entry: &SegmentEntry) -> bool {
    entry.header.kind == SegmentKind::SKETCH
}

/// Copies of a store, each with one damaged byte of one of its segments.
fn damaged(bytes: &[u8], is_it: impl Fn(&SegmentEntry) -> bool) -> Vec<(u64, Vec<u8>)> {
    let segments = segments(bytes);
    let extent = segments[find(&segments, is_it)].extent().unwrap();
    let flipped = |at: u64| {
        let mut bytes = bytes.to_vec();
        bytes[(extent.payload_offset + at) as usize] ^= 0x10;
        (at, bytes)
    };
    [0, 3, 9, 24, 66, extent.data_bytes / 2, extent.data_bytes - 1].map(flipped).to_vec()
}

fn open(bytes: &[u8]) -> Result<RvfStore> {
    RvfStore::open(&host_with(bytes), PATH, &OpenOptions::default())
}

fn vector_of(store: &RvfStore, id: &str) -> Result<Vec<u8>> {
    store.get(&strings(&[id]), true).map(|page| page.vectors.unwrap())
}

#[test]
fn a_damaged_byte_of_hot_or_cold_rows_is_an_error_for_whoever_needs_them() {
    let (bytes, mut subject) = sample();
    let copies = damaged(&bytes, is_hot).into_iter().chain(damaged(&bytes, is_cold));
    for (at, copy) in copies {
        let store = open(&copy).unwrap();
        let exact = QueryOptions { quality: Quality::Exact, ..nearest(10) };
        let error = store.query(&subject.queries(1)[0], &exact, None).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidChecksum, "byte {at}: {error}");
        let error = store.compact(&Control::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidChecksum, "byte {at}: {error}");
        assert!(!store.verify(&Control::default()).unwrap().problems.is_empty());
        // What needs no vectors goes on.
        assert!(store.has(&strings(&[HOT_ID])).unwrap()[0]);
    }
}

#[test]
fn damage_of_the_last_hot_rows_is_no_error_for_other_rows() {
    let (bytes, _) = sample();
    let (_, copy) = damaged(&bytes, is_cold).pop().unwrap();
    let (whole, store) = (open(&bytes).unwrap(), open(&copy).unwrap());
    assert_eq!(vector_of(&store, HOT_ID).unwrap(), vector_of(&whole, HOT_ID).unwrap());
    let (_, copy) = damaged(&bytes, is_hot).pop().unwrap();
    let store = open(&copy).unwrap();
    assert_eq!(vector_of(&store, COLD_ID).unwrap(), vector_of(&whole, COLD_ID).unwrap());
}

#[test]
fn a_damaged_sketch_is_forgotten_and_no_error() {
    let (bytes, mut subject) = sample();
    for (at, copy) in damaged(&bytes, is_sketch) {
        let store = open(&copy).unwrap();
        store.query(&subject.queries(1)[0], &nearest(10), None).unwrap_or_else(|error| panic!("byte {at}: {error}"));
        store.get(&strings(&[COLD_ID]), false).unwrap();
        store.compact(&Control::default()).unwrap_or_else(|error| panic!("byte {at}: {error}"));
        assert_eq!(store.verify(&Control::default()).unwrap().problems, []);
        // A store that has forgotten who was hot cannot tell it from others: what was asked for since counts.
        assert!(store.status().unwrap().tiering.unwrap().hot_rows <= 10, "byte {at}");
    }
}

/// A file whose newest manifest names other segments.
fn forged(bytes: &[u8], change: impl FnOnce(&mut Vec<SegmentEntry>)) -> Vec<u8> {
    let mut forger = Forger::of(bytes);
    let (at, id) = (forger.len(), forger.known.last_segment_id + 1);
    forger.plant_manifest(at, id, |manifest| change(&mut manifest.segments));
    forger.bytes()
}

#[test]
fn a_directory_that_does_not_fit_tiered_rows_is_refused() {
    let (bytes, mut subject) = sample();
    let beyond = forged(&bytes, |segments| {
        let at = find(segments, is_hot);
        segments[at].row_count = 1_201;
    });
    let not_cold = forged(&bytes, |segments| {
        let at = find(segments, is_cold);
        segments[at].header.flags = segments[at].header.flags.without(SegmentFlags::COLD);
    });
    for bytes in [beyond, not_cold] {
        let error = open(&bytes).err().unwrap();
        assert!(matches!(error.code, ErrorCode::InvalidManifest | ErrorCode::InvalidChecksum), "{error}");
    }
    let mut forger = Forger::of(&bytes);
    let (at, id) = (forger.len(), forger.known.last_segment_id + 1);
    forger.plant_manifest(at, id, |manifest| manifest.options.tiering = None);
    let error = open(&forger.bytes()).err().unwrap();
    assert!(matches!(error.code, ErrorCode::InvalidManifest | ErrorCode::InvalidChecksum), "{error}");
    let other_rows = forged(&bytes, |segments| {
        let at = find(segments, is_hot);
        segments[at].row_count -= 1;
    });
    let error = open(&other_rows).unwrap().query(&subject.queries(1)[0], &nearest(10), None).unwrap_err();
    assert!(matches!(error.code, ErrorCode::InvalidManifest | ErrorCode::InvalidChecksum), "{error}");
}
