//! Stores with tiering count what is asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rvf_manifest::SegmentEntry;
use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{Metric, SegmentKind};
use rvf_runtime::{Host, OpenOptions, RvfStore};
use rvf_wire::{SketchPayload, id_hash, sketch_places};

use crate::damage_common::forger::Forger;
use crate::hosts::{PATH, SteppingClock, Subject, without_threads};
use crate::model::nearest;
use crate::temperature::{COLD, DAY_NS, ask_for, compact, ids, subject, subject_on};

/// What the file says how often an id was asked for.
fn stored_count(bytes: &[u8], id: &str) -> u16 {
    let known = Forger::of(bytes).known;
    let sketches: Vec<&SegmentEntry> =
        known.manifest.segments.iter().filter(|entry| entry.header.kind == SegmentKind::SKETCH).collect();
    assert!(sketches.len() <= 1, "{sketches:?}");
    let Some(entry) = sketches.first() else { return 0 };
    let extent = entry.extent().unwrap();
    let sketch = SketchPayload::decode(&bytes[extent.payload_offset as usize..][..extent.data_bytes as usize]).unwrap();
    let places = sketch_places(id_hash(id.as_bytes(), known.head.salt), sketch.width);
    places.iter().map(|place| sketch.counters[*place]).min().unwrap()
}

fn bytes_of(subject: &Subject) -> Vec<u8> {
    subject.store.export_bytes().unwrap().to_vec()
}

fn count_of(subject: &Subject, id: &str) -> u16 {
    stored_count(&bytes_of(subject), id)
}

#[test]
fn entries_that_are_asked_for_are_counted_and_the_counts_survive_reopening_and_compaction() {
    let mut subject = subject(Metric::L2, COLD[0], 1);
    subject.ingest_new(400);
    ask_for(&subject.store, &ids(3..4), 2);
    let vector = subject.model.entries["id-3"].vector.clone();
    assert_eq!(subject.store.query(&vector, &nearest(1), None).unwrap().ids, ["id-3"]);
    subject.store.query_batch(&[&vector[..], &vector[..]].concat(), &nearest(1), None).unwrap();
    assert_eq!([count_of(&subject, "id-3"), count_of(&subject, "id-4")], [5, 0]);
    subject.reopen();
    assert_eq!(count_of(&subject, "id-3"), 5);
    ask_for(&subject.store, &ids(3..5), 1);
    subject.reopen();
    compact(&subject);
    assert_eq!([count_of(&subject, "id-3"), count_of(&subject, "id-4")], [6, 1]);
    subject.ingest(ids(3..4));
    ask_for(&subject.store, &ids(3..4), 1);
    compact(&subject);
    subject.reopen();
    assert_eq!([count_of(&subject, "id-3"), count_of(&subject, "id-4")], [7, 1]);
}

#[test]
fn closing_a_store_that_was_only_asked_keeps_the_counts_and_closing_one_that_was_not_writes_nothing() {
    let mut subject = subject(Metric::L2, COLD[0], 1);
    subject.ingest_new(10);
    subject.reopen();
    let before = bytes_of(&subject).len();
    subject.reopen();
    assert_eq!(bytes_of(&subject).len(), before);
    ask_for(&subject.store, &ids(3..4), 1);
    subject.reopen();
    assert_eq!(count_of(&subject, "id-3"), 1);
}

#[test]
fn who_opens_a_store_to_read_counts_nothing() {
    let mut subject = subject(Metric::L2, COLD[0], 2);
    subject.ingest_new(100);
    subject.store.checkpoint().unwrap();
    let reader = RvfStore::open(&subject.host, PATH, &OpenOptions::read_only()).unwrap();
    ask_for(&reader, &ids(0..10), 3);
    subject.reopen();
    assert_eq!(count_of(&subject, "id-1"), 0);
}

#[test]
fn counts_halve_every_seven_days_also_while_the_store_is_closed() {
    let clock = SteppingClock::new();
    let host = Host { clock: clock.clone(), ..without_threads(Arc::new(MemoryStorage::new())) };
    let mut subject = subject_on(host, Metric::L2, COLD[0], 3);
    subject.ingest_new(10);
    ask_for(&subject.store, &ids(3..4), 16);
    clock.now_ns.fetch_add(7 * DAY_NS, Ordering::Relaxed);
    ask_for(&subject.store, &ids(3..4), 1);
    assert_eq!(count_of(&subject, "id-3"), 9);
    subject.store.close().unwrap();
    clock.now_ns.fetch_add(15 * DAY_NS, Ordering::Relaxed);
    subject.store = RvfStore::open(&subject.host, PATH, &OpenOptions::default()).unwrap();
    ask_for(&subject.store, &ids(3..4), 1);
    assert_eq!(count_of(&subject, "id-3"), 3);
    clock.now_ns.fetch_add(6 * DAY_NS, Ordering::Relaxed);
    ask_for(&subject.store, &ids(4..5), 1);
    assert_eq!(count_of(&subject, "id-3"), 1);
}
