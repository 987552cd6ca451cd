use rvf_layer::{Budget, LayerError, ProgressiveReader};
use rvf_types::ErrorCode;

use crate::index::CoarseSource;
use crate::read::query::check_query;
use crate::read::{Hits, QueryOptions};
use crate::store::RvfStore;
use crate::{Result, RvfError};

/// What a rough answer may read, besides what opening the store and the layer has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoarseBudget {
    /// Most reads.
    pub requests_max: u32,
    /// Most bytes of them together.
    pub bytes_max: u64,
}

impl RvfStore {
    /// The neighbours of a vector, roughly and from a few ranges of the file: for a reader that has to fetch what it
    /// reads. Distances are estimates. Rows committed since the layer was made are left out. `None` where the store has
    /// no progressive layer, as small stores have none.
    pub fn query_coarse(&self, vector: &[u8], k: usize, budget: CoarseBudget) -> Result<Option<Hits>> {
        let snapshot = self.current()?;
        check_query(&snapshot, vector, 1, &QueryOptions { k, ..QueryOptions::default() })?;
        let Some(source) = CoarseSource::of(snapshot.index.coarse_segments())? else { return Ok(None) };
        let reader = ProgressiveReader::open(source).map_err(layer_error)?;
        let budget = Budget { requests_max: budget.requests_max, bytes_max: budget.bytes_max };
        let is_dead = |row| snapshot.dead.contains(row);
        let answer = reader.search(vector, k, &budget, &is_dead).map_err(layer_error)?;
        let mut hits = Hits::default();
        for hit in answer.hits {
            let id = String::from_utf8(hit.id);
            hits.ids.push(id.map_err(|_| layer_error(LayerError::Damaged("an id")))?);
            hits.distances.push(hit.distance);
        }
        Ok(Some(hits))
    }
}

fn layer_error(error: LayerError<RvfError>) -> RvfError {
    match error {
        LayerError::Source(error) => error,
        LayerError::Query(error) => RvfError::input(error.to_string()),
        LayerError::Damaged(what) => RvfError::new(
            ErrorCode::InvalidChecksum,
            format!("{what} of the progressive layer is damaged; run verify()"),
        ),
    }
}
