//! From rows to the bytes of a layer.

mod blocks;
mod clusters;
mod order;
mod sample;

use std::borrow::Cow;

use rvf_quant::{CodeTable, QuantError, ResidualLayout};
use rvf_types::{DataType, Metric, Row, limits};

use crate::BuildError;
use crate::payload::{DIRECTORY_ENTRY_BYTES, HEAD_BYTES, LAYER_HEADER_BYTES, centre_layout};
use sample::Preparer;

/// Rows of a cluster, about, where there are not too many for the head.
const CLUSTER_ROWS: usize = 160;
/// Fewest clusters that vectors too long for the head are put into, where there are so many rows.
const CLUSTERS_MIN: usize = 16;
/// Rows of each cluster that its centre is found by.
const SAMPLE_ROWS: usize = 80;
/// Rows prepared and assigned to their clusters at a time.
const CHUNK_ROWS: usize = 4_096;

/// Vectors and ids by row.
pub trait RowSource {
    /// Why they cannot be had.
    type Error;

    /// The vector of a row, little-endian bytes.
    fn vector(&self, row: Row) -> Result<Cow<'_, [u8]>, Self::Error>;

    /// The id of a row, `0..=ID_BYTES_MAX` bytes.
    fn id(&self, row: Row) -> Result<Cow<'_, [u8]>, Self::Error>;
}

/// Makes layers for vectors of one metric, type and dimension. The same rows give the same bytes, on every machine.
#[derive(Clone, Copy, Debug)]
pub struct ProgressiveBuilder {
    layout: ResidualLayout,
}

impl ProgressiveBuilder {
    /// A builder for vectors of `dimension` elements.
    ///
    /// # Errors
    /// The metric does not fit the type of the vectors, or the dimension is out of range.
    pub fn new(metric: Metric, data_type: DataType, dimension: u32) -> Result<ProgressiveBuilder, QuantError> {
        Ok(ProgressiveBuilder { layout: ResidualLayout::new(metric, data_type, dimension)? })
    }

    /// The layer of `rows`, which ascend. Vectors are asked for twice, a sample of them four times, ids once.
    ///
    /// # Errors
    /// Vectors or ids cannot be had or have a wrong length, or rows do not ascend.
    pub fn build<R: RowSource>(&self, rows: &[Row], source: &R) -> Result<Vec<u8>, BuildError<R::Error>> {
        check_order(rows)?;
        let codes = centre_layout(self.layout)?;
        let clusters = self.cluster_count(rows.len(), codes.row_bytes());
        let mut preparer = Preparer::new(self.layout, codes);
        let sampled = sample::spread(rows, clusters * SAMPLE_ROWS);
        preparer.find_origin(&sampled, source)?;
        let sample = preparer.code(&sampled, source)?;
        let centres = clusters::train(&CodeTable::new(codes, &sample)?, clusters)?;
        let centres = CodeTable::new(codes, &centres)?;
        let mut members = vec![Vec::new(); centres.rows() as usize];
        for chunk in rows.chunks(CHUNK_ROWS) {
            let coded = preparer.code(chunk, source)?;
            let nearest = clusters::nearest(&CodeTable::new(codes, &coded)?, &centres)?;
            for (row, nearest) in chunk.iter().zip(nearest) {
                members[nearest as usize].push(*row);
            }
        }
        let clusters = order::chain(&centres, &members)?;
        let origin = preparer.origin_code();
        blocks::write(
            self.layout,
            origin,
            clusters.iter().map(|index| (*index, &members[*index as usize])),
            &centres,
            source,
        )
    }

    /// Clusters for `rows` rows, with codes of `code_bytes` for each centre.
    fn cluster_count(&self, rows: usize, code_bytes: usize) -> usize {
        let room = HEAD_BYTES.saturating_sub(LAYER_HEADER_BYTES + code_bytes);
        // A tenth is left for blocks that clusters too large are cut into.
        let fitting = room * 9 / 10 / (code_bytes + DIRECTORY_ENTRY_BYTES);
        rows.div_ceil(CLUSTER_ROWS).min(fitting.max(CLUSTERS_MIN))
    }
}

fn check_order<E>(rows: &[Row]) -> Result<(), BuildError<E>> {
    if let Some(pair) = rows.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(BuildError::RowOrder(pair[1]));
    }
    match rows.last() {
        Some(last) if *last >= limits::ROWS_MAX => Err(BuildError::RowOrder(*last)),
        _ => Ok(()),
    }
}
