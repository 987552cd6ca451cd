//! One store, many threads: whoever reads sees a state that was, whoever writes gets one honest answer.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "concurrency/gate.rs"]
mod gate;
mod kit;
#[path = "concurrency/submitted.rs"]
mod submitted;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use gate::Gate;
use kit::{NewEntry, Rng, WAIT, all_rows, batch_of, floats, stamped, times};
use rvf_runtime::storage::{FileStorage, MemoryStorage, Storage};
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Control, CreateOptions, Host, OnDuplicate, OpenOptions, Result, RvfStore};

/// A directory, and a host and a path for a store in it.
struct Place {
    _directory: tempfile::TempDir,
    host: Host,
    path: String,
}

impl Place {
    fn on(storage: impl Storage + 'static) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
        Place { _directory: directory, host: Host::native_over(Arc::new(storage)), path }
    }

    fn on_files() -> Place {
        Place::on(FileStorage::new())
    }

    fn create(&self) -> RvfStore {
        RvfStore::create(&self.host, &self.path, &stamped::options()).unwrap()
    }

    fn open(&self) -> RvfStore {
        RvfStore::open(&self.host, &self.path, &OpenOptions::default()).unwrap()
    }
}

/// Commits in one thread, compactions in a second, checkpoints in a third, readers in four.
fn read_beside_changes(storage: impl Storage + 'static) {
    let place = Place::on(storage);
    let store = place.create();
    let commits = times(1_500, 300_000);
    let is_done = AtomicBool::new(false);
    let compactions = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..4 {
            let (store, is_done) = (store.clone(), &is_done);
            scope.spawn(move || read_until(&store, is_done, Rng::new(number)));
        }
        scope.spawn(|| {
            while !is_done.load(Ordering::Acquire) {
                store.compact(&Control::default()).unwrap();
                compactions.fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            while !is_done.load(Ordering::Acquire) {
                store.checkpoint().unwrap();
                thread::sleep(Duration::from_millis(3));
            }
        });
        for epoch in 1..=commits {
            stamped::commit(&store, epoch).unwrap();
            // The writer of a state sees it at once.
            assert_eq!(store.status().unwrap().epoch, epoch);
        }
        is_done.store(true, Ordering::Release);
    });
    assert!(compactions.load(Ordering::Relaxed) > 1);
    assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), commits);
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
    store.close().unwrap();
    drop(store);
    assert_eq!(stamped::epoch_of(&place.open().snapshot().unwrap()), commits);
}

fn read_until(store: &RvfStore, is_done: &AtomicBool, mut rng: Rng) {
    let mut last = 0;
    let first = store.snapshot().unwrap();
    let mut held = vec![(first.clone(), stamped::epoch_of(&first))];
    while !is_done.load(Ordering::Acquire) {
        let stamp = stamped::query(store).unwrap();
        let snapshot = store.snapshot().unwrap();
        let epoch = stamped::epoch_of(&snapshot);
        assert!(stamp + 1 >= last && epoch >= last && epoch >= stamp, "{last}, then stamp {stamp}, then {epoch}");
        last = epoch;
        let place = rng.below(held.len());
        let (earlier, its_epoch) = &held[place];
        assert_eq!(stamped::epoch_of(earlier), *its_epoch, "a snapshot has changed");
        if held.len() < 5 {
            held.push((snapshot, epoch));
        } else {
            held[place] = (snapshot, epoch);
        }
    }
}

#[test]
fn readers_beside_commits_checkpoints_and_compactions_see_only_states_that_were() {
    read_beside_changes(FileStorage::new());
}

#[test]
fn readers_without_mapping_see_only_states_that_were() {
    read_beside_changes(FileStorage::without_mapping());
}

#[test]
fn readers_in_memory_see_only_states_that_were() {
    read_beside_changes(MemoryStorage::new());
}

#[test]
fn threads_that_share_a_reader_never_see_an_older_state_after_a_newer_one() {
    let place = Place::on_files();
    let store = place.create();
    let reader = RvfStore::open(&place.host, &place.path, &OpenOptions::read_only()).unwrap();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = 0;
                while !is_done.load(Ordering::Acquire) {
                    reader.refresh().unwrap();
                    let epoch = reader.status().unwrap().epoch;
                    assert!(epoch >= last, "epoch {epoch} after {last}");
                    last = epoch;
                }
            });
        }
        for epoch in 1..=times(2_000, 200_000) {
            stamped::commit(&store, epoch).unwrap();
            if epoch % 100 == 0 {
                store.compact(&Control::default()).unwrap();
            }
        }
        is_done.store(true, Ordering::Release);
    });
}

/// Stores rows until the store is closed; answers the ids that were acknowledged.
fn write_until_closed(store: &RvfStore, name: u64) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0u64.. {
        let id = format!("{name}-{number}");
        let entry = NewEntry { id: id.clone(), vector: floats([0.0; 3]), metadata: None };
        match store.ingest(batch_of(&[entry]), OnDuplicate::Error, WAIT) {
            Ok(_) => acknowledged.push(id),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::StoreClosed, "{error}");
                return acknowledged;
            }
        }
    }
    unreachable!()
}

fn closed_or<T>(result: Result<T>) -> Option<T> {
    result.map_err(|error| assert_eq!(error.code, ErrorCode::StoreClosed, "{error}")).ok()
}

/// Reads in every way until the store is closed.
fn read_until_closed(store: &RvfStore) {
    let is_right = |hits: rvf_runtime::Hits| hits.ids.iter().collect::<BTreeSet<_>>().len() == hits.ids.len();
    let options = rvf_runtime::QueryOptions { k: 10, ..Default::default() };
    loop {
        let query = closed_or(store.query(&floats([0.0; 3]), &options, None));
        let snapshot = closed_or(store.snapshot());
        let report = closed_or(store.verify(&Control::default()));
        assert!(report.as_ref().is_none_or(|report| report.problems.is_empty()), "{report:?}");
        if let Some(snapshot) = &snapshot {
            // Held across the closing, perhaps.
            let page = snapshot.rows(all_rows(), None).unwrap();
            assert_eq!(page.ids.len() as u64, snapshot.count());
        }
        closed_or(store.compact(&Control::default()).or_else(|error| match error.code {
            ErrorCode::Busy => Ok(rvf_runtime::CompactOutcome { segments_compacted: 0, bytes_reclaimed: 0, epoch: 0 }),
            _ => Err(error),
        }));
        match query {
            Some(hits) => assert!(is_right(hits)),
            None => return,
        }
    }
}

#[test]
fn closing_while_others_read_write_and_compact_ends_in_right_answers_or_in_store_closed() {
    let place = Place::on_files();
    place.create().close().unwrap();
    let mut all = BTreeSet::new();
    for round in 0..times(60, 10_000) {
        let store = place.open();
        let mut rng = Rng::new(round);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..2)
                .map(|number| {
                    let store = store.clone();
                    scope.spawn(move || write_until_closed(&store, round * 2 + number))
                })
                .collect();
            scope.spawn(|| read_until_closed(&store));
            scope.spawn(|| read_until_closed(&store));
            thread::sleep(Duration::from_micros(rng.below(5_000) as u64));
            store.close().unwrap();
            // The lock is free at once, whatever the others still do.
            drop(place.open());
            writers.into_iter().for_each(|writer| all.extend(writer.join().unwrap()));
        });
        // Acknowledged is there, refused is not.
        let again = place.open();
        let stored = again.snapshot().unwrap().rows(all_rows(), None).unwrap().ids;
        assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), all, "round {round}");
    }
    let left: Vec<_> = std::fs::read_dir(place._directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn snapshots_stay_readable_after_compaction_and_after_closing() {
    let place = Place::on_files();
    let store = place.create();
    let mut held = vec![(store.snapshot().unwrap(), 0)];
    for epoch in 1..=60 {
        stamped::commit(&store, epoch).unwrap();
        held.push((store.snapshot().unwrap(), epoch));
        match epoch % 20 {
            7 => store.checkpoint().unwrap(),
            13 => drop(store.compact(&Control::default()).unwrap()),
            _ => {}
        }
    }
    store.close().unwrap();
    assert_eq!(store.query(&floats([0.0; 3]), &Default::default(), None).unwrap_err().code, ErrorCode::StoreClosed);
    drop(store);
    let store = place.open();
    store.compact(&Control::default()).unwrap();
    for (snapshot, epoch) in held {
        assert_eq!(stamped::epoch_of(&snapshot), epoch);
    }
}

/// A store with commits, and a compaction of it that stands in its middle.
fn stop_in_the_middle() -> (Place, RvfStore, Gate, thread::JoinHandle<Result<()>>) {
    let mut place = Place::on_files();
    let gate;
    (place.host, gate) = Gate::in_host(&place.host);
    let store = place.create();
    (1..=120).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    let compacting = store.clone();
    let thread = thread::spawn(move || compacting.compact(&Control::default()).map(drop));
    gate.wait();
    (place, store, gate, thread)
}

#[test]
fn of_two_compactions_at_once_the_second_is_told_that_it_is_busy() {
    let (_place, store, gate, first) = stop_in_the_middle();
    assert!(store.status().unwrap().is_compacting);
    let error = store.compact(&Control::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::Busy, "{error}");
    gate.open();
    first.join().unwrap().unwrap();
    assert!(!store.status().unwrap().is_compacting);
    store.compact(&Control::default()).unwrap();
}

#[test]
fn rows_written_replaced_and_deleted_during_a_compaction_are_as_they_were_committed() {
    let (place, store, gate, compaction) = stop_in_the_middle();
    let before = store.snapshot().unwrap();
    // The rows copied so far die, new ones come, some of those die as well; a checkpoint falls in between.
    for epoch in 121..=300 {
        stamped::commit(&store, epoch).unwrap();
        if epoch == 200 {
            store.checkpoint().unwrap();
        }
    }
    gate.open();
    compaction.join().unwrap().unwrap();
    assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), 300);
    assert_eq!(stamped::epoch_of(&before), 120);
    for epoch in 301..=320 {
        stamped::commit(&store, epoch).unwrap();
    }
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
    store.close().unwrap();
    let store = place.open();
    assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), 320);
    assert_eq!(store.status().unwrap().witness_count, 320);
}

#[test]
fn a_store_closed_during_a_compaction_gives_the_lock_back_and_leaves_one_file() {
    let (place, store, gate, compaction) = stop_in_the_middle();
    store.close().unwrap();
    // Another opens the store and is in the middle of compacting it, when the first compaction wakes up.
    let (host, other_gate) = Gate::in_host(&place.host);
    let other = RvfStore::open(&host, &place.path, &OpenOptions::default()).unwrap();
    assert_eq!(stamped::epoch_of(&other.snapshot().unwrap()), 120);
    stamped::commit(&other, 121).unwrap();
    let compacting = other.clone();
    let other_compaction = thread::spawn(move || compacting.compact(&Control::default()).map(drop));
    other_gate.wait();
    gate.open();
    let error = compaction.join().unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::StoreClosed, "{error}");
    // It has left the other's work alone.
    other_gate.open();
    other_compaction.join().unwrap().unwrap();
    assert_eq!(stamped::epoch_of(&other.snapshot().unwrap()), 121);
    other.close().unwrap();
    assert_eq!(std::fs::read_dir(place._directory.path()).unwrap().count(), 1);
    assert_eq!(stamped::epoch_of(&place.open().snapshot().unwrap()), 121);
}

#[test]
fn the_compaction_of_a_closed_store_does_not_go_on_to_its_end() {
    let mut place = Place::on_files();
    let gate;
    (place.host, gate) = Gate::in_host(&place.host);
    let store = RvfStore::create(&place.host, &place.path, &CreateOptions::new(1_024, Metric::L2)).unwrap();
    let entries: Vec<NewEntry> = (0..5_000)
        .map(|number| NewEntry { id: number.to_string(), vector: floats([number as f32; 1_024]), metadata: None })
        .collect();
    store.ingest(batch_of(&entries), OnDuplicate::Error, WAIT).unwrap();
    let control = Arc::new(Control::default());
    let compaction = {
        let (store, control) = (store.clone(), Arc::clone(&control));
        thread::spawn(move || store.compact(&control).map(drop))
    };
    gate.wait();
    let (done, total) = control.progress();
    assert!(0 < done && done < total, "{done} of {total}");
    store.close().unwrap();
    gate.open();
    assert_eq!(compaction.join().unwrap().unwrap_err().code, ErrorCode::StoreClosed);
    assert_eq!(control.progress().0, done, "rows were copied for nobody");
}

#[test]
fn a_compaction_that_is_cancelled_changes_nothing() {
    let place = Place::on_files();
    let store = place.create();
    (1..=20).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    let before = std::fs::read(&place.path).unwrap();
    let control = Control::default();
    control.cancel();
    assert_eq!(store.compact(&control).unwrap_err().code, ErrorCode::Timeout);
    assert!(std::fs::read(&place.path).unwrap() == before);
    assert_eq!(std::fs::read_dir(place._directory.path()).unwrap().count(), 1);
    stamped::commit(&store, 21).unwrap();
}
