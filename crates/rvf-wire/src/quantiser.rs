use rvf_types::Metric;

use crate::{WireError, read_array, read_u16, read_u32, slice};

/// Bytes in front of a quantiser's parameters in a QUANT payload.
pub const QUANTISER_HEADER_BYTES: usize = 64;

const WHAT: &str = "quantiser header";
const VERSION: u16 = 1;
/// Beside the numbers of [`CodeKind`](crate::CodeKind): a QUANT segment without rows.
const KIND: u16 = 3;

/// What a quantiser was learned from, and what it costs. Its parameters follow, as `rvf_quant::packed` has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantiserHeader {
    /// Metric the rows are packed for.
    pub metric: Metric,
    /// Elements of a vector.
    pub dimension: u32,
    /// Kind of compression, as COMPRESSION has it: 1 scalar, 2 product, 3 binary.
    pub packing: u8,
    /// Bits of an element, or of a part.
    pub bits: u8,
    /// Parts of a vector, 0 where it is not cut into any.
    pub subvectors: u32,
    /// Vectors it was learned from, and measured on.
    pub sample_rows: u32,
    /// Mean squared distance of them from what packing leaves of them, as a share of that from their mean.
    pub relative_error: f64,
    /// recall@10 among them of packed rows alone, the queries being some of the vectors themselves.
    pub recall: f32,
}

impl QuantiserHeader {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; QUANTISER_HEADER_BYTES] {
        let mut bytes = [0; QUANTISER_HEADER_BYTES];
        bytes[0..2].copy_from_slice(&VERSION.to_le_bytes());
        bytes[2..4].copy_from_slice(&KIND.to_le_bytes());
        bytes[5] = self.metric as u8;
        bytes[8..12].copy_from_slice(&self.dimension.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.sample_rows.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.relative_error.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.recall.to_le_bytes());
        bytes[28..30].copy_from_slice(&[self.packing, self.bits]);
        bytes[32..36].copy_from_slice(&self.subvectors.to_le_bytes());
        bytes
    }

    /// Reads the header of a payload.
    pub fn decode(bytes: &[u8]) -> Result<QuantiserHeader, WireError> {
        let bytes = slice(bytes, 0, QUANTISER_HEADER_BYTES, WHAT)?;
        if read_u16(bytes, 0, WHAT)? != VERSION || read_u16(bytes, 2, WHAT)? != KIND {
            return Err(WireError::Unsupported("kind of quantiser"));
        }
        let header = QuantiserHeader {
            metric: Metric::from_u8(bytes[5]).ok_or(WireError::Invalid("metric"))?,
            dimension: read_u32(bytes, 8, WHAT)?,
            sample_rows: read_u32(bytes, 12, WHAT)?,
            relative_error: f64::from_le_bytes(read_array(bytes, 16, WHAT)?),
            recall: f32::from_le_bytes(read_array(bytes, 24, WHAT)?),
            packing: bytes[28],
            bits: bytes[29],
            subvectors: read_u32(bytes, 32, WHAT)?,
        };
        let is_plausible = header.relative_error >= 0.0 && (0.0..=1.0).contains(&header.recall);
        if is_plausible { Ok(header) } else { Err(WireError::Invalid("figures of a quantiser")) }
    }
}
