use std::sync::Arc;

use parking_lot::Mutex;
use rvf_filter::Schema;
use rvf_manifest::{LocatedSegment, Manifest, SegmentEntry, StoreOptions};
use rvf_types::{Epoch, Row};
use rvf_wire::{VecHeader, id_hash};

use crate::Result;
use crate::dead_rows::DeadRows;
use crate::index::Index;
use crate::packed::Quantisers;
use crate::read::KeptFilters;
use crate::runs::{HotRows, IdRun, KeptRow, MetaRun, OverlayRun, Run, RunList, VectorRun};
use crate::segment::Slice;
use crate::storage::StorageFile;
use crate::write::BaseRuns;

/// One committed state of the store. Never changes; the writer publishes a new one with each commit, readers keep theirs
/// for as long as they need it.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) file: Arc<dyn StorageFile>,
    pub(crate) salt: u32,
    pub(crate) manifest: Arc<Manifest>,
    /// The manifest's schema, empty where there is none.
    pub(crate) schema: Arc<Schema>,
    pub(crate) manifest_segment: LocatedSegment,
    pub(crate) epoch: Epoch,
    pub(crate) committed_end: u64,
    pub(crate) next_row: Row,
    pub(crate) vector_count: u64,
    pub(crate) witness_head: [u8; 32],
    pub(crate) witness_count: u64,
    pub(crate) dead: DeadRows,
    /// Packed rows first.
    pub(crate) vectors: RunList<VectorRun>,
    /// Packed rows of which more is kept than `vectors` has.
    pub(crate) hot: Arc<HotRows>,
    /// What packed rows were packed by.
    pub(crate) quantisers: Arc<Quantisers>,
    pub(crate) ids: RunList<IdRun>,
    pub(crate) meta: RunList<MetaRun>,
    /// Newer metadata of single rows; the last overlay that has a row counts.
    pub(crate) overlays: RunList<OverlayRun>,
    /// Codes and graph of the rows that had some at the last checkpoint.
    pub(crate) index: Arc<Index>,
    /// What filters of earlier queries let through.
    pub(crate) kept_filters: KeptFilters,
    /// Segments since the manifest, in order; this snapshot knows the first `tail_segment_count` of them.
    pub(crate) tail_segments: Arc<Mutex<Vec<SegmentEntry>>>,
    pub(crate) tail_segment_count: usize,
}

impl Snapshot {
    pub(crate) fn options(&self) -> &StoreOptions {
        &self.manifest.options
    }

    /// The header of VEC segments of this store, without rows.
    pub(crate) fn shape(&self) -> VecHeader {
        shape(self.options())
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.shape().row_bytes()
    }

    /// Rows that the graph does not have; they are compared one by one.
    pub(crate) fn unindexed_rows(&self) -> Row {
        self.next_row.saturating_sub(self.index.row_count())
    }

    pub(crate) fn is_alive(&self, row: Row) -> bool {
        row < self.next_row && !self.dead.contains(row)
    }

    /// The row that holds an id now.
    pub(crate) fn find(&self, id: &[u8]) -> Result<Option<Row>> {
        self.find_hashed(id_hash(id, self.salt), id)
    }

    /// As [`Snapshot::find`], for an id whose hash is known.
    pub(crate) fn find_hashed(&self, hash: u64, id: &[u8]) -> Result<Option<Row>> {
        for run in self.ids.iter().rev() {
            if let Some(row) = run.find(hash, id, |row| self.is_alive(row))? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// The id of a living row.
    pub(crate) fn id(&self, row: Row) -> Result<String> {
        let Some(run) = self.ids.find(row) else {
            return Err(crate::RvfError::internal(format!("row {row} has no id")));
        };
        let bytes = run.id(row)?;
        match std::str::from_utf8(&bytes) {
            Ok(id) if !id.is_empty() => Ok(id.to_owned()),
            _ => Err(run.bytes().damaged("an id")),
        }
    }

    /// True where no row has metadata.
    pub(crate) fn has_no_metadata(&self) -> bool {
        self.meta.len() == 0 && self.overlays.len() == 0
    }

    /// The metadata of a row as JSON text, `None` where it has none.
    pub(crate) fn metadata(&self, row: Row) -> Result<Option<Slice<'_>>> {
        for overlay in self.overlays.iter().rev() {
            if let Some(text) = overlay.text(row)? {
                return Ok(Some(text).filter(|text| !text.is_empty()));
            }
        }
        match self.meta.find(row) {
            Some(run) => Ok(Some(run.text(row)?).filter(|text| !text.is_empty())),
            None => Ok(None),
        }
    }

    /// The vector of a row: as it was given, or what its packed form stands for.
    pub(crate) fn vector(&self, row: Row) -> Result<Slice<'_>> {
        self.kept_row(row)?.vectors(self.options().data_type)
    }

    /// As [`Snapshot::vector`], as `f32` whatever the store's data type.
    pub(crate) fn float_vector(&self, row: Row) -> Result<Slice<'_>> {
        self.kept_row(row)?.floats(self.options().data_type)
    }

    /// The most that is kept of a row's vector.
    pub(crate) fn kept_row(&self, row: Row) -> Result<KeptRow<'_>> {
        match self.hot.find(row)? {
            Some(kept) => Ok(kept),
            None => {
                let run = self.vector_run(row)?;
                run.kept(row - run.first_row(), 1)
            }
        }
    }

    /// The run that holds the vector of a row.
    pub(crate) fn vector_run(&self, row: Row) -> Result<&VectorRun> {
        match self.vectors.find(row) {
            Some(run) => Ok(run),
            None => Err(crate::RvfError::internal(format!("row {row} has no vector"))),
        }
    }

    /// The segments a reader of this state depends on: head, base, manifest, tail.
    pub(crate) fn segments(&self) -> Vec<SegmentEntry> {
        let mut segments = self.manifest.segments.clone();
        segments.push(SegmentEntry {
            offset: self.manifest_segment.extent.offset,
            header: self.manifest_segment.header,
            first_row: 0,
            row_count: 0,
        });
        segments.extend_from_slice(&self.tail_segments.lock()[..self.tail_segment_count]);
        segments
    }
}

/// The state that a manifest describes; nothing is read. The file comes with its salt.
pub(crate) fn base_snapshot(
    (file, salt): (&Arc<dyn StorageFile>, u32),
    schema: &Arc<Schema>,
    (manifest, manifest_segment): (Manifest, LocatedSegment),
    committed_end: u64,
    dead: DeadRows,
    runs: BaseRuns,
) -> Snapshot {
    Snapshot {
        file: Arc::clone(file),
        salt,
        schema: Arc::clone(schema),
        manifest_segment,
        epoch: manifest.epoch,
        committed_end,
        next_row: manifest.next_row,
        vector_count: manifest.vector_count,
        witness_head: manifest.witness_head,
        witness_count: manifest.witness_count,
        dead,
        vectors: RunList::new(runs.vectors),
        hot: Arc::new(runs.hot),
        quantisers: runs.quantisers,
        ids: RunList::new(runs.ids),
        meta: RunList::new(runs.meta),
        overlays: RunList::new(runs.overlays),
        index: Arc::new(runs.index),
        kept_filters: KeptFilters::default(),
        tail_segments: Arc::new(Mutex::new(Vec::new())),
        tail_segment_count: 0,
        manifest: Arc::new(manifest),
    }
}

/// The header of VEC segments of a store, without rows.
pub(crate) fn shape(options: &StoreOptions) -> VecHeader {
    VecHeader {
        space: 0,
        data_type: options.data_type,
        metric: options.metric,
        dimension: options.dimension,
        first_row: 0,
        row_count: 0,
    }
}
