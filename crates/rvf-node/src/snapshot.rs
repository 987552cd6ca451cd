use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use parking_lot::Mutex;
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{PageRequest, RowPage, RvfError, RvfStore, StoreSnapshot};

use crate::answers::EngineRows;
use crate::error::to_napi;
use crate::store::filter_of;
use crate::tasks::{PoolTask, on_pool};

/// A state of the store that stays as it is while others write.
#[napi]
pub struct Snapshot {
    pub(crate) store: Arc<RvfStore>,
    pub(crate) inner: Mutex<Option<StoreSnapshot>>,
}

#[napi]
impl Snapshot {
    #[napi(getter)]
    pub fn count(&self) -> f64 {
        self.inner.lock().as_ref().map_or(0.0, |snapshot| snapshot.count() as f64)
    }

    #[napi(ts_return_type = "Promise<EngineRows>")]
    pub fn rows(
        &self,
        cursor: u32,
        limit: u32,
        include_vectors: bool,
        filter: String,
    ) -> napi::Result<AsyncTask<PoolTask<RowPage, EngineRows>>> {
        let Some(snapshot) = self.inner.lock().clone() else {
            return Err(to_napi(RvfError::new(ErrorCode::StoreClosed, "the snapshot has been released")));
        };
        let store = Arc::clone(&self.store);
        let request = PageRequest { cursor, limit: limit as usize, with_vectors: include_vectors };
        let work = move || snapshot.rows(request, filter_of(&store, &filter)?.as_deref());
        Ok(on_pool(work, EngineRows::from))
    }

    /// Lets go of the state; more than once does no harm.
    #[napi]
    pub fn release(&self) {
        *self.inner.lock() = None;
    }
}
