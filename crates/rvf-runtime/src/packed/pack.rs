use std::ops::Range;
use std::sync::Arc;

use rvf_types::Row;
use rvf_types::limits::{SEGMENT_SPLIT_BYTES, TRAINING_ROWS_MIN};

use super::quantisers::of_packed;
use crate::runs::{Run, RunList, VectorRun};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Vectors packed at once.
const PACK_ROWS: u32 = 256;

/// True where the rows of a state can be packed, once there are `first_rows` to learn the first quantiser from.
pub(crate) fn is_packable(snapshot: &Snapshot, first_rows: Row) -> bool {
    let Some(layout) = snapshot.quantisers.layout() else { return false };
    let first_rows = if layout.needs_training() { first_rows.max(TRAINING_ROWS_MIN) } else { 1 };
    snapshot.quantisers.len() > 0 || snapshot.vector_count >= u64::from(first_rows.max(layout.training_rows_min()))
}

/// Packs rows of a state by its newest quantiser, as runs on the heap that each fit into a segment.
pub(crate) fn pack_rows(snapshot: &Snapshot, rows: Range<Row>) -> Result<Vec<VectorRun>> {
    let (Some(layout), Some((index, stored))) = (snapshot.quantisers.layout(), snapshot.quantisers.newest()) else {
        return Err(RvfError::internal("rows are packed without a quantiser"));
    };
    let quantiser = stored.quantiser()?;
    let rows_per_run = (SEGMENT_SPLIT_BYTES as usize / layout.row_bytes()).max(1) as u32;
    let mut runs = Vec::new();
    for first in rows.clone().step_by(rows_per_run as usize) {
        let end = rows.end.min(first.saturating_add(rows_per_run));
        let mut packed = vec![0; (end - first) as usize * layout.row_bytes()];
        let mut next = first;
        while next < end {
            let Some(run) = snapshot.vectors.find(next) else {
                return Err(RvfError::internal(format!("row {next} has no vector")));
            };
            let step_end = run.end_row().min(end).min(next.saturating_add(PACK_ROWS));
            let vectors = run.float_vectors(next - run.first_row(), step_end - next)?;
            let at = |row: Row| (row - first) as usize * layout.row_bytes();
            quantiser.encode(&vectors, &mut packed[at(next)..at(step_end)]).map_err(of_packed)?;
            next = step_end;
        }
        runs.push(VectorRun::packed(&snapshot.quantisers, index, snapshot.options(), first, &packed)?);
    }
    Ok(runs)
}

/// The runs of a state, packed ones first, where newly packed ones take the place of those rows as they were given.
pub(crate) fn with_packed(
    runs: &RunList<VectorRun>,
    packed: Vec<VectorRun>,
) -> Result<(RunList<VectorRun>, RunList<VectorRun>)> {
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let end = packed.last().map_or(0, |run| run.end_row());
    for run in runs.iter() {
        if run.is_packed() {
            before.push(Arc::clone(run));
        } else if run.first_row() >= end {
            behind.push(Arc::clone(run));
        } else if run.end_row() > end {
            behind.push(Arc::new(run.cut_front(end)?));
        }
    }
    let mut packed_runs = RunList::new(before);
    packed.into_iter().for_each(|run| packed_runs.push(run));
    Ok((packed_runs, RunList::new(behind)))
}
