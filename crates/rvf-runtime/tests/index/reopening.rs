//! What was indexed stays indexed: opening builds nothing, wherever the bytes come from.

use std::sync::Arc;

use rvf_runtime::storage::{FileStorage, MemoryStorage, NotReadyStorage};
use rvf_runtime::types::Metric;
use rvf_runtime::{Control, Host, OpenOptions, RvfStore};

use crate::hosts::{PATH, Subject, without_threads};
use crate::kit::ready;
use crate::model::walks;

const ROWS: usize = 900;

fn subject() -> Subject {
    let subject = Subject::with_rows(ROWS, Metric::L2, 16, 1);
    subject.wait_for_index();
    subject
}

/// The store has its index, and the graph leads to answers, which are right.
fn assert_indexed(store: &RvfStore, subject: &Subject) {
    let status = ready(|| store.status()).unwrap();
    assert_eq!(status.unindexed_rows, 0);
    assert!(status.index_layers >= 1 && status.index_bytes > 0, "{status:?}");
    assert!(!status.needs_rebuild, "{status:?}");
    let vector = &subject.model.entries.values().next().unwrap().vector;
    assert!(walks(store, vector), "the answer came from comparing all");
    subject.model.found_by_own_vector(store, subject.model.entries.keys().step_by(9));
}

#[test]
fn opening_finds_the_index_that_was_there_at_close() {
    let mut subject = subject();
    subject.reopen();
    assert_indexed(&subject.store, &subject);
}

#[test]
fn a_crash_after_indexing_leaves_the_index() {
    let subject = subject();
    let bytes = subject.store.export_bytes().unwrap();
    let host = without_threads(Arc::new(MemoryStorage::with_file(PATH, bytes)));
    let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
    assert_indexed(&store, &subject);
}

#[test]
fn a_compaction_brings_the_index_along() {
    let mut subject = subject();
    let ids = subject.some_ids(200);
    subject.delete(&ids);
    subject.store.compact(&Control::default()).unwrap();
    assert_indexed(&subject.store, &subject);
    subject.reopen();
    assert_indexed(&subject.store, &subject);
    subject.check_all();
}

#[test]
fn rows_of_an_upsert_are_all_that_is_unindexed() {
    let mut subject = subject();
    let ids = subject.some_ids(50);
    subject.ingest(ids.clone());
    assert_eq!(subject.unindexed_rows(), ids.len() as u64);
    let vector = subject.model.entries[&ids[0]].vector.clone();
    assert!(walks(&subject.store, &vector));
    subject.reopen();
    assert_eq!(subject.unindexed_rows(), ids.len() as u64);
    assert!(walks(&subject.store, &vector));
    subject.check_all();
    subject.wait_for_index();
    assert_indexed(&subject.store, &subject);
}

#[test]
fn a_reader_has_the_index_at_open_and_after_a_refresh() {
    let mut subject = subject();
    let reader = RvfStore::open(&subject.host, PATH, &OpenOptions::read_only()).unwrap();
    assert_indexed(&reader, &subject);
    subject.ingest_new(80);
    assert!(reader.refresh().unwrap());
    assert_eq!(reader.status().unwrap().unindexed_rows, 80);
    subject.wait_for_index();
    assert!(reader.refresh().unwrap());
    assert_indexed(&reader, &subject);
    subject.store.compact(&Control::default()).unwrap();
    assert!(reader.refresh().unwrap());
    assert_indexed(&reader, &subject);
}

#[test]
fn a_backup_and_exported_bytes_have_the_index() {
    let subject = subject();
    subject.store.backup("/copy.rvf", &Control::default()).unwrap();
    let copy = RvfStore::open(&subject.host, "/copy.rvf", &OpenOptions::default()).unwrap();
    assert_indexed(&copy, &subject);
    let bytes = subject.store.export_bytes().unwrap();
    let opened = RvfStore::open_bytes(&subject.host, bytes, &OpenOptions::default()).unwrap();
    assert_indexed(&opened, &subject);
}

#[test]
fn a_mapped_file_has_the_index() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mapped.rvf");
    let host = without_threads(Arc::new(FileStorage::new()));
    let mut subject = Subject::new(host, path.to_str().unwrap(), Metric::Cosine, 24, 3);
    subject.ingest_new(ROWS);
    subject.wait_for_index();
    subject.reopen();
    assert!(subject.store.status().unwrap().is_mapped || !cfg!(unix));
    assert_indexed(&subject.store, &subject);
}

#[test]
fn storage_that_answers_only_what_was_asked_for_before_has_the_index() {
    let storage = Arc::new(NotReadyStorage::new(Arc::new(MemoryStorage::new())));
    let mut subject = Subject::new(without_threads(storage.clone()), PATH, Metric::L2, 16, 4);
    subject.ingest_new(ROWS);
    storage.unload();
    subject.wait_for_index();
    storage.unload();
    subject.reopen();
    storage.unload();
    let vector = subject.model.entries.values().next().unwrap().vector.clone();
    assert!(walks(&subject.store, &vector), "the answer came from comparing all");
    assert_indexed(&subject.store, &subject);
    storage.unload();
    subject.ingest_new(100);
    storage.unload();
    subject.wait_for_index();
    storage.unload();
    ready(|| subject.store.compact(&Control::default())).unwrap();
    storage.unload();
    subject.model.found_by_own_vector(&subject.store, subject.model.entries.keys().step_by(5));
    assert_indexed(&subject.store, &subject);
}

#[test]
fn a_store_that_is_in_memory_only_has_an_index() {
    let host = Host { threads: None, ..Host::native() };
    let mut subject = Subject::new(host, ":memory:", Metric::DotProduct, 16, 6);
    subject.ingest_new(ROWS);
    subject.wait_for_index();
    assert_indexed(&subject.store, &subject);
    subject.store.compact(&Control::default()).unwrap();
    assert_indexed(&subject.store, &subject);
}

#[test]
fn what_a_store_tells_of_its_index_does_not_depend_on_what_is_loaded() {
    let storage = Arc::new(NotReadyStorage::new(Arc::new(MemoryStorage::new())));
    let mut subject = Subject::new(without_threads(storage.clone()), PATH, Metric::L2, 16, 5);
    subject.ingest_new(ROWS);
    subject.wait_for_index();
    subject.reopen();
    storage.unload();
    let status = ready(|| subject.store.status()).unwrap();
    assert!(!status.needs_rebuild && status.index_layers == 1, "{status:?}");
}
