//! The build: rows enter in small batches, and a repair sees to it that every row is found.

mod executor;
mod parameters;
mod prune;
mod reach;
mod relink;
mod renumber;
mod repair;
mod suspects;
mod table;
mod worker;

use alloc::vec::Vec;
use core::ops::ControlFlow;

use rvf_types::Row;

pub use executor::{Executor, Inline};
pub use parameters::BuildParameters;
pub use repair::Repaired;
pub(crate) use table::Table;

use crate::{GRAPH_ROWS_MAX, Graph, GraphLayers, GraphSource, ParameterError, ResumeError, SearchError, Vectors};
use suspects::Suspects;
use worker::Worker;

/// Rows that enter the graph together. They are compared with one another one by one.
const BATCH_ROWS: usize = 128;

/// A graph that grows.
///
/// Rows of a batch look for their neighbours at once, in the graph as the batches before left it; then the lists of
/// those neighbours are brought up to date at once (Manohar et al., "ParlayANN", PPoPP 2024). No thread ever waits for
/// another within a step, and the graph does not depend on their number.
pub struct GraphBuilder {
    parameters: BuildParameters,
    table: Table,
    suspects: Suspects,
}

/// How far a build has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows of this call that are done.
    pub done: usize,
    /// Rows of this call.
    pub total: usize,
}

impl GraphBuilder {
    /// A builder of an empty graph.
    ///
    /// # Errors
    /// No graph can be built with these parameters.
    pub fn new(parameters: BuildParameters) -> Result<GraphBuilder, ParameterError> {
        let parameters = parameters.check()?;
        let table = Table::new(parameters.degree);
        Ok(GraphBuilder { parameters, table, suspects: Suspects::default() })
    }

    /// A builder that goes on from a graph that was written, and from what its repair had yet to do.
    ///
    /// # Errors
    /// The graph cannot be read, contradicts itself, or the parameters do not fit it.
    pub fn resume<S: GraphSource>(
        graph: &GraphLayers<S>,
        parameters: BuildParameters,
    ) -> Result<GraphBuilder, ResumeError<S::Error>> {
        let parameters = parameters.check()?;
        if graph.degree() != parameters.degree {
            let (asked, found) = (parameters.degree, graph.degree());
            return Err(ParameterError::OtherDegree { asked, found }.into());
        }
        let (table, pending) = graph.read().map_err(ResumeError::Graph)?;
        let suspects = Suspects::resume(table.row_count(), &pending);
        Ok(GraphBuilder { parameters, table, suspects })
    }

    /// Rows that are in the graph.
    pub fn len(&self) -> u32 {
        self.table.present()
    }

    /// True before the first row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True where the row is in the graph.
    pub fn contains(&self, row: Row) -> bool {
        self.table.contains(row)
    }

    /// The graph as it is, to be searched meanwhile.
    pub fn graph<E>(&self) -> &impl Graph<E> {
        &self.table
    }

    /// Adds rows, whose numbers are dense: there are places for all up to the highest. Those that are there already are passed over, so a build that was stopped is continued with the same
    /// rows.
    ///
    /// `watch` is asked before each batch of 128 rows; what was added until it breaks off stays. Then, or after an
    /// error, the graph can be searched, continued and written. [`repair`](GraphBuilder::repair) makes it whole.
    ///
    /// # Errors
    /// A code cannot be had, or a row is too high for a graph.
    pub fn extend<V: Vectors>(
        &mut self,
        vectors: &V,
        rows: &[Row],
        executor: &impl Executor,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SearchError<V::Error>> {
        if let Some(row) = rows.iter().find(|row| **row >= GRAPH_ROWS_MAX) {
            return Err(SearchError::RowOutOfRange(*row));
        }
        let mut workers: Vec<Worker<V::Error>> = (0..executor.parts().max(1)).map(Worker::new).collect();
        for (index, batch) in rows.chunks(BATCH_ROWS).enumerate() {
            if watch(Progress { done: index * BATCH_ROWS, total: rows.len() }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.insert(vectors, batch, executor, &mut workers)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn insert<V: Vectors>(
        &mut self,
        vectors: &V,
        batch: &[Row],
        executor: &impl Executor,
        workers: &mut [Worker<V::Error>],
    ) -> Result<(), SearchError<V::Error>> {
        let mut batch: Vec<Row> = batch.iter().copied().filter(|row| !self.table.contains(*row)).collect();
        batch.sort_unstable();
        batch.dedup();
        let Some(last) = batch.last() else { return Ok(()) };
        self.table.reserve(*last);
        self.suspects.reserve(self.table.row_count());
        self.suspects.owe(batch.len());

        let (parameters, parts) = (self.parameters, workers.len());
        let (table, batch) = (&self.table, &batch);
        step(executor, workers, |worker| worker.place(vectors, table, parameters, batch, parts))?;
        let mut back: Vec<(Row, Row)> = Vec::new();
        for worker in workers.iter() {
            for (row, links) in worker.lists.iter() {
                back.extend(links.iter().map(|neighbour| (*neighbour, row)));
                self.table.set_links(row, links);
                self.suspects.insert(row);
            }
        }

        for row in batch {
            self.table.offer_entry(*row);
        }

        back.sort_unstable();
        let groups: Vec<&[(Row, Row)]> = back.chunk_by(|left, right| left.0 == right.0).collect();
        let (table, groups) = (&self.table, &groups);
        step(executor, workers, |worker| worker.link_back(vectors, table, parameters, groups, parts))?;
        for worker in workers.iter() {
            for (row, links) in worker.lists.iter() {
                self.suspects.insert_lost(self.table.links(row), links);
                self.table.set_links(row, links);
            }
        }
        Ok(())
    }

    /// Makes the next [`repair`](GraphBuilder::repair) look for every row.
    pub fn look_for_all(&mut self) {
        self.suspects.owe_all();
    }

    /// True where the next [`repair`](GraphBuilder::repair) has rows to look for.
    pub fn needs_repair(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// The graph's bytes, whole, for [`GraphLayers`]. The same graph has the same bytes.
    pub fn write(&self) -> Vec<u8> {
        crate::payload::write(&self.table, self.suspects.pending())
    }

    /// The bytes of what differs from an earlier state of this graph, which may have any number of layers: to be put over
    /// them. Deltas are merged by writing one against fewer layers. The same states have the same bytes.
    ///
    /// # Errors
    /// The earlier graph cannot be read, or so much differs that only the whole graph can be written.
    pub fn write_delta<E>(&self, earlier: &impl Graph<E>) -> Result<Vec<u8>, SearchError<E>> {
        crate::payload::write_delta(&self.table, self.suspects.pending(), earlier)
    }
}

/// Runs one step in all workers; the error of the first that failed.
fn step<E: Send>(
    executor: &impl Executor,
    workers: &mut [Worker<E>],
    task: impl Fn(&mut Worker<E>) -> Result<(), SearchError<E>> + Sync,
) -> Result<(), SearchError<E>> {
    executor.run(workers, |worker| {
        worker.lists.clear();
        worker.outcome = task(worker);
    });
    workers.iter_mut().try_for_each(|worker| core::mem::replace(&mut worker.outcome, Ok(())))
}
