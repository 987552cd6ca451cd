use std::borrow::Cow;
use std::sync::Arc;

use rvf_index::{GraphLayers, GraphSource};
use rvf_manifest::SegmentEntry;
use rvf_types::limits::SEGMENT_SPLIT_BYTES;
use rvf_wire::{INDEX_HEADER_BYTES, IndexHeader};

use crate::segment::{CheckedSegment, Slice};
use crate::{Result, RvfError};

/// The graph as it lies in the file.
pub(crate) type StoredGraph = GraphLayers<LayerSource>;

/// The bytes of one layer of the graph, which may lie in several segments.
pub(crate) struct LayerSource {
    pieces: Vec<Arc<CheckedSegment>>,
    layer_bytes: u64,
}

impl LayerSource {
    /// The layers that segments, in the order of the directory, consist of.
    pub(crate) fn layers(segments: &[Arc<CheckedSegment>]) -> Result<Vec<LayerSource>> {
        let mut layers: Vec<LayerSource> = Vec::new();
        for segment in segments {
            let front = segment.range(0, INDEX_HEADER_BYTES)?;
            let header = IndexHeader::decode(&front, segment.data_bytes())
                .map_err(|error| RvfError::segment(error, segment.entry().offset, segment.entry().id()))?;
            let is_last_whole = layers.last().is_none_or(LayerSource::is_whole);
            let place = (header.layer as usize, header.piece as usize);
            let next = layers.len();
            match layers.last_mut() {
                _ if is_last_whole && place == (next, 0) => {
                    layers.push(LayerSource { pieces: vec![Arc::clone(segment)], layer_bytes: header.layer_bytes });
                }
                Some(layer) if !is_last_whole && header.layer_bytes == layer.layer_bytes => {
                    if place != (next - 1, layer.pieces.len()) {
                        return Err(segment.damaged("the order of INDEX"));
                    }
                    layer.pieces.push(Arc::clone(segment));
                }
                _ => return Err(segment.damaged("the order of INDEX")),
            }
        }
        match (layers.last().is_none_or(LayerSource::is_whole), segments.last()) {
            (false, Some(segment)) => Err(segment.damaged("the pieces of INDEX")),
            _ => Ok(layers),
        }
    }

    fn is_whole(&self) -> bool {
        self.pieces.len() as u64 == self.layer_bytes.div_ceil(SEGMENT_SPLIT_BYTES).max(1)
    }

    /// The directory's entries of the pieces.
    pub(crate) fn entries(&self) -> impl Iterator<Item = SegmentEntry> {
        self.pieces.iter().map(|piece| *piece.entry())
    }

    fn within_piece(&self, start: u64, len: usize) -> Result<Slice<'_>> {
        let piece = &self.pieces[(start / SEGMENT_SPLIT_BYTES) as usize];
        piece.range(INDEX_HEADER_BYTES + (start % SEGMENT_SPLIT_BYTES) as usize, len)
    }
}

impl GraphSource for LayerSource {
    type Error = RvfError;

    fn len(&self) -> u64 {
        self.layer_bytes
    }

    #[inline]
    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>> {
        if len == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let left = (SEGMENT_SPLIT_BYTES - start % SEGMENT_SPLIT_BYTES) as usize;
        if len <= left {
            return Ok(match self.within_piece(start, len)? {
                Slice::Borrowed(bytes) => Cow::Borrowed(bytes),
                Slice::Owned(bytes) => Cow::Owned(bytes.to_vec()),
            });
        }
        let mut bytes = self.within_piece(start, left)?.to_vec();
        bytes.extend_from_slice(&self.range(start + left as u64, len - left)?);
        Ok(Cow::Owned(bytes))
    }

    #[inline]
    fn touch(&self, start: u64, len: usize) {
        let piece = &self.pieces[(start / SEGMENT_SPLIT_BYTES) as usize];
        // Reading one byte of each line ahead of use measured as fast as the prefetch instruction.
        if piece.is_clean() && piece.is_mapped() {
            let at = INDEX_HEADER_BYTES + (start % SEGMENT_SPLIT_BYTES) as usize;
            if let Ok(bytes) = piece.resident() {
                for offset in (0..len).step_by(64) {
                    std::hint::black_box(bytes.get(at + offset));
                }
            }
        }
    }
}
