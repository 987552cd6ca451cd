use std::cell::RefCell;

use rvf_types::Row;

use crate::Result;
use crate::index::codes::no_code;

/// A query's distances to the rows of several runs, the parts, each row by its index in its part.
pub(super) trait PartScorer {
    /// How many parts there are.
    fn part_count(&self) -> usize;
    /// The part that has a row, and the row's index in it.
    fn locate(&self, row: Row) -> Option<(usize, u32)>;
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
    if scorer.part_count() == 1 {
        scorer.prepare(0, rows)?;
        return scorer.distances(0, rows, distances);
    }
    groups.borrow_mut().score(scorer, rows, distances)
}

/// As [`PartScorer::locate`], of parts that have consecutive rows up to these ends.
#[inline]
pub(super) fn locate(ends: &[Row], row: Row) -> Option<(usize, u32)> {
    let part = part_of(ends, row);
    (part < ends.len()).then(|| (part, row - part.checked_sub(1).map_or(0, |before| ends[before])))
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
        self.groups.resize_with(scorer.part_count(), Group::default);
        for group in &mut self.groups {
            group.indexes.clear();
            group.places.clear();
        }
        for (place, row) in rows.iter().enumerate() {
            let Some((part, index)) = scorer.locate(*row) else { return Err(no_code(*row)) };
            self.groups[part].indexes.push(index);
            self.groups[part].places.push(place);
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
