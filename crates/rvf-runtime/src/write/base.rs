use std::sync::Arc;

use rvf_manifest::{Manifest, SegmentEntry};
use rvf_types::{ErrorCode, Row, SegmentKind};

use crate::index::{CodeRun, Index, code_layout};
use crate::runs::{IdRun, MetaRun, OverlayRun, Run, VectorRun};
use crate::segment::{CheckedSegment, RunBytes};
use crate::snapshot::Snapshot;
use crate::storage::StorageFile;
use crate::{Result, RvfError};

/// The stored runs of a state.
pub(crate) struct BaseRuns {
    pub(crate) vectors: Vec<Arc<VectorRun>>,
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
    let (mut codes, mut graph, mut coarse) = (Vec::new(), Vec::new(), Vec::new());
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
            SegmentKind::QUANT => {
                let bytes = RunBytes::Segment(open(entry)?);
                codes.push(Arc::new(CodeRun::stored(bytes, layout, first_row, row_count)?));
            }
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
    let code_rows = codes.last().map_or(0, |run: &Arc<CodeRun>| run.end_row());
    let graph_rows = graph.iter().map(|segment: &Arc<CheckedSegment>| segment.entry().row_count).max().unwrap_or(0);
    if !covers(&codes, code_rows) || code_rows > manifest.next_row || graph_rows > code_rows {
        return invalid("codes do not cover the rows of the graph");
    }
    Ok(BaseRuns { vectors, ids, meta, overlays, index: Index::new(codes, graph, coarse) })
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
        SegmentKind::QUANT => snapshot.index.codes().find(entry.first_row).and_then(|run| open(run.bytes())),
        SegmentKind::INDEX => snapshot.index.segments().iter().find(|segment| segment.entry() == entry).cloned(),
        SegmentKind::COARSE => {
            snapshot.index.coarse_segments().iter().find(|segment| segment.entry() == entry).cloned()
        }
        SegmentKind::OVERLAY => snapshot.overlays.iter().find_map(|run| open(run.bytes())),
        _ => None,
    }
}
