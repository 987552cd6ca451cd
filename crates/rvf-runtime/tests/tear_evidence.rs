//! A later append speaks for the one in front of it, however torn it is itself.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use std::time::Duration;

use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Batch, CreateOptions, Host, OnDuplicate, OpenOptions, PackedStrings, Result, RvfStore};

const WAIT: Duration = Duration::from_secs(10);
const DIMENSION: u32 = 64;
const BATCH_ROWS: usize = 2_000;

/// Rows whose vectors consist of the byte 3.
fn batch(names: &[String]) -> Batch {
    Batch {
        ids: PackedStrings::from_strings(names.iter().map(String::as_str)),
        vectors: vec![3; names.len() * DIMENSION as usize * 4][..].into(),
        metadata: None,
    }
}

fn count(bytes: &[u8]) -> Result<u64> {
    RvfStore::open_bytes(&Host::native(), bytes.into(), &OpenOptions::default())?.count()
}

#[test]
fn a_durable_batch_is_not_rolled_back_because_the_append_behind_it_is_torn() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
    let store = RvfStore::create(&Host::native(), &path, &CreateOptions::new(DIMENSION, Metric::L2)).unwrap();
    let bytes = || std::fs::read(&path).unwrap();
    let start = bytes().len();
    let names: Vec<String> = (0..BATCH_ROWS).map(|index| format!("id-{index}")).collect();
    store.ingest(batch(&names), OnDuplicate::Replace, WAIT).unwrap();
    let end = bytes().len();
    store.ingest(batch(&["later".to_owned()]), OnDuplicate::Replace, WAIT).unwrap();
    let mut torn = bytes();
    torn.truncate(end + 100);
    assert_eq!(count(&torn), Ok(BATCH_ROWS as u64), "the batch is whole, what is behind it is torn");

    let damaged = (start..end).step_by(4_096).find(|at| torn[*at..at + 64] == [3; 64]).unwrap();
    torn[damaged] ^= 1;
    assert_eq!(count(&torn).map_err(|error| error.code), Err(ErrorCode::InvalidChecksum));

    // Without anything behind it, nothing tells the damage from a tear.
    torn.truncate(end);
    assert_eq!(count(&torn), Ok(0));
}
