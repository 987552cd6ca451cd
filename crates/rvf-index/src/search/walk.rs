use super::{Effort, Frontier, Ground, Request};
use crate::{Distances, Graph, SearchError};

/// Rows looked at between two questions whether to stop.
const STOP_INTERVAL: u64 = 32;

/// Walks until the nearest rows that were met have all been looked at, as many of them as the frontier keeps.
pub(super) fn walk<E>(
    graph: &impl Graph<E>,
    distances: &impl Distances<Error = E>,
    request: &Request<'_>,
    frontier: &mut impl Frontier,
    ground: &mut Ground,
) -> Result<(), SearchError<E>> {
    ground.visited.begin(graph.row_count());
    ground.effort = Effort::default();
    ground.batch.clear();
    match request.among {
        Some(among) => ground.begin_among(graph, among),
        None => {
            ground.batch.extend_from_slice(graph.entries());
            ground.visited.retain_new(&mut ground.batch);
        }
    }
    loop {
        ground.score(distances, request, frontier)?;
        let Some(row) = frontier.expand_next() else { return Ok(()) };
        ground.effort.expanded += 1;
        if ground.effort.expanded.is_multiple_of(STOP_INTERVAL) && request.should_stop.is_some_and(|asked| asked()) {
            return Err(SearchError::Stopped);
        }
        if request.scored_max.is_some_and(|limit| ground.effort.scored > limit) {
            return Err(SearchError::TooFar);
        }
        match request.among {
            Some(among) => ground.step(graph, row, among)?,
            None => {
                graph.neighbours(row, &mut ground.batch)?;
                ground.visited.retain_new(&mut ground.batch);
            }
        }
        if let Some(row) = frontier.likely_next() {
            graph.touch(row);
        }
    }
}

impl Ground {
    #[inline]
    fn score<E>(
        &mut self,
        distances: &impl Distances<Error = E>,
        request: &Request<'_>,
        frontier: &mut impl Frontier,
    ) -> Result<(), SearchError<E>> {
        let rows = self.batch.len();
        if self.distances.len() < rows {
            self.distances.resize(rows, 0.0);
        }
        distances.score(&self.batch, &mut self.distances[..rows]).map_err(SearchError::Source)?;
        self.effort.scored += rows as u64;
        frontier.insert(&self.batch, &self.distances[..rows], request.allowed);
        Ok(())
    }
}
