use rvf_types::Row;
use rvf_wire::{VEC_HEADER_BYTES, VecHeader};

use crate::runs::Run;
use crate::segment::{RunBytes, Slice};
use crate::storage::AlignedBytes;
use crate::{Result, RvfError};
use std::sync::Arc;

/// Vectors of consecutive rows.
pub(crate) struct VectorRun {
    header: VecHeader,
    bytes: RunBytes,
}

impl VectorRun {
    /// A run whose directory entry says which rows it has; its header is checked with the first block.
    pub(crate) fn stored(bytes: RunBytes, shape: &VecHeader, first_row: Row, row_count: u32) -> Result<VectorRun> {
        let header = VecHeader { first_row, row_count, ..*shape };
        if header.data_bytes() != bytes.len() {
            return Err(bytes.damaged("the length of vectors"));
        }
        Ok(VectorRun { header, bytes })
    }

    /// A run over rows on the heap.
    pub(crate) fn build(header: VecHeader, rows: &[u8]) -> VectorRun {
        let encoded = header.encode();
        VectorRun { header, bytes: RunBytes::Heap(Arc::new(AlignedBytes::concat(&[&encoded, rows]))) }
    }

    /// The bytes of `count` rows from the run's `index`-th row on.
    pub(crate) fn rows(&self, index: u32, count: u32) -> Result<Slice<'_>> {
        let row_bytes = self.header.row_bytes();
        if u64::from(index) + u64::from(count) > u64::from(self.header.row_count) {
            return Err(RvfError::internal("rows outside their run"));
        }
        self.bytes.range(VEC_HEADER_BYTES + index as usize * row_bytes, count as usize * row_bytes)
    }

    /// One row's bytes.
    pub(crate) fn row(&self, row: Row) -> Result<Slice<'_>> {
        self.rows(row - self.header.first_row, 1)
    }

    /// One run with the rows of two that follow each other.
    pub(crate) fn join(&self, behind: &VectorRun) -> Result<VectorRun> {
        let header = VecHeader { row_count: self.header.row_count + behind.header.row_count, ..self.header };
        let (left, right) = (self.rows(0, self.row_count())?, behind.rows(0, behind.row_count())?);
        let encoded = header.encode();
        let bytes = AlignedBytes::concat(&[&encoded, &left, &right]);
        Ok(VectorRun { header, bytes: RunBytes::Heap(Arc::new(bytes)) })
    }
}

impl Run for VectorRun {
    fn first_row(&self) -> Row {
        self.header.first_row
    }

    fn row_count(&self) -> u32 {
        self.header.row_count
    }

    fn bytes(&self) -> &RunBytes {
        &self.bytes
    }
}
