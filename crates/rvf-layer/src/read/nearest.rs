use std::collections::{BTreeMap, BTreeSet};

use rvf_types::Row;

use super::Hit;

/// The nearest rows with their ids; smaller distance first, smaller row among equals.
pub(super) struct Nearest {
    k: usize,
    hits: BTreeMap<(u32, Row), (f32, Vec<u8>)>,
    /// True once a row came again at the same distance.
    is_repeated: bool,
}

impl Nearest {
    pub fn new(k: usize) -> Nearest {
        Nearest { k, hits: BTreeMap::new(), is_repeated: false }
    }

    /// True where the row is among the nearest so far.
    pub fn accepts(&self, distance: f32, row: Row) -> bool {
        let worst = self.hits.last_key_value();
        self.hits.len() < self.k || worst.is_some_and(|(worst, _)| (ordered_bits(distance), row) < *worst)
    }

    pub fn insert(&mut self, distance: f32, row: Row, id: &[u8]) {
        let before = self.hits.insert((ordered_bits(distance), row), (distance, id.to_vec()));
        self.is_repeated |= before.is_some();
        if self.hits.len() > self.k {
            self.hits.pop_last();
        }
    }

    /// All, nearest first; `None` where a row came twice, as no builder writes it.
    pub fn into_hits(self) -> Option<Vec<Hit>> {
        if self.is_repeated {
            return None;
        }
        let mut rows = BTreeSet::new();
        let hits = self.hits.into_iter().map(|((_, row), (distance, id))| Hit { row, id, distance });
        hits.map(|hit| rows.insert(hit.row).then_some(hit)).collect()
    }
}

/// Bits that order as floats do, those of -0 and 0 alike.
fn ordered_bits(distance: f32) -> u32 {
    let bits = (distance + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}
