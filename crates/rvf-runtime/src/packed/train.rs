use rvf_quant::{PackedLayout, PackedScorer, Quantiser, Scorer, TopK};
use rvf_types::limits::{QUANTISERS_MAX, TRAINING_ROWS_MIN};
use rvf_types::{Metric, Row};
use rvf_wire::QuantiserHeader;

use super::quantisers::{StoredQuantiser, of_packed, packing_numbers};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Vectors of the sample that recall is asked with.
const QUERIES_MAX: usize = 128;
const RECALL_K: usize = 10;
/// Most bytes of a sample, whatever the number of its vectors.
const SAMPLE_BYTES_MAX: usize = 256 << 20;
/// New rows that are looked at for whether a quantiser still fits.
const DRIFT_ROWS: usize = 1_024;
/// Least spread of vectors, as a share of their squared length, that rounding leaves something of.
const SPREAD_MIN: f64 = 1e-12;
/// How much larger than at first the error may be on new rows.
const DRIFT_MAX: f64 = 1.25;

/// Some living rows of a range, evenly spaced, as `f32` vectors one behind the other.
fn sample(snapshot: &Snapshot, rows: std::ops::Range<Row>, rows_max: usize) -> Result<Vec<u8>> {
    let living: Vec<Row> = rows.filter(|row| !snapshot.dead.contains(*row)).collect();
    let in_memory = SAMPLE_BYTES_MAX / (snapshot.options().dimension as usize * size_of::<f32>());
    let rows_max = rows_max.min(in_memory).max(TRAINING_ROWS_MIN as usize);
    let step = living.len().div_ceil(rows_max).max(1);
    let mut vectors = Vec::new();
    for row in living.into_iter().step_by(step) {
        vectors.extend_from_slice(&snapshot.float_vector(row)?);
    }
    Ok(vectors)
}

/// True where new rows are so unlike those that the newest quantiser was learned from that another is worth its place.
pub(crate) fn wants_another(
    snapshot: &Snapshot,
    newest: Option<&StoredQuantiser>,
    rows: std::ops::Range<Row>,
) -> Result<bool> {
    let Some(newest) = newest else { return Ok(true) };
    let is_possible = newest.quantiser()?.layout().needs_training() && snapshot.quantisers.len() < QUANTISERS_MAX;
    if !is_possible || rows.len() < DRIFT_ROWS {
        return Ok(false);
    }
    let vectors = sample(snapshot, rows, DRIFT_ROWS)?;
    if vectors.is_empty() {
        return Ok(false);
    }
    let error = relative_error(newest.quantiser()?, &vectors)?;
    Ok(error > DRIFT_MAX * newest.header()?.relative_error)
}

/// Learns a quantiser from at most `rows_max` rows of a state and measures what it costs among those from `first_measured`
/// on, of which the most is known; its payload, `None` where it was stopped.
pub(crate) fn train(
    snapshot: &Snapshot,
    layout: PackedLayout,
    rows_max: usize,
    first_measured: Row,
    should_stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<u8>>> {
    let vectors = sample(snapshot, 0..snapshot.next_row, rows_max)?;
    let Some(quantiser) = Quantiser::train(layout, &vectors, should_stop).map_err(of_packed)? else {
        return Ok(None);
    };
    let measured =
        if first_measured == 0 { vectors } else { sample(snapshot, first_measured..snapshot.next_row, rows_max)? };
    let (packing, bits, subvectors) = packing_numbers(layout);
    let header = QuantiserHeader {
        packing,
        bits,
        subvectors,
        metric: layout.metric(),
        dimension: layout.dimension(),
        sample_rows: (measured.len() / layout.vector_bytes()) as u32,
        relative_error: relative_error(&quantiser, &measured)?,
        recall: recall(&quantiser, &measured)?,
    };
    let mut payload = header.encode().to_vec();
    payload.extend_from_slice(&quantiser.to_bytes());
    Ok(Some(payload))
}

/// Mean squared distance of vectors from what packing leaves of them, as a share of that from their mean: what tells them
/// apart may be little beside how far they lie from the origin. By the cosine, vectors count at length 1.
fn relative_error(quantiser: &Quantiser, vectors: &[u8]) -> Result<f64> {
    let layout = quantiser.layout();
    let (dimension, rows) = (layout.dimension() as usize, vectors.len() / layout.vector_bytes());
    let mut packed = vec![0; rows * layout.row_bytes()];
    quantiser.encode(vectors, &mut packed).map_err(of_packed)?;
    let mut decoded = vec![0.0; dimension];
    let (mut errors, mut squares, mut sums) = (0.0, 0.0, vec![0.0; dimension]);
    for (vector, row) in vectors.chunks_exact(layout.vector_bytes()).zip(packed.chunks_exact(layout.row_bytes())) {
        quantiser.decode(row, &mut decoded).map_err(of_packed)?;
        let values = || vector.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        let length = values().map(|value| value * value).sum::<f64>().sqrt();
        let scale = if layout.metric() == Metric::Cosine && length > 0.0 { 1.0 / length } else { 1.0 };
        for ((value, decoded), sum) in values().zip(&decoded).zip(&mut sums) {
            errors += ((value - f64::from(*decoded)) * scale).powi(2);
            squares += (value * scale).powi(2);
            *sum += value * scale;
        }
    }
    let of_mean = sums.iter().map(|sum| sum * sum).sum::<f64>() / rows.max(1) as f64;
    let spread = squares - of_mean;
    Ok(if errors == 0.0 { 0.0 } else { errors / spread.max(squares * SPREAD_MIN).max(f64::MIN_POSITIVE) })
}

/// recall@10 of packed vectors alone, among vectors, each asked for by some of them: the others nearest to it.
fn recall(quantiser: &Quantiser, vectors: &[u8]) -> Result<f32> {
    let layout = quantiser.layout();
    let rows = vectors.len() / layout.vector_bytes();
    if rows < 2 {
        return Ok(1.0);
    }
    let mut packed = vec![0; rows * layout.row_bytes()];
    quantiser.encode(vectors, &mut packed).map_err(of_packed)?;
    let k = RECALL_K.min(rows - 1);
    let (mut found, mut asked) = (0, 0);
    let mut distances = vec![0.0; rows];
    for row in (0..rows).step_by(rows.div_ceil(QUERIES_MAX)) {
        let query = &vectors[row * layout.vector_bytes()..][..layout.vector_bytes()];
        let scorer = Scorer::new(layout.metric(), rvf_types::DataType::F32, layout.dimension(), query)
            .map_err(|error| RvfError::internal(error.to_string()))?;
        scorer.distances(vectors, &mut distances);
        let truth = others_nearest(&distances, row, k);
        let scorer = PackedScorer::new(quantiser, query).map_err(of_packed)?;
        scorer.distances_of(&packed, &mut distances).map_err(of_packed)?;
        let nearest = others_nearest(&distances, row, k);
        found += truth.iter().filter(|row| nearest.contains(row)).count();
        asked += k;
    }
    Ok((found as f64 / asked as f64) as f32)
}

fn others_nearest(distances: &[f32], without: usize, k: usize) -> Vec<Row> {
    let mut nearest = TopK::new(k);
    for (row, distance) in distances.iter().enumerate().filter(|(row, _)| *row != without) {
        nearest.push(*distance, row as Row);
    }
    nearest.into_sorted().into_iter().map(|(_, row)| row).collect()
}
