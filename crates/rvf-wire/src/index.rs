use rvf_types::limits::SEGMENT_SPLIT_BYTES;

use crate::{WireError, read_u16, read_u32, read_u64, slice};

/// Bytes in front of what an INDEX segment holds of its layer.
pub const INDEX_HEADER_BYTES: usize = 64;

const WHAT: &str = "INDEX header";
const VERSION: u16 = 1;

/// What an INDEX segment holds: a piece of one layer of the graph. A layer longer than `SEGMENT_SPLIT_BYTES` is cut into
/// pieces of that length, the last one shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexHeader {
    /// 0 for the whole graph, then the changes to it in order.
    pub layer: u32,
    /// Which piece of the layer this is.
    pub piece: u32,
    /// Bytes of the layer, all pieces together.
    pub layer_bytes: u64,
}

impl IndexHeader {
    /// How many pieces the layer has.
    pub fn piece_count(&self) -> u32 {
        self.layer_bytes.div_ceil(SEGMENT_SPLIT_BYTES).max(1) as u32
    }

    /// Bytes of the layer that this piece holds.
    pub fn piece_bytes(&self) -> u64 {
        let start = u64::from(self.piece) * SEGMENT_SPLIT_BYTES;
        self.layer_bytes.saturating_sub(start).min(SEGMENT_SPLIT_BYTES)
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; INDEX_HEADER_BYTES] {
        let mut bytes = [0; INDEX_HEADER_BYTES];
        bytes[0..2].copy_from_slice(&VERSION.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.layer.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.piece.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.layer_bytes.to_le_bytes());
        bytes
    }

    /// Reads the header of a payload with `data_bytes` bytes of data.
    pub fn decode(bytes: &[u8], data_bytes: u64) -> Result<IndexHeader, WireError> {
        let bytes = slice(bytes, 0, INDEX_HEADER_BYTES, WHAT)?;
        if read_u16(bytes, 0, WHAT)? != VERSION {
            return Err(WireError::Unsupported("version of INDEX"));
        }
        let header = IndexHeader {
            layer: read_u32(bytes, 4, WHAT)?,
            piece: read_u32(bytes, 8, WHAT)?,
            layer_bytes: read_u64(bytes, 16, WHAT)?,
        };
        let is_piece = header.layer_bytes.div_ceil(SEGMENT_SPLIT_BYTES) <= u64::from(u32::MAX)
            && header.piece < header.piece_count();
        if !is_piece || INDEX_HEADER_BYTES as u64 + header.piece_bytes() != data_bytes {
            return Err(WireError::Invalid("length of INDEX"));
        }
        Ok(header)
    }
}
