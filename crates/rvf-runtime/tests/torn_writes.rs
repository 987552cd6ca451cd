//! T2: what was not synced is dropped, reordered, torn, grown without data, over zeros or over bytes of an earlier life.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod crash_common;
mod kit;

use std::ops::RangeInclusive;
use std::sync::Arc;

use crash_common::steps::{large_change, put, random_steps, small_change};
use crash_common::{Expected, FORGED_FLAGS, History, Life, PATH, Step, check_recovery, on_all_cores};
use kit::{Rng, times};
use rvf_runtime::Durability;
use rvf_runtime::storage::{CrashChoice, FaultyStorage, MemoryStorage, OpenMode, Storage, WriteLog};

/// Crashes that each seed's store goes through, one after the other.
const LIVES: u64 = 3;

/// Steps that leave much unsynced at once: groups, batches in final form, and vectors that look like headers.
fn steps(random: &mut Rng) -> Vec<Step> {
    let count = 1 + random.below(5);
    let mut steps = random_steps(random, count);
    steps.push(match random.below(6) {
        0 => Step::Commit(large_change(random)),
        1 => Step::Group(vec![large_change(random), small_change(random), put(random, 1)]),
        2 => Step::Group((0..3 + random.below(6)).map(|_| small_change(random)).collect()),
        3 => {
            let counts = (0..1 + random.below(3)).map(|_| random.below(3)).collect();
            Step::Forge(*random.pick(&FORGED_FLAGS), counts)
        }
        4 => {
            let counts = (0..1 + random.below(3)).map(|_| random.below(2) * 70).collect();
            Step::Forge(*random.pick(&FORGED_FLAGS), counts)
        }
        _ => Step::Checkpoint,
    });
    steps
}

/// Where the power fails: mostly right behind a write that no sync has covered yet, at the end of the file.
fn crash_position(random: &mut Rng, log: &WriteLog, first_position: usize) -> usize {
    let is_append = |line: &String| line.starts_with("write") && !line.starts_with("write 4096 bytes at");
    let behind_appends: Vec<usize> = (1..)
        .zip(log.describe().iter())
        .filter(|(position, line)| *position > first_position && is_append(line))
        .map(|(position, _)| position)
        .collect();
    if behind_appends.is_empty() || random.chance(15) {
        return first_position + random.below(log.len() - first_position + 1);
    }
    behind_appends[random.below(behind_appends.len())]
}

/// One store's way through several crashes. What a recovery cut off may show again behind the next crash.
fn survive(seed: u64) -> Result<(), String> {
    let random = &mut Rng::new(seed);
    let durability = match random.below(10) {
        0 => Durability::None,
        1 => Durability::Interval,
        _ => Durability::Commit,
    };
    let storage = Arc::new(FaultyStorage::new());
    let mut life = Life::create(storage.clone(), durability).map_err(|error| error.to_string())?;
    // Some crash while the store is being created.
    let mut first_position = if random.chance(10) { 0 } else { storage.log_position() };
    for number in 0..LIVES {
        life.run(&steps(random)).map_err(|error| format!("life {number}: {error}"))?;
        let log = life.storage.log();
        let position = crash_position(random, &log, first_position);
        let choice = CrashChoice::Seeded(random.next());
        let history = life.history.lock().clone();
        let expected = Expected { states: history.states(), epochs: history.allowed_at(position) };
        let recovered =
            check_recovery(log.crash_image(position, &choice), number * 10 + 1, &expected).map_err(|error| {
                let around = &log.describe()[position.saturating_sub(8)..(position + 2).min(log.len())];
                format!(
                    "{durability:?}, life {number}, crash behind operation {position}, {choice:?}: {error}\n{around:#?}"
                )
            })?;
        let Some((storage, epoch)) = recovered else { return Ok(()) };
        first_position = storage.log_position();
        let history = History::starting_with(history.states_up_to(epoch));
        life = Life::open(storage, number * 10 + 5, history, durability).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[test]
fn a_store_survives_whatever_crashes_leave_of_unsynced_writes() {
    on_all_cores(times(2_000, 200_000), |seed| {
        if let Err(error) = survive(seed) {
            panic!("seed {seed}: {error}");
        }
    });
}

/// A store with two commits, then these steps; also how many operations were logged before and after the steps.
fn store_and_steps(life_number: u64, steps: &[Step]) -> (Life, usize, usize) {
    let storage = Arc::new(FaultyStorage::new());
    let mut first = Life::create(storage, Durability::Commit).unwrap();
    let random = &mut Rng::new(1);
    first.run(&[Step::Commit(put(random, 2)), Step::Commit(put(random, 1))]).unwrap();
    let log = first.storage.log();
    let image = log.crash_image(log.len(), &CrashChoice::KeepAll);
    let history = History::starting_with(first.history.lock().states().to_vec());
    let storage = Arc::new(FaultyStorage::over(image));
    let mut life = Life::open(storage.clone(), life_number, history, Durability::Commit).unwrap();
    let start = storage.log_position();
    life.run(steps).unwrap();
    let end = storage.log_position();
    (life, start, end)
}

fn bytes_of(storage: &dyn Storage) -> Vec<u8> {
    let file = storage.open(PATH, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// Opens a file of these bytes and compares it with the states of these epochs.
fn check_bytes(bytes: &[u8], history: &History, epochs: RangeInclusive<u64>) -> Result<(), String> {
    let expected = Expected { states: history.states(), epochs: Some(epochs) };
    check_recovery(MemoryStorage::with_file(PATH, bytes), 50, &expected).map(drop)
}

#[test]
fn commits_whose_vectors_are_headers_of_their_own_file_open_however_they_are_torn() {
    let all_counts = [vec![1], vec![0, 1, 0], vec![2, 0, 2], vec![70], vec![0, 70, 70]];
    for (flags, counts) in
        FORGED_FLAGS.into_iter().flat_map(|flags| all_counts.iter().map(move |counts| (flags, counts)))
    {
        let (life, start, end) = store_and_steps(1, &[Step::Forge(flags, counts.clone())]);
        let log = life.storage.log();
        let lines = &log.describe()[start..end];
        assert_eq!(lines.iter().filter(|line| line.starts_with("sync")).count(), 2, "headers go first: {lines:?}");
        let headers_are_durable = start + lines.iter().position(|line| line.starts_with("sync")).unwrap() + 1;
        let before = bytes_of(&log.crash_image(start, &CrashChoice::KeepAll)).len();
        let headers = bytes_of(&log.crash_image(headers_are_durable, &CrashChoice::DropAll));
        let whole = bytes_of(&*life.storage);
        let history = life.history.lock().clone();
        let epochs = history.epoch() - counts.len() as u64..=history.epoch();
        // Every second cut of the smallest append, some of the others.
        let step = ((whole.len() - before) / 64 / 30).max(1) * 64;
        let cuts: Vec<usize> = (before..whole.len()).step_by(step).collect();
        on_all_cores(cuts.len() as u64, |index| {
            let cut = cuts[index as usize];
            let mut front = headers.clone();
            front.resize(headers.len().max(cut), 0);
            front[before..cut].copy_from_slice(&whole[before..cut]);
            let mut full_length = front.clone();
            full_length.resize(whole.len(), 0);
            let mut back = headers.clone();
            back.resize(whole.len(), 0);
            back[cut..].copy_from_slice(&whole[cut..]);
            for (name, bytes) in [("front", front), ("front, full length", full_length), ("back", back)] {
                check_bytes(&bytes, &history, epochs.clone()).unwrap_or_else(|error| {
                    panic!("{flags:?}, {counts:?}, only the {name} of a cut at {cut}: {error}")
                });
            }
        });
    }
}

#[test]
fn the_tail_of_an_append_that_was_cut_off_changes_nothing_when_it_shows_behind_a_shorter_one() {
    let random = &mut Rng::new(9);
    let (small, other, large) = (put(random, 1), put(random, 2), put(random, 66));
    let cut_off = [
        Step::Group(vec![small.clone(), other.clone(), large.clone(), small.clone(), other.clone()]),
        Step::Group(vec![large.clone(), small.clone(), other.clone(), other.clone()]),
        Step::Group(vec![small.clone(), small.clone(), small.clone(), small.clone(), small.clone(), small.clone()]),
        Step::Checkpoint,
    ];
    // The same commits as in front of the group that was cut off, so that its next header stands right behind them; and
    // others.
    let rewrites = [
        vec![Step::Commit(small.clone())],
        vec![Step::Group(vec![small.clone(), other.clone()])],
        vec![Step::Commit(small.clone()), Step::Commit(small.clone())],
        vec![Step::Commit(large)],
        vec![Step::Commit(other), Step::Checkpoint, Step::Commit(small)],
    ];
    for (tail, rewrite) in (0..cut_off.len()).flat_map(|tail| (0..rewrites.len()).map(move |rewrite| (tail, rewrite))) {
        let (stale, ..) = store_and_steps(1, &cut_off[tail..=tail]);
        let (fresh, start, end) = store_and_steps(2, &rewrites[rewrite]);
        let (stale, whole) = (bytes_of(&*stale.storage), bytes_of(&*fresh.storage));
        let history = fresh.history.lock().clone();
        for position in start + 1..=end {
            let log = fresh.storage.log();
            let bytes = bytes_of(&log.crash_image(position, &CrashChoice::KeepAll));
            check_bytes(&over(&bytes, &stale), &history, 2..=history.epoch())
                .unwrap_or_else(|error| panic!("tail {tail} behind rewrite {rewrite}, operation {position}: {error}"));
        }
        check_bytes(&over(&whole, &stale), &history, history.epoch()..=history.epoch())
            .unwrap_or_else(|error| panic!("tail {tail} behind the whole of rewrite {rewrite}: {error}"));
    }
}

#[test]
fn headers_in_vectors_that_a_recovery_has_cut_off_are_no_later_commits_when_they_show_again() {
    let (forged, ..) = store_and_steps(1, &[Step::Forge(FORGED_FLAGS[0], vec![70])]);
    let mut torn = bytes_of(&*forged.storage);
    let end = torn.len();
    torn[end - 128..].fill(0);
    let storage = Arc::new(FaultyStorage::over(MemoryStorage::with_file(PATH, &torn[..])));
    let before = History::starting_with(forged.history.lock().states_up_to(2));
    let mut life = Life::open(storage.clone(), 2, before, Durability::Commit).unwrap();
    let first = storage.log_position();
    let random = &mut Rng::new(4);
    life.run(&[put(random, 1), put(random, 2), put(random, 1)].map(Step::Commit)).unwrap();
    let (log, history) = (storage.log(), life.history.lock().clone());
    for position in first..=log.len() {
        let expected = Expected { states: history.states(), epochs: history.allowed_at(position) };
        on_all_cores(60, |seed| {
            check_recovery(log.crash_image(position, &CrashChoice::Seeded(seed)), 50, &expected)
                .map(drop)
                .unwrap_or_else(|error| panic!("crash behind operation {position}, seed {seed}: {error}"));
        });
    }
}

/// `bytes`, and behind them what `stale` has there.
fn over(bytes: &[u8], stale: &[u8]) -> Vec<u8> {
    let behind = stale.get(bytes.len()..).unwrap_or_default();
    [bytes, behind].concat()
}
