//! States before the newest one, which the file still holds.

use alloc::format;
use alloc::vec::Vec;

use rvf_types::limits::REPLAY_BYTES_MAX;
use rvf_types::{Epoch, ErrorCode};
use rvf_wire::{Head, WireError};

use crate::recover::read_manifest;
use crate::transaction::{Found, read_transaction};
use crate::walk::{Base, Walk, manifest_row_bytes};
use crate::{ByteSource, Damage, LocatedSegment, Manifest, RecoverError, Transaction};

/// An earlier state: a manifest, and the commits behind it up to some epoch.
#[derive(Clone, Debug)]
pub struct EarlierState {
    /// Newest manifest that is not above the epoch.
    pub manifest: Manifest,
    /// Segment that holds it.
    pub manifest_segment: LocatedSegment,
    /// Commits after the manifest, in order.
    pub tail: Vec<Transaction>,
}

/// Finds the state at `epoch` from a later one, given by its manifest: back over the chain of manifests, then forward over
/// commits. `None` where a compaction has dropped it. Reads manifests, and the journals of at most one tail.
pub fn state_at<S: ByteSource>(
    source: &S,
    head: &Head,
    newest: (&Manifest, LocatedSegment),
    epoch: Epoch,
    committed_end: u64,
) -> Result<Option<EarlierState>, RecoverError<S::Error>> {
    let mut base: Base = (newest.0.clone(), newest.1);
    while base.0.epoch > epoch {
        let (previous, offset) = (base.0.previous_root_offset, base.1.extent.offset);
        if previous == 0 {
            return Ok(None);
        }
        if previous >= offset {
            return Err(Damage::from_wire(WireError::Invalid("OVERLAY_CHAIN"), offset, Some(base.1.header.id)).into());
        }
        base = read_manifest(source, head, previous, offset)?;
    }
    let tail = commits_until(source, head, &base, epoch, committed_end)?;
    let (manifest, manifest_segment) = base;
    Ok(Some(EarlierState { manifest, manifest_segment, tail }))
}

fn commits_until<S: ByteSource>(
    source: &S,
    head: &Head,
    base: &Base,
    epoch: Epoch,
    committed_end: u64,
) -> Result<Vec<Transaction>, RecoverError<S::Error>> {
    let row_bytes = Some(manifest_row_bytes(&base.0));
    let (mut offset, mut chain) = Walk::start_behind(Some(base));
    let (mut tail, mut held_bytes) = (Vec::new(), 0);
    while chain.epoch < epoch {
        let at = |error| Damage::from_wire(error, offset, None);
        let found = read_transaction(source, offset, committed_end, head.salt, row_bytes, &chain);
        let transaction = match found.map_err(RecoverError::Source)? {
            Found::Whole(transaction) => transaction,
            Found::Nothing => return Err(at(WireError::Truncated("the commits up to an epoch")).into()),
            Found::Broken { reason, .. } => return Err(at(reason).into()),
        };
        held_bytes += transaction.payload_bytes();
        if held_bytes > REPLAY_BYTES_MAX {
            let message = format!("journals of more than REPLAY_BYTES_MAX ({REPLAY_BYTES_MAX}) bytes");
            return Err(Damage::new(ErrorCode::InvalidManifest, offset, None, message).into());
        }
        chain = transaction.advance(&chain).map_err(at)?;
        offset = transaction.end();
        // A manifest in between describes the state that the chain has reached, and adds nothing.
        if transaction.manifest.is_none() {
            tail.push(*transaction);
        }
    }
    Ok(tail)
}
