use alloc::vec::Vec;

use rvf_types::Row;

use super::key::{EXPANDED, REFUSED, candidate_of, key_of, row_of};
use super::{Candidate, Frontier};

/// The nearest rows met so far, sorted, with a mark on those that were expanded.
///
/// One sorted array takes the place of the two heaps of Malkov and Yashunin (2018): the nearest row that was not
/// expanded is at a cursor that only insertions move back (Fu et al., "Fast approximate nearest neighbor search with the
/// navigating spreading-out graph", VLDB 2019). The neighbours of a row are sorted first and then merged in one pass,
/// which measured a quarter faster for the whole query than inserting one after the other. Refused rows lie among the
/// others with a mark and do not count.
#[derive(Default)]
pub(super) struct Pool {
    keys: Vec<u64>,
    fresh: Vec<u64>,
    /// How many rows are kept.
    capacity: usize,
    /// How many rows are kept that were not refused, where that takes more.
    least: usize,
    /// How many of the keys are of such rows.
    allowed: usize,
    /// Everything before it was expanded.
    cursor: usize,
}

impl Frontier for Pool {
    fn begin(&mut self, capacity: usize, least: usize) {
        self.keys.clear();
        self.capacity = capacity;
        self.least = least;
        self.allowed = 0;
        self.cursor = 0;
    }

    #[inline]
    fn insert(&mut self, rows: &[Row], distances: &[f32], allowed: Option<&dyn Fn(Row) -> bool>) {
        let is_full = self.keys.len() >= self.capacity && self.allowed >= self.least;
        let worst = if is_full { self.keys.last().copied().unwrap_or(0) } else { u64::MAX };
        self.fresh.clear();
        self.fresh.resize(rows.len(), 0);
        // Whether a row is near enough is hard to foretell, so nothing here branches on it.
        let mut count = 0;
        for (row, distance) in rows.iter().zip(distances) {
            let key = key_of(*distance, *row);
            self.fresh[count] = key;
            count += usize::from(key < worst);
        }
        self.fresh.truncate(count);
        if count == 0 {
            return;
        }
        self.allowed += count;
        if let Some(allowed) = allowed {
            for key in self.fresh.iter_mut().filter(|key| !allowed(row_of(**key))) {
                *key |= REFUSED;
                self.allowed -= 1;
            }
        }
        self.fresh.sort_unstable();
        self.merge();
    }

    #[inline]
    fn expand_next(&mut self) -> Option<Row> {
        while let Some(key) = self.keys.get_mut(self.cursor) {
            self.cursor += 1;
            if *key & EXPANDED == 0 {
                *key |= EXPANDED;
                return Some(row_of(*key));
            }
        }
        None
    }

    #[inline]
    fn likely_next(&self) -> Option<Row> {
        self.keys.get(self.cursor).map(|key| row_of(*key))
    }

    fn drain_sorted(&mut self, found: &mut Vec<Candidate>) {
        found.extend(self.keys.drain(..).filter(|key| key & REFUSED == 0).map(candidate_of));
    }
}

impl Pool {
    /// How many refused rows it holds.
    pub(super) fn refused(&self) -> usize {
        self.keys.len() - self.allowed
    }

    /// Takes all keys out, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = u64> {
        self.keys.drain(..)
    }

    /// Merges the sorted fresh keys in, from the back, and leaves the nearest: as many as the capacity, and as many more as
    /// it takes for the least number that are not refused.
    fn merge(&mut self) {
        let (mut old, mut new) = (self.keys.len(), self.fresh.len());
        while new > 0 && old + new > self.capacity {
            let is_old = old > 0 && self.keys[old - 1] > self.fresh[new - 1];
            let last = if is_old { self.keys[old - 1] } else { self.fresh[new - 1] };
            let counts = usize::from(last & REFUSED == 0);
            if self.allowed < self.least + counts {
                break;
            }
            self.allowed -= counts;
            old -= usize::from(is_old);
            new -= usize::from(!is_old);
        }
        let total = old + new;
        self.keys.resize(total, 0);
        let mut place = total;
        while new > 0 {
            place -= 1;
            if old > 0 && self.keys[old - 1] > self.fresh[new - 1] {
                old -= 1;
                self.keys[place] = self.keys[old];
            } else {
                new -= 1;
                self.keys[place] = self.fresh[new];
            }
        }
        self.cursor = self.cursor.min(place);
    }
}
