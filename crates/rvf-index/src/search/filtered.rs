use alloc::vec::Vec;

use rvf_types::Row;

use super::heaps::Heaps;
use super::pool::Pool;
use super::{Candidate, Frontier};

/// Refused rows that the pool may hold for each row that it keeps, one in so many, and a few more for small pools.
const REFUSED_SHARE: usize = 8;
const REFUSED_MIN: usize = 4;
/// The same where refused rows count among those in sight: then there are few, and sorting them is quicker than heaps.
const REFUSED_COUNTED: usize = 4;

/// What a walk with a filter keeps: the sorted pool while few rows are refused, say one in ten. Where more are, keeping
/// them in it measured slower than heaps, which go on from there.
pub(super) struct Filtered<'s> {
    pool: &'s mut Pool,
    heaps: &'s mut Heaps,
    capacity: usize,
    least: usize,
    is_in_heaps: bool,
}

impl<'s> Filtered<'s> {
    pub(super) fn new(pool: &'s mut Pool, heaps: &'s mut Heaps) -> Filtered<'s> {
        Filtered { pool, heaps, capacity: 0, least: 0, is_in_heaps: false }
    }

    fn refused_max(&self) -> usize {
        if self.least < self.capacity {
            self.capacity * REFUSED_COUNTED
        } else {
            REFUSED_MIN + self.capacity / REFUSED_SHARE
        }
    }
}

impl Frontier for Filtered<'_> {
    fn begin(&mut self, capacity: usize, least: usize) {
        self.pool.begin(capacity, least);
        self.capacity = capacity;
        self.least = least;
        self.is_in_heaps = false;
    }

    fn insert(&mut self, rows: &[Row], distances: &[f32], allowed: Option<&dyn Fn(Row) -> bool>) {
        if self.is_in_heaps {
            return self.heaps.insert(rows, distances, allowed);
        }
        self.pool.insert(rows, distances, allowed);
        if self.pool.refused() > self.refused_max() {
            // So many refused rows nearby say that those allowed lie elsewhere, at the end of a longer way.
            self.heaps.begin(self.capacity, self.capacity);
            self.pool.drain().for_each(|key| self.heaps.take_over(key));
            self.is_in_heaps = true;
        }
    }

    fn expand_next(&mut self) -> Option<Row> {
        if self.is_in_heaps { self.heaps.expand_next() } else { self.pool.expand_next() }
    }

    fn likely_next(&self) -> Option<Row> {
        if self.is_in_heaps { self.heaps.likely_next() } else { self.pool.likely_next() }
    }

    fn drain_sorted(&mut self, found: &mut Vec<Candidate>) {
        if self.is_in_heaps { self.heaps.drain_sorted(found) } else { self.pool.drain_sorted(found) }
    }
}
