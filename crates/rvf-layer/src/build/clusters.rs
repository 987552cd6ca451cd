//! k-means over codes: Lloyd's algorithm (S. P. Lloyd, "Least squares quantization in PCM", 1982), started from rows
//! that are spread evenly. Codes are compared in whole numbers, so every machine finds the same clusters.

use rvf_quant::{CodeScorer, CodeTable, QuantError};

/// How often centres move. With more rounds, or more rows, no more was found.
const ROUNDS: usize = 8;
/// Rows compared with one centre after the other while their codes stay in a cache.
const CHUNK_ROWS: usize = 128;

/// Codes of `count` centres of `rows`, fewer where there are fewer rows.
pub(super) fn train(rows: &CodeTable<'_>, count: usize) -> Result<Vec<u8>, QuantError> {
    let layout = rows.layout();
    let count = count.min(rows.rows() as usize);
    let mut centres = Vec::with_capacity(count * layout.row_bytes());
    for index in 0..count {
        let row = index as u64 * u64::from(rows.rows()) / count as u64;
        centres.extend_from_slice(rows.row(row as u32)?);
    }
    for _ in 0..ROUNDS {
        let nearest = nearest(rows, &CodeTable::new(layout, &centres)?)?;
        move_to_means(rows, &nearest, &mut centres)?;
    }
    Ok(centres)
}

/// Number of the nearest centre of each row, the first among equals; 0 where distances overflow.
pub(super) fn nearest(rows: &CodeTable<'_>, centres: &CodeTable<'_>) -> Result<Vec<u32>, QuantError> {
    let mut nearest = vec![(f32::INFINITY, 0_u32); rows.rows() as usize];
    if centres.rows() == 0 {
        return Ok(Vec::new());
    }
    let mut scorer = CodeScorer::of_row(centres, 0)?;
    let numbers: Vec<u32> = (0..rows.rows()).collect();
    let mut distances = [0.0; CHUNK_ROWS];
    for (numbers, nearest) in numbers.chunks(CHUNK_ROWS).zip(nearest.chunks_mut(CHUNK_ROWS)) {
        let distances = &mut distances[..numbers.len()];
        for centre in 0..centres.rows() {
            scorer.aim_at(centres, centre)?;
            scorer.distances(rows, numbers, distances)?;
            for (best, distance) in nearest.iter_mut().zip(&*distances) {
                if *distance < best.0 {
                    *best = (*distance, centre);
                }
            }
        }
    }
    Ok(nearest.into_iter().map(|(_, centre)| centre).collect())
}

/// Moves each centre to the mean of its rows; one without rows stays.
fn move_to_means(rows: &CodeTable<'_>, nearest: &[u32], centres: &mut [u8]) -> Result<(), QuantError> {
    let layout = rows.layout();
    let dimension = layout.dimension() as usize;
    let mut counts = vec![0_u32; centres.len() / layout.row_bytes()];
    let mut sums = vec![0.0_f32; counts.len() * dimension];
    for (row, centre) in (0..rows.rows()).zip(nearest) {
        let start = *centre as usize * dimension;
        counts[*centre as usize] += 1;
        layout.add_decoded(rows.row(row)?, &mut sums[start..start + dimension])?;
    }
    let codes = centres.chunks_exact_mut(layout.row_bytes());
    for ((code, sum), count) in codes.zip(sums.chunks_exact(dimension)).zip(counts) {
        if count > 0 {
            let mean: Vec<u8> = sum.iter().flat_map(|sum| (sum / count as f32).to_le_bytes()).collect();
            layout.encode(&mean, code)?;
        }
    }
    Ok(())
}
