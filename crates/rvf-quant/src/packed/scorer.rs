use super::scalar::ScalarScorer;
use super::trained::TrainedScorer;
use super::{PackedLayout, PackedTable, Quantiser};
use crate::error::QuantError;
use crate::kernels::{CodeRows, prefetch_rows};

/// One query, ready to be compared with packed rows.
///
/// Distances are the same, bit for bit, on every machine. A query with NaN or infinity counts as the zero vector.
pub struct PackedScorer {
    layout: PackedLayout,
    kind: Kind,
}

enum Kind {
    Scalar(Box<ScalarScorer>),
    Trained(Box<TrainedScorer>),
}

impl PackedScorer {
    /// Prepares `query`, the little-endian floats of one vector at any alignment.
    ///
    /// # Errors
    /// The query is not one vector long.
    pub fn new(quantiser: &Quantiser, query: &[u8]) -> Result<PackedScorer, QuantError> {
        let layout = quantiser.layout();
        if query.len() != layout.vector_bytes() {
            return Err(QuantError::QueryLength { expected_bytes: layout.vector_bytes(), actual_bytes: query.len() });
        }
        let kind = match quantiser.trained() {
            Some(trained) => Kind::Trained(Box::new(TrainedScorer::new(quantiser.kernel(), trained, query))),
            None => Kind::Scalar(Box::new(ScalarScorer::new(quantiser.kernel(), layout, query)?)),
        };
        Ok(PackedScorer { layout, kind })
    }

    /// Asks for the bytes of `rows`, so that [`PackedScorer::distances`] finds them in the cache. A hint: it does nothing
    /// where a CPU has no such instruction, and a row that is not in the table does no harm.
    #[inline]
    pub fn prefetch(&self, table: &PackedTable<'_>, rows: &[u32]) {
        prefetch_rows(CodeRows::packed(table.bytes(), self.layout.row_bytes()), rows);
    }

    /// Quick estimates of the distances of `rows`, in their order, into `out`, which has one place for each. Cosine may leave
    /// `[0, 2]` and squared distances may fall below 0, by as much as the estimate errs.
    ///
    /// # Errors
    /// A row is not in the table, the table has another layout than this query, or `out` is of another length than
    /// `rows`.
    #[inline]
    pub fn distances(&self, table: &PackedTable<'_>, rows: &[u32], out: &mut [f32]) -> Result<(), QuantError> {
        if table.layout() != self.layout {
            return Err(QuantError::LayoutMismatch);
        }
        let scorer = match &self.kind {
            Kind::Scalar(scorer) => return scorer.distances(table, rows, out),
            Kind::Trained(scorer) => scorer,
        };
        if out.len() != rows.len() {
            return Err(QuantError::OutputLength { rows: rows.len(), places: out.len() });
        }
        // The largest is looked at alone: finding it needs no branch for each row.
        if let Some(largest) = rows.iter().max() {
            table.check(*largest)?;
        }
        let row_bytes = self.layout.row_bytes();
        for (slot, row) in out.iter_mut().zip(rows) {
            *slot = scorer.quick_distance(&table.bytes()[*row as usize * row_bytes..][..row_bytes]);
        }
        Ok(())
    }

    /// Distances from what `rows`, consecutive and of any alignment, are decoded to, as near as `f32` sums tell them: what
    /// answers are ranked by. Not NaN unless a row is damaged.
    ///
    /// # Errors
    /// `rows` is not as many packed rows as `out` has places.
    pub fn distances_of(&self, rows: &[u8], out: &mut [f32]) -> Result<(), QuantError> {
        let row_bytes = self.layout.row_bytes();
        if out.len().checked_mul(row_bytes) != Some(rows.len()) {
            return Err(QuantError::TableLength { bytes: rows.len(), row_bytes });
        }
        for (slot, row) in out.iter_mut().zip(rows.chunks_exact(row_bytes)) {
            *slot = match &self.kind {
                Kind::Scalar(scorer) => scorer.distance(row),
                Kind::Trained(scorer) => scorer.distance(row),
            };
        }
        Ok(())
    }
}
