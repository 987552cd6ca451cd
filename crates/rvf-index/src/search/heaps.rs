use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use rvf_types::Row;

use super::key::{EXPANDED, REFUSED, candidate_of, key_of, row_of};
use super::{Candidate, Frontier};

/// The nearest allowed rows met so far, and the rows to look at, each in a heap (Malkov and Yashunin, 2018, algorithm 2).
///
/// For walks so broad, or over so many refused rows, that keeping all sorted would cost more than the distances. They end
/// when no row is left that is nearer than the farthest one kept, so that `breadth` means the same with a filter as
/// without. What counts is the least number of allowed rows: where there are heaps, more rows than that are in sight.
#[derive(Default)]
pub(super) struct Heaps {
    /// The farthest on top.
    kept: BinaryHeap<u64>,
    /// The nearest on top.
    ahead: BinaryHeap<Reverse<u64>>,
    capacity: usize,
}

impl Frontier for Heaps {
    fn begin(&mut self, _capacity: usize, least: usize) {
        self.kept.clear();
        self.ahead.clear();
        self.capacity = least;
    }

    fn insert(&mut self, rows: &[Row], distances: &[f32], allowed: Option<&dyn Fn(Row) -> bool>) {
        for (row, distance) in rows.iter().zip(distances) {
            let key = key_of(*distance, *row);
            if key > self.farthest() {
                continue;
            }
            self.ahead.push(Reverse(key));
            if allowed.is_none_or(|allowed| allowed(*row)) {
                if self.kept.len() >= self.capacity {
                    self.kept.pop();
                }
                self.kept.push(key);
            }
        }
    }

    fn expand_next(&mut self) -> Option<Row> {
        let Reverse(key) = self.ahead.pop()?;
        (key <= self.farthest()).then(|| row_of(key))
    }

    fn likely_next(&self) -> Option<Row> {
        self.ahead.peek().map(|Reverse(key)| row_of(*key))
    }

    fn drain_sorted(&mut self, found: &mut Vec<Candidate>) {
        let start = found.len();
        found.extend(self.kept.drain().map(candidate_of));
        found[start..].sort_unstable_by_key(|candidate| key_of(candidate.distance, candidate.row));
    }
}

impl Heaps {
    /// Takes in a key of the pool, with its marks.
    pub(super) fn take_over(&mut self, key: u64) {
        let unmarked = key & !(EXPANDED | REFUSED);
        if key & EXPANDED == 0 {
            self.ahead.push(Reverse(unmarked));
        }
        if key & REFUSED == 0 {
            self.kept.push(unmarked);
        }
    }

    /// No row behind this can enter.
    fn farthest(&self) -> u64 {
        match self.kept.peek() {
            Some(farthest) if self.kept.len() >= self.capacity => *farthest,
            _ => u64::MAX,
        }
    }
}
