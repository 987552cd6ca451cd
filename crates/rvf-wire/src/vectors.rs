use rvf_types::limits::DIMENSION_MAX;
use rvf_types::{DataType, Metric, Row};

use crate::{WireError, read_u16, read_u32, slice};

/// Bytes in front of the rows of a VEC payload; rows follow without gaps.
pub const VEC_HEADER_BYTES: usize = 64;

const WHAT: &str = "VEC header";

/// What the rows of a VEC segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VecHeader {
    /// Vector space, 0 for the only one so far.
    pub space: u16,
    /// Element type.
    pub data_type: DataType,
    /// Metric the rows are compared with.
    pub metric: Metric,
    /// Elements (bits for binary) of a vector.
    pub dimension: u32,
    /// First row.
    pub first_row: Row,
    /// Number of rows, dead ones included.
    pub row_count: u32,
}

impl VecHeader {
    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.data_type.row_bytes(self.dimension)
    }

    /// Bytes of the header and all rows.
    pub fn data_bytes(&self) -> u64 {
        VEC_HEADER_BYTES as u64 + u64::from(self.row_count) * self.row_bytes() as u64
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; VEC_HEADER_BYTES] {
        let mut bytes = [0; VEC_HEADER_BYTES];
        bytes[0..2].copy_from_slice(&self.space.to_le_bytes());
        bytes[2] = self.data_type as u8;
        bytes[3] = self.metric as u8;
        bytes[4..8].copy_from_slice(&self.dimension.to_le_bytes());
        bytes[8..12].copy_from_slice(&(self.row_bytes() as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&self.first_row.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.row_count.to_le_bytes());
        bytes[20..24].copy_from_slice(&1u32.to_le_bytes());
        bytes
    }

    /// Reads the header of a payload with `data_bytes` bytes of data.
    pub fn decode(bytes: &[u8], data_bytes: u64) -> Result<VecHeader, WireError> {
        let bytes = slice(bytes, 0, VEC_HEADER_BYTES, WHAT)?;
        let header = VecHeader {
            space: read_u16(bytes, 0, WHAT)?,
            data_type: DataType::from_u8(bytes[2]).ok_or(WireError::Invalid("data type"))?,
            metric: Metric::from_u8(bytes[3]).ok_or(WireError::Invalid("metric"))?,
            dimension: read_u32(bytes, 4, WHAT)?,
            first_row: read_u32(bytes, 12, WHAT)?,
            row_count: read_u32(bytes, 16, WHAT)?,
        };
        if header.dimension == 0 || header.dimension > DIMENSION_MAX {
            return Err(WireError::Invalid("dimension"));
        }
        if read_u32(bytes, 8, WHAT)? as usize != header.row_bytes() || header.data_bytes() != data_bytes {
            return Err(WireError::Invalid("length of VEC rows"));
        }
        if read_u32(bytes, 20, WHAT)? != 1 {
            return Err(WireError::Unsupported("several vectors in a row"));
        }
        if header.first_row.checked_add(header.row_count).is_none() {
            return Err(WireError::Invalid("row range of VEC"));
        }
        Ok(header)
    }
}
