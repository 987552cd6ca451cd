//! Packed rows, and quantisers, whose bytes are not what was written: unlike codes and graph they are all there is, so
//! whoever needs them is told.

use rvf_manifest::SegmentEntry;
use rvf_runtime::types::{Compression, ErrorCode, Metric, SegmentKind};
use rvf_runtime::{Control, CreateOptions, OnDuplicate, OpenOptions, Quality, QueryOptions, RvfStore};
use std::sync::Arc;

use crate::damage_common::forger::Forger;
use crate::damage_common::{PATH, host_with};
use crate::hosts::{Subject, without_threads};
use crate::kit::{NewEntry, WAIT, all_rows, batch_of, strings};
use crate::model::nearest;

/// Bytes of a store whose rows are packed, and what it holds.
fn sample() -> (Vec<u8>, Subject) {
    let host = without_threads(Arc::new(rvf_runtime::storage::MemoryStorage::new()));
    let mut options = CreateOptions::new(16, Metric::L2);
    options.store.compression = Compression::Scalar { bits: 8 };
    let mut subject = Subject::with_options(host, PATH, &options, 1);
    subject.ingest_new(1_200);
    subject.store.compact(&Control::default()).unwrap();
    subject.store.close().unwrap();
    let bytes = crate::damage_common::file_bytes(&subject.host);
    (bytes, subject)
}

/// The quantiser, then the packed rows.
fn segments(bytes: &[u8]) -> Vec<SegmentEntry> {
    let is_quant = |entry: &&SegmentEntry| entry.header.kind == SegmentKind::QUANT;
    Forger::of(bytes).known.manifest.segments.iter().filter(is_quant).copied().collect()
}

fn flipped(bytes: &[u8], offset: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset as usize] ^= 0x10;
    bytes
}

#[test]
fn a_damaged_byte_of_packed_rows_or_of_their_quantiser_is_an_error_for_whoever_needs_it() {
    let (bytes, mut subject) = sample();
    let found = segments(&bytes);
    assert_eq!(found.iter().map(|entry| entry.row_count).collect::<Vec<_>>(), [0, 1_200]);
    for entry in found {
        let extent = entry.extent().unwrap();
        for at in [0, 3, 24, extent.data_bytes / 2, extent.data_bytes - 1] {
            let damaged = flipped(&bytes, extent.payload_offset + at);
            let store = RvfStore::open(&host_with(&damaged), PATH, &OpenOptions::default()).unwrap();
            let query = subject.queries(1).remove(0);
            let exact = QueryOptions { quality: Quality::Exact, ..nearest(10) };
            let error = store.query(&query, &exact, None).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidChecksum, "byte {at}: {error}");
            let error = store.snapshot().unwrap().rows(all_rows(), None).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidChecksum, "byte {at}: {error}");
            let problems = store.verify(&Control::default()).unwrap().problems;
            assert!(problems.iter().any(|problem| problem.segment == entry.id()), "byte {at}: {problems:?}");
            let error = store.compact(&Control::default()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidChecksum, "byte {at}: {error}");
            // What needs no vectors goes on.
            assert!(store.has(&strings(&["id-1"])).unwrap()[0]);
            store.delete(strings(&["id-1"]), crate::kit::WAIT).unwrap();
        }
    }
}

/// A file whose newest manifest names other segments, or the same in another order.
fn forged(bytes: &[u8], change: impl Fn(&mut Vec<SegmentEntry>)) -> Vec<u8> {
    let mut forger = Forger::of(bytes);
    let (at, id) = (forger.len(), forger.known.last_segment_id + 1);
    forger.plant_manifest(at, id, |manifest| change(&mut manifest.segments));
    forger.bytes()
}

#[test]
fn a_directory_that_does_not_fit_packed_rows_is_refused_or_an_error_when_they_are_needed() {
    let (bytes, mut subject) = sample();
    let place = |segments: &[SegmentEntry], rows: u32| {
        let is_it = |entry: &SegmentEntry| entry.header.kind == SegmentKind::QUANT && entry.row_count == rows;
        segments.iter().position(is_it).unwrap()
    };
    let without_rows = forged(&bytes, |segments| {
        segments.remove(place(segments, 1_200));
    });
    let fewer_rows = forged(&bytes, |segments| {
        let at = place(segments, 1_200);
        segments[at].row_count = 1_199;
    });
    for bytes in [without_rows, fewer_rows] {
        let error = RvfStore::open(&host_with(&bytes), PATH, &OpenOptions::default()).err().unwrap();
        assert!(matches!(error.code, ErrorCode::InvalidManifest | ErrorCode::InvalidChecksum), "{error}");
    }
    let without_quantiser = forged(&bytes, |segments| {
        segments.remove(place(segments, 0));
    });
    let store = RvfStore::open(&host_with(&without_quantiser), PATH, &OpenOptions::default()).unwrap();
    let error = store.query(&subject.queries(1)[0], &nearest(10), None).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidManifest, "{error}");
}

#[test]
fn packed_rows_in_a_store_without_compression_are_no_codes() {
    let (bytes, _) = sample();
    let mut forger = Forger::of(&bytes);
    let (at, id) = (forger.len(), forger.known.last_segment_id + 1);
    forger.plant_manifest(at, id, |manifest| manifest.options.compression = Compression::None);
    let error = RvfStore::open(&host_with(&forger.bytes()), PATH, &OpenOptions::default()).err().unwrap();
    assert!(matches!(error.code, ErrorCode::InvalidManifest | ErrorCode::InvalidChecksum), "{error}");
}

#[test]
fn closing_waiting_and_compacting_end_where_a_packed_row_is_damaged() {
    let (bytes, mut subject) = sample();
    let extent = segments(&bytes).remove(1).extent().unwrap();
    let damaged = flipped(&bytes, extent.payload_offset + extent.data_bytes / 2);
    let store = RvfStore::open(&host_with(&damaged), PATH, &OpenOptions::default()).unwrap();
    let exact = QueryOptions { quality: Quality::Exact, ..nearest(10) };
    store.query(&subject.queries(1)[0], &nearest(100), None).unwrap_err();
    store.query(&subject.queries(1)[0], &exact, None).unwrap_err();
    // More rows than may stay outside the graph.
    let vectors = subject.queries(11_000).into_iter().enumerate();
    let entries: Vec<NewEntry> =
        vectors.map(|(number, vector)| NewEntry { id: format!("new-{number}"), vector, metadata: None }).collect();
    store.ingest(batch_of(&entries), OnDuplicate::Error, WAIT).unwrap();
    let error = store.wait_for_index(&Control::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidChecksum, "{error}");
    let error = store.compact(&Control::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidChecksum, "{error}");
    let _ = store.close();
}
