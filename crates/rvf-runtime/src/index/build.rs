use std::ops::ControlFlow;

use rvf_index::{BuildParameters, DEGREE_MAX, GraphBuilder, Progress, ResumeError};
use rvf_manifest::StoreOptions;
use rvf_types::Row;

use crate::Result;
use crate::index::{
    BuildVectors, CodeRun, GraphUpdate, ProfileLayout, code_layout, encode_rows, graph_error, resume_error,
};
use crate::pool::Parts;
use crate::runs::{Run, RunList};
use crate::snapshot::Snapshot;

/// Rows that enter the graph between two looks at the time.
const STEP_ROWS: usize = 1_024;
/// Dead rows of the graph, for every two living ones, at which it is built anew: they cost walks as much as living rows do
/// (`docs/graph-choice.md`).
const DEAD_PER_TWO_LIVING: u64 = 1;
/// Most layers beside a new one: a walk looks into each of them for the neighbours of each row.
const LAYERS_MAX: usize = 5;
/// Fewest links of a row, whatever is asked for.
const DEGREE_LEAST: usize = 16;
/// Narrowest walk for a new row.
const BREADTH_LEAST: usize = 64;
/// Repair looks for every row where one in so many is new, and in small graphs; else for a share of the old ones. Not at
/// close, which should be short.
const LOOK_FOR_ALL_SHARE: u64 = 8;
const LOOK_FOR_ALL_ROWS: Row = 8_192;
/// Fewer dead rows are never worth a build.
pub(super) const DEAD_ROWS_MIN: u64 = 1_024;

/// A graph that is being made, kept from one portion to the next.
#[derive(Default)]
pub(crate) struct Builder {
    growing: Option<Growing>,
    /// Codes of the first rows, where a store keeps no others: of the vectors as they were given, as far as those were
    /// still there, else of what packed rows stand for.
    codes: Option<RunList<CodeRun>>,
    /// Which numbers rows have: those since the compaction of this number.
    compaction_count: u64,
}

struct Growing {
    graph: GraphBuilder,
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
    /// Rows that are worth learning the first quantiser from; before, they stay as they were given.
    pub(crate) first_rows: Row,
}

/// Links and breadth from the options that HNSW has: its lowest layer has twice `m` links a row, and ours as many unless
/// the hardware profile says otherwise. With very few links, or
/// a very narrow walk, rows are so often missed that the repair takes longer than the rest.
pub(crate) fn build_parameters(options: &StoreOptions) -> BuildParameters {
    let degree = (ProfileLayout::of(options).degree_per_m * options.m as usize).clamp(DEGREE_LEAST, DEGREE_MAX);
    BuildParameters {
        degree,
        breadth: (options.ef_construction as usize * 6 / 5).max(BREADTH_LEAST),
        ..BuildParameters::default()
    }
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
        *self = Builder::default();
    }

    /// Codes the rows of a state below `end`, which are packed or will be: before [`Builder::grow`] lets them enter.
    pub(crate) fn code_rows(&mut self, snapshot: &Snapshot, end: Row) -> Result<()> {
        self.note_numbers(snapshot);
        let codes = self.codes.get_or_insert_with(|| RunList::new(Vec::new()));
        let first = codes.iter().next_back().map_or(0, |run| run.end_row());
        if first < end {
            encode_rows(snapshot, first..end)?.into_iter().for_each(|run| codes.push(run));
        }
        Ok(())
    }

    /// Forgets what was made of rows that have other numbers now.
    fn note_numbers(&mut self, snapshot: &Snapshot) {
        let compaction_count = snapshot.manifest.compaction.count;
        if self.compaction_count != compaction_count {
            *self = Builder { compaction_count, ..Builder::default() };
        }
    }

    /// Lets the rows of a state below `end`, which have codes, enter the graph; the layer to be stored, `None` where it was
    /// broken off. What has entered then stays for the next call.
    pub(crate) fn grow(&mut self, snapshot: &Snapshot, end: Row, effort: &Effort<'_>) -> Result<Option<GraphUpdate>> {
        self.note_numbers(snapshot);
        let own_codes = self.codes.clone();
        let codes = own_codes.as_ref().unwrap_or(snapshot.index.codes());
        let vectors = BuildVectors::of_runs(code_layout(snapshot.options())?, codes, &snapshot.dead)?;
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
        let present = growing.graph.len();
        let is_much = rows.len() as u64 * LOOK_FOR_ALL_SHARE >= u64::from(present) || present <= LOOK_FOR_ALL_ROWS;
        if effort.may_rebuild && is_much {
            growing.graph.look_for_all();
        }
        if growing.graph.repair(&vectors, &effort.parts, &mut watch).map_err(graph_error)?.is_break() {
            return Ok(None);
        }
        Ok(Some(growing.update(snapshot, reached)?))
    }

    /// What has been stored is what is built on from now on.
    pub(crate) fn note_stored(&mut self) {
        if let Some(growing) = &mut self.growing {
            growing.is_anew = false;
        }
    }

    fn begin(&mut self, snapshot: &Snapshot, may_rebuild: bool) -> Result<&mut Growing> {
        let is_worn_out =
            may_rebuild && self.growing.as_ref().is_none_or(|growing| !growing.is_anew) && is_worn(snapshot)?;
        // Whoever has no time for a build goes on with what is stored.
        let is_half_made = self.growing.as_ref().is_some_and(|growing| growing.is_anew);
        let is_too_long = !may_rebuild && is_half_made && snapshot.index.row_count() > 0;
        if is_worn_out || is_too_long {
            self.growing = None;
        }
        match &mut self.growing {
            Some(growing) => Ok(growing),
            none => Ok(none.insert(begin(snapshot, is_worn_out)?)),
        }
    }
}

impl Growing {
    /// What is to be stored: the whole graph, or what differs from older layers.
    fn update(&self, snapshot: &Snapshot, row_count: Row) -> Result<GraphUpdate> {
        let stored = if self.is_anew { None } else { snapshot.index.graph()? };
        if let Some(stored) = stored {
            let layers: Vec<u64> = stored.layer_bytes().collect();
            let newest = self.graph.write_delta(&stored.first(layers.len())).map_err(graph_error)?;
            let kept_layers = kept_layers(&layers, newest.len() as u64);
            if kept_layers == layers.len() {
                return Ok(GraphUpdate { kept_layers, layer: newest, row_count });
            }
            if kept_layers > 0 {
                let layer = self.graph.write_delta(&stored.first(kept_layers)).map_err(graph_error)?;
                return Ok(GraphUpdate { kept_layers, layer, row_count });
            }
        }
        Ok(GraphUpdate { kept_layers: 0, layer: self.graph.write(), row_count })
    }
}

/// How many layers stay in front of a new one: those that are more than twice as large as all that is newer, and few in
/// all. None where the changes are half as large as the whole graph. So each change is written about as often as the
/// logarithm of the number of changes says.
fn kept_layers(layers: &[u64], newest: u64) -> usize {
    let (mut kept, mut bytes) = (layers.len(), newest);
    while kept > 1 && (layers[kept - 1] <= 2 * bytes || kept > LAYERS_MAX) {
        kept -= 1;
        bytes += layers[kept];
    }
    let is_half = layers.first().is_some_and(|whole| bytes * 2 >= *whole);
    if is_half { 0 } else { kept }
}

fn begin(snapshot: &Snapshot, is_worn_out: bool) -> Result<Growing> {
    let parameters = build_parameters(snapshot.options());
    let stored = if is_worn_out { None } else { snapshot.index.graph()? };
    // A version that chose another number of links has made the graph: it serves searches, and is built anew to grow.
    let stored = stored.filter(|stored| stored.degree() == parameters.degree);
    let graph = match stored {
        Some(stored) => GraphBuilder::resume(stored, parameters),
        None => GraphBuilder::new(parameters).map_err(ResumeError::from),
    };
    let graph = graph.map_err(resume_error)?;
    Ok(Growing { graph, is_anew: stored.is_none() })
}
