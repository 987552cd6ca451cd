//! What becomes of seldom used rows, in Level 1: as [`compression`] has it for what cold rows are packed by, with the hot share
//! in place of the zeros.

use alloc::vec::Vec;

use rvf_types::Tiering;
use rvf_wire::{WireError, read_u16};

use crate::compression;

const WHAT: &str = "TIERING";

pub(crate) fn encode(tiering: Tiering) -> Vec<u8> {
    let mut bytes = compression::encode(tiering.cold);
    bytes[2..4].copy_from_slice(&tiering.hot_share_per_mille.to_le_bytes());
    bytes
}

/// Reads what [`encode`] wrote; whether it fits the dimension is for the quantiser to say.
pub(crate) fn decode(bytes: &[u8]) -> Result<Tiering, WireError> {
    let hot_share_per_mille = read_u16(bytes, 2, WHAT)?;
    if !(Tiering::HOT_SHARE_PER_MILLE_MIN..=Tiering::HOT_SHARE_PER_MILLE_MAX).contains(&hot_share_per_mille) {
        return Err(WireError::Invalid("the share of hot rows"));
    }
    Ok(Tiering { hot_share_per_mille, cold: compression::decode(bytes)? })
}
