//! How a store keeps its vectors, in Level 1: {u8 kind, u8 bits, u16 zero, u32 sub-vectors, u32 training rows}.

use alloc::vec::Vec;

use rvf_types::{Compression, limits};
use rvf_wire::{WireError, read_array, read_u32};

const WHAT: &str = "COMPRESSION";

pub(crate) fn encode(compression: Compression) -> Vec<u8> {
    let (bits, subvectors, training_rows) = match compression {
        Compression::None => (0, 0, 0),
        Compression::Scalar { bits } => (bits, 0, 0),
        Compression::Product { subvectors, bits, training_rows } => (bits, subvectors, training_rows),
        Compression::Binary { training_rows } => (1, 0, training_rows),
    };
    let mut bytes = alloc::vec![compression.kind(), bits, 0, 0];
    bytes.extend_from_slice(&subvectors.to_le_bytes());
    bytes.extend_from_slice(&training_rows.to_le_bytes());
    bytes
}

/// Reads what [`encode`] wrote; whether it fits the dimension is for the quantiser to say.
pub(crate) fn decode(bytes: &[u8]) -> Result<Compression, WireError> {
    let [kind, bits] = read_array(bytes, 0, WHAT)?;
    let (subvectors, training_rows) = (read_u32(bytes, 4, WHAT)?, read_u32(bytes, 8, WHAT)?);
    match kind {
        1 => Ok(Compression::Scalar { bits }),
        2 | 3 if training_rows > limits::TRAINING_ROWS_MAX => Err(WireError::TooLarge("the number of training rows")),
        2 => Ok(Compression::Product { subvectors, bits, training_rows }),
        3 => Ok(Compression::Binary { training_rows }),
        _ => Err(WireError::Unsupported("vector compression")),
    }
}
