//! What closing leaves to the next one who opens the store.

use std::sync::Arc;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::Metric;
use rvf_runtime::types::limits::UNINDEXED_ROWS_MAX;

use crate::hosts::{PATH, SteppingClock, Subject, without_threads};
use crate::kit::times;

#[test]
fn closing_leaves_no_more_rows_unindexed_than_it_may_however_little_time_there_is() {
    let clock = SteppingClock::new();
    let storage = Arc::new(MemoryStorage::new());
    let host = rvf_runtime::Host { clock: clock.clone(), ..without_threads(storage) };
    let mut subject = Subject::new(host, PATH, Metric::L2, 8, 1);
    subject.ingest_new(12_000);
    // Each look at the clock takes an hour: no time is left for rows that may stay.
    clock.step_ns.store(3_600_000_000_000, std::sync::atomic::Ordering::Relaxed);
    subject.reopen();
    let unindexed = subject.unindexed_rows();
    assert!((1..=u64::from(UNINDEXED_ROWS_MAX)).contains(&unindexed), "{unindexed} rows stayed unindexed");
    subject.model.found_by_own_vector(&subject.store, subject.model.entries.keys().step_by(97));
}

#[test]
fn many_small_lives_leave_a_whole_index_in_a_file_of_its_size() {
    let storage = Arc::new(MemoryStorage::new());
    let mut subject = Subject::new(without_threads(storage), PATH, Metric::L2, 16, 2);
    let lives = times(60, 200) as usize;
    for _ in 0..lives {
        subject.ingest_new(100);
        subject.reopen();
        let unindexed = subject.unindexed_rows();
        assert!(unindexed < 1_100, "{unindexed} rows stayed unindexed");
    }
    let status = subject.store.status().unwrap();
    eprintln!(
        "{lives} lives: {} bytes a row, {} of them index, {} layers, {} unindexed",
        status.file_bytes / status.row_count,
        status.index_bytes / status.row_count,
        status.index_layers,
        status.unindexed_rows
    );
    assert!(status.index_layers <= 6, "{} layers", status.index_layers);
    assert!(status.file_bytes / status.row_count < 4_000, "{} bytes a row", status.file_bytes / status.row_count);
    subject.check_all();
}
