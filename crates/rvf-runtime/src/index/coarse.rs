use std::borrow::Cow;
use std::sync::Arc;

use rvf_index::GraphSource;
use rvf_layer::{BuildError, ProgressiveBuilder, RowSource};
use rvf_manifest::StoreOptions;
use rvf_types::Row;
use rvf_types::limits::COARSE_FROM_ROWS;

use crate::index::{LayerSource, ProfileLayout};
use crate::segment::{CheckedSegment, Slice};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// The bytes of the progressive layer, as they lie in the file.
pub(crate) struct CoarseSource(LayerSource);

impl CoarseSource {
    /// The layer that COARSE segments hold; `None` where there are none.
    pub(crate) fn of(segments: &[Arc<CheckedSegment>]) -> Result<Option<CoarseSource>> {
        Ok(LayerSource::layers(segments)?.into_iter().next().map(CoarseSource))
    }
}

impl rvf_layer::LayerSource for CoarseSource {
    type Error = RvfError;

    fn len(&self) -> u64 {
        GraphSource::len(&self.0)
    }

    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>> {
        GraphSource::range(&self.0, start, len)
    }
}

/// Vectors and ids of a state, by the numbers that its rows have there or get.
pub(crate) struct CoarseRows<'s, F> {
    snapshot: &'s Snapshot,
    old_row_of: F,
}

impl<F: Fn(Row) -> Row> RowSource for CoarseRows<'_, F> {
    type Error = RvfError;

    fn vector(&self, row: Row) -> Result<Cow<'_, [u8]>> {
        self.snapshot.vector((self.old_row_of)(row)).map(bytes)
    }

    fn id(&self, row: Row) -> Result<Cow<'_, [u8]>> {
        let row = (self.old_row_of)(row);
        match self.snapshot.ids.find(row) {
            Some(run) => run.id(row).map(bytes),
            None => Err(RvfError::internal(format!("row {row} has no id"))),
        }
    }
}

fn bytes(slice: Slice<'_>) -> Cow<'_, [u8]> {
    match slice {
        Slice::Borrowed(bytes) => Cow::Borrowed(bytes),
        Slice::Owned(bytes) => Cow::Owned(bytes.to_vec()),
    }
}

/// True where a graph of so many rows gets a progressive layer.
pub(crate) fn wants_coarse(options: &StoreOptions, row_count: Row) -> bool {
    ProfileLayout::of(options).has_coarse && row_count >= COARSE_FROM_ROWS
}

/// The progressive layer of the living rows below `row_count`; `old_row_of` says which row of the state each is.
pub(crate) fn build_coarse(
    snapshot: &Snapshot,
    row_count: Row,
    old_row_of: impl Fn(Row) -> Row,
) -> Result<Option<(Vec<u8>, Row)>> {
    let rows: Vec<Row> = (0..row_count).filter(|row| !snapshot.dead.contains(old_row_of(*row))).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let options = snapshot.options();
    let builder = ProgressiveBuilder::new(options.metric, options.data_type, options.dimension)
        .map_err(|error| RvfError::internal(error.to_string()))?;
    let built = builder.build(&rows, &CoarseRows { snapshot, old_row_of });
    let layer = built.map_err(|error| match error {
        BuildError::Source(error) => error,
        other => RvfError::internal(other.to_string()),
    })?;
    Ok(Some((layer, row_count)))
}
