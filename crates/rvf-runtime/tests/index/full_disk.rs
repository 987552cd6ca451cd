//! A disk that is full when the index is to be written.

use std::sync::Arc;
use std::thread;

use rvf_runtime::storage::{Fault, FaultKind, FaultyStorage};
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Control, Host, OpenOptions, RvfStore};

use crate::hosts::{PATH, Subject, without_threads};

const FULL: Fault = Fault { at: 1, kind: FaultKind::DiskFull, forever: true };

/// Opens the store again once there is space: every commit is there, and can be indexed.
fn check_reopening(storage: &FaultyStorage, mut subject: Subject) {
    storage.set_fault(None);
    drop(subject.store.close());
    subject.store = RvfStore::open(&subject.host, PATH, &OpenOptions::default()).unwrap();
    assert_eq!(subject.store.count().unwrap(), subject.model.entries.len() as u64);
    subject.wait_for_index();
    assert_eq!(subject.unindexed_rows(), 0);
    subject.ingest_new(100);
    subject.check_all();
}

#[test]
fn waiting_for_the_index_on_a_full_disk_says_so_and_loses_no_commit() {
    for indexed_before in [false, true] {
        let storage = Arc::new(FaultyStorage::new());
        let mut subject = Subject::new(without_threads(storage.clone()), PATH, Metric::L2, 16, 1);
        subject.ingest_new(700);
        if indexed_before {
            subject.wait_for_index();
            subject.ingest_new(300);
        }
        storage.set_fault(Some(FULL));
        let error = subject.store.wait_for_index(&Control::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::DiskFull, "{error}");
        subject.check_all();
        check_reopening(&storage, subject);
    }
}

#[test]
fn a_disk_that_is_full_while_the_background_indexes_loses_no_commit() {
    let storage = Arc::new(FaultyStorage::new());
    let mut subject = Subject::new(Host::native_over(storage.clone()), PATH, Metric::L2, 16, 2);
    subject.ingest_new(1_100);
    storage.set_fault(Some(FULL));
    while storage.faults_injected() == 0 && subject.unindexed_rows() > 0 {
        thread::yield_now();
    }
    subject.check_all();
    check_reopening(&storage, subject);
}
