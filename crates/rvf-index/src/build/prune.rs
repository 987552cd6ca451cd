use alloc::vec::Vec;

use rvf_types::Row;

use crate::{Candidate, RowDistances};

/// Memory of [`Pruning::choose`], and the rows it chose.
#[derive(Default)]
pub(super) struct Pruning {
    rows: Vec<Row>,
    distances: Vec<f32>,
    pub(super) chosen: Vec<Row>,
}

impl Pruning {
    /// Chooses up to `limit` neighbours for a row from candidates, the nearest first: a candidate is left out where it is
    /// nearer to a chosen one, by the factor `alpha`, than to the row.
    ///
    /// Rows in one direction so lead to one another instead of filling the list, and there is room for far ones. With
    /// `alpha` 1 it is the heuristic of HNSW (Malkov and Yashunin, 2018, algorithm 4), and with more RobustPrune of
    /// DiskANN (Subramanya et al., NeurIPS 2019, algorithm 2). Squared distances make `alpha` the square of theirs. Where
    /// distances are negated dot products, rows are linked as by ip-NSW (Morozov and Babenko, NeurIPS 2018).
    pub(super) fn choose<E>(
        &mut self,
        scorer: &mut impl RowDistances<Error = E>,
        candidates: &mut Vec<Candidate>,
        limit: usize,
        alpha: f32,
    ) -> Result<(), E> {
        self.chosen.clear();
        // A distance below 0 must not get smaller by the factor.
        let slack = alpha - 1.0;
        let mut start = 0;
        while let Some(nearest) = candidates.get(start) {
            self.chosen.push(nearest.row);
            scorer.aim_at(nearest.row)?;
            start += 1;
            if self.chosen.len() >= limit {
                break;
            }
            let ahead = &mut candidates[start..];
            self.rows.clear();
            self.rows.extend(ahead.iter().map(|candidate| candidate.row));
            self.distances.resize(ahead.len(), 0.0);
            scorer.score(&self.rows, &mut self.distances)?;
            let mut kept = 0;
            for index in 0..ahead.len() {
                let candidate = ahead[index];
                ahead[kept] = candidate;
                let distance = self.distances[index];
                kept += usize::from(distance + slack * distance.abs() > candidate.distance);
            }
            candidates.truncate(start + kept);
        }
        Ok(())
    }
}

/// Sorts candidates for `row` by distance, and takes out doubles and the row itself.
pub(super) fn tidy(candidates: &mut Vec<Candidate>, row: Row) {
    candidates.retain(|candidate| candidate.row != row);
    candidates.sort_unstable_by(|left, right| left.distance.total_cmp(&right.distance).then(left.row.cmp(&right.row)));
    candidates.dedup_by_key(|candidate| candidate.row);
}
