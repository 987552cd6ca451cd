use rvf_index::Candidate;
use rvf_quant::TopK;
use rvf_types::Metric;

use crate::Result;
use crate::read::exact::Scan;
use crate::read::scorer::RowScorer;
use crate::runs::KeptRow;
use crate::snapshot::Snapshot;

/// Rows compared at once: memory answers for all of them while the first is waited for.
const RANK_ROWS: usize = 16;
/// At this distance, which rounding may leave between equal vectors, no other row is nearer.
const NONE_NEARER: f64 = 1e-6;
/// How large the error of a code's distance is expected to be at most, in root mean squares.
const ERROR_DEVIATIONS: f64 = 4.0;

/// The best of what a walk found, by their vectors.
pub(super) struct Ranked {
    pub(super) nearest: TopK,
    /// The codes told the rows apart. Where they did not, as within a tight cluster far from all else, it is chance which
    /// rows the walk came to.
    pub(super) are_told_apart: bool,
}

/// How far the codes' distances are from the true ones: the mean square. Not the variance, as the rows with the least
/// distances by the codes come first, and so those whose errors are all on one side.
#[derive(Default)]
struct CodeError {
    count: f64,
    squares: f64,
}

impl CodeError {
    fn add(&mut self, error: f64) {
        self.count += 1.0;
        self.squares += error * error;
    }

    fn bound(&self) -> f64 {
        ERROR_DEVIATIONS * (self.squares / self.count.max(1.0)).sqrt()
    }

    /// The least distance that a row is likely to have.
    fn least(&self, distance_by_code: f32) -> f64 {
        f64::from(distance_by_code) - self.bound()
    }
}

/// Codes misplace a row by some places: at least so many are compared by their vectors (docs/codes.md).
fn ranked_rows_min(k: usize) -> usize {
    k + k / 4 + 6
}

/// Compares what a walk found by the vectors, the nearest by the codes first, until no other is likely to be among the k.
pub(super) fn rank(snapshot: &Snapshot, query: &RowScorer<'_>, scan: &Scan<'_>, found: &[Candidate]) -> Result<Ranked> {
    let distance_max = scan.distance_max.unwrap_or(f32::INFINITY);
    let mut nearest = TopK::new(scan.k);
    let mut error = CodeError::default();
    let mut ranked = 0;
    let mut is_open_ended = found.len() > ranked_rows_min(scan.k);
    while ranked < found.len() {
        let step = if ranked == 0 { ranked_rows_min(scan.k) } else { RANK_ROWS };
        let rows = &found[ranked..found.len().min(ranked + step)];
        let limit = f64::from(nearest.threshold().min(distance_max));
        if ranked > 0 && error.least(rows[0].distance) > limit {
            is_open_ended = false;
            break;
        }
        for rows in rows.chunks(RANK_ROWS) {
            for (candidate, kept) in rows.iter().zip(stored_rows(snapshot, rows)?) {
                let mut distance = [0.0];
                query.distances(&kept, &mut distance)?;
                error.add(f64::from(candidate.distance) - f64::from(distance[0]));
                if distance[0] <= distance_max {
                    nearest.push(distance[0], candidate.row);
                }
            }
        }
        ranked += rows.len();
    }
    let limit = f64::from(nearest.threshold().min(distance_max));
    is_open_ended &= found.last().is_some_and(|last| error.least(last.distance) < limit);
    let spread = match (found.first(), found.last()) {
        (Some(first), Some(last)) => f64::from(last.distance) - f64::from(first.distance),
        _ => 0.0,
    };
    // Among rows that are all equally far, a walk may have stopped on the wrong side of them, unless none can be nearer.
    let cannot_be_nearer = snapshot.options().metric != Metric::DotProduct && limit <= NONE_NEARER;
    let is_sure = if spread <= 0.0 { cannot_be_nearer } else { spread >= 2.0 * error.bound() };
    Ok(Ranked { nearest, are_told_apart: is_sure && !is_open_ended })
}

/// The rows as they are kept; each is touched before the first is used.
fn stored_rows<'s>(snapshot: &'s Snapshot, rows: &[Candidate]) -> Result<Vec<KeptRow<'s>>> {
    let fetch = |candidate: &Candidate| {
        let kept = snapshot.kept_row(candidate.row)?;
        std::hint::black_box(kept.bytes.first());
        Ok(kept)
    };
    rows.iter().map(fetch).collect()
}
