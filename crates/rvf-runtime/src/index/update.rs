use rvf_manifest::SegmentEntry;
use rvf_types::limits::{CODE_REWRITE_BYTES_MAX, RUN_FAN_IN, SEGMENT_SPLIT_BYTES};
use rvf_types::{Row, SegmentFlags, SegmentKind};
use rvf_wire::IndexHeader;

use crate::Result;
use crate::index::{CodeRun, Index};
use crate::runs::{MergePolicy, VectorRun};
use crate::write::{Append, Part, write_runs};

/// Codes and packed rows: few runs, since each row that is scored is looked for among them.
pub(crate) const CODE_POLICY: MergePolicy =
    MergePolicy { fan_in: RUN_FAN_IN as u64, bytes_max: CODE_REWRITE_BYTES_MAX, takes_tail: true };

/// What a checkpoint changes in the index.
#[derive(Default)]
pub(crate) struct IndexUpdate {
    /// Nothing of what there is stays.
    pub(crate) is_reset: bool,
    /// Codes of the rows that follow those that have some.
    pub(crate) codes: Vec<CodeRun>,
    /// Packed rows that follow those that are packed.
    pub(crate) packed: Vec<VectorRun>,
    /// Another quantiser, for the rows that follow.
    pub(crate) quantiser: Option<Vec<u8>>,
    pub(crate) graph: Option<GraphUpdate>,
    /// A new progressive layer, and the row that its rows are below.
    pub(crate) coarse: Option<(Vec<u8>, Row)>,
}

/// A new layer of the graph.
pub(crate) struct GraphUpdate {
    /// Layers in front of it that stay; the others go.
    pub(crate) kept_layers: usize,
    pub(crate) layer: Vec<u8>,
    /// Rows below this one are in the graph with it.
    pub(crate) row_count: Row,
}

/// Lays out what is new in the index; answers the directory's entries of all of it.
pub(crate) fn write_index(index: &Index, update: IndexUpdate, append: &mut Append) -> Result<Vec<SegmentEntry>> {
    if update.is_reset || index.is_broken() {
        return Ok(Vec::new());
    }
    let mut codes = index.codes().clone();
    for run in update.codes {
        codes.push(run);
    }
    let mut entries = write_runs(&codes, CODE_POLICY, append, |runs, append| {
        let (bytes, rows) = CodeRun::join(runs)?;
        Ok(vec![append.segment(SegmentKind::QUANT, SegmentFlags::MORE_FOLLOWS, vec![Part::Owned(bytes)], rows)?])
    })?;
    match update.graph {
        Some(graph) => {
            entries.extend(index.layer_entries(graph.kept_layers)?);
            let rows = (0, graph.row_count);
            for data in cut(graph.kept_layers as u32, graph.layer) {
                entries.push(append.segment(SegmentKind::INDEX, SegmentFlags::MORE_FOLLOWS, data, rows)?);
            }
        }
        None => entries.extend(index.segments().iter().map(|segment| *segment.entry())),
    }
    match update.coarse {
        Some((layer, row_count)) => {
            for data in cut(0, layer) {
                entries.push(append.segment(SegmentKind::COARSE, SegmentFlags::MORE_FOLLOWS, data, (0, row_count))?);
            }
        }
        None => entries.extend(index.coarse_segments().iter().map(|segment| *segment.entry())),
    }
    Ok(entries)
}

/// Cuts a layer into pieces that each fit into a segment, behind their headers.
pub(crate) fn cut(layer: u32, bytes: Vec<u8>) -> Vec<Vec<Part>> {
    let header = IndexHeader { layer, piece: 0, layer_bytes: bytes.len() as u64 };
    if header.piece_count() == 1 {
        return vec![vec![Part::Owned(header.encode().to_vec()), Part::Owned(bytes)]];
    }
    let mut pieces = Vec::new();
    for (piece, bytes) in (0..).zip(bytes.chunks(SEGMENT_SPLIT_BYTES as usize)) {
        let front = IndexHeader { piece, ..header }.encode().to_vec();
        pieces.push(vec![Part::Owned(front), Part::Owned(bytes.to_vec())]);
    }
    pieces
}
