//! Changes by metadata while a compaction runs.

use std::sync::Arc;
use std::thread;

use rvf_runtime::storage::FileStorage;
use rvf_runtime::types::Metric;
use rvf_runtime::{Control, Host, OnDuplicate};
use serde_json::json;

use crate::gate::Gate;
use crate::kit::{Rng, plain, times};
use crate::replica::Replica;
use crate::subject::{Subject, everything};

/// Changes everything while a compaction stands in its middle: rows that it has copied, and such that it has not.
fn change_during_compaction(seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
    let (host, gate) = Gate::in_host(&Host::native_over(Arc::new(FileStorage::new())));
    let mut subject = Subject::with_host(&path, seed, host, Metric::L2);
    let batch = subject.entries(0..200, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    subject.update_where(&json!({"op": "lt", "field": "n", "value": 10}), "{\"before\":1}");
    subject.delete(&["id-0".to_owned(), "id-100".to_owned()]);
    if seed.is_multiple_of(2) {
        subject.store.checkpoint().unwrap();
    }
    let compacting = subject.store.clone();
    let compaction = thread::spawn(move || compacting.compact(&Control::default()).map(drop));
    gate.wait();
    let held = (subject.store.snapshot().unwrap(), subject.oracle.clone());
    for round in 0..30 {
        // Many small updates, so that their overlays are merged, of rows of all ages.
        let ids: Vec<String> =
            (0..1 + subject.rng.below(6)).map(|_| format!("id-{}", subject.rng.below(260))).collect();
        subject.update_ids(&ids, &json!({ "round": round }).to_string());
        match round {
            5 | 25 => {
                let batch = subject.entries(200 + round..220 + round, 0);
                subject.ingest(&batch, OnDuplicate::Replace);
            }
            10 if !seed.is_multiple_of(3) => subject.store.checkpoint().unwrap(),
            15 => {
                let filter = plain::narrow_filter(&mut subject.rng);
                subject.delete_where(&filter);
            }
            20 => {
                let filter = plain::narrow_filter(&mut subject.rng);
                let batch = subject.entries(10..13, 0);
                subject.replace_where(&filter, &batch, OnDuplicate::Replace);
            }
            22 => subject.update_where(&everything(), "{\"all\":1}"),
            _ => {}
        }
    }
    subject.check(2);
    gate.open();
    compaction.join().unwrap().unwrap();
    subject.check(4);
    subject.check_held(&held.0, &held.1);
    let since = Replica::of(&subject.oracle);
    subject.update_where(&json!({"op": "ge", "field": "round", "value": 20}), "{\"after\":[1]}");
    follow(&mut subject, since);
    follow(&mut subject, Replica::default());
    subject.reopen(seed % 4 < 2);
    subject.check(3);
    assert_eq!(subject.store.verify(&Control::default()).unwrap().problems, vec![]);
}

fn follow(subject: &mut Subject, mut replica: Replica) {
    let shape = subject.oracle.shape;
    replica.follow(&subject.store, &shape, &mut subject.rng);
    assert!(replica == Replica::of(&subject.oracle), "the changes lead elsewhere");
}

#[test]
fn changes_of_metadata_during_a_compaction_are_as_they_were_committed() {
    for seed in 0..times(12, 2_000) {
        change_during_compaction(Rng::new(seed).next() ^ seed);
    }
}
