//! `changes()`: what leads from an earlier state to the present one.

use std::sync::Arc;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Changes, Control, OnDuplicate, OpenOptions, RvfStore};
use serde_json::json;

use crate::kit::{plain, times};
use crate::replica::{Replica, refuses_future, refuses_stale};
use crate::subject::{Subject, everything};

fn follow(subject: &mut Subject, replica: &Replica) {
    let shape = subject.oracle.shape;
    let mut replica = replica.clone();
    replica.follow(&subject.store, &shape, &mut subject.rng);
    assert!(replica == Replica::of(&subject.oracle), "the changes since {} lead elsewhere", replica.epoch);
}

#[test]
fn the_changes_since_any_epoch_lead_to_the_present_contents() {
    for seed in 0..times(6, 1_000) {
        let mut subject = Subject::new(seed, Arc::new(MemoryStorage::new()), Metric::L2);
        let mut states = vec![Replica::of(&subject.oracle)];
        for round in 0..40 {
            let filter = plain::narrow_filter(&mut subject.rng);
            let patch = plain::patch(&mut subject.rng);
            let first = subject.rng.below(40);
            match subject.rng.below(9) {
                0..3 => {
                    let batch = subject.entries(first..first + 6, 0);
                    subject.ingest(&batch, OnDuplicate::Replace);
                }
                3 => {
                    let batch = subject.entries(first..first + 70, 4_000);
                    subject.ingest(&batch, OnDuplicate::Replace);
                }
                4 => subject.delete(&[format!("id-{first}"), format!("id-{}", first + 1)]),
                5 => subject.delete_where(&filter),
                6 => subject.update_where(&filter, &patch),
                7 => subject.update_ids(&[format!("id-{first}"), format!("id-{}", first + 1)], &patch),
                _ => {
                    let batch = subject.entries(first..first + 3, 0);
                    subject.replace_where(&filter, &batch, OnDuplicate::Replace);
                }
            }
            if subject.oracle.epoch == states.len() as u64 {
                states.push(Replica::of(&subject.oracle));
            }
            match round % 13 {
                5 => subject.store.checkpoint().unwrap(),
                8 => subject.reopen(true),
                11 => subject.reopen(false),
                _ => {}
            }
        }
        for state in &states {
            follow(&mut subject, state);
        }
        let reader = RvfStore::open(&subject.host, &subject.path, &OpenOptions::read_only()).unwrap();
        subject.store.compact(&Control::default()).unwrap();
        // Who has the old file still sees what is in it.
        let mut old = states[states.len() / 2].clone();
        old.follow(&reader, &subject.oracle.shape, &mut subject.rng);
        assert!(old == Replica::of(&subject.oracle));
        after_compaction(&mut subject, &states);
        subject.reopen(true);
        after_compaction(&mut subject, &states);
    }
}

fn after_compaction(subject: &mut Subject, states: &[Replica]) {
    let epoch = subject.oracle.epoch;
    (1..epoch).for_each(|earlier| refuses_stale(&subject.store, earlier));
    refuses_future(&subject.store, epoch);
    follow(subject, &states[0]);
    let changes = subject.store.changes(epoch, None, 10, false).unwrap();
    assert_eq!(changes, Changes { epoch, ..Changes::default() });
}

#[test]
fn what_came_and_went_is_no_change_and_what_changed_often_comes_once() {
    let mut subject = Subject::new(7, Arc::new(MemoryStorage::new()), Metric::L2);
    let batch = subject.entries(0..10, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    let more = subject.entries(10..12, 0);
    subject.ingest(&more, OnDuplicate::Error);
    subject.delete(&["id-10".to_owned()]);
    for round in 0..5 {
        subject.update_ids(&["id-3".to_owned(), "id-11".to_owned()], &json!({ "round": round }).to_string());
    }
    subject.delete(&["id-4".to_owned(), "id-5".to_owned()]);
    let again = subject.entries(5..6, 0);
    subject.ingest(&again, OnDuplicate::Error);
    for checkpoints in [false, true] {
        if checkpoints {
            subject.store.checkpoint().unwrap();
        }
        let changes = subject.store.changes(1, None, 100, false).unwrap();
        assert_eq!(changes.page.ids, ["id-3", "id-11", "id-5"]);
        assert_eq!(changes.epochs, [8, 8, 10]);
        assert_eq!((changes.deleted, changes.epoch), (vec!["id-4".to_owned()], 10));
    }
}

#[test]
fn what_commits_between_pages_change_comes_with_the_next_changes() {
    let mut subject = Subject::new(8, Arc::new(MemoryStorage::new()), Metric::L2);
    for first in [0, 10] {
        let batch = subject.entries(first..first + 10, 0);
        subject.ingest(&batch, OnDuplicate::Error);
    }
    let state = Replica::of(&subject.oracle);
    for first in [20, 30] {
        let batch = subject.entries(first..first + 10, 0);
        subject.ingest(&batch, OnDuplicate::Error);
    }
    let mut replica = state;
    let mut commits = [
        // On the first page already; on none yet; of the earlier state.
        "delete id-20",
        "delete id-39",
        "delete id-7",
        "update id-21",
        "update id-38",
        "put id-22",
        "update id-5",
    ]
    .into_iter();
    let shape = subject.oracle.shape;
    let mut step = |subject: &mut Subject| {
        if let Some((change, id)) = commits.next().and_then(|text| text.split_once(' ')) {
            match change {
                "delete" => subject.delete(&[id.to_owned()]),
                "update" => subject.update_ids(&[id.to_owned()], "{\"between\":true}"),
                _ => {
                    let number: usize = id[3..].parse().unwrap();
                    let batch = subject.entries(number..number + 1, 0);
                    subject.ingest(&batch, OnDuplicate::Replace);
                }
            }
            subject.store.checkpoint().unwrap();
        }
    };
    let mut after = None;
    while let Some(next) = replica.follow_page(&subject.store, &shape, after, 3).0.next {
        after = Some(next);
        step(&mut subject);
    }
    // What came between the pages comes with the changes since the first of them.
    assert_eq!(replica.epoch, 4);
    replica.follow_page(&subject.store, &shape, None, usize::MAX);
    assert!(replica == Replica::of(&subject.oracle), "{:?}", replica);
}

#[test]
fn a_compaction_between_pages_ends_them() {
    for commits in [false, true] {
        let mut subject = Subject::new(10, Arc::new(MemoryStorage::new()), Metric::L2);
        let batch = subject.entries(0..20, 0);
        subject.ingest(&batch, OnDuplicate::Error);
        subject.delete(&["id-0".to_owned()]);
        let first = subject.store.changes(0, None, 5, false).unwrap();
        if commits {
            subject.update_where(&everything(), "{\"a\":1}");
        }
        subject.store.compact(&Control::default()).unwrap();
        let error = subject.store.changes(0, first.next, 5, false).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
        follow(&mut subject, &Replica::default());
    }
}

#[test]
fn a_page_of_changes_has_a_limit_of_one_at_least() {
    let mut subject = Subject::new(9, Arc::new(MemoryStorage::new()), Metric::L2);
    let batch = subject.entries(0..3, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    subject.update_where(&everything(), "{\"a\":1}");
    let error = subject.store.changes(0, None, 0, false).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
}
