//! T4: the N-th call of the storage fails, once or from then on, for every N.
#![allow(clippy::type_complexity)] // tables of cases name their functions
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod crash_common;
mod kit;
#[path = "io_faults/not_ready.rs"]
mod not_ready;

use std::sync::Arc;
use std::time::Duration;

use crash_common::life::commit_alone;
use crash_common::steps::put;
use crash_common::{
    Change, DIMENSION, Expected, FORGED_FLAGS, History, Life, Step, check_opens, check_recovery, check_state,
    on_all_cores,
};
use kit::{Rng, is_long};
use rvf_runtime::storage::{CrashChoice, Fault, FaultKind, FaultyStorage, WriteLog};
use rvf_runtime::types::{Compression, ErrorCode, Metric};
use rvf_runtime::{Control, CreateOptions, Durability, RvfError, RvfStore};
use serde_json::json;

const KINDS: [FaultKind; 5] =
    [FaultKind::ReadError, FaultKind::WriteError, FaultKind::DiskFull, FaultKind::ShortWrite, FaultKind::SyncError];

/// What a workload starts from, and what it does.
struct Workload {
    /// What the storage went through before, how far, and what a crash left of it then.
    log: WriteLog,
    position: usize,
    crash: CrashChoice,
    /// `None` where the workload starts by creating the store.
    history: Option<History>,
    steps: Vec<Step>,
}

impl Workload {
    /// On a new store.
    fn creating(steps: Vec<Step>) -> Workload {
        Workload { log: WriteLog::default(), position: 0, crash: CrashChoice::KeepAll, history: None, steps }
    }

    /// On a store that has been through other steps.
    fn behind(prepared: &[Step], steps: Vec<Step>) -> Workload {
        Workload::behind_crash(prepared, 0, CrashChoice::KeepAll, steps)
    }

    /// On what a crash left of the other steps, so many operations before their end.
    fn behind_crash(prepared: &[Step], before_end: usize, crash: CrashChoice, steps: Vec<Step>) -> Workload {
        Workload::behind_life(CreateOptions::new(DIMENSION, Metric::L2), prepared, before_end, crash, steps)
    }

    /// As [`Workload::behind_crash`], of a store created with other options.
    fn behind_life(
        options: CreateOptions,
        prepared: &[Step],
        before_end: usize,
        crash: CrashChoice,
        steps: Vec<Step>,
    ) -> Workload {
        let storage = Arc::new(FaultyStorage::new());
        let mut life = Life::create_with(storage.clone(), options).unwrap();
        life.run(prepared).unwrap();
        let log = storage.log();
        let position = log.len() - before_end;
        let history = life.history.lock().clone();
        let mut workload = Workload { log, position, crash, history: None, steps };
        let expected = Expected { states: history.states(), epochs: history.allowed_at(position) };
        let epoch = check_opens(workload.image(), 1, &expected).unwrap();
        workload.history = Some(History::starting_with(history.states_up_to(epoch)));
        workload
    }

    fn image(&self) -> Arc<FaultyStorage> {
        Arc::new(FaultyStorage::over(self.log.crash_image(self.position, &self.crash)))
    }

    /// The storage that the workload starts on, with a fault to come.
    fn start(&self, fault: Fault) -> Arc<FaultyStorage> {
        let storage = self.image();
        storage.set_fault(Some(fault));
        storage
    }

    fn open(&self, storage: &Arc<FaultyStorage>) -> Result<Life, RvfError> {
        match &self.history {
            None => Life::create(storage.clone(), Durability::Commit),
            Some(history) => Life::open(storage.clone(), 1, history.clone(), Durability::Commit),
        }
    }
}

/// Lets every call fail in every way; `N` goes up until the workload never comes that far.
fn fail_every_call(name: &str, workload: &Workload) {
    let ways: Vec<(FaultKind, bool)> = KINDS.iter().flat_map(|kind| [(*kind, false), (*kind, true)]).collect();
    on_all_cores(ways.len() as u64, |way| {
        let (kind, forever) = ways[way as usize];
        let hits = each_fault(kind, forever, |fault| {
            let hit = fail_once(workload, fault, None).unwrap_or_else(|error| panic!("{name}, {fault:?}: {error}"));
            if hit.is_some() && !forever && is_long() {
                fail_the_recovery(name, workload, fault);
            }
            hit
        });
        assert!(hits > 0, "{name}: no call was hit by {kind:?}");
    });
}

/// Lets the recovery from one failed call fail too, at every call in every way.
fn fail_the_recovery(name: &str, workload: &Workload, first: Fault) {
    for kind in KINDS {
        each_fault(kind, false, |second| {
            fail_once(workload, first, Some(second))
                .unwrap_or_else(|error| panic!("{name}, {first:?}, then {second:?}: {error}"))
        });
    }
}

/// Calls `run` with a fault of this kind at each call, until none is hit; `run` answers the number of the call that was.
fn each_fault(kind: FaultKind, forever: bool, mut run: impl FnMut(Fault) -> Option<u64>) -> u64 {
    let (mut at, mut hits) = (1, 0);
    while let Some(hit) = run(Fault { at, kind, forever }) {
        (at, hits) = (hit + 1, hits + 1);
    }
    hits
}

/// Runs the workload with a fault; answers the number of the call that failed, `None` where none did. With a second
/// fault, that one comes in the recovery from the first, and the answer is the call that it hit.
fn fail_once(workload: &Workload, first: Fault, second: Option<Fault>) -> Result<Option<u64>, String> {
    let storage = workload.start(first);
    let (life, mut history, failed) = match workload.open(&storage) {
        Ok(mut life) => {
            let failed = workload.steps.iter().find_map(|step| life.step(step).err().map(|error| (step, error)));
            let history = life.history.lock().clone();
            (Some(life), history, failed.map(|(step, error)| (Some(step), error)))
        }
        Err(error) => {
            let history = workload.history.clone().unwrap_or_else(History::before_creation);
            (None, history, Some((None, error)))
        }
    };
    let mut hit = storage.fault_hit();
    storage.set_fault(None);
    if let Some((step, error)) = &failed {
        check_error(error)?;
        if let Some(life) = &life {
            history = check_handle(life, *step, first.kind)?;
        }
    }
    if first.kind != FaultKind::ReadError && second.is_none() {
        check_power_cut(&storage, &history).map_err(|error| format!("power cut after the fault: {error}"))?;
    }
    match life {
        Some(life) if hit.is_some_and(|hit| hit.is_multiple_of(2)) => drop(life.store.close()),
        life => drop(life),
    }
    if let Some(second) = second {
        storage.set_fault(Some(second));
        let (result, after) = go_on(&storage, &history);
        hit = storage.fault_hit();
        storage.set_fault(None);
        history = after;
        if let Err(error) = result {
            check_message(&error)?;
        }
    }
    check_reopening(&storage, &history)?;
    Ok(hit)
}

fn check_power_cut(storage: &FaultyStorage, history: &History) -> Result<(), String> {
    let log = storage.log();
    let expected = Expected { states: history.states(), epochs: history.allowed_at(log.len()) };
    check_recovery(log.crash_image(log.len(), &CrashChoice::DropAll), 3, &expected).map(drop)
}

/// The first error says what happened, and is nobody's bug.
fn check_error(error: &RvfError) -> Result<(), String> {
    match error.code {
        ErrorCode::IoError | ErrorCode::DiskFull | ErrorCode::FsyncFailed => check_message(&error.message),
        _ => Err(format!("the workload ended with {error}")),
    }
}

/// An error that a fault made says so in the storage's own words.
fn check_message(message: &str) -> Result<(), String> {
    if message.contains("(injected)") { Ok(()) } else { Err(format!("not what the storage said: {message}")) }
}

/// The handle that saw the fault still shows a committed state; it takes commits, or refuses all that writes. Answers the
/// history with what it took.
fn check_handle(life: &Life, step: Option<&Step>, kind: FaultKind) -> Result<History, String> {
    if life.store.is_closed() {
        return Ok(life.history.lock().clone());
    }
    let position = life.storage.log_position();
    let before = life.history.lock().clone();
    let expected = Expected { states: before.states(), epochs: before.allowed_at(position) };
    let shown = check_state(&life.store, &expected).map_err(|error| format!("after the fault: {error}"))?;
    // The model goes on from what the handle shows; what did not get that far must not come back once it is overwritten.
    let change = put(&mut Rng::new(shown), 1);
    let is_certain = !matches!(step, Some(Step::Compact(_)));
    match commit_alone(&life.store, &change, Duration::ZERO) {
        Ok(_) if is_certain && kind != FaultKind::ReadError => {
            Err("a commit was taken after a failed write".to_owned())
        }
        Ok(epoch) => {
            let mut history = History::starting_with(before.states_up_to(shown));
            assert_eq!(history.begin(&change, position), epoch);
            history.promise(epoch, life.storage.log_position());
            Ok(history)
        }
        Err(error) if is_certain && kind == FaultKind::ReadError => {
            Err(format!("a commit was refused after a failed read: {error}"))
        }
        Err(error) => check_refusals(&life.store, error).map(|()| before),
    }
}

fn check_refusals(store: &RvfStore, commit: RvfError) -> Result<(), String> {
    let answers = [
        ("commit", Err(commit)),
        ("delete", commit_alone(store, &Change::Delete(vec!["id-0".to_owned()]), Duration::ZERO).map(drop)),
        (
            "delete where",
            commit_alone(store, &Change::DeleteWhere(json!({"op": "and", "exprs": []})), Duration::ZERO).map(drop),
        ),
        ("freeze", store.freeze().map(drop)),
        ("compact", store.compact(&Control::default()).map(drop)),
    ];
    for (name, answer) in answers {
        match answer {
            Err(error) if error.code == ErrorCode::Poisoned => {}
            other => return Err(format!("{name} after a failed write answered {other:?}")),
        }
    }
    match store.status() {
        Ok(status) if status.is_poisoned => Ok(()),
        other => Err(format!("the status after a failed write is {other:?}")),
    }
}

/// The next process finds the store as a crash may leave it, goes on, and what it commits survives a power cut: also
/// where what it found had been readable only, and not on the disk.
fn check_reopening(storage: &Arc<FaultyStorage>, history: &History) -> Result<(), String> {
    let (result, history) = go_on(storage, history);
    result.map_err(|error| format!("reopening: {error}"))?;
    let log = storage.log();
    let expected = Expected { states: history.states(), epochs: history.allowed_at(log.len()) };
    let image = Arc::new(FaultyStorage::over(log.crash_image(log.len(), &CrashChoice::DropAll)));
    check_opens(image, 7, &expected).map_err(|error| format!("power cut after reopening and a commit: {error}"))?;
    Ok(())
}

/// Opens the store, or creates it where there is none, and commits; answers also what must be found after that.
fn go_on(storage: &Arc<FaultyStorage>, history: &History) -> (Result<(), String>, History) {
    let position = storage.log_position();
    let expected = Expected { states: history.states(), epochs: history.allowed_at(position) };
    let life = if expected.epochs.is_none() && !storage.paths().iter().any(|path| path == crash_common::PATH) {
        Life::create(storage.clone(), Durability::Commit)
    } else {
        Life::open(storage.clone(), 5, History::default(), Durability::Commit)
    };
    let mut life = match life {
        Ok(life) => life,
        Err(error) => return (Err(error.to_string()), history.clone()),
    };
    let epoch = match check_state(&life.store, &expected) {
        Ok(epoch) => epoch,
        Err(error) => return (Err(error), history.clone()),
    };
    // What an opened store shows, it keeps.
    *life.history.lock() = History::starting_with(history.states_up_to(epoch));
    let result = life.commit(&put(&mut Rng::new(1), 1)).map_err(|error| error.to_string());
    let history = life.history.lock().clone();
    (result, history)
}

/// Commits of every form.
fn commits() -> Vec<Step> {
    let random = &mut Rng::new(3);
    let delete = Change::Delete((0..40).map(|id| format!("id-{id}")).collect());
    vec![
        Step::Commit(put(random, 3)),
        Step::Commit(put(random, 66)),
        Step::Group(vec![put(random, 1), delete, put(random, 66)]),
        Step::Commit(put(random, 1)),
    ]
}

#[test]
fn creating_and_ingesting_survives_the_failure_of_any_call() {
    fail_every_call("create and ingest", &Workload::creating(commits()));
}

#[test]
fn upserting_and_deleting_survives_the_failure_of_any_call() {
    let mut steps = commits();
    steps.extend([
        Step::Commit(Change::Delete(vec!["id-41".to_owned(), "id-50".to_owned()])),
        Step::Forge(FORGED_FLAGS[0], vec![1]),
    ]);
    fail_every_call("upsert and delete", &Workload::behind(&commits(), steps));
}

/// What fits a filter is changed, deleted or replaced.
fn by_metadata() -> Vec<Change> {
    let group = |number: u64| json!({"op": "eq", "field": "group", "value": number});
    let Change::Put(entries) = put(&mut Rng::new(9), 3) else { unreachable!("a put is a put") };
    vec![
        Change::UpdateWhere(group(1), json!({"stamp": 1}).to_string()),
        Change::Replace(group(2), entries),
        Change::UpdateWhere(json!({"op": "exists", "field": "n"}), json!({"group": 3, "text": null}).to_string()),
        Change::DeleteWhere(json!({"op": "lt", "field": "n", "value": 1_u64 << 31})),
        Change::Update(vec!["id-1".to_owned(), "id-50".to_owned()], json!({"stamp": 2}).to_string()),
    ]
}

#[test]
fn changes_by_metadata_survive_the_failure_of_any_call() {
    let mut steps: Vec<Step> = by_metadata().into_iter().map(Step::Commit).collect();
    steps.extend([Step::Checkpoint, Step::Commit(put(&mut Rng::new(7), 66)), Step::Group(by_metadata())]);
    steps.push(Step::Compact(by_metadata()));
    fail_every_call("by metadata", &Workload::behind(&commits(), steps));
}

#[test]
fn a_checkpoint_survives_the_failure_of_any_call() {
    let more = put(&mut Rng::new(8), 2);
    let steps = vec![Step::Checkpoint, Step::Commit(more.clone()), Step::Checkpoint, Step::Commit(more), Step::Reopen];
    fail_every_call("checkpoint", &Workload::behind(&commits(), steps));
}

#[test]
fn indexing_survives_the_failure_of_any_call() {
    let more = put(&mut Rng::new(8), 66);
    let steps = vec![Step::Index, Step::Commit(more), Step::Index, Step::Compact(vec![]), Step::Index, Step::Reopen];
    fail_every_call("index", &Workload::behind(&commits(), steps));
}

#[test]
fn packing_rows_survives_the_failure_of_any_call() {
    let more = put(&mut Rng::new(8), 66);
    let steps = vec![Step::Index, Step::Commit(more), Step::Index, Step::Compact(vec![]), Step::Index, Step::Reopen];
    let mut options = CreateOptions::new(DIMENSION, Metric::L2);
    options.store.compression = Compression::Scalar { bits: 8 };
    let workload = Workload::behind_life(options, &commits(), 0, CrashChoice::KeepAll, steps);
    fail_every_call("packing", &workload);
}

#[test]
fn a_compaction_survives_the_failure_of_any_call() {
    let random = &mut Rng::new(8);
    let meanwhile = vec![put(random, 2), Change::Delete((0..60).map(|id| format!("id-{id}")).collect())];
    let steps = vec![Step::Compact(meanwhile), Step::Commit(put(random, 1)), Step::Compact(vec![])];
    let mut prepared = commits();
    prepared.push(Step::Reopen);
    fail_every_call("compaction", &Workload::behind(&prepared, steps));
}

#[test]
fn opening_after_a_crash_survives_the_failure_of_any_call() {
    let mut prepared = commits();
    prepared.push(Step::Forge(FORGED_FLAGS[3], vec![0, 70, 70]));
    let crashes = [CrashChoice::KeepAll, CrashChoice::Seeded(1), CrashChoice::Seeded(2), CrashChoice::Seeded(3)];
    for crash in crashes {
        // The last operation is the sync of the forged commits.
        let step = Step::Commit(put(&mut Rng::new(2), 1));
        fail_every_call("open after a crash", &Workload::behind_crash(&prepared, 1, crash, vec![step]));
    }
}

#[test]
fn the_recovery_from_a_failed_write_survives_the_failure_of_any_call() {
    let workload = Workload::behind(&commits(), vec![Step::Commit(put(&mut Rng::new(2), 2)), Step::Checkpoint]);
    for kind in [FaultKind::ShortWrite, FaultKind::SyncError] {
        each_fault(kind, false, |first| {
            fail_the_recovery("recovery", &workload, first);
            fail_once(&workload, first, None).unwrap_or_else(|error| panic!("{first:?}: {error}"))
        });
    }
}
