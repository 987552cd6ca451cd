//! Several changes in one append act in their order.

use std::sync::Arc;

use parking_lot::Mutex;
use rvf_runtime::storage::FaultyStorage;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Done, Host, OnDuplicate, Outcome, Result, Target, Write};
use serde_json::{Value, json};

use crate::kit::{NewEntry, Rng, batch_of, plain, strings, times};
use crate::subject::{Subject, everything};

/// A store whose commits are made where they are submitted, all that come together in one append.
fn subject(seed: u64) -> (Subject, Arc<FaultyStorage>) {
    let storage = Arc::new(FaultyStorage::new());
    let host = Host { threads: None, ..Host::native_over(storage.clone()) };
    (Subject::with_host("/store.rvf", seed, host, Metric::L2), storage)
}

/// What the change of this number was answered.
type Answer = (usize, Result<Outcome>);

/// A change with what the map says of it: how many entries it touched; `None` where it must be refused.
type Expected = Option<(u64, u64)>;

fn ingest(subject: &mut Subject, batch: &[NewEntry], on_duplicate: OnDuplicate) -> (Write, Expected) {
    let expected = subject.oracle.ingest(batch, on_duplicate).map(|stored| (stored.accepted, subject.oracle.epoch));
    (Write::Ingest { batch: Arc::new(batch_of(batch)), on_duplicate, control: None }, expected)
}

fn update_ids(subject: &mut Subject, ids: &[String], patch: &str) -> (Write, Expected) {
    let updated = subject.oracle.update(ids, patch);
    let target = Target::Ids(strings(ids));
    (Write::Update { target, patch: patch.into(), control: None }, Some((updated, subject.oracle.epoch)))
}

fn update_where(subject: &mut Subject, filter: &Value, patch: &str) -> (Write, Expected) {
    let ids = subject.oracle.matching(filter);
    let updated = subject.oracle.update(&ids, patch);
    let target = Target::Where(subject.expression(filter));
    (Write::Update { target, patch: patch.into(), control: None }, Some((updated, subject.oracle.epoch)))
}

fn delete_where(subject: &mut Subject, filter: &Value) -> (Write, Expected) {
    let ids = subject.oracle.matching(filter);
    let deleted = subject.oracle.delete(&ids);
    (Write::DeleteWhere { filter: subject.expression(filter), control: None }, Some((deleted, subject.oracle.epoch)))
}

fn replace(subject: &mut Subject, filter: &Value, batch: &[NewEntry], on_duplicate: OnDuplicate) -> (Write, Expected) {
    let expected =
        subject.oracle.replace(filter, batch, on_duplicate).map(|(deleted, _)| (deleted, subject.oracle.epoch));
    let (filter, batch) = (subject.expression(filter), Arc::new(batch_of(batch)));
    (Write::Replace { filter, batch, on_duplicate, control: None }, expected)
}

/// Submits changes that share an append and compares every answer.
fn submit(subject: &Subject, changes: Vec<(Write, Expected)>) {
    let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
    let (writes, expected): (Vec<Write>, Vec<Expected>) = changes.into_iter().unzip();
    let writes = writes.into_iter().enumerate().map(|(index, write)| {
        let answers = Arc::clone(&answers);
        let done: Done = Box::new(move |result| answers.lock().push((index, result)));
        (write, done)
    });
    subject.store.submit_all(writes.collect());
    let mut answers = std::mem::take(&mut *answers.lock());
    answers.sort_by_key(|(index, _)| *index);
    assert_eq!(answers.len(), expected.len(), "each change is answered once");
    for ((index, answer), expected) in answers.into_iter().zip(expected) {
        let found = answer.map(|outcome| match outcome {
            Outcome::Ingest(outcome) => (outcome.accepted, outcome.epoch),
            Outcome::Delete(outcome) => (outcome.deleted, outcome.epoch),
            Outcome::Replace(outcome) => (outcome.deleted, outcome.ingest.epoch),
            Outcome::Update(outcome) => (outcome.updated, outcome.epoch),
        });
        match (found, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected, "change {index}"),
            (Err(error), None) => assert_eq!(error.code, ErrorCode::AlreadyExists, "change {index}: {error}"),
            (found, expected) => panic!("change {index}: {found:?} where {expected:?} was expected"),
        }
    }
}

fn syncs(storage: &FaultyStorage) -> usize {
    storage.log().describe().iter().filter(|line| line.contains("sync")).count()
}

#[test]
fn an_ingest_an_update_of_its_ids_and_a_deletion_by_what_the_update_wrote_share_one_sync() {
    let (mut subject, storage) = subject(1);
    let batch = subject.entries(0..10, 0);
    let ids = ["id-3", "id-4", "id-99"].map(str::to_owned);
    let mark = json!({"op": "eq", "field": "mark", "value": 1});
    let before = syncs(&storage);
    let changes = vec![
        ingest(&mut subject, &batch, OnDuplicate::Error),
        update_ids(&mut subject, &ids, "{\"mark\":1}"),
        update_ids(&mut subject, &ids[1..2], "{\"mark\":2}"),
        delete_where(&mut subject, &mark),
        replace(&mut subject, &json!({"op": "eq", "field": "mark", "value": 2}), &batch[3..5], OnDuplicate::Error),
        update_where(&mut subject, &everything(), "{\"all\":true}"),
    ];
    submit(&subject, changes);
    assert_eq!(syncs(&storage) - before, 1);
    subject.check(6);
    subject.reopen(false);
    subject.check(6);
}

fn random_change(subject: &mut Subject, name: usize) -> (Write, Expected) {
    let on_duplicate = *subject.rng.pick(&crate::DUPLICATES);
    let filter =
        if subject.rng.chance(60) { plain::narrow_filter(&mut subject.rng) } else { plain::filter(&mut subject.rng) };
    let patch = plain::patch(&mut subject.rng);
    let count = 1 + subject.rng.below(8);
    let first = subject.rng.below(60);
    match (name, subject.rng.below(10)) {
        // In final form: nothing of it can be read before it is written.
        (_, 0) => {
            let batch = subject.entries(first..first + 5, 55_000);
            ingest(subject, &batch, OnDuplicate::Replace)
        }
        (_, 1) => {
            let batch = subject.entries(first..first + 5, 55_000);
            replace(subject, &filter, &batch, on_duplicate)
        }
        (_, 2..4) => {
            let batch = subject.entries(first..first + count, 0);
            ingest(subject, &batch, on_duplicate)
        }
        (_, 4) => {
            let batch = subject.entries(first..first + count, 0);
            replace(subject, &filter, &batch, on_duplicate)
        }
        (_, 5) if subject.oracle.len() > 40 => delete_where(subject, &filter),
        (_, 6..8) => {
            let ids: Vec<String> = (first..first + count).map(|number| format!("id-{number}")).collect();
            update_ids(subject, &ids, &patch)
        }
        _ => update_where(subject, &filter, &patch),
    }
}

#[test]
fn random_changes_that_are_submitted_together_act_in_their_order() {
    for seed in 0..times(40, 20_000) {
        let (mut subject, _) = subject(seed);
        for _ in 0..4 {
            let count = 1 + Rng::new(subject.rng.next()).below(8);
            let changes = (0..count).map(|index| random_change(&mut subject, index)).collect();
            submit(&subject, changes);
            subject.check(1);
        }
        subject.reopen(seed % 2 == 0);
        subject.check(2);
    }
}

#[test]
fn a_large_update_behind_a_small_one_is_read_right_before_and_after_it_is_written() {
    let (mut subject, _) = subject(9);
    let batch = subject.entries(0..40, 10_000);
    subject.ingest(&batch, OnDuplicate::Error);
    for round in 0..4 {
        let small = update_ids(&mut subject, &["id-7".to_owned()], &json!({ "small": round }).to_string());
        // More than goes on the heap, less than is left alone.
        let large = update_where(&mut subject, &everything(), &json!({ "large": round }).to_string());
        let again = update_where(&mut subject, &json!({"op": "lt", "field": "n", "value": 9}), "{\"n\":null}");
        submit(&subject, vec![small, large, again]);
        subject.check(2);
        if round == 2 {
            subject.reopen(false);
        }
    }
    subject.store.checkpoint().unwrap();
    subject.check(3);
}

#[test]
fn updates_that_wait_together_are_written_in_appends_of_bounded_size() {
    let (mut subject, storage) = subject(11);
    let batch: Vec<NewEntry> = subject.entries(0..100, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    let before = syncs(&storage);
    let text = "p".repeat(60_000);
    let changes = (0..200).map(|number: usize| {
        let ids: Vec<String> = (0..4).map(|place| format!("id-{}", (number + place * 7) % 100)).collect();
        update_ids(&mut subject, &ids, &json!({ "number": number, "text": text }).to_string())
    });
    let changes: Vec<_> = changes.collect();
    submit(&subject, changes);
    // 48 MB of metadata: a group ends behind the change that brings it to GROUP_BYTES_MAX, 8 MiB.
    assert!(syncs(&storage) - before >= 5, "{} syncs", syncs(&storage) - before);
}
