//! What the process does that is killed: it commits in every way there is, tells what was acknowledged, and compacts
//! and indexes meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rvf_runtime::types::Metric;
use rvf_runtime::{Control, CreateOptions, Host, OpenOptions, RvfStore};
use serde_json::json;

use crate::crash_common::life::{commit_alone, epoch_of};
use crate::crash_common::steps::{GROUPS, put};
use crate::crash_common::{Change, DIMENSION, Entry};
use crate::kit::child::tell;
use crate::kit::{Rng, WAIT};

/// Most commits that are waiting to be acknowledged at any time.
pub const WAITING_MAX: u64 = 8;
/// Commits between two closings.
const COMMITS_PER_OPENING: u64 = 30;

/// The change that commit `epoch` makes, in any store that this process writes. Each makes one, so that the contents of a
/// store follow from its epoch.
pub fn change_of(epoch: u64) -> Change {
    let random = &mut Rng::new(epoch);
    match epoch % 11 {
        0 => put(random, 66),
        5 => Change::Delete(put_before(epoch).into_iter().map(|(id, _)| id).collect()),
        // Of everything: no entry has this stamp.
        7 => Change::UpdateWhere(json!({"op": "and", "exprs": []}), json!({"stamp": epoch}).to_string()),
        // Of everything but what was put since the stamps.
        9 if epoch % 33 == 9 => Change::DeleteWhere(json!({"op": "eq", "field": "stamp", "value": epoch - 2})),
        9 => {
            let group = json!({"op": "eq", "field": "group", "value": epoch % GROUPS as u64});
            Change::Replace(group, put_before(epoch))
        }
        _ => put(random, 1 + epoch as usize % 3),
    }
}

/// The entries of the put in front of a change.
fn put_before(epoch: u64) -> Vec<(String, Arc<Entry>)> {
    match change_of(epoch - 1) {
        Change::Put(entries) => entries,
        _ => unreachable!("in front of this change there is a put"),
    }
}

/// Works until it is killed.
pub fn work(path: &str) -> ! {
    let host = Host::native();
    let mut store = if Path::new(path).exists() {
        RvfStore::open(&host, path, &OpenOptions::default()).unwrap()
    } else {
        RvfStore::create(&host, path, &CreateOptions::new(DIMENSION, Metric::L2)).unwrap()
    };
    tell("open");
    loop {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| compact_and_index(&store, &is_over));
            commit_for_a_while(&store);
            is_over.store(true, Ordering::Relaxed);
        });
        store.close().unwrap();
        store = RvfStore::open(&host, path, &OpenOptions::default()).unwrap();
    }
}

fn compact_and_index(store: &RvfStore, is_over: &AtomicBool) {
    let random = &mut Rng::new(store.status().unwrap().epoch);
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(random.below(8) as u64));
        match random.below(10) {
            0..3 => drop(store.compact(&Control::default()).unwrap()),
            3..6 => store.wait_for_index(&Control::default()).unwrap(),
            _ => store.checkpoint().unwrap(),
        }
    }
}

/// Most commits are submitted while others wait; now and then one is waited for.
fn commit_for_a_while(store: &RvfStore) {
    let first = store.status().unwrap().epoch + 1;
    let acknowledged = Arc::new(AtomicU64::new(first - 1));
    for epoch in first..first + COMMITS_PER_OPENING {
        let wait_for = |limit: u64| {
            while epoch - 1 - acknowledged.load(Ordering::Acquire) > limit {
                thread::yield_now();
            }
        };
        let change = change_of(epoch);
        if epoch % 7 == 0 {
            wait_for(0);
            assert_eq!(commit_alone(store, &change, WAIT).unwrap(), epoch);
            acknowledge(&acknowledged, epoch);
        } else {
            wait_for(WAITING_MAX - 1);
            let acknowledged = acknowledged.clone();
            let done = move |result: rvf_runtime::Result<_>| {
                assert_eq!(epoch_of(result.unwrap()), epoch);
                acknowledge(&acknowledged, epoch);
            };
            store.submit(change.to_write(), Box::new(done));
        }
    }
    while acknowledged.load(Ordering::Acquire) + 1 < first + COMMITS_PER_OPENING {
        thread::yield_now();
    }
}

fn acknowledge(acknowledged: &AtomicU64, epoch: u64) {
    tell(&epoch.to_string());
    acknowledged.store(epoch, Ordering::Release);
}
