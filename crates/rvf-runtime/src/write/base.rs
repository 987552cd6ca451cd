use std::sync::Arc;

use rvf_manifest::{Manifest, SegmentEntry};
use rvf_types::{ErrorCode, Row, SegmentKind};

use crate::index::{CodeRun, Index, code_layout};
use crate::packed::{Quantisers, cold_layout, is_cold, packed_layout};
use crate::runs::{HotRows, IdRun, MetaRun, OverlayRun, Run, VectorRun, are_in_order};
use crate::segment::{CheckedSegment, RunBytes};
use crate::snapshot::Snapshot;
use crate::storage::StorageFile;
use crate::{Result, RvfError};

/// The stored runs of a state.
pub(crate) struct BaseRuns {
    pub(crate) vectors: Vec<Arc<VectorRun>>,
    pub(crate) hot: HotRows,
    pub(crate) quantisers: Arc<Quantisers>,
    pub(crate) ids: Vec<Arc<IdRun>>,
    pub(crate) meta: Vec<Arc<MetaRun>>,
    pub(crate) overlays: Vec<Arc<OverlayRun>>,
    pub(crate) index: Index,
}

/// Opens the runs that a manifest names, without reading their rows.
pub(crate) fn load_base(
    manifest: &Manifest,
    open: impl Fn(&SegmentEntry) -> Result<Arc<CheckedSegment>>,
) -> Result<BaseRuns> {
    let shape = crate::snapshot::shape(&manifest.options);
    let layout =
        code_layout(&manifest.options).map_err(|error| RvfError::new(ErrorCode::InvalidManifest, error.message))?;
    let (mut vectors, mut ids, mut meta, mut overlays) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut codes, mut graph, mut coarse, mut hot) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let quantisers = Arc::new(load_quantisers(manifest, &open)?);
    let is_packed = quantisers.layout().is_some();
    for entry in &manifest.segments {
        let (first_row, row_count) = (entry.first_row, entry.row_count);
        match entry.header.kind {
            SegmentKind::VEC => {
                let bytes = RunBytes::Segment(open(entry)?);
                vectors.push(Arc::new(VectorRun::stored(bytes, &shape, first_row, row_count)?));
            }
            SegmentKind::IDS => {
                let bytes = RunBytes::Segment(open(entry)?);
                ids.push(Arc::new(IdRun::stored(bytes, first_row, row_count)));
            }
            SegmentKind::META => {
                let bytes = RunBytes::Segment(open(entry)?);
                meta.push(Arc::new(MetaRun::stored(bytes, first_row, row_count)));
            }
            SegmentKind::OVERLAY => {
                let bytes = RunBytes::Segment(open(entry)?);
                overlays.push(Arc::new(OverlayRun::stored(bytes, first_row, row_count, manifest.next_row)));
            }
            SegmentKind::QUANT if is_packed && row_count == 0 => {}
            SegmentKind::QUANT if is_packed => {
                let bytes = RunBytes::Segment(open(entry)?);
                let rows = (first_row, row_count);
                let run = VectorRun::stored_packed(bytes, &quantisers, &manifest.options, rows, is_cold(entry))?;
                vectors.push(Arc::new(run));
            }
            SegmentKind::QUANT => {
                let bytes = RunBytes::Segment(open(entry)?);
                codes.push(Arc::new(CodeRun::stored(bytes, layout, first_row, row_count)?));
            }
            SegmentKind::HOT => hot.push(open(entry)?),
            SegmentKind::INDEX => graph.push(open(entry)?),
            SegmentKind::COARSE => coarse.push(open(entry)?),
            _ => {}
        }
    }
    let invalid = |what: &str| Err(RvfError::new(ErrorCode::InvalidManifest, format!("the manifest's {what}")));
    if !covers(&vectors, manifest.next_row) || !covers(&ids, manifest.next_row) {
        return invalid("vectors or ids do not cover all rows");
    }
    if meta.iter().any(|run: &Arc<MetaRun>| run.row_count() == 0)
        || overlays.iter().any(|run: &Arc<OverlayRun>| run.row_count() == 0)
    {
        return invalid("metadata runs are empty");
    }
    if meta.windows(2).any(|pair| pair[0].end_row() > pair[1].first_row())
        || meta.last().is_some_and(|run| run.end_row() > manifest.next_row)
    {
        return invalid("metadata runs overlap");
    }
    let packed = vectors.iter().take_while(|run| run.is_packed()).count();
    if vectors[packed..].iter().any(|run| run.is_packed()) {
        return invalid("packed rows are not in front of all others");
    }
    let packed_end = vectors[..packed].last().map_or(0, |run| run.end_row());
    let hot_entries: Vec<SegmentEntry> = hot.iter().map(|segment| *segment.entry()).collect();
    if !are_in_order(&hot_entries, packed_end) {
        return invalid("hot rows are not in order, or not packed");
    }
    let hot = HotRows::new(hot, &quantisers);
    let index = Index::new(codes, packed_end, graph, coarse);
    if !covers_codes(&index, manifest.next_row) {
        return invalid("codes do not cover the rows of the graph");
    }
    Ok(BaseRuns { vectors, hot, quantisers, ids, meta, overlays, index })
}

/// Opens the quantisers that a manifest names: QUANT segments without rows, in a store that packs them.
fn load_quantisers(
    manifest: &Manifest,
    open: impl Fn(&SegmentEntry) -> Result<Arc<CheckedSegment>>,
) -> Result<Quantisers> {
    let refused = |error: RvfError| RvfError::new(ErrorCode::InvalidManifest, error.message);
    let layout = packed_layout(&manifest.options).map_err(refused)?;
    let cold_layout = cold_layout(&manifest.options).map_err(refused)?;
    let is_tiered = |entry: &SegmentEntry| entry.header.kind == SegmentKind::HOT || is_cold(entry);
    if cold_layout.is_none() && manifest.segments.iter().any(is_tiered) {
        return Err(RvfError::new(ErrorCode::InvalidManifest, "the manifest has cold or hot rows without tiering"));
    }
    let is_quantiser =
        |entry: &&SegmentEntry| layout.is_some() && entry.header.kind == SegmentKind::QUANT && entry.row_count == 0;
    let segments = manifest.segments.iter().filter(is_quantiser).map(open).collect::<Result<Vec<_>>>()?;
    Ok(Quantisers::new(layout, cold_layout, segments))
}

fn covers_codes(index: &Index, next_row: Row) -> bool {
    let code_rows = index.code_rows();
    let codes: Vec<_> = index.codes().iter().cloned().collect();
    let graph_rows = index.segments().iter().map(|segment| segment.entry().row_count).max().unwrap_or(0);
    (codes.is_empty() || covers(&codes, code_rows)) && code_rows <= next_row && graph_rows <= code_rows
}

/// True where the runs hold every row below `end` exactly once, in order.
fn covers<T: Run>(runs: &[Arc<T>], end: Row) -> bool {
    let mut next = 0;
    runs.iter().all(|run| {
        let follows = run.first_row() == next && run.row_count() > 0;
        next = run.end_row();
        follows
    }) && next == end
}

/// Opens a segment; one that an earlier snapshot of the file has open is taken from there, so that what was checked of it
/// stays checked.
pub(crate) fn open_segment(
    file: &Arc<dyn StorageFile>,
    earlier: Option<&Snapshot>,
    entry: &SegmentEntry,
) -> Result<Arc<CheckedSegment>> {
    match earlier.and_then(|earlier| find_segment(earlier, entry)) {
        Some(segment) => Ok(segment),
        None => CheckedSegment::new(Arc::clone(file), *entry).map(Arc::new),
    }
}

fn find_segment(snapshot: &Snapshot, entry: &SegmentEntry) -> Option<Arc<CheckedSegment>> {
    let open = |bytes: &RunBytes| match bytes {
        RunBytes::Segment(segment) if segment.entry() == entry => Some(Arc::clone(segment)),
        _ => None,
    };
    match entry.header.kind {
        SegmentKind::VEC => snapshot.vectors.find(entry.first_row).and_then(|run| open(run.bytes())),
        SegmentKind::IDS => snapshot.ids.find(entry.first_row).and_then(|run| open(run.bytes())),
        SegmentKind::META => snapshot.meta.find(entry.first_row).and_then(|run| open(run.bytes())),
        SegmentKind::QUANT if entry.row_count == 0 => {
            snapshot.quantisers.iter().map(|stored| stored.segment()).find(|segment| segment.entry() == entry).cloned()
        }
        SegmentKind::QUANT if snapshot.quantisers.layout().is_some() => {
            snapshot.vectors.find(entry.first_row).and_then(|run| open(run.bytes()))
        }
        SegmentKind::QUANT => snapshot.index.codes().find(entry.first_row).and_then(|run| open(run.bytes())),
        SegmentKind::HOT => snapshot.hot.segments().find(|segment| segment.entry() == entry).cloned(),
        SegmentKind::INDEX => snapshot.index.segments().iter().find(|segment| segment.entry() == entry).cloned(),
        SegmentKind::COARSE => {
            snapshot.index.coarse_segments().iter().find(|segment| segment.entry() == entry).cloned()
        }
        SegmentKind::OVERLAY => snapshot.overlays.iter().find_map(|run| open(run.bytes())),
        _ => None,
    }
}
