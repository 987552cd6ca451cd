//! T3: a real process is killed at a random moment, on a real file system. Also here: many threads that commit at once.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "kill/child.rs"]
mod child;
mod crash_common;
mod kit;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use child::{WAITING_MAX, change_of, work};
use crash_common::life::{commit_alone, epoch_of};
use crash_common::steps::put;
use crash_common::{Change, DIMENSION, PATH, State, check_file, compare, on_all_cores};
use kit::child::{Actor, role};
use kit::{Rng, WAIT, times};
use rvf_runtime::storage::{CrashChoice, FaultyStorage};
use rvf_runtime::types::Metric;
use rvf_runtime::{Clock, Control, CreateOptions, Host, OpenOptions, RvfStore};

/// Stores that are worked on beside each other, and killings of each of them before a new one takes its place.
const CHAINS: u64 = 2;
const KILLS_PER_STORE: u64 = 10;

#[test]
fn a_child_process_plays_its_role() {
    if let Some((role, arguments)) = role() {
        assert_eq!(role, "work");
        work(&arguments[0]);
    }
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_it_acknowledged_and_leaves_a_store_that_opens() {
    let kills = times(100, 10_000);
    on_all_cores(CHAINS, |chain| {
        let random = &mut Rng::new(chain);
        for _ in 0..kills / CHAINS / KILLS_PER_STORE {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
            let mut known = (0, State::new());
            for _ in 0..KILLS_PER_STORE {
                known = kill_once(&path, random, known);
            }
        }
    });
}

/// Lets a process work for a random time and kills it; answers what the store holds then.
fn kill_once(path: &str, random: &mut Rng, (known_epoch, known): (u64, State)) -> (u64, State) {
    let mut process = Actor::start("work", &[path]);
    let mut heard = Vec::new();
    // Half of them are killed while they open, create or recover the store, the others while they commit.
    if random.chance(50) {
        heard.extend(process.hear());
    }
    thread::sleep(Duration::from_micros(random.below(100_000) as u64));
    process.kill();
    heard.extend(std::iter::from_fn(|| process.hear()));
    let acknowledged = heard.iter().filter_map(|line| line.parse().ok()).max().unwrap_or(known_epoch);
    if heard.is_empty() && !Path::new(path).exists() {
        return (0, State::new());
    }
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default())
        .unwrap_or_else(|error| panic!("after {acknowledged} acknowledged commits: {error}"));
    let epoch = store.status().unwrap().epoch;
    let files = std::fs::read_dir(Path::new(path).parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "opening has to take away what the killed process left beside the store");
    let allowed = acknowledged..=acknowledged + WAITING_MAX;
    assert!(allowed.contains(&epoch), "found commit {epoch}, commit {acknowledged} was acknowledged");
    let state = (known_epoch + 1..=epoch).fold(known, |state, next| change_of(next).apply(&state).unwrap());
    compare(&store, &state).unwrap_or_else(|error| panic!("commit {epoch}: {error}"));
    check_file(&store).unwrap_or_else(|error| panic!("commit {epoch}: {error}"));
    if random.chance(50) {
        store.close().unwrap();
    }
    (epoch, state)
}

/// A commit of `count` new ids that no other `name` has.
fn insert(name: &str, count: usize) -> Change {
    let Change::Put(entries) = put(&mut Rng::new(count as u64), count) else { unreachable!("a put is a put") };
    let entries = entries.into_iter().enumerate();
    Change::Put(entries.map(|(index, (_, entry))| (format!("{name}-{index}"), entry)).collect())
}

fn state_of<'a>(changes: impl Iterator<Item = &'a Change>) -> State {
    changes.fold(State::new(), |state, change| change.apply(&state).unwrap())
}

/// Lets threads commit single inserts at once; `commit` answers when they are acknowledged. Answers what is stored then.
fn insert_from_threads(commit: impl Fn(&[Change]) + Sync) -> State {
    const THREADS: u64 = 8;
    const INSERTS: u64 = 150;
    let changes: Vec<Vec<Change>> = (0..THREADS)
        .map(|thread| (0..INSERTS).map(|number| insert(&format!("{thread}-{number}"), 1)).collect())
        .collect();
    thread::scope(|scope| {
        for changes in &changes {
            scope.spawn(|| commit(changes));
        }
    });
    state_of(changes.iter().flatten())
}

/// What a power cut leaves now must be all of it; and there must have been far fewer syncs than commits.
fn check_shared_syncs(storage: &FaultyStorage, store: &RvfStore, state: &State) {
    compare(store, state).unwrap();
    let log = storage.log();
    let syncs = log.describe().iter().filter(|line| line.starts_with("sync file")).count();
    assert!(syncs * 2 < state.len(), "{} commits took {syncs} syncs", state.len());
    let image = FaultyStorage::over(log.crash_image(log.len(), &CrashChoice::DropAll));
    let host = Host::native_over(Arc::new(image));
    let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
    compare(&store, state).unwrap();
    assert_eq!(store.status().unwrap().epoch, state.len() as u64);
    check_file(&store).unwrap();
}

/// Time as the engine sees it, in a process where each commit takes as long as on a disk: the engine looks at the clock
/// with every sync.
#[derive(Default)]
struct DiskClock(AtomicU64);

impl Clock for DiskClock {
    fn now_ns(&self) -> u64 {
        self.0.fetch_add(1_000, Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        thread::sleep(Duration::from_millis(1));
        self.now_ns()
    }

    fn sleep_ms(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }
}

fn store_in_memory() -> (Arc<FaultyStorage>, RvfStore) {
    let storage = Arc::new(FaultyStorage::new());
    let host = Host { clock: Arc::new(DiskClock::default()), ..Host::native_over(storage.clone()) };
    let store = RvfStore::create(&host, PATH, &CreateOptions::new(DIMENSION, Metric::L2)).unwrap();
    (storage, store)
}

#[test]
fn threads_that_wait_for_their_commits_share_syncs_and_keep_all_that_was_acknowledged() {
    let (storage, store) = store_in_memory();
    let state = insert_from_threads(|changes| {
        for change in changes {
            commit_alone(&store, change, WAIT).unwrap();
        }
    });
    check_shared_syncs(&storage, &store, &state);
}

#[test]
fn threads_that_submit_their_commits_share_syncs_and_keep_all_that_was_acknowledged() {
    let (storage, store) = store_in_memory();
    let state = insert_from_threads(|changes| {
        let (sender, answers) = std::sync::mpsc::channel();
        for change in changes {
            let sender = sender.clone();
            store.submit(change.to_write(), Box::new(move |result| sender.send(result.map(epoch_of)).unwrap()));
        }
        drop(sender);
        let epochs: Vec<u64> = answers.iter().map(Result::unwrap).collect();
        assert_eq!(epochs.len(), changes.len());
        assert!(epochs.is_sorted(), "commits of one thread are made in its order");
    });
    check_shared_syncs(&storage, &store, &state);
}

#[test]
fn commits_submitted_while_compactions_run_on_files_are_all_there_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
    let store = RvfStore::create(&Host::native(), &path, &CreateOptions::new(DIMENSION, Metric::L2)).unwrap();
    let mut history: Vec<Change> = (0..20).map(|number| insert(&format!("row-{number}"), 100)).collect();
    for change in &history {
        commit_alone(&store, change, WAIT).unwrap();
    }
    let is_over = AtomicBool::new(false);
    let compactions = AtomicU64::new(0);
    let mut acknowledged = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                store.compact(&Control::default()).unwrap();
                compactions.fetch_add(1, Ordering::Relaxed);
            }
        });
        let first = history.len() as u64;
        while compactions.load(Ordering::Relaxed) < 3 {
            let epoch = first + acknowledged + 1;
            let change = change_of(epoch);
            let (sender, answer) = std::sync::mpsc::channel();
            store.submit(change.to_write(), Box::new(move |result| sender.send(result.map(epoch_of)).unwrap()));
            history.push(change);
            assert_eq!(answer.recv().unwrap().unwrap(), epoch);
            acknowledged += 1;
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(acknowledged >= 3, "only {acknowledged} commits were made during three compactions");
    let state = state_of(history.iter());
    compare(&store, &state).unwrap();
    check_file(&store).unwrap();
    store.close().unwrap();
    let store = RvfStore::open(&Host::native(), &path, &OpenOptions::default()).unwrap();
    compare(&store, &state).unwrap();
    check_file(&store).unwrap();
}
