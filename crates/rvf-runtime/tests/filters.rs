//! Filters, changes by filter, updates of metadata and `changes()`, compared with a map and a plain evaluator: on stores
//! whose metadata lies in journals, in runs with columns, in overlays, and in all of them at once.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "filters/changes.rs"]
mod changes;
#[path = "model/checks.rs"]
#[allow(dead_code)] // the model uses the rest
mod checks;
#[path = "filters/compaction.rs"]
mod compaction;
#[path = "concurrency/gate.rs"]
mod gate;
#[path = "filters/groups.rs"]
mod groups;
mod kit;
#[path = "model/oracle.rs"]
#[allow(dead_code)] // the model uses the rest
mod oracle;
#[path = "model/replica.rs"]
mod replica;
#[path = "filters/subject.rs"]
mod subject;
#[path = "filters/updates.rs"]
mod updates;

use std::sync::Arc;

use kit::{Rng, plain, times};
use rvf_runtime::storage::{FileStorage, MemoryStorage};
use rvf_runtime::types::Metric;
use rvf_runtime::{Control, OnDuplicate, OpenOptions, RvfStore};
use subject::{Subject, everything};

/// How the rows of a store come into it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Commits {
    /// In journals.
    Small,
    /// In final form, which takes more than 262,144 bytes.
    Large,
}

const DUPLICATES: [OnDuplicate; 3] = [OnDuplicate::Replace, OnDuplicate::Skip, OnDuplicate::Error];

fn fill(subject: &mut Subject, rows: usize, commits: Commits) {
    let padding = if commits == Commits::Large { 262_144 / rows + 1 } else { 0 };
    let batch = subject.entries(0..rows, padding);
    match commits {
        Commits::Large => subject.ingest(&batch, OnDuplicate::Error),
        Commits::Small => batch.chunks(1 + rows / 7).for_each(|part| subject.ingest(part, OnDuplicate::Error)),
    }
}

/// A life with every kind of change; what the store tells is compared after each of them.
fn live(subject: &mut Subject, rows: usize, commits: Commits) {
    fill(subject, rows, commits);
    subject.check(4);
    let reader = RvfStore::open(&subject.host, &subject.path, &OpenOptions::read_only()).unwrap();
    let (held, before) = (subject.store.snapshot().unwrap(), subject.oracle.clone());
    let filter = plain::filter(&mut subject.rng);
    subject.update_where(&filter, &plain::patch(&mut Rng::new(rows as u64)));
    subject.update_where(&everything(), "{\"all\":1}");
    subject.check(2);
    let ids: Vec<String> = (0..rows).step_by(3).map(|number| format!("id-{number}")).collect();
    let patch = plain::patch(&mut subject.rng);
    subject.update_ids(&ids, &patch);
    subject.check(2);
    subject.delete(&ids[..ids.len() / 5]);
    let upserts = subject.entries(rows / 2..rows / 2 + 5, 0);
    subject.ingest(&upserts, OnDuplicate::Replace);
    subject.check(2);
    let filter = plain::narrow_filter(&mut subject.rng);
    subject.delete_where(&filter);
    for (index, on_duplicate) in DUPLICATES.into_iter().enumerate() {
        let filter = plain::narrow_filter(&mut subject.rng);
        let batch = subject.entries(rows - index.min(rows - 1)..rows + 3, 0);
        subject.replace_where(&filter, &batch, on_duplicate);
    }
    subject.check(4);
    subject.store.checkpoint().unwrap();
    subject.check(4);
    // Other than the state that was held, and the one that the reader has.
    subject.check_held(&held, &before);
    subject.check_other(&reader, &before);
    reader.refresh().unwrap();
    subject.check_other(&reader, &subject.oracle.clone());
    subject.update_where(&everything(), "{\"all\":2,\"n\":null}");
    subject.reopen(false);
    subject.check(3);
    subject.reopen(true);
    subject.check(3);
    subject.store.compact(&Control::default()).unwrap();
    subject.check(4);
    subject.check_held(&held, &before);
    reader.refresh().unwrap();
    subject.check_other(&reader, &subject.oracle.clone());
    subject.reopen(true);
    subject.check(2);
    assert_eq!(subject.store.verify(&Control::default()).unwrap().problems, vec![]);
}

#[test]
fn a_store_of_any_size_answers_filters_as_a_map_does() {
    let sizes = [1, 2, 63, 64, 65, 200, 600];
    for seed in 0..times(3, 300) {
        for (index, rows) in sizes.into_iter().enumerate() {
            let is_small = rows < 10 || (seed + index as u64).is_multiple_of(2);
            let commits = if is_small { Commits::Small } else { Commits::Large };
            let metric = Metric::ALL[(seed as usize + index / 2) % Metric::ALL.len()];
            let mut subject = Subject::new(seed * 100 + index as u64, Arc::new(MemoryStorage::new()), metric);
            live(&mut subject, rows, commits);
        }
    }
}

#[test]
fn a_store_of_thousands_of_rows_on_files_answers_filters_as_a_map_does() {
    for (seed, commits) in [(1, Commits::Small), (2, Commits::Large)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.rvf");
        let storage = Arc::new(FileStorage::new());
        let mut subject = Subject::at(path.to_str().unwrap(), seed, storage, Metric::L2);
        live(&mut subject, 5_000, commits);
    }
}

#[test]
fn rows_have_columns_from_64_rows_on_once_they_are_in_final_form_or_in_the_base() {
    for (rows, commits) in [(63, Commits::Small), (63, Commits::Large), (64, Commits::Small), (64, Commits::Large)] {
        let mut subject = Subject::new(rows as u64, Arc::new(MemoryStorage::new()), Metric::L2);
        let filter = subject.store.filter(r#"{"op":"exists","field":"n"}"#).unwrap();
        let unindexed = |subject: &Subject| subject.store.explain(&filter).unwrap().unindexed_rows;
        fill(&mut subject, rows, commits);
        let has_columns = rows >= 64 && commits == Commits::Large;
        assert_eq!(unindexed(&subject), if has_columns { 0 } else { rows as u64 }, "{rows} {commits:?}");
        subject.store.checkpoint().unwrap();
        assert_eq!(unindexed(&subject), if rows >= 64 { 0 } else { rows as u64 }, "{rows} {commits:?}, checkpoint");
        // So have overlays.
        subject.update_where(&everything(), "{\"all\":1}");
        let in_runs = if rows >= 64 { 0 } else { rows as u64 };
        assert_eq!(unindexed(&subject), in_runs * 2, "{rows} {commits:?}, updated");
        subject.check(4);
        subject.store.compact(&Control::default()).unwrap();
        assert_eq!(unindexed(&subject), in_runs, "{rows} {commits:?}, compacted");
        subject.check(4);
    }
}
