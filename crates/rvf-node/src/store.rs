use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{AsyncTask, Env, Object, Uint8Array};
use napi_derive::napi;
use parking_lot::Mutex;
use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{
    Batch, CompactOutcome, Expression, Hits, OnDuplicate, Outcome, PackedStrings, RowPage, RvfError, RvfStore,
    VerifyReport, Write,
};

use crate::answers::{
    EngineBatchHits, EngineCompact, EngineDelete, EngineHits, EngineInfo, EngineIngest, EngineRows, EngineSegment,
    EngineStatus, EngineVerify,
};
use crate::control::{Control, control_of};
use crate::error::{answer, to_napi};
use crate::ingest_group::split;
use crate::options::QueryArguments;
use crate::promises::{Answer, Promises};
use crate::snapshot::Snapshot;
use crate::tasks::{PoolTask, on_pool};

/// One open store: `EngineStore` of `src-ts/engine.ts`.
#[napi]
pub struct Store {
    pub(crate) store: Arc<RvfStore>,
    pub(crate) promises: Arc<Promises>,
}

#[napi]
impl Store {
    #[napi]
    pub fn info(&self) -> EngineInfo {
        let (options, lineage) = (self.store.options(), self.store.lineage());
        EngineInfo {
            dimension: options.dimension,
            metric: options.metric as u32,
            data_type: options.data_type as u32,
            read_only: self.store.is_read_only(),
            file_id: lineage.file_id.to_string(),
            parent_id: lineage.parent_id.to_string(),
            lineage_depth: lineage.depth,
            m: options.m,
            ef_construction: options.ef_construction,
            profile: u32::from(options.profile),
            embedding_model: options.embedding_model,
            schema: options.schema,
        }
    }

    #[napi(ts_return_type = "Promise<EngineIngest>")]
    #[allow(clippy::too_many_arguments)]
    pub fn ingest<'env>(
        &self,
        env: &'env Env,
        ids: &[u8],
        id_offsets: &[u32],
        vectors: &[u8],
        metadata: Option<&[u8]>,
        metadata_offsets: Option<&[u32]>,
        on_duplicate: u32,
        control: Option<&Control>,
    ) -> napi::Result<Object<'env>> {
        let batch = Arc::new(batch(ids, id_offsets, vectors, metadata, metadata_offsets));
        let control = control.map(|control| Arc::clone(&control.inner));
        let write = Write::Ingest { batch, on_duplicate: duplicates(on_duplicate)?, control };
        self.submit(env, write)
    }

    /// Several ingests with `counts[i]` entries each, every one a commit of its own.
    #[napi(ts_return_type = "Promise<EngineIngestGroup>")]
    #[allow(clippy::too_many_arguments)]
    pub fn ingest_group<'env>(
        &self,
        env: &'env Env,
        ids: &[u8],
        id_offsets: &[u32],
        vectors: &[u8],
        metadata: Option<&[u8]>,
        metadata_offsets: Option<&[u32]>,
        counts: &[u32],
    ) -> napi::Result<Object<'env>> {
        let all = batch(ids, id_offsets, vectors, metadata, metadata_offsets);
        check_group(&all, counts)?;
        let (deferred, promise) = self.promises.promise(env)?;
        let promises = Arc::clone(&self.promises);
        let writes = split(&all, counts, move |group| promises.finish(deferred, Ok(Answer::IngestGroup(group))));
        self.store.submit_all(writes);
        Ok(promise)
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn ingest_sync(
        &self,
        ids: &[u8],
        id_offsets: &[u32],
        vectors: &[u8],
        metadata: Option<&[u8]>,
        metadata_offsets: Option<&[u32]>,
        on_duplicate: u32,
        busy_timeout_ms: f64,
    ) -> napi::Result<EngineIngest> {
        let batch = batch(ids, id_offsets, vectors, metadata, metadata_offsets);
        let outcome = self.store.ingest(batch, duplicates(on_duplicate)?, milliseconds(busy_timeout_ms));
        answer(outcome.map(EngineIngest::from))
    }

    #[napi(ts_return_type = "Promise<EngineDelete>")]
    pub fn delete<'env>(&self, env: &'env Env, ids: &[u8], id_offsets: &[u32]) -> napi::Result<Object<'env>> {
        self.submit(env, Write::Delete(packed(ids, id_offsets)))
    }

    #[napi]
    pub fn delete_sync(&self, ids: &[u8], id_offsets: &[u32], busy_timeout_ms: f64) -> napi::Result<EngineDelete> {
        let outcome = self.store.delete(packed(ids, id_offsets), milliseconds(busy_timeout_ms));
        answer(outcome.map(EngineDelete::from))
    }

    /// A promise for a write that the engine's own thread commits.
    pub(crate) fn submit<'env>(&self, env: &'env Env, write: Write) -> napi::Result<Object<'env>> {
        let (deferred, promise) = self.promises.promise(env)?;
        let promises = Arc::clone(&self.promises);
        let done = move |result: rvf_runtime::Result<Outcome>| {
            let answer = answer(result).map(|outcome| match outcome {
                Outcome::Ingest(outcome) => Answer::Ingest(outcome.into()),
                Outcome::Delete(outcome) => Answer::Delete(outcome.into()),
                Outcome::Replace(outcome) => Answer::Replace(outcome.into()),
                Outcome::Update(outcome) => Answer::Update(outcome.into()),
            });
            promises.finish(deferred, answer);
        };
        self.store.submit(write, Box::new(done));
        Ok(promise)
    }

    #[napi(ts_return_type = "Promise<EngineHits>")]
    #[allow(clippy::too_many_arguments)]
    pub fn query(
        &self,
        vector: &[u8],
        k: u32,
        flags: u32,
        ef_search: f64,
        distance_max: f64,
        timeout_ms: f64,
        filter: String,
        control: Option<&Control>,
    ) -> AsyncTask<PoolTask<Hits, EngineHits>> {
        let (store, vector, control) = (Arc::clone(&self.store), vector.to_vec(), control_of(control));
        let given = QueryArguments { k, flags, ef_search, distance_max, timeout_ms, filter };
        on_pool(move || store.query(&vector, &given.read(&store)?, Some(&control)), EngineHits::from)
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn query_sync(
        &self,
        vector: &[u8],
        k: u32,
        flags: u32,
        ef_search: f64,
        distance_max: f64,
        timeout_ms: f64,
        filter: String,
    ) -> napi::Result<EngineHits> {
        let given = QueryArguments { k, flags, ef_search, distance_max, timeout_ms, filter };
        let hits = given.read(&self.store).and_then(|options| self.store.query(vector, &options, None));
        answer(hits.map(EngineHits::from))
    }

    #[napi(ts_return_type = "Promise<EngineBatchHits>")]
    #[allow(clippy::too_many_arguments)]
    pub fn query_batch(
        &self,
        vectors: &[u8],
        k: u32,
        flags: u32,
        ef_search: f64,
        distance_max: f64,
        timeout_ms: f64,
        filter: String,
        control: Option<&Control>,
    ) -> AsyncTask<PoolTask<(Vec<u32>, Hits), EngineBatchHits>> {
        let (store, vectors, control) = (Arc::clone(&self.store), vectors.to_vec(), control_of(control));
        let given = QueryArguments { k, flags, ef_search, distance_max, timeout_ms, filter };
        on_pool(move || store.query_batch(&vectors, &given.read(&store)?, Some(&control)), EngineBatchHits::from)
    }

    #[napi(ts_return_type = "Promise<EngineRows>")]
    pub fn get(
        &self,
        ids: &[u8],
        id_offsets: &[u32],
        include_vectors: bool,
    ) -> AsyncTask<PoolTask<RowPage, EngineRows>> {
        let (store, ids) = (Arc::clone(&self.store), packed(ids, id_offsets));
        on_pool(move || store.get(&ids, include_vectors), EngineRows::from)
    }

    #[napi]
    pub fn has(&self, ids: &[u8], id_offsets: &[u32]) -> napi::Result<Vec<bool>> {
        answer(self.store.has(&packed(ids, id_offsets)))
    }

    #[napi]
    pub fn count(&self) -> napi::Result<f64> {
        answer(self.store.count().map(|count| count as f64))
    }

    #[napi]
    pub fn snapshot(&self) -> napi::Result<Snapshot> {
        let store = Arc::clone(&self.store);
        answer(self.store.snapshot().map(|snapshot| Snapshot { store, inner: Mutex::new(Some(snapshot)) }))
    }

    #[napi]
    pub fn status(&self) -> napi::Result<EngineStatus> {
        let options = self.store.options();
        answer(self.store.status().map(|status| EngineStatus::new(status, &options)))
    }

    #[napi]
    pub fn segments(&self) -> napi::Result<Vec<EngineSegment>> {
        answer(self.store.segments().map(|segments| segments.into_iter().map(EngineSegment::from).collect()))
    }

    #[napi(ts_return_type = "Promise<void>")]
    pub fn wait_for_index(&self, control: Option<&Control>) -> AsyncTask<PoolTask<(), ()>> {
        let (store, control) = (Arc::clone(&self.store), control_of(control));
        on_pool(move || store.wait_for_index(&control), |()| ())
    }

    #[napi(ts_return_type = "Promise<EngineCompact>")]
    pub fn compact(&self, control: Option<&Control>) -> AsyncTask<PoolTask<CompactOutcome, EngineCompact>> {
        let (store, control) = (Arc::clone(&self.store), control_of(control));
        on_pool(move || store.compact(&control), EngineCompact::from)
    }

    #[napi(ts_return_type = "Promise<void>")]
    pub fn backup(&self, path: String, control: Option<&Control>) -> AsyncTask<PoolTask<(), ()>> {
        let (store, control) = (Arc::clone(&self.store), control_of(control));
        on_pool(move || store.backup(&path, &control), |()| ())
    }

    #[napi(ts_return_type = "Promise<EngineVerify>")]
    pub fn verify(&self, control: Option<&Control>) -> AsyncTask<PoolTask<VerifyReport, EngineVerify>> {
        let (store, control) = (Arc::clone(&self.store), control_of(control));
        on_pool(move || store.verify(&control), EngineVerify::from)
    }

    #[napi(ts_return_type = "Promise<Uint8Array>")]
    pub fn export_bytes(&self) -> AsyncTask<PoolTask<Vec<u8>, Uint8Array>> {
        let store = Arc::clone(&self.store);
        on_pool(move || store.export_bytes().map(|bytes| bytes.to_vec()), Uint8Array::from)
    }

    #[napi]
    pub fn freeze(&self) -> napi::Result<f64> {
        answer(self.store.freeze().map(|epoch| epoch as f64))
    }

    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn refresh(&self) -> AsyncTask<PoolTask<bool, bool>> {
        let store = Arc::clone(&self.store);
        on_pool(move || store.refresh(), |is_new| is_new)
    }

    #[napi(ts_return_type = "Promise<void>")]
    pub fn close(&self) -> AsyncTask<PoolTask<(), ()>> {
        let store = Arc::clone(&self.store);
        on_pool(move || store.close(), |()| ())
    }
}

pub(crate) fn packed(bytes: &[u8], offsets: &[u32]) -> PackedStrings {
    PackedStrings { bytes: bytes.to_vec(), offsets: offsets.to_vec() }
}

pub(crate) fn batch(
    ids: &[u8],
    id_offsets: &[u32],
    vectors: &[u8],
    metadata: Option<&[u8]>,
    metadata_offsets: Option<&[u32]>,
) -> Batch {
    Batch {
        ids: packed(ids, id_offsets),
        vectors: AlignedBytes::from(vectors),
        metadata: metadata.zip(metadata_offsets).map(|(bytes, offsets)| packed(bytes, offsets)),
    }
}

/// Checks what splitting the batch relies on; everything else is the engine's to check.
fn check_group(all: &Batch, counts: &[u32]) -> napi::Result<()> {
    let entries: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let is_whole = !counts.is_empty() && counts.iter().all(|count| *count > 0) && entries == all.len() as u64;
    let texts = std::iter::once(&all.ids).chain(&all.metadata);
    let are_packed = texts.into_iter().all(|strings| {
        strings.len() == all.len()
            && strings.offsets.is_sorted()
            && strings.offsets.last().map(|end| *end as usize) == Some(strings.bytes.len())
    });
    if is_whole && are_packed {
        return Ok(());
    }
    Err(to_napi(RvfError::new(ErrorCode::InvalidInput, "the counts of the group do not fit its entries")))
}

/// A filter from its text, `None` for the empty one.
pub(crate) fn filter_of(store: &RvfStore, text: &str) -> rvf_runtime::Result<Option<Arc<Expression>>> {
    if text.is_empty() { Ok(None) } else { store.filter(text).map(Some) }
}

pub(crate) fn duplicates(value: u32) -> napi::Result<OnDuplicate> {
    match value {
        0 => Ok(OnDuplicate::Replace),
        1 => Ok(OnDuplicate::Error),
        2 => Ok(OnDuplicate::Skip),
        _ => Err(to_napi(RvfError::new(ErrorCode::InvalidInput, format!("onDuplicate {value} is not known")))),
    }
}

fn milliseconds(value: f64) -> Duration {
    Duration::from_millis(value.max(0.0) as u64)
}
