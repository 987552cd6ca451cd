//! Writes that are handed over and answered later.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rvf_runtime::storage::FaultyStorage;
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{
    CreateOptions, Durability, Host, OnDuplicate, Outcome, Result, RvfStore, SYNC_INTERVAL_MS, Threads, Write,
};

use crate::Place;
use crate::kit::{NewEntry, Rng, all_rows, batch_of, floats, stamped, strings, times};

/// How long the tests wait for what comes at once on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn one(id: &str) -> Write {
    let entry = NewEntry { id: id.to_owned(), vector: floats([0.0; 3]), metadata: None };
    Write::Ingest { batch: Arc::new(batch_of(&[entry])), on_duplicate: OnDuplicate::Error, control: None }
}

/// Hands a write over and gives the place where its answer will be.
fn submit(store: &RvfStore, write: Write) -> Receiver<Result<Outcome>> {
    let (answer, answered) = channel();
    store.submit(write, Box::new(move |result| answer.send(result).unwrap()));
    answered
}

#[test]
fn every_submitted_write_is_answered_once_in_order_and_by_what_happened_to_it() {
    let place = Place::on_files();
    place.create().close().unwrap();
    let mut all = BTreeSet::new();
    for round in 0..times(40, 10_000) {
        let store = place.open();
        let answered = thread::scope(|scope| {
            let submitters: Vec<_> = (0..3u64)
                .map(|name| {
                    let store = store.clone();
                    scope.spawn(move || {
                        let ids = (0..200).map(|number| format!("{round}-{name}-{number}"));
                        ids.map(|id| (submit(&store, one(&id)), id)).collect::<Vec<_>>()
                    })
                })
                .collect();
            thread::sleep(Duration::from_micros(Rng::new(round).below(8_000) as u64));
            store.close().unwrap();
            submitters.into_iter().map(|submitter| submitter.join().unwrap()).collect::<Vec<_>>()
        });
        for answers in answered {
            let mut epoch = 0;
            for (answer, id) in answers {
                match answer.recv_timeout(PATIENCE).unwrap() {
                    Ok(Outcome::Ingest(outcome)) => {
                        assert!(outcome.epoch > epoch, "out of order");
                        epoch = outcome.epoch;
                        all.insert(id);
                    }
                    other => assert_eq!(other.unwrap_err().code, ErrorCode::StoreClosed),
                }
                assert!(answer.recv().is_err(), "answered twice");
            }
        }
        drop(store);
        let stored = place.open().snapshot().unwrap().rows(all_rows(), None).unwrap().ids;
        assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), all);
    }
}

#[test]
fn a_write_is_answered_although_others_never_stop_writing() {
    /// Writes nothing, again and again, each time from the answer to the time before.
    fn write_again(store: &RvfStore, is_done: &Arc<AtomicBool>) {
        let (next, flag) = (store.clone(), Arc::clone(is_done));
        let done = move |_: Result<Outcome>| {
            if !flag.load(Ordering::Acquire) {
                write_again(&next, &flag);
            }
        };
        store.submit(Write::Delete(strings(&["no"])), Box::new(done));
    }
    let place = Place::on_files();
    let store = place.create();
    let is_done = Arc::new(AtomicBool::new(false));
    write_again(&store, &is_done);
    let (answer, answered) = channel();
    let writer = {
        let store = store.clone();
        thread::spawn(move || {
            for epoch in 1..=100 {
                stamped::commit(&store, epoch).unwrap();
            }
            store.checkpoint().unwrap();
            store.freeze().unwrap();
            answer.send(()).unwrap();
        })
    };
    answered.recv_timeout(PATIENCE).unwrap();
    writer.join().unwrap();
    is_done.store(true, Ordering::Release);
    store.close().unwrap();
}

#[test]
fn a_callback_that_panics_keeps_nobody_waiting() {
    let place = Place::on_files();
    let store = place.create();
    store.submit(one("a"), Box::new(|_| panic!("on purpose")));
    let start = Instant::now();
    while !store.status().unwrap().is_poisoned {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(1));
    }
    let refused = submit(&store, one("b")).recv_timeout(PATIENCE).unwrap();
    assert_eq!(refused.unwrap_err().code, ErrorCode::Poisoned);
    let (answer, answered) = channel();
    thread::spawn(move || answer.send(store.close()).unwrap());
    answered.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(place.open().has(&strings(&["a", "b"])).unwrap(), [true, false]);
}

/// Starts threads as the native host does, and counts those that run.
struct CountedThreads {
    running: Arc<AtomicU64>,
    refuses: bool,
}

impl Threads for CountedThreads {
    fn spawn(&self, _name: &str, work: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
        if self.refuses {
            return Err(std::io::Error::other("no threads"));
        }
        let running = Arc::clone(&self.running);
        running.fetch_add(1, Ordering::AcqRel);
        thread::spawn(move || {
            work();
            running.fetch_sub(1, Ordering::AcqRel);
        });
        Ok(())
    }

    fn parallelism(&self) -> usize {
        1
    }
}

#[test]
fn the_writers_thread_ends_when_idle_and_comes_back_for_the_next_write() {
    let mut place = Place::on_files();
    let running = Arc::new(AtomicU64::new(0));
    place.host.threads = Some(Arc::new(CountedThreads { running: Arc::clone(&running), refuses: false }));
    let store = place.create();
    let wait_for = |count: u64| {
        let start = Instant::now();
        while running.load(Ordering::Acquire) != count {
            assert!(start.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(1));
        }
    };
    for round in 0..2 {
        for number in 0..10 {
            submit(&store, one(&format!("{round}-{number}"))).recv_timeout(PATIENCE).unwrap().unwrap();
        }
        assert_eq!(running.load(Ordering::Acquire), 1);
        wait_for(0);
    }
    submit(&store, one("last")).recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(store.count().unwrap(), 21);
    // Closing does not wait for the thread to get bored, and leaves none behind.
    store.close().unwrap();
    wait_for(0);
}

#[test]
fn a_host_without_threads_commits_where_it_is_asked_to() {
    let refusing = CountedThreads { running: Arc::default(), refuses: true };
    for threads in [None, Some(Arc::new(refusing) as Arc<dyn Threads>)] {
        let mut place = Place::on_files();
        place.host.threads = threads;
        let store = place.create();
        let answer = submit(&store, one("a"));
        answer.try_recv().unwrap().unwrap();
        let twice = submit(&store, one("a"));
        assert_eq!(twice.try_recv().unwrap().unwrap_err().code, ErrorCode::AlreadyExists);
        store.close().unwrap();
        assert_eq!(submit(&store, one("b")).try_recv().unwrap().unwrap_err().code, ErrorCode::StoreClosed);
    }
}

#[test]
fn what_is_committed_with_durability_interval_becomes_durable_without_another_call() {
    let storage = Arc::new(FaultyStorage::new());
    let host = Host::native_over(storage.clone());
    let options = CreateOptions { durability: Durability::Interval, ..stamped::options() };
    let store = RvfStore::create(&host, "/store.rvf", &options).unwrap();
    let start = Instant::now();
    for epoch in 1..=50 {
        stamped::commit(&store, epoch).unwrap();
    }
    let synced = || storage.log().describe().iter().rposition(|line| line.starts_with("sync file"));
    let written = || storage.log().describe().iter().rposition(|line| line.starts_with("write")).unwrap();
    if start.elapsed() < Duration::from_millis(SYNC_INTERVAL_MS) {
        assert!(synced() < Some(written()), "each commit was synced, so this proves nothing");
    }
    while synced() < Some(written()) {
        assert!(start.elapsed() < PATIENCE, "the last commits were never made durable");
        thread::sleep(Duration::from_millis(1));
    }
}
