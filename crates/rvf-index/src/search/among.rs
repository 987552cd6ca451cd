use alloc::vec::Vec;

use rvf_types::Row;

use super::Ground;
use crate::{Graph, SearchError};

/// Rows that a search is to find, where they are so few that most rows on the way to them are not among them.
///
/// A walk then goes over these rows alone: others are not scored. Where one stands in the way, the walk goes on to its
/// neighbours, so to rows two links away (Patel et al., "ACORN: performant and predicate-agnostic search over vector
/// embeddings and structured data", SIGMOD 2024, its ACORN-1).
#[derive(Clone, Copy)]
pub struct Among<'r> {
    /// A bit for each row, the lowest of the first word for row 0. Rows without one are not among them.
    pub bits: &'r [u64],
    /// Some of them, spread over all: where the walk starts, besides the graph's entries. So it need not find its way to
    /// rows that all lie far from the query, or in several places.
    pub seeds: &'r [Row],
}

/// Rows that a step is to come to: about the degree of a graph, as if there were one of the allowed rows alone.
const STEP_ROWS: usize = 32;
/// Refused rows that a step goes over at most. Reading all their lists costs more than it finds.
const CROSSED_ROWS_MAX: usize = 10;

/// The memory of a step.
#[derive(Default)]
pub(super) struct Steps {
    /// Neighbours.
    near: Vec<Row>,
    /// Neighbours of one of them.
    behind: Vec<Row>,
}

impl Ground {
    /// Puts the rows where a walk starts into the batch.
    pub(super) fn begin_among<E>(&mut self, graph: &impl Graph<E>, among: Among<'_>) {
        self.batch.clear();
        let starts = self.steps.starts(graph, among.seeds);
        self.visited.take_new(among.bits, starts, &mut self.batch);
    }

    /// Puts the neighbours of a row into the batch that are looked for, and in place of others their neighbours.
    #[inline]
    pub(super) fn step<E>(&mut self, graph: &impl Graph<E>, row: Row, among: Among<'_>) -> Result<(), SearchError<E>> {
        let Ground { visited, batch, steps: Steps { near, behind }, .. } = self;
        batch.clear();
        graph.neighbours(row, near)?;
        visited.take_new(among.bits, near, batch);
        visited.retain_new_outside(among.bits, near);
        near.truncate(CROSSED_ROWS_MAX);
        near.iter().for_each(|row| graph.touch(*row));
        for row in near.iter() {
            if batch.len() >= STEP_ROWS {
                break;
            }
            visited.add(*row);
            graph.neighbours(*row, behind)?;
            visited.take_new(among.bits, behind, batch);
        }
        Ok(())
    }
}

impl Steps {
    /// The graph's entries, and those of the seeds that are not behind its rows.
    fn starts<E>(&mut self, graph: &impl Graph<E>, seeds: &[Row]) -> &[Row] {
        let in_graph = seeds.iter().filter(|row| **row < graph.row_count());
        self.near.clear();
        self.near.extend(graph.entries().iter().chain(in_graph));
        &self.near
    }
}
