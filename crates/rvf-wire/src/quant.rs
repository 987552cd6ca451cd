use rvf_types::limits::DIMENSION_MAX;
use rvf_types::{DataType, Metric, Row, SegmentId};

use crate::{WireError, read_u16, read_u32, read_u64, slice};

/// Bytes in front of the rows of a QUANT payload; they follow without gaps.
pub const QUANT_HEADER_BYTES: usize = 64;

const WHAT: &str = "QUANT header";
const VERSION: u16 = 1;

/// What the rows of a QUANT segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Codes beside the vectors: a byte an element with a scale and a bias for each row; bits as they are
    /// (`rvf_quant::codes`).
    Int8 = 1,
    /// Packed vectors, in place of the vectors (`rvf_quant::packed`).
    Packed = 2,
    /// Codes as those, with half a byte an element.
    Int4 = 4,
}

impl CodeKind {
    fn from_u16(value: u16) -> Option<CodeKind> {
        [CodeKind::Int8, CodeKind::Packed, CodeKind::Int4].into_iter().find(|kind| *kind as u16 == value)
    }
}

/// What the rows of a QUANT segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantHeader {
    /// What the rows are.
    pub kind: CodeKind,
    /// Element type of the vectors.
    pub data_type: DataType,
    /// Metric the codes are for.
    pub metric: Metric,
    /// Elements (bits for binary) of a vector.
    pub dimension: u32,
    /// Bytes of one coded row.
    pub row_bytes: u32,
    /// First row.
    pub first_row: Row,
    /// Number of rows, dead ones included.
    pub row_count: u32,
    /// Number of the segment with the quantiser that packed rows were packed by, else 0.
    pub quantiser: SegmentId,
}

impl QuantHeader {
    /// Bytes of the header and all coded rows.
    pub fn data_bytes(&self) -> u64 {
        QUANT_HEADER_BYTES as u64 + u64::from(self.row_count) * u64::from(self.row_bytes)
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; QUANT_HEADER_BYTES] {
        let mut bytes = [0; QUANT_HEADER_BYTES];
        bytes[0..2].copy_from_slice(&VERSION.to_le_bytes());
        bytes[2..4].copy_from_slice(&(self.kind as u16).to_le_bytes());
        bytes[4] = self.data_type as u8;
        bytes[5] = self.metric as u8;
        bytes[8..12].copy_from_slice(&self.dimension.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.row_bytes.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.first_row.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.row_count.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.quantiser.to_le_bytes());
        bytes
    }

    /// Reads the header of a payload with `data_bytes` bytes of data.
    pub fn decode(bytes: &[u8], data_bytes: u64) -> Result<QuantHeader, WireError> {
        let bytes = slice(bytes, 0, QUANT_HEADER_BYTES, WHAT)?;
        let kind = CodeKind::from_u16(read_u16(bytes, 2, WHAT)?);
        let Some(kind) = kind.filter(|_| read_u16(bytes, 0, WHAT) == Ok(VERSION)) else {
            return Err(WireError::Unsupported("kind of codes"));
        };
        let header = QuantHeader {
            kind,
            data_type: DataType::from_u8(bytes[4]).ok_or(WireError::Invalid("data type"))?,
            metric: Metric::from_u8(bytes[5]).ok_or(WireError::Invalid("metric"))?,
            dimension: read_u32(bytes, 8, WHAT)?,
            row_bytes: read_u32(bytes, 12, WHAT)?,
            first_row: read_u32(bytes, 16, WHAT)?,
            row_count: read_u32(bytes, 20, WHAT)?,
            quantiser: read_u64(bytes, 24, WHAT)?,
        };
        if header.dimension == 0 || header.dimension > DIMENSION_MAX {
            return Err(WireError::Invalid("dimension"));
        }
        if header.row_bytes == 0 || header.data_bytes() != data_bytes {
            return Err(WireError::Invalid("length of QUANT rows"));
        }
        if header.first_row.checked_add(header.row_count).is_none() {
            return Err(WireError::Invalid("row range of QUANT"));
        }
        Ok(header)
    }
}
