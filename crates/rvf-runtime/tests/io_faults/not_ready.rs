//! Storage that answers NotReady to the first read of everything: each call of the engine succeeds by asking again, and
//! does what it does once.

use std::sync::Arc;
use std::time::Duration;

use rvf_runtime::storage::{AlignedBytes, CrashChoice, FaultyStorage, NotReadyStorage};
use rvf_runtime::types::Metric;
use rvf_runtime::{
    Control, CreateOptions, Done, Durability, OpenOptions, PackedStrings, QueryOptions, Result, RvfStore,
};

use crate::crash_common::life::{commit_alone, epoch_of};
use crate::crash_common::steps::{put, random_steps};
use crate::crash_common::{
    Change, DIMENSION, Expected, FORGED_FLAGS, History, Life, PATH, Step, TestHost, check_file, check_state, compare,
};
use serde_json::json;

use crate::kit::{Rng, all_rows};

/// More rounds than any call needs: each one loads at least one of the file's blocks.
const ROUNDS_MAX: u32 = 20_000;

/// A store over such a storage.
struct Paged {
    storage: Arc<NotReadyStorage>,
    host: TestHost,
}

impl Paged {
    fn over(inner: Arc<FaultyStorage>) -> Paged {
        let storage = Arc::new(NotReadyStorage::new(inner));
        Paged { host: TestHost::new(storage.clone(), 0), storage }
    }

    /// Makes the call again for as long as it is told that bytes are missing; everything is, at first.
    fn ask<T>(&self, what: &str, mut call: impl FnMut() -> Result<T>) -> T {
        self.storage.unload();
        for _ in 0..ROUNDS_MAX {
            match call() {
                Err(error) if error.not_ready.is_some() => {}
                Err(error) => panic!("{what}: {error}"),
                Ok(value) => return value,
            }
        }
        panic!("{what} was not ready {ROUNDS_MAX} times");
    }

    fn create(&self) -> RvfStore {
        let options = CreateOptions::new(DIMENSION, Metric::L2);
        self.ask("create", || RvfStore::create(&self.host.host, PATH, &options))
    }

    fn open(&self, options: &OpenOptions) -> RvfStore {
        self.ask("open", || RvfStore::open(&self.host.host, PATH, options))
    }

    /// All changes in one group; those that were told to ask again are submitted again, in their order.
    fn commit_group(&self, store: &RvfStore, changes: &[Change]) {
        let mut rest: Vec<Change> = changes.to_vec();
        self.ask("group", || {
            let answers: Arc<parking_lot::Mutex<Vec<(usize, Result<u64>)>>> = Arc::default();
            let writes = rest.iter().enumerate().map(|(index, change)| {
                let answers = answers.clone();
                let done = move |result: Result<_>| answers.lock().push((index, result.map(epoch_of)));
                (change.to_write(), Box::new(done) as Done)
            });
            store.submit_all(writes.collect());
            let mut answers = std::mem::take(&mut *answers.lock());
            answers.sort_by_key(|(index, _)| *index);
            assert_eq!(answers.len(), rest.len(), "each change of a group is answered once");
            let failed: Vec<(usize, Result<u64>)> = answers.into_iter().filter(|(_, answer)| answer.is_err()).collect();
            rest = failed.iter().map(|(index, _)| rest[*index].clone()).collect();
            failed.into_iter().next().map_or(Ok(()), |(_, answer)| answer.map(drop))
        });
    }
}

fn check(paged: &Paged, store: &RvfStore, history: &History, what: &str) {
    paged.ask("look", || {
        let epoch = store.status()?.epoch;
        assert_eq!(epoch, history.epoch(), "{what} was applied twice or not at all");
        // A page at a time, since only errors of the engine say that bytes are missing.
        store.snapshot()?.rows(all_rows(), None)
    });
    compare(store, history.newest()).unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// Changes of every form. No two of them have an id in common, so that their order does not matter; the deletion is one of
/// what an earlier round has put.
fn changes(random: &mut Rng, round: u64) -> Vec<Change> {
    let mut renamed = |name: &str, count: usize| {
        let Change::Put(entries) = put(random, count) else { unreachable!("a put is a put") };
        let entries = entries.into_iter().enumerate();
        Change::Put(entries.map(|(index, (_, entry))| (format!("{name}-{round}-{index}"), entry)).collect())
    };
    let mut changes = vec![renamed("small", 2), renamed("large", 66), renamed("middle", 20), renamed("single", 1)];
    if round > 0 {
        let earlier = round - 1;
        changes.push(Change::Delete(vec![format!("small-{earlier}-0"), format!("large-{earlier}-5")]));
        // Of others than those that are put or deleted meanwhile.
        let ids = [format!("large-{earlier}-7"), format!("middle-{earlier}-2")];
        changes.push(Change::Update(ids.into(), json!({ "by id": round }).to_string()));
        let before = json!({"op": "eq", "field": "by id", "value": earlier});
        changes.push(Change::UpdateWhere(before.clone(), json!({ "by filter": round }).to_string()));
        if round > 2 {
            let oldest = json!({"op": "eq", "field": "by id", "value": round - 2});
            let Change::Put(entries) = renamed("replacing", 3) else { unreachable!("a put is a put") };
            changes.push(Change::Replace(oldest, entries));
        }
    }
    changes
}

/// A store with some commits in the base and some behind it.
fn paged_store(random: &mut Rng) -> (Paged, Arc<FaultyStorage>, RvfStore, History) {
    let inner = Arc::new(FaultyStorage::new());
    let paged = Paged::over(inner.clone());
    let store = paged.create();
    let mut history = History::before_creation();
    for round in 0..3 {
        for change in changes(random, round) {
            let expected = history.begin(&change, 0);
            let epoch = paged.ask("commit", || commit_alone(&store, &change, Duration::ZERO));
            assert_eq!(epoch, expected, "a commit was applied twice or not at all");
        }
        if round == 1 {
            paged.ask("checkpoint", || store.checkpoint());
        }
    }
    check(&paged, &store, &history, "a commit");
    (paged, inner, store, history)
}

#[test]
fn every_write_succeeds_by_asking_again_and_is_applied_once() {
    let random = &mut Rng::new(4);
    let (paged, _, store, mut history) = paged_store(random);
    let group = changes(random, 3);
    for change in &group {
        history.begin(change, 0);
    }
    paged.commit_group(&store, &group);
    check(&paged, &store, &history, "a group");
    paged.ask("compact", || store.compact(&Control::default()));
    check(&paged, &store, &history, "a compaction");
    for change in changes(random, 4) {
        history.begin(&change, 0);
        paged.ask("commit after compaction", || commit_alone(&store, &change, Duration::ZERO));
    }
    paged.ask("checkpoint", || store.checkpoint());
    paged.ask("freeze", || store.freeze());
    check(&paged, &store, &history, "a checkpoint");
    // As many ids again as the last run of the base has, so that closing reads that one and merges the two.
    let mut answers = 0;
    for finish in [RvfStore::checkpoint, RvfStore::close] {
        let last = put(random, 20);
        history.begin(&last, 0);
        paged.ask("commit", || commit_alone(&store, &last, Duration::ZERO));
        answers = paged.storage.not_ready_answers();
        paged.ask("checkpoint or close", || finish(&store));
    }
    assert!(paged.storage.not_ready_answers() > answers, "closing had nothing to read");
    let store = paged.open(&OpenOptions::default());
    assert_eq!(store.status().unwrap().recovered_commits, 0, "the store was closed, and its tail is not empty");
    check(&paged, &store, &history, "closing");
    paged.storage.unload();
    paged.ask("verify", || store.verify(&Control::default()));
    check_file(&store).unwrap();
    assert!(paged.storage.not_ready_answers() > 100);
}

#[test]
fn every_look_at_a_store_succeeds_by_asking_again() {
    let random = &mut Rng::new(5);
    let (paged, inner, store, mut history) = paged_store(random);
    let reader = paged.open(&OpenOptions::read_only());
    let ids = ["middle-2-7", "nobody", "large-0-9", "small-0-1"];
    let entries: Vec<_> = ids.iter().filter_map(|id| history.newest().get(*id)).cloned().collect();
    for store in [&store, &reader] {
        let asked = PackedStrings::from_strings(ids);
        let page = paged.ask("get", || store.get(&asked, true));
        assert_eq!(page.ids, ["middle-2-7", "large-0-9", "small-0-1"]);
        let vectors: Vec<u8> = entries.iter().flat_map(|entry| entry.vector.clone()).collect();
        assert_eq!(page.vectors.as_ref(), Some(&vectors));
        assert_eq!(paged.ask("has", || store.has(&asked)), [true, false, true, true]);
        let options = QueryOptions { k: 2, with_metadata: true, with_vectors: true, ..QueryOptions::default() };
        let hits = paged.ask("query", || store.query(&entries[1].vector, &options, None));
        assert_eq!((hits.ids[0].as_str(), hits.distances[0]), ("large-0-9", 0.0));
        let filter = paged.ask("filter", || store.filter(r#"{"op":"exists","field":"by id"}"#));
        let fitting = history
            .newest()
            .values()
            .filter(|entry| entry.metadata.as_deref().is_some_and(|text| text.contains("by id")));
        let fitting = fitting.count();
        assert_eq!(paged.ask("count", || store.count_where(&filter, 0, None)), fitting as u64);
        let page = paged.ask("list", || store.list_where(Some(&filter), all_rows(), None, 0, None));
        assert_eq!(page.page.ids.len(), fitting);
        assert_eq!(paged.ask("explain", || store.explain(&filter)).matched, fitting as u64);
        let filtered = QueryOptions { k: 100, filter: Some(filter.clone()), ..QueryOptions::default() };
        assert_eq!(paged.ask("query", || store.query(&entries[1].vector, &filtered, None)).ids.len(), fitting);
        assert_eq!(paged.ask("changes", || store.changes(3, None, 1_000, true)).epoch, history.epoch());
        let (counts, hits) = paged.ask("query batch", || store.query_batch(&vectors, &options, None));
        assert_eq!((counts, hits.ids[4].as_str()), (vec![2, 2, 2], "small-0-1"));
        assert!(paged.ask("segments", || store.segments()).len() > 3);
    }
    let change = put(random, 3);
    history.begin(&change, 0);
    paged.ask("commit", || commit_alone(&store, &change, Duration::ZERO));
    assert!(paged.ask("refresh", || reader.refresh()));
    check(&paged, &reader, &history, "a refresh");
    paged.ask("backup", || store.backup("/directory/copy.rvf", &Control::default()));
    assert_eq!(inner.paths(), ["/directory/copy.rvf", PATH]);
    let bytes: AlignedBytes = paged.ask("export", || store.export_bytes());
    let copy = RvfStore::open_bytes(&paged.host.host, bytes, &OpenOptions::default()).unwrap();
    compare(&copy, history.newest()).unwrap();
}

#[test]
fn opening_after_a_crash_succeeds_by_asking_again() {
    for seed in 0..60 {
        let random = &mut Rng::new(seed);
        let inner = Arc::new(FaultyStorage::new());
        let mut life = Life::create(inner.clone(), Durability::Commit).unwrap();
        life.run(&random_steps(random, 8)).unwrap();
        life.run(&[Step::Forge(FORGED_FLAGS[seed as usize % 5], vec![0, 1, 70])]).unwrap();
        let log = inner.log();
        let position = log.len() - 1;
        let history = life.history.lock().clone();
        let crash = CrashChoice::Seeded(seed);
        let paged = Paged::over(Arc::new(FaultyStorage::over(log.crash_image(position, &crash))));
        let store = paged.open(&OpenOptions::default());
        let expected = Expected { states: history.states(), epochs: history.allowed_at(position) };
        paged.ask("look", || store.snapshot()?.rows(all_rows(), None));
        check_state(&store, &expected).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}
