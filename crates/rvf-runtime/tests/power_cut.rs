//! T1: the power fails at every write of a workload.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod crash_common;
mod kit;

use std::sync::Arc;

use crash_common::{
    Change, DIMENSION, Expected, History, Life, PATH, Step, TestHost, check_recovery, on_all_cores, random_steps,
};
use kit::{Rng, times};
use rvf_runtime::storage::{CrashChoice, FaultyStorage, WriteLog};
use rvf_runtime::types::limits::TAIL_BATCHES_MAX;
use rvf_runtime::types::{Compression, Metric, Tiering};
use rvf_runtime::{CreateOptions, Durability, OpenOptions, RvfStore};
use serde_json::json;

/// Does a workload on a new store; answers what was written and what must be found of it.
fn record(steps: &[Step], durability: Durability) -> (WriteLog, History) {
    record_with(steps, CreateOptions { durability, ..CreateOptions::new(DIMENSION, Metric::L2) })
}

fn record_with(steps: &[Step], options: CreateOptions) -> (WriteLog, History) {
    let storage = Arc::new(FaultyStorage::new());
    let mut life = Life::create_with(storage.clone(), options).unwrap();
    life.run(steps).unwrap();
    let history = life.history.lock().clone();
    (storage.log(), history)
}

/// The choices that are tried at one place: all, nothing, and some of what was not synced.
fn choices(position: usize, seeds: u64) -> impl Iterator<Item = CrashChoice> {
    let seeded = (0..seeds).map(move |seed| CrashChoice::Seeded(position as u64 * 1_000 + seed));
    [CrashChoice::KeepAll, CrashChoice::DropAll].into_iter().chain(seeded)
}

/// Cuts the power behind every operation of the log, in every way of `choices`, and checks what is found. Now and then
/// the recovered store takes one more commit, and loses power again.
fn check_every_cut(name: &str, log: &WriteLog, history: &History, seeds: u64) {
    on_all_cores(log.len() as u64 + 1, |position| {
        let position = position as usize;
        for choice in choices(position, seeds) {
            if let Err(error) = check_cut(log, history, position, &choice) {
                let operations = log.describe();
                let around = &operations[position.saturating_sub(8)..(position + 2).min(operations.len())];
                panic!("{name}, power cut behind operation {position}, {choice:?}: {error}\n{around:#?}");
            }
        }
    });
}

fn check_cut(log: &WriteLog, history: &History, position: usize, choice: &CrashChoice) -> Result<(), String> {
    let expected = Expected { states: history.states(), epochs: history.allowed_at(position) };
    let recovered = check_recovery(log.crash_image(position, choice), 1, &expected)?;
    match recovered {
        Some((storage, epoch)) if position.is_multiple_of(3) => go_on(storage, history, epoch),
        _ => Ok(()),
    }
}

/// The recovered store takes commits as if nothing had happened, and keeps them.
fn go_on(storage: Arc<FaultyStorage>, history: &History, epoch: u64) -> Result<(), String> {
    let before = History::starting_with(history.states_up_to(epoch));
    let mut life = Life::open(storage.clone(), 3, before, Durability::Commit).map_err(|error| error.to_string())?;
    let mut random = Rng::new(epoch);
    let change = crash_common::steps::put(&mut random, 2);
    life.commit(&change).map_err(|error| format!("commit after recovery: {error}"))?;
    let log = storage.log();
    let history = life.history.lock().clone();
    let expected = Expected { states: history.states(), epochs: history.allowed_at(log.len()) };
    check_recovery(log.crash_image(log.len(), &CrashChoice::DropAll), 5, &expected)
        .map_err(|error| format!("power cut after a commit after recovery: {error}"))?;
    Ok(())
}

#[test]
fn a_power_cut_at_any_write_of_a_store_that_packs_its_rows_leaves_what_was_acknowledged_or_whole_commits_more() {
    let seeds = times(1, 20);
    for workload in 0..times(1, 3) {
        let mut steps = random_steps(&mut Rng::new(50 + workload), 90);
        steps.extend(one_of_each());
        let mut options = CreateOptions::new(DIMENSION, Metric::L2);
        options.store.compression = Compression::Scalar { bits: 8 };
        let (log, history) = record_with(&steps, options);
        check_every_cut(&format!("packed workload {workload}"), &log, &history, seeds);
    }
}

/// So many entries under ids of their own, in a batch.
fn many(random: &mut Rng, count: usize) -> Change {
    let Change::Put(entries) = crash_common::steps::put(random, count) else { unreachable!("a put is a put") };
    Change::Put(entries.into_iter().enumerate().map(|(index, (_, entry))| (format!("many-{index}"), entry)).collect())
}

#[test]
fn a_power_cut_at_any_write_of_a_store_with_tiering_leaves_what_was_acknowledged_or_whole_commits_more() {
    let random = &mut Rng::new(60);
    let mut options = CreateOptions::new(DIMENSION, Metric::L2);
    options.store.compression = Compression::Scalar { bits: 8 };
    // So many parts that hardly anything is lost: what is stored can be compared with what was given.
    let cold = Compression::Product { subvectors: DIMENSION, bits: 8, training_rows: 512 };
    options.store.tiering = Some(Tiering { hot_share_per_mille: 100, cold });
    let mut steps = vec![
        Step::Commit(many(random, 300)),
        Step::Ask,
        Step::Checkpoint,
        Step::Compact(vec![crash_common::steps::put(random, 2)]),
    ];
    steps.extend(random_steps(random, times(4, 90) as usize));
    steps.extend([
        Step::Ask,
        Step::Compact(vec![]),
        Step::Commit(many(random, 20)),
        Step::Index,
        Step::Ask,
        Step::Reopen,
    ]);
    let (log, history) = record_with(&steps, options);
    let whole = Arc::new(FaultyStorage::over(log.crash_image(log.len(), &CrashChoice::KeepAll)));
    let store = RvfStore::open(&TestHost::new(whole, 9).host, PATH, &OpenOptions::default()).unwrap();
    assert!(store.status().unwrap().tiering.unwrap().hot_rows > 0, "the workload makes no row hot");
    check_every_cut("tiered workload", &log, &history, times(0, 20));
}

#[test]
fn a_power_cut_at_any_write_of_a_workload_leaves_what_was_acknowledged_or_whole_commits_more() {
    let seeds = times(2, 20);
    for workload in 0..times(1, 3) {
        let mut steps = random_steps(&mut Rng::new(workload), 190);
        steps.extend(one_of_each());
        let (log, history) = record(&steps, Durability::Commit);
        check_every_cut(&format!("workload {workload}"), &log, &history, seeds);
    }
}

/// Every kind of step, for certain.
fn one_of_each() -> Vec<Step> {
    let random = &mut Rng::new(77);
    let put = crash_common::steps::put;
    let group = |number: u64| json!({"op": "eq", "field": "group", "value": number});
    let update = |number: u64| Change::UpdateWhere(group(number), json!({"stamp": number, "text": null}).to_string());
    let replace = |number, put: Change| match put {
        Change::Put(entries) => Change::Replace(group(number), entries),
        _ => unreachable!("a put is a put"),
    };
    vec![
        Step::Commit(put(random, 66)),
        Step::Group(vec![put(random, 1), put(random, 70), Change::Delete(vec!["id-1".to_owned()]), put(random, 2)]),
        Step::Index,
        Step::Commit(put(random, 66)),
        Step::Index,
        Step::Checkpoint,
        Step::Compact(vec![put(random, 2), put(random, 66)]),
        Step::Index,
        Step::Group(vec![
            put(random, 3),
            update(1),
            replace(2, put(random, 2)),
            Change::DeleteWhere(group(3)),
            update(4),
        ]),
        Step::Commit(replace(5, put(random, 70))),
        Step::Commit(update(5)),
        Step::Checkpoint,
        Step::Compact(vec![update(6), replace(7, put(random, 3)), Change::DeleteWhere(group(8))]),
        Step::Commit(update(6)),
        Step::Commit(put(random, 1)),
        Step::Reopen,
        Step::Commit(Change::Delete((0..100).map(|id| format!("id-{id}")).collect())),
        Step::Freeze,
        Step::Compact(vec![]),
        Step::Reopen,
    ]
}

#[test]
fn a_power_cut_around_a_checkpoint_that_comes_by_itself_leaves_what_was_acknowledged() {
    let random = &mut Rng::new(5);
    let batches = (0..TAIL_BATCHES_MAX).map(|_| crash_common::steps::put(random, 66)).collect();
    let last = Step::Commit(crash_common::steps::put(random, 1));
    let (log, history) = record(&[Step::Group(batches), last], Durability::Commit);
    let writes = log.describe();
    let anchors = writes.iter().filter(|line| line.starts_with("write 4096 bytes at")).count();
    assert_eq!(anchors, 1, "the checkpoint that 64 batches make due writes an anchor: {writes:?}");
    check_every_cut("checkpoint", &log, &history, 1);
}

#[test]
fn without_a_sync_for_each_commit_a_power_cut_takes_whole_commits_off_the_end_and_nothing_else() {
    for (durability, workload) in [(Durability::None, 100), (Durability::Interval, 101)] {
        let steps = random_steps(&mut Rng::new(workload), times(30, 300) as usize);
        let (log, history) = record(&steps, durability);
        check_every_cut(&format!("{durability:?}"), &log, &history, 3);
    }
}
