use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Env, Object};
use napi_derive::napi;
use rvf_runtime::types::{ErrorCode, Row};
use rvf_runtime::{
    Changes, ChangesPosition, Expression, FilterPlan, FilteredPage, PageRequest, RvfError, RvfStore, Target, Write,
};

use crate::answers::{EngineChanges, EnginePage};
use crate::control::{Control, control_of};
use crate::error::{answer, to_napi};
use crate::store::{Store, batch, duplicates, filter_of, packed};
use crate::tasks::{PoolTask, on_pool};

/// The calls of `EngineStore` that go by metadata, and `changes`.
#[napi]
impl Store {
    #[napi(ts_return_type = "Promise<number>")]
    pub fn count_where(
        &self,
        filter: String,
        timeout_ms: f64,
        control: Option<&Control>,
    ) -> AsyncTask<PoolTask<u64, f64>> {
        let (store, control) = (Arc::clone(&self.store), control_of(control));
        let work = move || store.count_where(&*store.filter(&filter)?, whole(timeout_ms), Some(&control));
        on_pool(work, |count| count as f64)
    }

    #[napi(ts_return_type = "Promise<EnginePage>")]
    #[allow(clippy::too_many_arguments)]
    pub fn list_where(
        &self,
        filter: String,
        cursor: f64,
        generation: f64,
        limit: u32,
        include_vectors: bool,
        timeout_ms: f64,
        control: Option<&Control>,
    ) -> AsyncTask<PoolTask<FilteredPage, EnginePage>> {
        let (store, control) = (Arc::clone(&self.store), control_of(control));
        let request = PageRequest { cursor: cursor as Row, limit: limit as usize, with_vectors: include_vectors };
        let generation = (generation >= 0.0).then(|| whole(generation));
        let work = move || {
            let filter = filter_of(&store, &filter)?;
            store.list_where(filter.as_deref(), request, generation, whole(timeout_ms), Some(&control))
        };
        on_pool(work, EnginePage::from)
    }

    #[napi(ts_return_type = "Promise<EngineDelete>")]
    pub fn delete_where<'env>(
        &self,
        env: &'env Env,
        filter: String,
        control: Option<&Control>,
    ) -> napi::Result<Object<'env>> {
        let filter = required(&self.store, &filter)?;
        self.submit(env, Write::DeleteWhere { filter, control: shared(control) })
    }

    #[napi(ts_return_type = "Promise<EngineUpdate>")]
    pub fn update_metadata<'env>(
        &self,
        env: &'env Env,
        ids: Option<&[u8]>,
        id_offsets: Option<&[u32]>,
        filter: String,
        patch: String,
        control: Option<&Control>,
    ) -> napi::Result<Object<'env>> {
        let target = match ids.zip(id_offsets) {
            Some((ids, offsets)) => Target::Ids(packed(ids, offsets)),
            None => Target::Where(required(&self.store, &filter)?),
        };
        self.submit(env, Write::Update { target, patch: patch.into_bytes(), control: shared(control) })
    }

    #[napi(ts_return_type = "Promise<EngineReplace>")]
    #[allow(clippy::too_many_arguments)]
    pub fn replace_where<'env>(
        &self,
        env: &'env Env,
        filter: String,
        ids: &[u8],
        id_offsets: &[u32],
        vectors: &[u8],
        metadata: Option<&[u8]>,
        metadata_offsets: Option<&[u32]>,
        on_duplicate: u32,
        control: Option<&Control>,
    ) -> napi::Result<Object<'env>> {
        let write = Write::Replace {
            filter: required(&self.store, &filter)?,
            batch: Arc::new(batch(ids, id_offsets, vectors, metadata, metadata_offsets)),
            on_duplicate: duplicates(on_duplicate)?,
            control: shared(control),
        };
        self.submit(env, write)
    }

    #[napi(ts_return_type = "Promise<EngineChanges>")]
    pub fn changes(
        &self,
        since_epoch: f64,
        position: Vec<f64>,
        limit: u32,
        include_vectors: bool,
    ) -> AsyncTask<PoolTask<Changes, EngineChanges>> {
        let store = Arc::clone(&self.store);
        let after = match position[..] {
            [until, epoch, row, generation] => Some(ChangesPosition {
                until: whole(until),
                last: (whole(epoch), row as Row),
                generation: whole(generation),
            }),
            _ => None,
        };
        let work = move || store.changes(whole(since_epoch), after, limit as usize, include_vectors);
        on_pool(work, EngineChanges::from)
    }

    #[napi(ts_return_type = "Promise<string>")]
    pub fn explain(&self, filter: String) -> AsyncTask<PoolTask<FilterPlan, String>> {
        let store = Arc::clone(&self.store);
        on_pool(move || store.explain(&*store.filter(&filter)?), |plan| plan.to_json())
    }
}

/// A filter that must be there: without one, everything would be deleted or changed.
fn required(store: &RvfStore, text: &str) -> napi::Result<Arc<Expression>> {
    let missing = || to_napi(RvfError::new(ErrorCode::FilterParseError, "the filter is missing"));
    answer(filter_of(store, text))?.ok_or_else(missing)
}

fn shared(control: Option<&Control>) -> Option<Arc<rvf_runtime::Control>> {
    control.map(|control| Arc::clone(&control.inner))
}

fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}
