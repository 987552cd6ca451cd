//! A store that does not sync each commit still bounds what one crash can leave unfinished.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use std::sync::Arc;

use damage_common::{PATH, WAIT, fixed_host, is_long_run};
use rvf_runtime::storage::{AlignedBytes, FaultyStorage};
use rvf_runtime::types::Metric;
use rvf_runtime::types::limits::UNSYNCED_BYTES_MAX;
use rvf_runtime::{Batch, CreateOptions, Durability, OnDuplicate, PackedStrings, RvfStore};

const ROW_BYTES: usize = 4_096 * 4;

/// A batch of 64 MiB.
fn large_batch(round: usize) -> Batch {
    let rows = (64 << 20) / ROW_BYTES;
    let ids: Vec<String> = (0..rows).map(|number| format!("{round}-{number}")).collect();
    let ids = PackedStrings::from_strings(ids.iter().map(String::as_str));
    Batch { ids, vectors: AlignedBytes::zeroed(rows * ROW_BYTES), metadata: None }
}

/// Bytes written since the last sync.
fn unsynced_bytes(storage: &FaultyStorage) -> u64 {
    let log = storage.log().describe();
    let last_sync = log.iter().rposition(|line| line.starts_with("sync file")).unwrap();
    let written = |line: &String| line.strip_prefix("write ")?.split(' ').next()?.parse::<u64>().ok();
    log[last_sync..].iter().filter_map(written).sum()
}

/// The long run only: it writes more than half a gigabyte into memory.
#[test]
fn a_store_that_is_never_asked_to_sync_syncs_before_too_much_could_be_torn() {
    if !is_long_run() {
        return;
    }
    let storage = Arc::new(FaultyStorage::new());
    let mut options = CreateOptions::new(4_096, Metric::L2);
    options.durability = Durability::None;
    let store = RvfStore::create(&fixed_host::over(storage.clone()), PATH, &options).unwrap();
    let mut highest = 0;
    for round in 0..12 {
        store.ingest(large_batch(round), OnDuplicate::Error, WAIT).unwrap();
        highest = highest.max(unsynced_bytes(&storage));
    }
    assert!(highest < UNSYNCED_BYTES_MAX, "{highest} bytes were not synced");
    assert!(highest > UNSYNCED_BYTES_MAX / 2, "commits were synced that did not ask for it");
}
