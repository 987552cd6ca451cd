use rvf_manifest::SegmentEntry;
use rvf_types::limits::{CODE_REWRITE_BYTES_MAX, RUN_FAN_IN, SEGMENT_SPLIT_BYTES};
use rvf_types::{Row, SegmentFlags, SegmentKind};
use rvf_wire::IndexHeader;

use crate::Result;
use crate::index::{CodeRun, Index};
use crate::runs::MergePolicy;
use crate::write::{Append, Part, write_runs};

/// Codes: few runs, since each row that is scored is looked for among them.
const CODE_POLICY: MergePolicy =
    MergePolicy { fan_in: RUN_FAN_IN as u64, bytes_max: CODE_REWRITE_BYTES_MAX, takes_tail: true };

/// What a checkpoint changes in the index.
#[derive(Default)]
pub(crate) struct IndexUpdate {
    /// Nothing of what there is stays.
    pub(crate) is_reset: bool,
    /// Codes of the rows that follow those that have some.
    pub(crate) codes: Vec<CodeRun>,
    pub(crate) graph: Option<GraphUpdate>,
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
            write_graph(graph, |header, piece, rows| {
                let data = vec![Part::Owned(header), Part::Owned(piece)];
                entries.push(append.segment(SegmentKind::INDEX, SegmentFlags::MORE_FOLLOWS, data, rows)?);
                Ok(())
            })?;
        }
        None => entries.extend(index.segments().iter().map(|segment| *segment.entry())),
    }
    Ok(entries)
}

/// Cuts a layer into pieces that each fit into a segment, and hands each of them, behind its header, to `write`.
pub(crate) fn write_graph(
    graph: GraphUpdate,
    mut write: impl FnMut(Vec<u8>, Vec<u8>, (Row, u32)) -> Result<()>,
) -> Result<()> {
    let header = IndexHeader { layer: graph.kept_layers as u32, piece: 0, layer_bytes: graph.layer.len() as u64 };
    let mut rest = graph.layer;
    for piece in 0..header.piece_count() {
        let behind = rest.split_off(rest.len().min(SEGMENT_SPLIT_BYTES as usize));
        let bytes = std::mem::replace(&mut rest, behind);
        write(IndexHeader { piece, ..header }.encode().to_vec(), bytes, (0, graph.row_count))?;
    }
    Ok(())
}
