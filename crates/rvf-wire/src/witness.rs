//! WITNESS: the witness entries of a file's earlier life, packed densely by compaction.
//!
//! Payload: {u64 index of the first entry, u64 count, 16 zero bytes}, then 73 bytes an entry.

use alloc::vec::Vec;

use crate::{WITNESS_ENTRY_BYTES, WireError, read_u64, slice};

/// Bytes in front of the entries of a WITNESS payload.
pub const WITNESS_HEADER_BYTES: usize = 32;

const WHAT: &str = "WITNESS";

/// A dense run of witness entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WitnessRun<'a> {
    /// How many entries came before, since the file's first commit.
    pub first_index: u64,
    /// The entries' bytes, one behind the other.
    pub entries: &'a [u8],
}

impl<'a> WitnessRun<'a> {
    /// The payload's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(WITNESS_HEADER_BYTES + self.entries.len());
        bytes.extend_from_slice(&self.first_index.to_le_bytes());
        bytes.extend_from_slice(&((self.entries.len() / WITNESS_ENTRY_BYTES) as u64).to_le_bytes());
        bytes.resize(WITNESS_HEADER_BYTES, 0);
        bytes.extend_from_slice(self.entries);
        bytes
    }

    /// Reads a payload's data.
    pub fn decode(bytes: &'a [u8]) -> Result<WitnessRun<'a>, WireError> {
        let entries = bytes.get(WITNESS_HEADER_BYTES..).ok_or(WireError::Truncated(WHAT))?;
        let count = read_u64(bytes, 8, WHAT)?;
        if count.checked_mul(WITNESS_ENTRY_BYTES as u64) != Some(entries.len() as u64) {
            return Err(WireError::Invalid("length of WITNESS"));
        }
        Ok(WitnessRun { first_index: read_u64(slice(bytes, 0, 8, WHAT)?, 0, WHAT)?, entries })
    }
}
