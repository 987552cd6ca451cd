//! Codes of half a byte an element, which stores of profile 3 have.

use std::sync::Arc;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::Metric;
use rvf_runtime::{Control, CreateOptions};

use crate::hosts::{PATH, Subject, without_threads};
use crate::kit::ready;

const ROWS: usize = 3_000;
const DIMENSION: u32 = 64;

fn subject(metric: Metric, profile: u8) -> Subject {
    let mut options = CreateOptions::new(DIMENSION, metric);
    options.store.profile = profile;
    let host = without_threads(Arc::new(MemoryStorage::new()));
    let mut subject = Subject::with_options(host, PATH, &options, 5);
    subject.ingest_new(ROWS);
    subject.wait_for_index();
    subject
}

fn index_bytes(subject: &Subject) -> u64 {
    ready(|| subject.store.status()).unwrap().index_bytes
}

#[test]
fn profile_3_halves_the_codes() {
    let [fine, coarse] = [0, 3].map(|profile| index_bytes(&subject(Metric::L2, profile)));
    assert_eq!(fine - coarse, ROWS as u64 * u64::from(DIMENSION) / 2);
}

#[test]
fn a_store_of_profile_3_finds_what_is_near_after_growth_reopening_and_compaction() {
    for metric in [Metric::L2, Metric::Cosine] {
        let mut subject = subject(metric, 3);
        subject.check_all();
        subject.ingest_new(2_000);
        subject.wait_for_index();
        let deleted = subject.some_ids(500);
        subject.delete(&deleted);
        subject.reopen();
        subject.check_all();
        ready(|| subject.store.compact(&Control::default())).unwrap();
        subject.reopen();
        assert_eq!(subject.unindexed_rows(), 0);
        subject.check_all();
    }
}
