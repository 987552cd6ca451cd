//! What a store should hold and answer, computed without any of its code: a map, and distances in `f64`.

use std::collections::BTreeMap;
use std::rc::Rc;

use rvf_runtime::OnDuplicate;
use rvf_runtime::types::Metric;

use serde_json::Value;

use crate::kit::NewEntry;
use crate::kit::plain::{fits, patched};

/// Largest error of a distance, as a share of the sum of the absolute values of its terms: `f32` has 24 bits, and
/// thousands of terms are added in several partial sums.
const TOLERANCE: f64 = 1e-5;

/// What the vectors of a run are.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub metric: Metric,
    pub dimension: u32,
    /// Elements are small multiples of 1/2, so that `f32` sums of them and of their products are exact.
    pub is_grid: bool,
    /// Size of the elements otherwise.
    pub scale: f64,
}

impl Shape {
    pub fn row_bytes(&self) -> usize {
        match self.metric {
            Metric::Hamming => self.dimension.div_ceil(8) as usize,
            _ => self.dimension as usize * 4,
        }
    }

    /// True where every distance has one right value, bit for bit.
    pub fn is_exact(&self) -> bool {
        self.metric == Metric::Hamming || (self.is_grid && self.metric != Metric::Cosine)
    }

    /// The distance of two vectors, and how far a computation in `f32` may be from it.
    pub fn distance(&self, left: &[u8], right: &[u8]) -> (f64, f64) {
        if self.metric == Metric::Hamming {
            let differing: u32 = left.iter().zip(right).map(|(left, right)| (left ^ right).count_ones()).sum();
            return (f64::from(differing), 0.0);
        }
        let pairs = || elements(left).zip(elements(right));
        let (distance, terms) = match self.metric {
            Metric::L2 => {
                let sum: f64 = pairs().map(|(left, right)| (left - right) * (left - right)).sum();
                (sum, sum)
            }
            Metric::DotProduct => {
                let sum: f64 = pairs().map(|(left, right)| left * right).sum();
                // Not `-sum`, which would put -0 in front of 0.
                (0.0 - sum, pairs().map(|(left, right)| (left * right).abs()).sum())
            }
            _ => (cosine_distance(left, right), 1.0),
        };
        (distance, if self.is_exact() { 0.0 } else { terms * TOLERANCE })
    }
}

fn elements(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.chunks_exact(4).map(|word| f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]])))
}

fn cosine_distance(left: &[u8], right: &[u8]) -> f64 {
    let length = |bytes| elements(bytes).map(|element| element * element).sum::<f64>().sqrt();
    let (left_length, right_length) = (length(left), length(right));
    if left_length == 0.0 || right_length == 0.0 {
        return 1.0;
    }
    let dot: f64 = elements(left).zip(elements(right)).map(|(left, right)| left * right).sum();
    1.0 - dot / (left_length * right_length)
}

#[derive(Debug)]
pub struct Entry {
    /// Place in insertion order.
    pub sequence: u64,
    pub vector: Vec<u8>,
    pub metadata: Option<String>,
}

/// A stored entry seen from a query.
pub struct Neighbour<'a> {
    pub distance: f64,
    pub tolerance: f64,
    pub id: &'a str,
    pub entry: &'a Entry,
}

/// What an ingest should answer.
#[derive(Debug)]
pub struct Ingested {
    pub skipped: Vec<u32>,
    pub accepted: u64,
}

#[derive(Clone)]
pub struct Oracle {
    pub shape: Shape,
    pub epoch: u64,
    next_sequence: u64,
    entries: BTreeMap<String, Rc<Entry>>,
}

impl Oracle {
    pub fn new(shape: Shape) -> Oracle {
        Oracle { shape, epoch: 0, next_sequence: 0, entries: BTreeMap::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id).map(|entry| &**entry)
    }

    /// Entries in insertion order; one that was replaced counts as inserted when it was replaced.
    pub fn in_order(&self) -> Vec<(&str, &Entry)> {
        let mut entries: Vec<(&str, &Entry)> = self.entries.iter().map(|(id, entry)| (id.as_str(), &**entry)).collect();
        entries.sort_by_key(|(_, entry)| entry.sequence);
        entries
    }

    /// `None` where the batch must be refused, because an id is there already.
    pub fn ingest(&mut self, batch: &[NewEntry], on_duplicate: OnDuplicate) -> Option<Ingested> {
        let mut changed = self.clone();
        let mut skipped = Vec::new();
        for (index, new) in batch.iter().enumerate() {
            match on_duplicate {
                OnDuplicate::Error if changed.entries.contains_key(&new.id) => return None,
                OnDuplicate::Skip if changed.entries.contains_key(&new.id) => {
                    skipped.push(index as u32);
                    continue;
                }
                _ => {}
            }
            let (vector, metadata) = (new.vector.clone(), new.metadata.clone());
            let entry = Entry { sequence: changed.next_sequence, vector, metadata };
            changed.next_sequence += 1;
            changed.entries.insert(new.id.clone(), Rc::new(entry));
        }
        let accepted = (batch.len() - skipped.len()) as u64;
        changed.epoch += u64::from(accepted > 0);
        *self = changed;
        Some(Ingested { skipped, accepted })
    }

    /// How many of the ids were there.
    pub fn delete(&mut self, ids: &[String]) -> u64 {
        let deleted = ids.iter().filter(|id| self.entries.remove(*id).is_some()).count() as u64;
        self.epoch += u64::from(deleted > 0);
        deleted
    }

    /// Ids of the entries that fit a filter, in insertion order.
    pub fn matching(&self, filter: &Value) -> Vec<String> {
        let fitting = self.in_order().into_iter().filter(|(_, entry)| fits(filter, entry.metadata.as_deref()));
        fitting.map(|(id, _)| id.to_owned()).collect()
    }

    /// The same store with nothing but these entries.
    pub fn only(&self, ids: &[String]) -> Oracle {
        let entries = ids.iter().map(|id| (id.clone(), Rc::clone(&self.entries[id]))).collect();
        Oracle { entries, ..self.clone() }
    }

    /// How many entries fitted and are gone, with what was stored; `None` where the batch must be refused.
    pub fn replace(
        &mut self,
        filter: &Value,
        batch: &[NewEntry],
        on_duplicate: OnDuplicate,
    ) -> Option<(u64, Ingested)> {
        let mut changed = self.clone();
        let deleted = changed.delete(&self.matching(filter));
        let ingested = changed.ingest(batch, on_duplicate)?;
        changed.epoch = self.epoch + u64::from(deleted > 0 || ingested.accepted > 0);
        *self = changed;
        Some((deleted, ingested))
    }

    /// How many of the entries have other metadata now.
    pub fn update(&mut self, ids: &[String], patch: &str) -> u64 {
        let mut updated = 0;
        for id in ids {
            let Some(entry) = self.entries.get(id) else { continue };
            let metadata = patched(entry.metadata.as_deref(), patch);
            if metadata != entry.metadata {
                let changed = Entry { sequence: entry.sequence, vector: entry.vector.clone(), metadata };
                self.entries.insert(id.clone(), Rc::new(changed));
                updated += 1;
            }
        }
        self.epoch += u64::from(updated > 0);
        updated
    }

    /// All entries, nearest first, earlier ones first among equals.
    pub fn neighbours(&self, query: &[u8]) -> Vec<Neighbour<'_>> {
        let mut neighbours: Vec<Neighbour<'_>> = self
            .entries
            .iter()
            .map(|(id, entry)| {
                let (distance, tolerance) = self.shape.distance(query, &entry.vector);
                Neighbour { distance, tolerance, id, entry }
            })
            .collect();
        neighbours.sort_by(|left, right| {
            left.distance.total_cmp(&right.distance).then(left.entry.sequence.cmp(&right.entry.sequence))
        });
        neighbours
    }
}
