use std::sync::atomic::Ordering;

use rvf_manifest::{Lineage, StoreOptions};
use rvf_types::{Epoch, SegmentId, Tiering};
use rvf_wire::HEAD_BYTES;

use crate::Result;
use crate::index::is_worn_or_broken;
use crate::packed::StoredQuantiser;
use crate::runs::Run;
use crate::segment::RunBytes;
use crate::snapshot::Snapshot;
use crate::store::RvfStore;

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Vectors that are not deleted.
    pub vector_count: u64,
    /// Rows given out, dead ones included.
    pub row_count: u64,
    /// Segments that the newest state depends on.
    pub segment_count: u64,
    /// Length of the file.
    pub file_bytes: u64,
    /// Epoch of the newest commit.
    pub epoch: Epoch,
    /// True while a compaction runs.
    pub is_compacting: bool,
    /// Share of the file that the newest state does not need, 0 to 1.
    pub dead_space_ratio: f64,
    /// True where nothing can be written.
    pub is_read_only: bool,
    /// True after a failed write.
    pub is_poisoned: bool,
    /// True where vectors are read from a mapping of the file.
    pub is_mapped: bool,
    /// Bytes behind the last checkpoint.
    pub tail_bytes: u64,
    /// Rows that the graph does not have: each query compares them all.
    pub unindexed_rows: u64,
    /// Layers that the graph is stored in, 0 where there is none.
    pub index_layers: u32,
    /// Bytes of codes and graph in the file.
    pub index_bytes: u64,
    /// So many of the graph's rows are dead, or it is so damaged, that it is to be built anew.
    pub needs_rebuild: bool,
    /// What compression keeps and costs; `None` where vectors are kept as they were given.
    pub compression: Option<CompressionStatus>,
    /// What tiering has made of the rows; `None` where all are kept alike.
    pub tiering: Option<TieringStatus>,
    /// Witness entries since the file's first commit.
    pub witness_count: u64,
    /// Bytes that opening discarded as the rest of an interrupted write.
    pub recovered_torn_bytes: u64,
    /// Commits that opening replayed because the store had not been closed.
    pub recovered_commits: u64,
}

/// What compression keeps and costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompressionStatus {
    /// Rows that are packed, dead ones included; the others are as they were given.
    pub packed_rows: u64,
    /// Bytes of a packed row.
    pub row_bytes: u64,
    /// Quantisers that the rows were packed by.
    pub quantisers: u64,
    /// What the newest of them was measured on and cost; `None` before the first.
    pub measured: Option<Measured>,
}

/// What tiering has made of the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TieringStatus {
    /// What was asked for.
    pub options: Tiering,
    /// Rows that are kept as they were beside the cold packing, dead ones included.
    pub hot_rows: u64,
    /// Rows that have a cold packing, dead ones included; the others are to be looked at by the next compaction.
    pub cold_rows: u64,
    /// Bytes of a row of the cold packing.
    pub cold_row_bytes: u64,
    /// What the cold packing was measured on, beside the rows as they were, and cost; `None` before the first.
    pub measured: Option<Measured>,
}

/// What packing vectors costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Vectors of the sample.
    pub sample_rows: u64,
    /// recall@10 among them of packed vectors alone.
    pub recall: f64,
    /// Mean squared distance of them from what packing leaves of them, as a share of that from their mean.
    pub relative_error: f64,
}

/// A segment that the newest state depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Number of the segment.
    pub id: SegmentId,
    /// Offset of its header.
    pub offset: u64,
    /// Bytes of its payload.
    pub payload_bytes: u64,
    /// Name of its kind.
    pub kind: String,
}

impl RvfStore {
    /// What the store was created with.
    pub fn options(&self) -> StoreOptions {
        self.shared.store_options.clone()
    }

    /// Identity and parents of the file.
    pub fn lineage(&self) -> Lineage {
        self.shared.lineage
    }

    /// True where the store was opened read-only.
    pub fn is_read_only(&self) -> bool {
        self.shared.options.read_only
    }

    /// Sizes, counts and health.
    pub fn status(&self) -> Result<Status> {
        let snapshot = self.current()?;
        let segments = snapshot.segments();
        let file_bytes = snapshot.file.len()?;
        let extents = segments.iter().filter_map(|entry| entry.extent().ok());
        let live_segment_bytes: u64 = extents.map(|extent| extent.end() - extent.offset).sum();
        let compression = compression_status(&snapshot)?;
        let row_bytes = compression.filter(|found| found.packed_rows > 0).map(|found| found.row_bytes);
        let dead_row_bytes = snapshot.dead.count() * row_bytes.unwrap_or(snapshot.row_bytes() as u64);
        let needed = (HEAD_BYTES as u64 + live_segment_bytes).saturating_sub(dead_row_bytes);
        let recovery = *self.shared.recovery.lock();
        let newest_vectors = snapshot.vectors.iter().next_back();
        Ok(Status {
            vector_count: snapshot.vector_count,
            row_count: u64::from(snapshot.next_row),
            segment_count: segments.len() as u64 + 1,
            file_bytes,
            epoch: snapshot.epoch,
            is_compacting: self.shared.is_compacting.load(Ordering::Acquire),
            dead_space_ratio: 1.0 - (needed as f64 / file_bytes.max(1) as f64).clamp(0.0, 1.0),
            is_read_only: self.shared.options.read_only,
            is_poisoned: self.shared.is_poisoned.load(Ordering::Acquire),
            is_mapped: match newest_vectors.map(|run| run.bytes()) {
                Some(RunBytes::Segment(segment)) => segment.is_mapped(),
                _ => false,
            },
            unindexed_rows: u64::from(snapshot.unindexed_rows()),
            index_layers: snapshot.index.layer_count()?,
            index_bytes: snapshot.index.bytes(),
            needs_rebuild: is_worn_or_broken(&snapshot)?,
            compression,
            tiering: tiering_status(&snapshot)?,
            tail_bytes: snapshot.committed_end - snapshot.manifest_segment.extent.end(),
            witness_count: snapshot.witness_count,
            recovered_torn_bytes: recovery.torn_bytes,
            recovered_commits: recovery.commits,
        })
    }

    /// The segments that the newest state depends on, in file order.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>> {
        let snapshot = self.current()?;
        let mut segments =
            vec![SegmentInfo { id: 1, offset: 0, payload_bytes: HEAD_BYTES as u64 - 64, kind: "head".to_owned() }];
        segments.extend(snapshot.segments().into_iter().map(|entry| SegmentInfo {
            id: entry.id(),
            offset: entry.offset,
            payload_bytes: entry.header.payload_bytes,
            kind: match entry.header.kind.name() {
                Some(name) => name.to_owned(),
                None => format!("unknown(0x{:02x})", entry.header.kind.0),
            },
        }));
        segments.sort_by_key(|segment| segment.offset);
        Ok(segments)
    }
}

fn compression_status(snapshot: &Snapshot) -> Result<Option<CompressionStatus>> {
    let Some(layout) = snapshot.quantisers.layout() else { return Ok(None) };
    Ok(Some(CompressionStatus {
        packed_rows: u64::from(snapshot.index.code_rows()),
        row_bytes: layout.row_bytes() as u64,
        quantisers: snapshot.quantisers.iter().filter(|stored| !stored.is_cold()).count() as u64,
        measured: measured(snapshot.quantisers.newest())?,
    }))
}

fn tiering_status(snapshot: &Snapshot) -> Result<Option<TieringStatus>> {
    let (Some(options), Some(layout)) = (snapshot.options().tiering, snapshot.quantisers.cold_layout()) else {
        return Ok(None);
    };
    let cold_runs = snapshot.vectors.iter().filter(|run| run.is_cold());
    Ok(Some(TieringStatus {
        options,
        hot_rows: snapshot.hot.count()?,
        cold_rows: cold_runs.map(|run| u64::from(run.row_count())).sum(),
        cold_row_bytes: layout.row_bytes() as u64,
        measured: measured(snapshot.quantisers.newest_cold())?,
    }))
}

fn measured(newest: Option<(usize, &StoredQuantiser)>) -> Result<Option<Measured>> {
    let Some((_, newest)) = newest else { return Ok(None) };
    let header = newest.header()?;
    Ok(Some(Measured {
        sample_rows: u64::from(header.sample_rows),
        recall: f64::from(header.recall),
        relative_error: header.relative_error,
    }))
}
