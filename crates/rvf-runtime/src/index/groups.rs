use std::cell::RefCell;

use rvf_types::Row;

use crate::Result;
use crate::index::codes::no_code;

/// A query's distances to the rows of several runs, the parts, each row by its index in its part.
pub(super) trait PartScorer {
    /// First row behind each part.
    fn ends(&self) -> &[Row];
    /// Checks what is touched for the first time, and asks for the rest.
    fn prepare(&self, part: usize, indexes: &[u32]) -> Result<()>;
    /// Distances of rows of one part.
    fn distances(&self, part: usize, indexes: &[u32], out: &mut [f32]) -> Result<()>;
}

/// Which part holds a row, without a branch: rows come in no order that could be foretold.
#[inline]
pub(super) fn part_of(ends: &[Row], row: Row) -> usize {
    ends.iter().map(|end| usize::from(row >= *end)).sum()
}

/// Distances of rows, in their order.
#[inline]
pub(super) fn score(
    scorer: &impl PartScorer,
    groups: &RefCell<Groups>,
    rows: &[Row],
    distances: &mut [f32],
) -> Result<()> {
    if let [_] = scorer.ends() {
        scorer.prepare(0, rows)?;
        return scorer.distances(0, rows, distances);
    }
    groups.borrow_mut().score(scorer, rows, distances)
}

/// Rows to score, by the part that holds them.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    distances: Vec<f32>,
}

#[derive(Default)]
struct Group {
    /// Rows by their index in the part.
    indexes: Vec<u32>,
    /// Where each row stands among those asked for.
    places: Vec<usize>,
}

impl Groups {
    fn score(&mut self, scorer: &impl PartScorer, rows: &[Row], distances: &mut [f32]) -> Result<()> {
        let ends = scorer.ends();
        self.groups.resize_with(ends.len(), Group::default);
        for group in &mut self.groups {
            group.indexes.clear();
            group.places.clear();
        }
        for (place, row) in rows.iter().enumerate() {
            let part = part_of(ends, *row);
            let Some(group) = self.groups.get_mut(part) else { return Err(no_code(*row)) };
            group.indexes.push(*row - part.checked_sub(1).map_or(0, |before| ends[before]));
            group.places.push(place);
        }
        for (part, group) in self.groups.iter().enumerate() {
            scorer.prepare(part, &group.indexes)?;
        }
        for (part, group) in self.groups.iter().enumerate() {
            self.distances.resize(group.indexes.len(), 0.0);
            scorer.distances(part, &group.indexes, &mut self.distances)?;
            for (place, distance) in group.places.iter().zip(&self.distances) {
                distances[*place] = *distance;
            }
        }
        Ok(())
    }
}
