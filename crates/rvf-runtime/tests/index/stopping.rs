//! Queries that are told to stop, before they walk and while they do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Control, Host, QueryOptions, Strategy};

use crate::hosts::{PATH, SteppingClock, Subject, without_threads};
use crate::model::{filtered, nearest, walks};

/// As broad as a walk may be in the store of these tests.
const BREADTH: usize = 300;

const MILLISECOND_NS: u64 = 1_000_000;

/// An indexed store whose clock goes on when it is told to.
fn subject() -> (Subject, Arc<SteppingClock>, Vec<u8>) {
    let clock = SteppingClock::new();
    let host = Host { clock: clock.clone(), ..without_threads(Arc::new(MemoryStorage::new())) };
    let mut subject = Subject::new(host, PATH, Metric::L2, 16, 1);
    subject.ingest_new(2_500);
    subject.wait_for_index();
    let query = subject.queries(1).remove(0);
    assert!(walks(&subject.store, &query));
    (subject, clock, query)
}

#[test]
fn a_query_that_was_cancelled_before_it_walks_ends() {
    let (subject, _, query) = subject();
    let control = Control::default();
    control.cancel();
    for options in [nearest(10), filtered(&subject.store, 1, 10)] {
        let error = subject.store.query(&query, &options, Some(&control)).unwrap_err();
        assert_eq!(error.code, ErrorCode::Timeout, "{error}");
        let error = subject.store.query_batch(&query.repeat(5), &options, Some(&control)).unwrap_err();
        assert_eq!(error.code, ErrorCode::Timeout, "{error}");
    }
    subject.model.ask(&subject.store, &query, &nearest(10), None);
}

#[test]
fn a_query_whose_time_ends_while_it_walks_ends() {
    let (subject, clock, query) = subject();
    clock.step_ns.store(MILLISECOND_NS, Ordering::Relaxed);
    // Looks at the clock that a whole query takes.
    let before = clock.now_ns.load(Ordering::Relaxed);
    let within = |timeout_ms| QueryOptions { timeout_ms, ef_search: Some(BREADTH), with_plan: true, ..nearest(10) };
    let hits = subject.store.query(&query, &within(1_000_000), None).unwrap();
    assert_eq!(hits.plan.unwrap().strategy, Strategy::Graph);
    let looks = (clock.now_ns.load(Ordering::Relaxed) - before) / MILLISECOND_NS;
    assert!(looks > 2, "a walk looked at the clock {looks} times");
    for timeout_ms in 1..looks - 1 {
        let error = subject.store.query(&query, &within(timeout_ms), None).unwrap_err();
        assert_eq!(error.code, ErrorCode::Timeout, "{timeout_ms} ms: {error}");
    }
    subject.store.query(&query, &within(looks + 1), None).unwrap();
}

#[test]
fn a_query_that_is_cancelled_while_it_walks_ends_or_answers() {
    let (subject, _, query) = subject();
    let control = Control::default();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            loop {
                match subject.store.query(&query, &nearest(10), Some(&control)) {
                    Ok(hits) => subject.model.check(&query, &hits, 10, None),
                    Err(error) => return error.code,
                }
            }
        });
        std::thread::yield_now();
        control.cancel();
        assert_eq!(asked.join().unwrap(), ErrorCode::Timeout);
    });
}
