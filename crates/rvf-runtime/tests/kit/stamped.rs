//! A sequence of commits whose every state can be told from its contents: whoever sees a part of one and a part of
//! another sees a state that never existed.
//!
//! Commit `e` makes epoch `e`. Most write the ten ids `r0` to `r9` anew, each with `e` in its metadata and its vector,
//! and one of the slots `n0` to `n99`; every fifth deletes the slot of the commit before.

use std::collections::BTreeMap;

use rvf_runtime::types::Metric;
use rvf_runtime::{CreateOptions, Hits, OnDuplicate, QueryOptions, Result, RowPage, RvfStore, StoreSnapshot};

use super::{NewEntry, WAIT, all_rows, batch_of, floats, strings};

const ROWS: u64 = 10;
const SLOTS: u64 = 100;
/// Stamps in vectors start again here, so that their squares are exact in `f32`.
const VECTOR_STAMPS: u64 = 4_000;
/// Makes a batch large enough to be written in final form.
const PADDING_BYTES: usize = 60_000;

pub fn options() -> CreateOptions {
    CreateOptions::new(3, Metric::L2)
}

fn is_deletion(epoch: u64) -> bool {
    epoch.is_multiple_of(5)
}

fn vector_stamp(epoch: u64) -> u64 {
    epoch % VECTOR_STAMPS
}

/// The entries that commit `epoch` writes.
fn entries(epoch: u64) -> Vec<NewEntry> {
    let padding = if epoch % 50 == 1 { "x".repeat(PADDING_BYTES) } else { String::new() };
    let metadata = Some(format!("{{\"stamp\":{epoch},\"padding\":\"{padding}\"}}"));
    let row = |number: u64| NewEntry {
        id: format!("r{number}"),
        vector: floats([0.0, number as f32, vector_stamp(epoch) as f32]),
        metadata: metadata.clone(),
    };
    let slot = NewEntry {
        id: format!("n{}", epoch % SLOTS),
        vector: floats([1e9, 0.0, vector_stamp(epoch) as f32]),
        metadata: Some(format!("{{\"stamp\":{epoch}}}")),
    };
    (0..ROWS).map(row).chain([slot]).collect()
}

/// Makes the commit behind `epoch - 1`.
pub fn commit(store: &RvfStore, epoch: u64) -> Result<()> {
    let committed = if is_deletion(epoch) {
        let slot = format!("n{}", (epoch - 1) % SLOTS);
        store.delete(strings(&[slot]), WAIT)?.epoch
    } else {
        store.ingest(batch_of(&entries(epoch)), OnDuplicate::Replace, WAIT)?.epoch
    };
    assert_eq!(committed, epoch, "the commit's epoch");
    Ok(())
}

/// The stamp of every id at an epoch.
fn expected(epoch: u64) -> BTreeMap<String, u64> {
    let mut stamps = BTreeMap::new();
    for written in epoch.saturating_sub(SLOTS)..=epoch {
        let is_deleted = is_deletion(written + 1) && written < epoch;
        if written == 0 || is_deletion(written) {
            continue;
        }
        for row in 0..ROWS {
            stamps.insert(format!("r{row}"), written);
        }
        let slot = format!("n{}", written % SLOTS);
        if is_deleted {
            stamps.remove(&slot);
        } else {
            stamps.insert(slot, written);
        }
    }
    stamps
}

/// Proves that a snapshot is one of the states, and tells which.
pub fn epoch_of(snapshot: &StoreSnapshot) -> u64 {
    let page = snapshot.rows(all_rows(), None).unwrap();
    let stamps: BTreeMap<String, u64> = page.ids.iter().cloned().zip(stamps_of(&page)).collect();
    assert_eq!(page.ids.len(), stamps.len(), "an id came twice");
    assert_eq!(page.ids.len() as u64, snapshot.count());
    check_vectors(&page);
    let newest = stamps.get("r0").copied().unwrap_or(0);
    // The deletion behind a commit leaves its stamp as it is.
    let epoch = [newest, newest + 1].into_iter().find(|epoch| expected(*epoch) == stamps);
    epoch.unwrap_or_else(|| panic!("a state that never was: {stamps:?}"))
}

fn stamps_of(page: &RowPage) -> Vec<u64> {
    parse_stamps(page.metadata.as_deref().unwrap_or("[]"))
}

fn parse_stamps(metadata: &str) -> Vec<u64> {
    let values: Vec<serde_json::Value> = serde_json::from_str(metadata).unwrap();
    values.iter().map(|value| value["stamp"].as_u64().unwrap()).collect()
}

/// The vector of each row must be of the same commit as its metadata.
fn check_vectors(page: &RowPage) {
    let vectors = page.vectors.as_deref().unwrap();
    for (vector, stamp) in vectors.chunks_exact(12).zip(stamps_of(page)) {
        assert_eq!(
            vector[8..],
            (vector_stamp(stamp) as f32).to_le_bytes(),
            "a vector of another commit than its metadata"
        );
    }
}

/// Asks for the ten rows and proves that the answer comes from one state; tells that state's stamp.
pub fn query(store: &RvfStore) -> Result<u64> {
    let options = QueryOptions { k: ROWS as usize, with_metadata: true, ..QueryOptions::default() };
    let hits = store.query(&floats([0.0; 3]), &options, None)?;
    Ok(stamp_of(&hits))
}

fn stamp_of(hits: &Hits) -> u64 {
    if hits.ids.is_empty() {
        return 0;
    }
    let stamps = parse_stamps(hits.metadata.as_deref().unwrap());
    let stamp = stamps[0];
    assert_eq!(stamps, [stamp; ROWS as usize], "hits of several states");
    assert_eq!(hits.ids, (0..ROWS).map(|row| format!("r{row}")).collect::<Vec<_>>());
    let distances: Vec<f32> = (0..ROWS).map(|row| (row * row + vector_stamp(stamp).pow(2)) as f32).collect();
    assert_eq!(hits.distances, distances);
    stamp
}
