use rvf_quant::{Scorer, TopK};
use rvf_types::Row;

use crate::control::Deadline;
use crate::runs::Run;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Rows scored between two looks at the deadline; a multiple of what a kernel takes at once.
const CHUNK_ROWS: u32 = 1_024;

/// The k living rows nearest to a query, by looking at all of them.
pub(crate) fn scan(
    snapshot: &Snapshot,
    query: &[u8],
    k: usize,
    distance_max: Option<f32>,
    deadline: &Deadline<'_>,
) -> Result<Vec<(f32, Row)>> {
    let shape = snapshot.shape();
    let scorer = Scorer::new(shape.metric, shape.data_type, shape.dimension, query)
        .map_err(|error| RvfError::input(error.to_string()))?;
    let mut nearest = TopK::new(k);
    let mut distances = vec![0f32; CHUNK_ROWS as usize];
    let limit = distance_max.unwrap_or(f32::INFINITY);
    for run in snapshot.vectors.iter() {
        let mut index = 0;
        while index < run.row_count() {
            deadline.check()?;
            let count = CHUNK_ROWS.min(run.row_count() - index);
            let rows = run.rows(index, count)?;
            let scored = &mut distances[..count as usize];
            scorer.distances(&rows, scored);
            for (row, distance) in (run.first_row() + index..).zip(scored.iter()) {
                // The cheap comparison first: most rows fail it and need no look at the tombstones.
                if *distance <= nearest.threshold() && *distance <= limit && !snapshot.dead.contains(row) {
                    nearest.push(*distance, row);
                }
            }
            index += count;
        }
    }
    Ok(nearest.into_sorted())
}
