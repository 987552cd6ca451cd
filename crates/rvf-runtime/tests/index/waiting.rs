//! Waiting for the index: alone, together, beside others, and not to the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Control, Host, OpenOptions, RvfStore};

use crate::hosts::{PATH, Subject, without_threads};
use crate::model::nearest;

/// Takes some steps of the build, between which it can be stopped.
const MANY_ROWS: usize = 9_000;

fn many(host: Host) -> Subject {
    let mut subject = Subject::new(host, PATH, Metric::L2, 24, 1);
    subject.ingest_new(MANY_ROWS);
    subject
}

fn with_threads() -> Host {
    Host::native_over(Arc::new(MemoryStorage::new()))
}

fn alone() -> Host {
    without_threads(Arc::new(MemoryStorage::new()))
}

/// Returns once the call that `control` belongs to has let rows into the graph.
fn wait_for_progress(control: &Control) {
    while control.progress().0 == 0 {
        thread::yield_now();
    }
}

#[test]
fn a_call_that_was_cancelled_before_ends_and_leaves_a_store_that_can_go_on() {
    let mut subject = Subject::with_rows(700, Metric::L2, 16, 2);
    let control = Control::default();
    control.cancel();
    assert_eq!(subject.store.wait_for_index(&control).unwrap_err().code, ErrorCode::Timeout);
    assert_eq!(subject.unindexed_rows(), 700);
    subject.wait_for_index();
    assert_eq!(subject.unindexed_rows(), 0);
    subject.check_all();
}

#[test]
fn a_call_that_is_cancelled_in_its_middle_ends_and_leaves_a_store_that_can_go_on() {
    for host in [alone(), with_threads()] {
        let mut subject = many(host);
        let control = Control::default();
        let ended = thread::scope(|scope| {
            let waiting = scope.spawn(|| subject.store.wait_for_index(&control));
            wait_for_progress(&control);
            control.cancel();
            waiting.join().unwrap()
        });
        assert_eq!(ended.unwrap_err().code, ErrorCode::Timeout);
        for query in subject.queries(5) {
            subject.model.ask(&subject.store, &query, &nearest(10), None);
        }
        subject.ingest_new(100);
        subject.wait_for_index();
        assert_eq!(subject.unindexed_rows(), 0);
        subject.model.found_by_own_vector(&subject.store, subject.model.entries.keys().step_by(50));
    }
}

#[test]
fn two_callers_at_once_both_find_the_index_whole() {
    for host in [alone(), with_threads()] {
        let subject = many(host);
        thread::scope(|scope| {
            let callers: Vec<_> =
                (0..2).map(|_| scope.spawn(|| subject.store.wait_for_index(&Control::default()))).collect();
            callers.into_iter().for_each(|caller| caller.join().unwrap().unwrap());
        });
        assert_eq!(subject.unindexed_rows(), 0);
        subject.model.found_by_own_vector(&subject.store, subject.model.entries.keys().step_by(50));
    }
}

#[test]
fn beside_writers_and_compactions_every_committed_row_comes_into_the_graph() {
    for host in [alone(), with_threads()] {
        let mut subject = Subject::new(host, PATH, Metric::Cosine, 16, 3);
        subject.ingest_new(1_500);
        let store = subject.store.clone();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| store.wait_for_index(&Control::default()).unwrap());
            }
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    store.compact(&Control::default()).unwrap();
                    store.wait_for_index(&Control::default()).unwrap();
                }
            });
            for _ in 0..12 {
                subject.ingest_new(100);
                let ids = subject.some_ids(60);
                subject.delete(&ids);
                let ids = subject.some_ids(60);
                subject.ingest(ids);
            }
            is_over.store(true, Ordering::Release);
        });
        subject.wait_for_index();
        assert_eq!(subject.unindexed_rows(), 0);
        subject.check_all();
        subject.reopen();
        assert_eq!(subject.unindexed_rows(), 0);
        subject.check_all();
    }
}

#[test]
fn closing_ends_the_call_and_does_not_wait_for_all_rows() {
    for host in [alone(), with_threads()] {
        let mut subject = many(host);
        let control = Control::default();
        let ended = thread::scope(|scope| {
            let waiting = scope.spawn(|| subject.store.wait_for_index(&control));
            wait_for_progress(&control);
            subject.store.close().unwrap();
            waiting.join().unwrap()
        });
        assert_eq!(ended.unwrap_err().code, ErrorCode::StoreClosed);
        subject.store = RvfStore::open(&subject.host, PATH, &OpenOptions::default()).unwrap();
        subject.wait_for_index();
        subject.model.found_by_own_vector(&subject.store, subject.model.entries.keys().step_by(50));
    }
}

#[test]
fn a_closed_store_and_a_reader_are_told_so() {
    let subject = Subject::with_rows(600, Metric::L2, 16, 4);
    let reader = RvfStore::open(&subject.host, PATH, &OpenOptions::read_only()).unwrap();
    assert_eq!(reader.wait_for_index(&Control::default()).unwrap_err().code, ErrorCode::ReadOnly);
    subject.store.close().unwrap();
    assert_eq!(subject.store.wait_for_index(&Control::default()).unwrap_err().code, ErrorCode::StoreClosed);
}

#[test]
fn progress_comes_to_its_total() {
    let mut subject = Subject::with_rows(2_500, Metric::L2, 16, 5);
    let control = Control::default();
    subject.store.wait_for_index(&control).unwrap();
    assert_eq!(control.progress(), (2_500, 2_500));
    subject.ingest_new(300);
    let control = Control::default();
    subject.store.wait_for_index(&control).unwrap();
    assert_eq!(control.progress(), (300, 300));
}

#[test]
fn an_index_that_is_whole_or_has_nothing_to_hold_is_not_waited_for() {
    let empty = Subject::with_rows(0, Metric::L2, 16, 7);
    empty.wait_for_index();
    let mut subject = Subject::with_rows(600, Metric::L2, 16, 8);
    subject.wait_for_index();
    let bytes = subject.store.status().unwrap().file_bytes;
    subject.wait_for_index();
    assert_eq!(subject.store.status().unwrap().file_bytes, bytes);
    let ids: Vec<String> = subject.model.entries.keys().cloned().collect();
    subject.delete(&ids);
    subject.wait_for_index();
    let query = subject.queries(1).remove(0);
    assert_eq!(subject.store.query(&query, &nearest(5), None).unwrap().ids.len(), 0);
    subject.ingest_new(600);
    subject.wait_for_index();
    subject.check_all();
}

#[test]
fn the_background_work_indexes_what_nobody_waits_for() {
    let mut subject = Subject::new(with_threads(), PATH, Metric::L2, 16, 9);
    subject.ingest_new(1_600);
    while subject.unindexed_rows() > 0 {
        thread::yield_now();
    }
    subject.check_all();
    subject.store.close().unwrap();
}

#[test]
fn progress_comes_to_its_total_where_rows_have_died_before_their_turn() {
    let mut subject = Subject::with_rows(2_500, Metric::L2, 16, 6);
    let ids = subject.some_ids(400);
    subject.delete(&ids);
    let control = Control::default();
    subject.store.wait_for_index(&control).unwrap();
    let (done, total) = control.progress();
    assert_eq!(done, total, "of {total} rows, {} of them dead", ids.len());
}
