use std::cell::OnceCell;

use rvf_quant::{PackedScorer, Scorer};
use rvf_types::DataType;

use crate::packed::{StoredQuantiser, floats_of};
use crate::runs::KeptRow;
use crate::segment::Slice;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// One query, ready to be compared with the rows of a state, however they are kept.
pub(crate) struct RowScorer<'a> {
    data_type: DataType,
    query: &'a [u8],
    raw: Scorer,
    /// For each quantiser of the state, once its rows are met.
    packed: Vec<OnceCell<PackedScorer>>,
}

impl<'a> RowScorer<'a> {
    pub(crate) fn new(snapshot: &Snapshot, query: &'a [u8]) -> Result<RowScorer<'a>> {
        let shape = snapshot.shape();
        let raw = Scorer::new(shape.metric, shape.data_type, shape.dimension, query)
            .map_err(|error| RvfError::input(error.to_string()))?;
        let packed = std::iter::repeat_with(OnceCell::new).take(snapshot.quantisers.len()).collect();
        Ok(RowScorer { data_type: shape.data_type, query, raw, packed })
    }

    /// Distances of rows as they are kept.
    pub(crate) fn distances(&self, rows: &KeptRow<'_>, out: &mut [f32]) -> Result<()> {
        match rows.quantiser {
            None => self.raw.distances(&rows.bytes, out),
            Some((index, quantiser)) => self
                .packed(index, quantiser)?
                .distances_of(&rows.bytes, out)
                .map_err(|error| RvfError::internal(error.to_string()))?,
        }
        Ok(())
    }

    /// The query as rows of one quantiser are compared with it.
    pub(crate) fn packed(&self, index: usize, quantiser: &StoredQuantiser) -> Result<&PackedScorer> {
        let Some(cell) = self.packed.get(index) else {
            return Err(RvfError::internal("a quantiser of another state"));
        };
        if let Some(scorer) = cell.get() {
            return Ok(scorer);
        }
        let quantiser = quantiser.quantiser()?;
        let query = floats_of(self.data_type, Slice::Borrowed(self.query))?;
        let scorer = PackedScorer::new(quantiser, &query).map_err(|error| RvfError::internal(error.to_string()))?;
        Ok(cell.get_or_init(|| scorer))
    }
}
