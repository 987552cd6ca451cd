//! Forward over whole transactions, from the anchored manifest to the end of what was committed.

use alloc::format;
use alloc::vec::Vec;

use rvf_types::limits::{APPEND_BYTES_MAX, REPLAY_BYTES_MAX};
use rvf_types::{ErrorCode, SegmentId};
use rvf_wire::{HEAD_BYTES, HEADER_BYTES, Head, WireError};

use crate::recover::check_features;
use crate::tear::{Behind, look_behind, pass_segments};
use crate::transaction::{Chain, Found, read_transaction};
use crate::{ByteSource, Damage, LocatedSegment, Manifest, RecoverError, Transaction, check_segment};

/// A manifest and where it stands.
pub(crate) type Base = (Manifest, LocatedSegment);

/// The newest manifest that is surely durable, and the transactions behind it.
#[derive(Default)]
pub(crate) struct Walk {
    /// The anchored manifest, or a later one in front of the last append.
    base: Option<Base>,
    pub(crate) transactions: Vec<Transaction>,
    /// Index of the newest manifest among the transactions.
    newest_manifest: Option<usize>,
    /// Bytes of the payloads that the transactions hold.
    held_bytes: u64,
    /// Bytes behind the last whole transaction.
    pub(crate) torn_bytes: u64,
}

/// Walks from `base`, or from the head where there is none.
pub(crate) fn walk<S: ByteSource>(
    source: &S,
    head: &Head,
    base: Option<Base>,
    file_bytes: u64,
) -> Result<Walk, RecoverError<S::Error>> {
    let mut row_bytes = base.as_ref().map(|(manifest, _)| manifest_row_bytes(manifest));
    let mut walk = Walk { base, ..Walk::default() };
    let (mut offset, mut chain) = walk.start();
    let broken = loop {
        let found = read_transaction(source, offset, file_bytes, head.salt, row_bytes, &chain);
        match found.map_err(RecoverError::Source)? {
            Found::Nothing => break None,
            Found::Broken { reason, searched_to } => break Some((reason, searched_to)),
            Found::Whole(transaction) => {
                let advanced = transaction.advance(&chain);
                chain = advanced.map_err(|error| Damage::from_wire(error, offset, None))?;
                offset = transaction.end();
                if let Some(manifest) = &transaction.manifest {
                    check_features(&manifest.features, transaction.start())?;
                    row_bytes = Some(manifest_row_bytes(manifest));
                }
                walk.push(*transaction)?;
            }
        }
    };
    if let Some((reason, searched_to)) = broken {
        check_is_tear(source, head, offset, searched_to, file_bytes, chain.last_segment_id, reason)?;
    }
    walk.drop_unfinished(source, head, file_bytes)?;
    walk.torn_bytes = file_bytes.saturating_sub(walk.end());
    Ok(walk)
}

pub(crate) fn manifest_row_bytes(manifest: &Manifest) -> usize {
    manifest.options.data_type.row_bytes(manifest.options.dimension)
}

impl Walk {
    /// Where the transactions start, and what the first of them continues.
    fn start(&self) -> (u64, Chain) {
        Walk::start_behind(self.base.as_ref())
    }

    /// Where transactions behind a manifest start, behind the head where there is none, and what the first continues.
    pub(crate) fn start_behind(base: Option<&Base>) -> (u64, Chain) {
        match base {
            Some((manifest, segment)) => (
                segment.extent.end(),
                Chain {
                    last_segment_id: segment.header.id,
                    epoch: manifest.epoch,
                    witness_head: manifest.witness_head,
                    witness_count: manifest.witness_count,
                },
            ),
            None => {
                (HEAD_BYTES as u64, Chain { last_segment_id: 1, epoch: 0, witness_head: [0; 32], witness_count: 0 })
            }
        }
    }

    fn push(&mut self, transaction: Transaction) -> Result<(), Damage> {
        if !transaction.continues_append() {
            self.settle();
        }
        self.held_bytes += transaction.payload_bytes();
        if self.held_bytes > REPLAY_BYTES_MAX {
            let message = format!("journals of more than REPLAY_BYTES_MAX ({REPLAY_BYTES_MAX}) bytes");
            return Err(Damage::new(ErrorCode::InvalidManifest, transaction.start(), None, message));
        }
        if transaction.manifest.is_some() {
            self.newest_manifest = Some(self.transactions.len());
        }
        self.transactions.push(transaction);
        Ok(())
    }

    /// A new append starts, so what stands in front of it was durable: of that, only the newest manifest and what follows
    /// it counts.
    fn settle(&mut self) {
        let Some(index) = self.newest_manifest.take() else { return };
        let tail = self.transactions.split_off(index + 1);
        self.base = self.transactions.pop().and_then(Transaction::into_base);
        self.transactions = tail;
        self.held_bytes = self.transactions.iter().map(Transaction::payload_bytes).sum();
    }

    /// First byte behind the last whole transaction.
    pub(crate) fn end(&self) -> u64 {
        self.transactions.last().map_or_else(|| self.start().0, Transaction::end)
    }

    /// Index of the first transaction of the last append.
    fn last_append(&self) -> usize {
        self.transactions.iter().rposition(|transaction| !transaction.continues_append()).unwrap_or(0)
    }

    /// First byte of what the last append wrote.
    pub(crate) fn last_append_start(&self) -> u64 {
        self.transactions.get(self.last_append()).map_or_else(|| self.end(), Transaction::start)
    }

    /// What the next transaction must continue; else the error, and where it is.
    pub(crate) fn chain(&self) -> Result<Chain, (WireError, u64)> {
        self.transactions.iter().try_fold(self.start().1, |chain, transaction| {
            transaction.advance(&chain).map_err(|error| (error, transaction.start()))
        })
    }

    /// Re-reads what the last append wrote, whole, and drops the transactions of it that are not there. The header of a
    /// later append, however torn that one is, says that this one was there once.
    fn drop_unfinished<S: ByteSource>(
        &mut self,
        source: &S,
        head: &Head,
        file_bytes: u64,
    ) -> Result<(), RecoverError<S::Error>> {
        let append_start = self.last_append_start();
        // A file that compaction wrote is one append, whatever its length.
        if append_start > HEAD_BYTES as u64 && self.end() - append_start > APPEND_BYTES_MAX {
            let message = format!("more than APPEND_BYTES_MAX ({APPEND_BYTES_MAX}) bytes in one append");
            return Err(Damage::new(ErrorCode::InvalidManifest, append_start, None, message).into());
        }
        for index in self.last_append()..self.transactions.len() {
            let Some((last, in_front)) = self.transactions[index].segments.split_last() else { continue };
            for segment in in_front {
                if let Some(damage) = check_segment(source, segment).map_err(RecoverError::Source)? {
                    let (end, id) = (last.extent.end(), last.header.id);
                    let from = pass_segments(source, end, file_bytes, head.salt, id).map_err(RecoverError::Source)?;
                    let behind = look_behind(source, from, file_bytes, head.salt, id).map_err(RecoverError::Source)?;
                    if !matches!(behind, Behind::Tear) {
                        return Err(damage.into());
                    }
                    self.transactions.truncate(index);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The newest manifest, and the commits behind it.
    pub(crate) fn into_base_and_tail(mut self) -> (Option<Base>, Vec<Transaction>) {
        let newest = self.transactions.iter().rposition(|transaction| transaction.manifest.is_some());
        let Some(index) = newest else { return (self.base, self.transactions) };
        let tail = self.transactions.split_off(index + 1);
        (self.transactions.pop().and_then(Transaction::into_base), tail)
    }
}

fn check_is_tear<S: ByteSource>(
    source: &S,
    head: &Head,
    offset: u64,
    searched_to: u64,
    file_bytes: u64,
    last_segment_id: SegmentId,
    reason: WireError,
) -> Result<(), RecoverError<S::Error>> {
    let broken_at = searched_to.max(offset);
    // A broken header is no later segment itself; one that needs a newer version is.
    let from = if is_header_error(reason) {
        broken_at + HEADER_BYTES as u64
    } else {
        pass_segments(source, broken_at, file_bytes, head.salt, last_segment_id).map_err(RecoverError::Source)?
    };
    let behind = look_behind(source, from, file_bytes, head.salt, last_segment_id);
    match behind.map_err(RecoverError::Source)? {
        Behind::Tear => Ok(()),
        Behind::LaterSegment { id: SegmentId::MAX, .. } => Err(Damage::from_wire(reason, broken_at, None).into()),
        Behind::LaterSegment { offset: later, id } => {
            let message = format!("{reason}, and segment {id} at {later} was written after it");
            Err(Damage::new(ErrorCode::InvalidChecksum, broken_at, None, message).into())
        }
        Behind::TooMuch => {
            let message = format!("{reason}, and more bytes follow than one interrupted write can leave");
            Err(Damage::new(ErrorCode::InvalidManifest, broken_at, None, message).into())
        }
    }
}

/// True where the broken thing is a header, which then accounts for its own 64 bytes only.
fn is_header_error(reason: WireError) -> bool {
    matches!(reason, WireError::Magic(_) | WireError::Checksum("segment header") | WireError::Invalid("segment id"))
}
