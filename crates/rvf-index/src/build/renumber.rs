use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use rvf_types::{NO_ROW, Row};

use super::prune::tidy;
use super::worker::Worker;
use super::{BuildParameters, Executor, GraphBuilder, Progress, step};
use crate::{Candidate, Distances, GRAPH_ROWS_MAX, Graph, ResumeError, RowDistances, SearchError, Vectors};

/// Rows of a step, between two questions whether to go on.
const STEP_ROWS: usize = 1_024;

/// A row that lost so large a part of its places that it has fewer links than this part of them is placed anew.
const FEW_LINKS_SHARE: usize = 8;

impl GraphBuilder {
    /// A builder of the graph that is left when rows go and the others move together, at far less than building it anew:
    /// `new_row_of` has the new number of each row that stays, in the same order, and `vectors` are by new number.
    ///
    /// Links between rows that stay are kept. A row that loses a neighbour may be linked to what that one led to, as
    /// when rows are deleted from FreshDiskANN (Singh et al., 2021, algorithm 4), and rows that are left with next to no
    /// links are placed like new ones. [`repair`](GraphBuilder::repair) is to follow, and looks for all rows.
    ///
    /// `watch` is asked about every thousand rows; where it breaks off, nothing is left.
    ///
    /// # Errors
    /// The graph or a code cannot be had, the parameters are refused, or new numbers do not ascend.
    pub fn renumbered<V: Vectors>(
        graph: &(impl Graph<V::Error> + Sync),
        parameters: BuildParameters,
        new_row_of: impl Fn(Row) -> Option<Row>,
        vectors: &V,
        executor: &impl Executor,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), GraphBuilder>, ResumeError<V::Error>> {
        let mut builder = GraphBuilder::new(parameters)?;
        let moves = Moves::new(graph, new_row_of).map_err(ResumeError::Graph)?;
        let mut workers: Vec<Worker<V::Error>> = (0..executor.parts().max(1)).map(Worker::new).collect();
        let mut few = Vec::new();
        let total = moves.staying.len();
        for (index, rows) in moves.staying.chunks(STEP_ROWS).enumerate() {
            if watch(Progress { done: index * STEP_ROWS, total }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let parts = workers.len();
            let pass = |worker: &mut Worker<V::Error>| worker.bypass(vectors, graph, &moves, rows, parameters, parts);
            step(executor, &mut workers, pass).map_err(ResumeError::Graph)?;
            for (row, links) in workers.iter().flat_map(|worker| worker.lists.iter()) {
                builder.table.reserve(row);
                if links.is_empty() { few.push(row) } else { builder.table.set_links(row, links) }
            }
        }
        few.sort_unstable();
        builder.keep_entries(graph, &moves).map_err(ResumeError::Graph)?;
        let placed = builder.extend(vectors, &few, executor, |_| watch(Progress { done: total, total }));
        if placed.map_err(ResumeError::Graph)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        builder.suspects.reserve(builder.table.row_count());
        builder.look_for_all();
        Ok(ControlFlow::Continue(builder))
    }

    /// Takes the entries over; in place of one that goes a row that it led to.
    fn keep_entries<E>(&mut self, graph: &impl Graph<E>, moves: &Moves) -> Result<(), SearchError<E>> {
        let mut entries: Vec<Row> = Vec::new();
        let mut neighbours = Vec::new();
        for entry in graph.entries() {
            graph.neighbours(*entry, &mut neighbours)?;
            let near = [*entry].into_iter().chain(neighbours.iter().copied()).filter_map(|row| moves.new_row(row));
            let entry = near.into_iter().find(|row| self.table.contains(*row) && !entries.contains(row));
            entries.extend(entry);
        }
        if entries.is_empty() {
            entries.extend(self.table.rows().next());
        }
        self.table.set_entries(entries);
        Ok(())
    }
}

/// Where rows go.
struct Moves {
    /// By old number: the new one, or [`NO_ROW`] for a row that goes or is not in the graph.
    new_rows: Vec<Row>,
    /// The old numbers of rows that stay, in ascending order.
    staying: Vec<Row>,
}

impl Moves {
    fn new<E>(graph: &impl Graph<E>, new_row_of: impl Fn(Row) -> Option<Row>) -> Result<Moves, SearchError<E>> {
        let mut moves = Moves { new_rows: vec![NO_ROW; graph.row_count() as usize], staying: Vec::new() };
        let mut neighbours = Vec::new();
        let mut free = 0;
        for row in 0..graph.row_count() {
            let Some(new_row) = new_row_of(row) else { continue };
            if new_row < free || new_row >= GRAPH_ROWS_MAX {
                return Err(SearchError::RowOutOfRange(new_row));
            }
            free = new_row + 1;
            graph.neighbours(row, &mut neighbours)?;
            // Others are not in the graph.
            if !neighbours.is_empty() || graph.entries().contains(&row) {
                moves.new_rows[row as usize] = new_row;
                moves.staying.push(row);
            }
        }
        Ok(moves)
    }

    fn new_row(&self, row: Row) -> Option<Row> {
        self.new_rows.get(row as usize).copied().filter(|row| *row != NO_ROW)
    }
}

impl<E> Worker<E> {
    /// Lists the links of rows that stay, past those that go. An empty list says that the row is to be placed anew.
    fn bypass<V: Vectors<Error = E>>(
        &mut self,
        vectors: &V,
        graph: &impl Graph<E>,
        moves: &Moves,
        rows: &[Row],
        parameters: BuildParameters,
        parts: usize,
    ) -> Result<(), SearchError<E>> {
        let mut scorer = vectors.scorer();
        let (mut before, mut beyond) = (Vec::new(), Vec::new());
        for old in rows.iter().skip(self.part).step_by(parts) {
            let Some(row) = moves.new_row(*old) else { continue };
            graph.neighbours(*old, &mut before)?;
            self.rows.clear();
            self.rows.extend(before.iter().filter_map(|neighbour| moves.new_row(*neighbour)));
            if self.rows.len() == before.len() && !before.is_empty() {
                self.lists.push(row, &self.rows);
                continue;
            }
            for gone in before.iter().filter(|neighbour| moves.new_row(**neighbour).is_none()) {
                graph.neighbours(*gone, &mut beyond)?;
                self.rows.extend(beyond.iter().filter_map(|neighbour| moves.new_row(*neighbour)));
            }
            self.choose_among(vectors, &mut scorer, row, parameters)?;
            self.lists.push(row, &self.pruning.chosen);
        }
        Ok(())
    }

    /// Chooses neighbours for `row` among all in `self.rows`; none where there are too few.
    fn choose_among<V: Vectors<Error = E>>(
        &mut self,
        vectors: &V,
        scorer: &mut V::Scorer<'_>,
        row: Row,
        parameters: BuildParameters,
    ) -> Result<(), SearchError<E>> {
        self.rows.sort_unstable();
        self.rows.dedup();
        self.distances.resize(self.rows.len(), 0.0);
        scorer.aim_at(row).map_err(SearchError::Source)?;
        scorer.score(&self.rows, &mut self.distances).map_err(SearchError::Source)?;
        self.candidates.clear();
        let scored = self.rows.iter().zip(&self.distances);
        self.candidates.extend(scored.map(|(row, distance)| Candidate { distance: *distance, row: *row }));
        tidy(&mut self.candidates, row);
        self.leave_living(vectors);
        self.candidates.truncate(parameters.breadth);
        self.pruning.chosen.clear();
        if self.candidates.len() > parameters.degree {
            let (degree, alpha) = (parameters.degree, parameters.alpha);
            self.pruning.choose(scorer, &mut self.candidates, degree, alpha).map_err(SearchError::Source)?;
        } else if self.candidates.len() >= (parameters.degree / FEW_LINKS_SHARE).max(1) {
            self.pruning.chosen.extend(self.candidates.iter().map(|candidate| candidate.row));
        }
        Ok(())
    }
}
