//! Bytes of the index that are not what was written: answers do not need them, and the index is made anew.

use rvf_manifest::SegmentEntry;
use rvf_runtime::types::{Metric, SegmentKind};
use rvf_runtime::{Control, OpenOptions, RvfStore};

use crate::damage_common::expected::is_about_damage;
use crate::damage_common::forger::Forger;
use crate::damage_common::{PATH, host_with};
use crate::hosts::Subject;
use crate::kit::{Rng, times};
use crate::model::{nearest, walks};

/// Bytes of a store with two runs of codes and a graph of two layers, closed, and what it holds.
pub fn sample() -> (Vec<u8>, Subject) {
    let mut subject = Subject::with_rows(900, Metric::L2, 16, 1);
    subject.wait_for_index();
    subject.ingest_new(60);
    subject.wait_for_index();
    assert_eq!(subject.store.status().unwrap().index_layers, 2);
    let bytes = subject.store.export_bytes().unwrap().to_vec();
    (bytes, subject)
}

/// Segments of the index that a store's newest state has.
pub fn index_segments(bytes: &[u8]) -> Vec<SegmentEntry> {
    let is_index = |entry: &&SegmentEntry| matches!(entry.header.kind, SegmentKind::QUANT | SegmentKind::INDEX);
    Forger::of(bytes).known.manifest.segments.iter().filter(is_index).copied().collect()
}

/// Proves that a store holds and answers everything, by whatever way.
pub fn check_answers(store: &RvfStore, subject: &mut Subject, what: &str) {
    check_some_answers(store, subject, what, 1);
}

/// As [`check_answers`], asking for one entry in `step`.
fn check_some_answers(store: &RvfStore, subject: &mut Subject, what: &str, step: usize) {
    assert_eq!(store.count().unwrap(), subject.model.entries.len() as u64, "{what}");
    subject.model.found_by_own_vector(store, subject.model.entries.keys().step_by(step));
    let queries = subject.queries(8);
    let recall = subject.model.recall(store, &queries, &nearest(10));
    assert!(recall >= 0.9, "{what}: recall {recall}");
}

/// Offsets in the file of all parts of a segment: of its header, its data and its block table.
fn offsets(entry: &SegmentEntry, rng: &mut Rng) -> (Vec<u64>, Vec<u64>) {
    let extent = entry.extent().unwrap();
    let header = [0, 5, 16, 40, 63].map(|at| extent.offset + at).to_vec();
    let data = extent.payload_offset;
    let payload_bytes = extent.payload_bytes() as usize;
    let mut payload = vec![data, data + 64, data + extent.data_bytes - 1, data + payload_bytes as u64 - 1];
    payload.extend((0..times(2, 200)).map(|_| data + rng.below(payload_bytes) as u64));
    (header, payload)
}

fn flipped(bytes: &[u8], offset: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset as usize] ^= 0x10;
    bytes
}

/// A reader of a damaged file answers everything, and `verify` names the segment.
fn check_reader(bytes: &[u8], subject: &mut Subject, entry: &SegmentEntry, what: &str) {
    let store = RvfStore::open(&host_with(bytes), PATH, &OpenOptions::read_only()).unwrap();
    check_some_answers(&store, subject, what, 9);
    let report = store.verify(&Control::default()).unwrap();
    let extent = entry.extent().unwrap();
    let is_named = report.problems.iter().any(|problem| (extent.offset..extent.end()).contains(&problem.offset));
    assert!(is_named, "{what}: {:?}", report.problems);
}

#[test]
fn a_damaged_byte_of_codes_or_graph_costs_no_answer_and_goes_with_the_next_build() {
    let (bytes, mut subject) = sample();
    let mut rng = Rng::new(1);
    for entry in index_segments(&bytes) {
        let (_, payload) = offsets(&entry, &mut rng);
        for offset in payload {
            let what = format!("{:?} at {}, byte {offset}", entry.header.kind, entry.offset);
            let damaged = flipped(&bytes, offset);
            check_reader(&damaged, &mut subject, &entry, &what);
            let writer = RvfStore::open(&host_with(&damaged), PATH, &OpenOptions::default()).unwrap();
            check_answers(&writer, &mut subject, &what);
            writer.wait_for_index(&Control::default()).unwrap();
            let status = writer.status().unwrap();
            assert!(status.unindexed_rows == 0 && !status.needs_rebuild, "{what}: {status:?}");
            assert!(walks(&writer, &subject.queries(1)[0]), "{what}");
            check_some_answers(&writer, &mut subject, &what, 9);
            writer.compact(&Control::default()).unwrap();
            assert_eq!(writer.verify(&Control::default()).unwrap().problems, [], "{what}");
            check_some_answers(&writer, &mut subject, &what, 9);
        }
    }
}

#[test]
fn a_damaged_header_of_codes_or_graph_costs_no_answer() {
    let (bytes, mut subject) = sample();
    let mut rng = Rng::new(2);
    for entry in index_segments(&bytes) {
        let (header, _) = offsets(&entry, &mut rng);
        for offset in header {
            let what = format!("{:?} at {}, byte {offset}", entry.header.kind, entry.offset);
            let damaged = flipped(&bytes, offset);
            check_reader(&damaged, &mut subject, &entry, &what);
            let writer = RvfStore::open(&host_with(&damaged), PATH, &OpenOptions::default()).unwrap();
            check_some_answers(&writer, &mut subject, &what, 9);
            // History is looked for from header to header, so that a compaction may say what it met.
            if let Err(error) = writer.compact(&Control::default()) {
                assert!(is_about_damage(&error), "{what}: {error}");
            }
            check_some_answers(&writer, &mut subject, &what, 9);
        }
    }
}

#[test]
fn damage_that_building_meets_first_goes_with_that_build() {
    let (bytes, mut subject) = sample();
    for entry in index_segments(&bytes) {
        let extent = entry.extent().unwrap();
        let damaged = flipped(&bytes, extent.payload_offset + 70);
        let host = host_with(&damaged);
        let writer = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
        // One more row, so that there is something to build.
        let id = subject.model.entries.keys().next().unwrap().clone();
        let stored = subject.model.entries[&id].clone();
        let batch = subject.model.put(vec![(id, stored)]);
        writer.ingest(crate::kit::batch_of(&batch), rvf_runtime::OnDuplicate::Replace, crate::kit::WAIT).unwrap();
        writer.wait_for_index(&Control::default()).unwrap();
        assert_eq!(writer.status().unwrap().unindexed_rows, 0);
        check_answers(&writer, &mut subject, "after the build");
        writer.close().unwrap();
        let reader = RvfStore::open(&host, PATH, &OpenOptions::read_only()).unwrap();
        assert!(walks(&reader, &subject.queries(1)[0]));
        check_answers(&reader, &mut subject, "opened again");
    }
}
