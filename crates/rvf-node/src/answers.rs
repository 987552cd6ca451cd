//! Answers as `src-ts/engine.ts` declares them.

use napi::bindgen_prelude::{Uint8Array, Uint32Array};
use napi_derive::napi;
use rvf_runtime::types::Compression;
use rvf_runtime::{
    Changes, CompactOutcome, CompressionStatus, DeleteOutcome, FilteredPage, Hits, IngestOutcome, ReplaceOutcome,
    RowPage, SegmentInfo, Status, StoreOptions, TieringStatus, UpdateOutcome, VerifyReport,
};

#[napi(object)]
pub struct EngineInfo {
    pub dimension: u32,
    pub metric: u32,
    pub data_type: u32,
    pub read_only: bool,
    pub file_id: String,
    pub parent_id: String,
    pub lineage_depth: u32,
    pub m: u32,
    pub ef_construction: u32,
    pub profile: u32,
    pub embedding_model: Option<String>,
    pub schema: Option<String>,
}

#[napi(object)]
pub struct EngineIngest {
    pub accepted: f64,
    pub epoch: f64,
    pub skipped: Vec<u32>,
}

impl From<IngestOutcome> for EngineIngest {
    fn from(outcome: IngestOutcome) -> Self {
        EngineIngest { accepted: outcome.accepted as f64, epoch: outcome.epoch as f64, skipped: outcome.skipped }
    }
}

/// What each of several ingests did, in the order they came.
#[napi(object)]
pub struct EngineIngestGroup {
    pub epochs: Vec<f64>,
    /// An empty string for each ingest that succeeded; absent where all of them did.
    pub errors: Option<Vec<String>>,
}

#[napi(object)]
pub struct EngineDelete {
    pub deleted: f64,
    pub epoch: f64,
}

impl From<DeleteOutcome> for EngineDelete {
    fn from(outcome: DeleteOutcome) -> Self {
        EngineDelete { deleted: outcome.deleted as f64, epoch: outcome.epoch as f64 }
    }
}

#[napi(object)]
pub struct EngineReplace {
    pub deleted: f64,
    pub accepted: f64,
    pub epoch: f64,
    pub skipped: Vec<u32>,
}

impl From<ReplaceOutcome> for EngineReplace {
    fn from(outcome: ReplaceOutcome) -> Self {
        let EngineIngest { accepted, epoch, skipped } = outcome.ingest.into();
        EngineReplace { deleted: outcome.deleted as f64, accepted, epoch, skipped }
    }
}

#[napi(object)]
pub struct EngineUpdate {
    pub updated: f64,
    pub epoch: f64,
}

impl From<UpdateOutcome> for EngineUpdate {
    fn from(outcome: UpdateOutcome) -> Self {
        EngineUpdate { updated: outcome.updated as f64, epoch: outcome.epoch as f64 }
    }
}

#[napi(object)]
pub struct EngineHits {
    pub ids: Vec<String>,
    pub distances: Vec<f64>,
    pub metadata: Option<String>,
    pub without_metadata: Option<Vec<u32>>,
    pub vectors: Option<Uint8Array>,
    pub lossy: Option<Vec<u32>>,
    pub plan: Option<String>,
}

impl From<Hits> for EngineHits {
    fn from(hits: Hits) -> Self {
        EngineHits {
            ids: hits.ids,
            distances: hits.distances.into_iter().map(f64::from).collect(),
            metadata: hits.metadata,
            without_metadata: some_unless_empty(hits.without_metadata),
            vectors: hits.vectors.map(Uint8Array::from),
            lossy: some_unless_empty(hits.lossy),
            plan: hits.plan.map(|plan| plan.to_json()),
        }
    }
}

#[napi(object)]
pub struct EngineBatchHits {
    pub counts: Uint32Array,
    pub ids: Vec<String>,
    pub distances: Vec<f64>,
    pub metadata: Option<String>,
    pub without_metadata: Option<Vec<u32>>,
    pub vectors: Option<Uint8Array>,
    pub lossy: Option<Vec<u32>>,
    pub plan: Option<String>,
}

impl From<(Vec<u32>, Hits)> for EngineBatchHits {
    fn from((counts, hits): (Vec<u32>, Hits)) -> Self {
        let hits = EngineHits::from(hits);
        EngineBatchHits {
            counts: Uint32Array::from(counts),
            ids: hits.ids,
            distances: hits.distances,
            metadata: hits.metadata,
            without_metadata: hits.without_metadata,
            vectors: hits.vectors,
            lossy: hits.lossy,
            plan: hits.plan,
        }
    }
}

#[napi(object)]
pub struct EngineRows {
    pub ids: Vec<String>,
    pub indexes: Vec<u32>,
    pub metadata: Option<String>,
    pub without_metadata: Option<Vec<u32>>,
    pub vectors: Option<Uint8Array>,
    pub lossy: Option<Vec<u32>>,
    /// Where to go on, -1 at the end.
    pub next: f64,
}

impl From<RowPage> for EngineRows {
    fn from(page: RowPage) -> Self {
        EngineRows {
            ids: page.ids,
            indexes: page.indexes,
            metadata: page.metadata,
            without_metadata: some_unless_empty(page.without_metadata),
            vectors: page.vectors.map(Uint8Array::from),
            lossy: some_unless_empty(page.lossy),
            next: page.next.map_or(-1.0, f64::from),
        }
    }
}

/// Rows of a filter.
#[napi(object)]
pub struct EnginePage {
    pub ids: Vec<String>,
    pub indexes: Vec<u32>,
    pub metadata: Option<String>,
    pub without_metadata: Option<Vec<u32>>,
    pub vectors: Option<Uint8Array>,
    pub lossy: Option<Vec<u32>>,
    pub next: f64,
    pub generation: f64,
}

impl From<FilteredPage> for EnginePage {
    fn from(found: FilteredPage) -> Self {
        let rows = EngineRows::from(found.page);
        EnginePage {
            ids: rows.ids,
            indexes: rows.indexes,
            metadata: rows.metadata,
            without_metadata: rows.without_metadata,
            vectors: rows.vectors,
            lossy: rows.lossy,
            next: rows.next,
            generation: found.generation as f64,
        }
    }
}

/// What became of entries since an epoch.
#[napi(object)]
pub struct EngineChanges {
    pub ids: Vec<String>,
    pub indexes: Vec<u32>,
    pub metadata: Option<String>,
    pub without_metadata: Option<Vec<u32>>,
    pub vectors: Option<Uint8Array>,
    pub lossy: Option<Vec<u32>>,
    pub next: f64,
    /// Where the next page starts, empty on the last: until, epoch, row, generation.
    pub position: Vec<f64>,
    pub epochs: Vec<f64>,
    pub deleted: Vec<String>,
    pub epoch: f64,
}

impl From<Changes> for EngineChanges {
    fn from(changes: Changes) -> Self {
        let rows = EngineRows::from(changes.page);
        EngineChanges {
            ids: rows.ids,
            indexes: rows.indexes,
            metadata: rows.metadata,
            without_metadata: rows.without_metadata,
            vectors: rows.vectors,
            lossy: rows.lossy,
            next: rows.next,
            position: changes.next.map_or_else(Vec::new, |next| {
                vec![next.until as f64, next.last.0 as f64, f64::from(next.last.1), next.generation as f64]
            }),
            epochs: changes.epochs.into_iter().map(|epoch| epoch as f64).collect(),
            deleted: changes.deleted,
            epoch: changes.epoch as f64,
        }
    }
}

fn some_unless_empty(indexes: Vec<u32>) -> Option<Vec<u32>> {
    Some(indexes).filter(|indexes| !indexes.is_empty())
}

#[napi(object)]
pub struct EngineStatus {
    pub total_vectors: f64,
    pub total_segments: f64,
    pub file_size_bytes: f64,
    pub epoch: f64,
    pub profile: u32,
    pub compaction_running: bool,
    pub dead_space_ratio: f64,
    pub read_only: bool,
    pub poisoned: bool,
    pub mapped: bool,
    pub total_rows: f64,
    pub unindexed_rows: f64,
    pub index_layers: u32,
    pub index_bytes: f64,
    pub needs_rebuild: bool,
    pub compression: Option<EngineCompressionStatus>,
    pub tiering: Option<EngineTieringStatus>,
    pub tail_bytes: f64,
    pub retained_bytes: f64,
    pub witness_entries: f64,
    pub recovered_torn_bytes: f64,
    pub recovered_commits: f64,
}

/// `EngineCompressionStatus` of `src-ts/engine.ts`.
#[napi(object)]
pub struct EngineCompressionStatus {
    pub kind: u32,
    pub bits: u32,
    pub subvectors: u32,
    pub training_rows: u32,
    pub packed_rows: f64,
    pub row_bytes: f64,
    pub quantisers: f64,
    pub sample_rows: f64,
    pub recall: f64,
    pub relative_error: f64,
}

/// `EngineTieringStatus` of `src-ts/engine.ts`.
#[napi(object)]
pub struct EngineTieringStatus {
    pub hot_share: f64,
    pub cold_kind: u32,
    pub hot_rows: f64,
    pub cold_rows: f64,
    pub cold_row_bytes: f64,
    pub sample_rows: f64,
    pub recall: f64,
    pub relative_error: f64,
}

impl EngineTieringStatus {
    fn new(found: TieringStatus) -> Self {
        EngineTieringStatus {
            hot_share: f64::from(found.options.hot_share_per_mille) / 1_000.0,
            cold_kind: u32::from(found.options.cold.kind()),
            hot_rows: found.hot_rows as f64,
            cold_rows: found.cold_rows as f64,
            cold_row_bytes: found.cold_row_bytes as f64,
            sample_rows: found.measured.map_or(0.0, |measured| measured.sample_rows as f64),
            recall: found.measured.map_or(0.0, |measured| measured.recall),
            relative_error: found.measured.map_or(0.0, |measured| measured.relative_error),
        }
    }
}

impl EngineCompressionStatus {
    fn new(found: CompressionStatus, compression: Compression) -> Self {
        let (bits, subvectors) = match compression {
            Compression::None => (32, 0),
            Compression::Scalar { bits } => (bits, 0),
            Compression::Product { subvectors, bits, .. } => (bits, subvectors),
            Compression::Binary { .. } => (1, 0),
        };
        EngineCompressionStatus {
            kind: u32::from(compression.kind()),
            bits: u32::from(bits),
            subvectors,
            training_rows: compression.training_rows(),
            packed_rows: found.packed_rows as f64,
            row_bytes: found.row_bytes as f64,
            quantisers: found.quantisers as f64,
            sample_rows: found.measured.map_or(0.0, |measured| measured.sample_rows as f64),
            recall: found.measured.map_or(0.0, |measured| measured.recall),
            relative_error: found.measured.map_or(0.0, |measured| measured.relative_error),
        }
    }
}

impl EngineStatus {
    pub(crate) fn new(status: Status, options: &StoreOptions) -> Self {
        EngineStatus {
            total_vectors: status.vector_count as f64,
            total_segments: status.segment_count as f64,
            file_size_bytes: status.file_bytes as f64,
            epoch: status.epoch as f64,
            profile: u32::from(options.profile),
            compaction_running: status.is_compacting,
            dead_space_ratio: status.dead_space_ratio,
            read_only: status.is_read_only,
            poisoned: status.is_poisoned,
            mapped: status.is_mapped,
            total_rows: status.row_count as f64,
            unindexed_rows: status.unindexed_rows as f64,
            index_layers: status.index_layers,
            index_bytes: status.index_bytes as f64,
            needs_rebuild: status.needs_rebuild,
            compression: status.compression.map(|found| EngineCompressionStatus::new(found, options.compression)),
            tiering: status.tiering.map(EngineTieringStatus::new),
            tail_bytes: status.tail_bytes as f64,
            // There are no branches that anything would be retained for.
            retained_bytes: 0.0,
            witness_entries: status.witness_count as f64,
            recovered_torn_bytes: status.recovered_torn_bytes as f64,
            recovered_commits: status.recovered_commits as f64,
        }
    }
}

#[napi(object)]
pub struct EngineSegment {
    pub id: f64,
    pub offset: f64,
    pub payload_length: f64,
    pub seg_type: String,
}

impl From<SegmentInfo> for EngineSegment {
    fn from(segment: SegmentInfo) -> Self {
        EngineSegment {
            id: segment.id as f64,
            offset: segment.offset as f64,
            payload_length: segment.payload_bytes as f64,
            seg_type: segment.kind,
        }
    }
}

#[napi(object)]
pub struct EngineCompact {
    pub segments_compacted: f64,
    pub bytes_reclaimed: f64,
    pub epoch: f64,
}

impl From<CompactOutcome> for EngineCompact {
    fn from(outcome: CompactOutcome) -> Self {
        EngineCompact {
            segments_compacted: outcome.segments_compacted as f64,
            bytes_reclaimed: outcome.bytes_reclaimed as f64,
            epoch: outcome.epoch as f64,
        }
    }
}

#[napi(object)]
pub struct EngineProblem {
    pub code: u32,
    pub segment_id: f64,
    pub offset: f64,
    pub message: String,
}

#[napi(object)]
pub struct EngineVerify {
    pub segments: f64,
    pub bytes: f64,
    pub problems: Vec<EngineProblem>,
}

impl From<VerifyReport> for EngineVerify {
    fn from(report: VerifyReport) -> Self {
        let problem = |problem: rvf_runtime::Problem| EngineProblem {
            code: problem.code as u32,
            segment_id: problem.segment as f64,
            offset: problem.offset as f64,
            message: problem.message,
        };
        EngineVerify {
            segments: report.segments as f64,
            bytes: report.bytes as f64,
            problems: report.problems.into_iter().map(problem).collect(),
        }
    }
}
