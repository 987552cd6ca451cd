use alloc::vec::Vec;

use rvf_types::Row;

use super::parameters::BuildParameters;
use super::prune::{Pruning, tidy};
use super::table::Table;
use crate::{Candidate, Distances, Request, RowDistances, Scratch, SearchError, Vectors, search};

/// One part of each step of a build: its memory, and what it found out.
pub(super) struct Worker<E> {
    /// Which part.
    pub(super) part: usize,
    pub(super) scratch: Scratch,
    pub(super) rows: Vec<Row>,
    pub(super) distances: Vec<f32>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) pruning: Pruning,
    /// New links of rows, one list after the other.
    pub(super) lists: Lists,
    pub(super) outcome: Result<(), SearchError<E>>,
}

/// Rows with their new links.
#[derive(Default)]
pub(super) struct Lists {
    /// A row, and where its links end.
    ends: Vec<(Row, usize)>,
    links: Vec<Row>,
}

impl Lists {
    pub(super) fn push(&mut self, row: Row, links: &[Row]) {
        self.links.extend_from_slice(links);
        self.ends.push((row, self.links.len()));
    }

    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.links.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Row, &[Row])> {
        let mut start = 0;
        self.ends.iter().map(move |(row, end)| {
            let links = &self.links[start..*end];
            start = *end;
            (*row, links)
        })
    }
}

impl<E> Worker<E> {
    pub(super) fn new(part: usize) -> Worker<E> {
        Worker {
            part,
            scratch: Scratch::default(),
            rows: Vec::new(),
            distances: Vec::new(),
            candidates: Vec::new(),
            pruning: Pruning::default(),
            lists: Lists::default(),
            outcome: Ok(()),
        }
    }

    /// Chooses the neighbours of new rows, from the graph as it is and from the batch they came with.
    ///
    /// Rows of one batch do not see one another in the graph, so they are compared one by one; a batch is small.
    pub(super) fn place<V: Vectors<Error = E>>(
        &mut self,
        vectors: &V,
        table: &Table,
        parameters: BuildParameters,
        batch: &[Row],
        parts: usize,
    ) -> Result<(), SearchError<E>> {
        let mut scorer = vectors.scorer();
        let request = Request { breadth: parameters.breadth, ..Request::default() };
        for row in batch.iter().skip(self.part).step_by(parts) {
            scorer.aim_at(*row).map_err(SearchError::Source)?;
            self.candidates.clear();
            self.candidates.extend_from_slice(search(table, &scorer, &request, &mut self.scratch)?);
            self.distances.resize(batch.len(), 0.0);
            scorer.score(batch, &mut self.distances).map_err(SearchError::Source)?;
            let together = batch.iter().zip(&self.distances);
            self.candidates.extend(together.map(|(row, distance)| Candidate { distance: *distance, row: *row }));
            tidy(&mut self.candidates, *row);
            self.candidates.truncate(parameters.breadth);
            self.leave_living(vectors);
            let links = parameters.links();
            self.pruning
                .choose(&mut scorer, &mut self.candidates, links, parameters.alpha)
                .map_err(SearchError::Source)?;
            self.lists.push(*row, &self.pruning.chosen);
        }
        Ok(())
    }

    /// Takes the rows that chose a neighbour into that neighbour's list, and prunes it where it gets too long.
    ///
    /// `groups` are {neighbour, row} of one neighbour each.
    pub(super) fn link_back<V: Vectors<Error = E>>(
        &mut self,
        vectors: &V,
        table: &Table,
        parameters: BuildParameters,
        groups: &[&[(Row, Row)]],
        parts: usize,
    ) -> Result<(), SearchError<E>> {
        let mut scorer = vectors.scorer();
        for group in groups.iter().skip(self.part).step_by(parts) {
            let Some((row, _)) = group.first() else { continue };
            self.rows.clear();
            self.rows.extend_from_slice(table.links(*row));
            let own = self.rows.len();
            for (_, back) in *group {
                if !self.rows[..own].contains(back) {
                    self.rows.push(*back);
                }
            }
            if self.rows.len() <= parameters.degree {
                self.lists.push(*row, &self.rows);
                continue;
            }
            self.distances.resize(self.rows.len(), 0.0);
            scorer.aim_at(*row).map_err(SearchError::Source)?;
            scorer.score(&self.rows, &mut self.distances).map_err(SearchError::Source)?;
            self.candidates.clear();
            let scored = self.rows.iter().zip(&self.distances);
            self.candidates.extend(scored.map(|(row, distance)| Candidate { distance: *distance, row: *row }));
            tidy(&mut self.candidates, *row);
            self.leave_living(vectors);
            self.pruning
                .choose(&mut scorer, &mut self.candidates, parameters.degree, parameters.alpha)
                .map_err(SearchError::Source)?;
            self.lists.push(*row, &self.pruning.chosen);
        }
        Ok(())
    }

    /// Takes dead candidates out, unless there are no others: a dead row must not keep one with the same vector, which
    /// came in its place, out of a list.
    pub(super) fn leave_living<V: Vectors<Error = E>>(&mut self, vectors: &V) {
        if vectors.has_dead() && self.candidates.iter().any(|candidate| vectors.is_living(candidate.row)) {
            self.candidates.retain(|candidate| vectors.is_living(candidate.row));
        }
    }
}
