//! Random workloads.

use std::sync::Arc;

use rvf_runtime::types::SegmentFlags;

use serde_json::json;

use super::{Change, DIMENSION, Entry};
use crate::kit::Rng;

const IDS: usize = 70;
const BULKY_IDS: u64 = 5;
/// Entries with metadata are of so many kinds.
pub const GROUPS: usize = 9;

/// One step of a workload.
#[derive(Clone)]
pub enum Step {
    /// A commit of its own.
    Commit(Change),
    /// Commits that share an append.
    Group(Vec<Change>),
    /// A compaction, with these commits while it copies.
    Compact(Vec<Change>),
    Checkpoint,
    /// Every row comes into the graph.
    Index,
    Freeze,
    /// Every entry is asked for.
    Ask,
    /// Close, and open again.
    Reopen,
    /// Commits that share an append, each with so many vectors that look like headers with these flags; 0 is a usual
    /// commit.
    Forge(SegmentFlags, Vec<usize>),
}

/// `count` steps of all kinds, mostly small commits.
pub fn random_steps(random: &mut Rng, count: usize) -> Vec<Step> {
    (0..count).map(|_| random_step(random)).collect()
}

fn random_step(random: &mut Rng) -> Step {
    match random.below(100) {
        0..58 => Step::Commit(small_change(random)),
        58..63 => Step::Commit(large_change(random)),
        63..76 => {
            let count = 2 + random.below(4);
            Step::Group((0..count).map(|_| any_change(random)).collect())
        }
        76..82 => Step::Index,
        82..90 => Step::Checkpoint,
        90..93 => Step::Compact((0..random.below(3)).map(|_| any_change(random)).collect()),
        93..96 => Step::Freeze,
        _ => Step::Reopen,
    }
}

fn any_change(random: &mut Rng) -> Change {
    if random.chance(8) { large_change(random) } else { small_change(random) }
}

/// Goes into the journal: up to 24 rows, so that some journals have a block table.
pub fn small_change(random: &mut Rng) -> Change {
    match random.below(14) {
        10..14 => by_metadata(random),
        0..6 => put(random, 1),
        6 => put(random, 3),
        7 if random.chance(30) => put(random, 24),
        _ => {
            let count = 1 + random.below(5);
            Change::Delete((0..count).map(|_| random_id(random)).collect())
        }
    }
}

/// A change of what fits a filter, or of metadata alone.
pub fn by_metadata(random: &mut Rng) -> Change {
    let group = |random: &mut Rng| json!({"op": "eq", "field": "group", "value": random.below(GROUPS)});
    match random.below(6) {
        0 => Change::DeleteWhere(group(random)),
        1..3 => {
            let count = 1 + random.below(4);
            let Change::Put(entries) = put(random, count) else { unreachable!("a put is a put") };
            Change::Replace(group(random), entries)
        }
        kind => {
            let stamp = random.below(3);
            let patch = match random.below(4) {
                0 => json!({"text": null, "stamp": stamp}),
                1 => json!({"group": random.below(GROUPS)}),
                _ => json!({"stamp": stamp, "long": "y".repeat(random.below(200))}),
            };
            match kind {
                3 => {
                    let count = 1 + random.below(5);
                    Change::Update((0..count).map(|_| random_id(random)).collect(), patch.to_string())
                }
                4 => Change::UpdateWhere(json!({"op": "exists", "field": "n"}), patch.to_string()),
                _ => Change::UpdateWhere(group(random), patch.to_string()),
            }
        }
    }
}

/// Written in final form: many vectors, or few with bulky metadata.
pub fn large_change(random: &mut Rng) -> Change {
    if random.chance(50) {
        return put(random, 66);
    }
    let entries = (0..BULKY_IDS).map(|id| (format!("bulky-{id}"), entry(random, 50_000)));
    Change::Put(entries.collect())
}

/// A batch of `count` entries, some of them of one id perhaps.
pub fn put(random: &mut Rng, count: usize) -> Change {
    let entries = (0..count).map(|_| {
        let id = random_id(random);
        let padding = random.below(40);
        (id, entry(random, padding))
    });
    Change::Put(entries.collect())
}

fn random_id(random: &mut Rng) -> String {
    format!("id-{}", random.below(IDS))
}

fn entry(random: &mut Rng, padding: usize) -> Arc<Entry> {
    let number = random.next();
    let mut values = Rng::new(number);
    let vector = (0..DIMENSION).flat_map(|_| (values.below(2_000) as f32 - 1_000.0).to_le_bytes()).collect();
    let with_metadata = padding > 0 || number.is_multiple_of(4);
    let metadata = with_metadata.then(|| {
        let group = number % GROUPS as u64;
        format!("{{\"n\":{},\"group\":{group},\"text\":\"{}\"}}", number >> 32, "x".repeat(padding))
    });
    Arc::new(Entry { vector, metadata })
}
