use std::ops::ControlFlow;

use rvf_index::{BuildParameters, DEGREE_MAX, GraphBuilder, Progress, ResumeError};
use rvf_manifest::StoreOptions;
use rvf_types::Row;

use crate::index::{BuildVectors, GraphUpdate, graph_error};
use crate::pool::Parts;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Rows that enter the graph between two looks at the time.
const STEP_ROWS: usize = 1_024;
/// Dead rows of the graph, for every two living ones, at which it is built anew: they cost walks as much as living rows do
/// (`docs/graph-choice.md`).
const DEAD_PER_TWO_LIVING: u64 = 1;
/// Fewer dead rows are never worth a build.
const DEAD_ROWS_MIN: u64 = 1_024;

/// A graph that is being made, kept from one portion to the next.
#[derive(Default)]
pub(crate) struct Builder {
    growing: Option<Growing>,
}

struct Growing {
    graph: GraphBuilder,
    /// Which numbers rows have: those since the compaction of this number.
    compaction_count: u64,
    /// Made without the graph that is stored.
    is_anew: bool,
}

/// How much of a portion is done before it ends.
pub(crate) struct Effort<'a> {
    pub(crate) parts: Parts<'a>,
    /// The portion is to be left as it is, at once.
    pub(crate) should_stop: &'a dyn Fn() -> bool,
    /// No more rows are to enter; what is in the graph is to be brought to its end.
    /// Asked with the number of rows that would stay unindexed.
    pub(crate) is_over: &'a dyn Fn(Row) -> bool,
    /// Told how many rows have entered.
    pub(crate) note: &'a dyn Fn(u64),
    /// There is time to build a worn graph anew.
    pub(crate) may_rebuild: bool,
}

/// Links and breadth from the options that HNSW has: its lowest layer has twice `m` links a row.
pub(crate) fn build_parameters(options: &StoreOptions) -> BuildParameters {
    let degree = (2 * options.m as usize).clamp(4, DEGREE_MAX);
    BuildParameters { degree, breadth: (options.ef_construction as usize * 6 / 5).max(8), ..BuildParameters::default() }
}

/// True where so many of the graph's rows are dead that a new one is worth its time.
pub(crate) fn is_worn(snapshot: &Snapshot) -> Result<bool> {
    let Some(graph) = snapshot.index.graph()? else { return Ok(false) };
    let present = u64::from(graph.present());
    let tail = (snapshot.index.row_count()..snapshot.next_row).filter(|row| !snapshot.dead.contains(*row)).count();
    let living = snapshot.vector_count.saturating_sub(tail as u64);
    let dead = present.saturating_sub(living);
    Ok(dead >= DEAD_ROWS_MIN && dead * 2 >= living * DEAD_PER_TWO_LIVING)
}

impl Builder {
    /// Forgets what was not stored.
    pub(crate) fn clear(&mut self) {
        self.growing = None;
    }

    /// Lets the rows of a state below `end`, which have codes, enter the graph; the layer to be stored, `None` where it was
    /// broken off. What has entered then stays for the next call.
    pub(crate) fn grow(&mut self, snapshot: &Snapshot, end: Row, effort: &Effort<'_>) -> Result<Option<GraphUpdate>> {
        let vectors = BuildVectors::new(snapshot)?;
        let growing = self.begin(snapshot, effort.may_rebuild)?;
        let first = if growing.is_anew { 0 } else { snapshot.index.row_count() };
        let is_missing = |row: &Row| !snapshot.dead.contains(*row) && !growing.graph.contains(*row);
        let rows: Vec<Row> = (first..end).filter(is_missing).collect();
        let mut watch = |_: Progress| match (effort.should_stop)() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let mut reached = end;
        for step in rows.chunks(STEP_ROWS) {
            if (effort.is_over)(snapshot.next_row - step[0]) {
                reached = step[0];
                break;
            }
            let outcome = growing.graph.extend(&vectors, step, &effort.parts, &mut watch).map_err(graph_error)?;
            if outcome.is_break() {
                return Ok(None);
            }
            (effort.note)(step.len() as u64);
        }
        if growing.graph.repair(&vectors, &effort.parts, &mut watch).map_err(graph_error)?.is_break() {
            return Ok(None);
        }
        Ok(Some(GraphUpdate { kept_layers: 0, layer: growing.graph.write(), row_count: reached }))
    }

    /// What has been stored is what is built on from now on.
    pub(crate) fn note_stored(&mut self) {
        if let Some(growing) = &mut self.growing {
            growing.is_anew = false;
        }
    }

    fn begin(&mut self, snapshot: &Snapshot, may_rebuild: bool) -> Result<&mut Growing> {
        let compaction_count = snapshot.manifest.compaction.count;
        let is_other = self.growing.as_ref().is_some_and(|growing| growing.compaction_count != compaction_count);
        let is_worn_out =
            may_rebuild && self.growing.as_ref().is_none_or(|growing| !growing.is_anew) && is_worn(snapshot)?;
        if is_other || is_worn_out {
            self.growing = None;
        }
        match &mut self.growing {
            Some(growing) => Ok(growing),
            none => Ok(none.insert(begin(snapshot, compaction_count, is_worn_out)?)),
        }
    }
}

fn begin(snapshot: &Snapshot, compaction_count: u64, is_worn_out: bool) -> Result<Growing> {
    let parameters = build_parameters(snapshot.options());
    let refused = |error: rvf_index::ParameterError| RvfError::internal(error.to_string());
    let stored = if is_worn_out { None } else { snapshot.index.graph()? };
    let graph = match stored {
        Some(stored) => GraphBuilder::resume(stored, parameters).map_err(|error| match error {
            ResumeError::Graph(error) => graph_error(error),
            ResumeError::Parameters(error) => refused(error),
        })?,
        None => GraphBuilder::new(parameters).map_err(refused)?,
    };
    Ok(Growing { graph, compaction_count, is_anew: stored.is_none() })
}
