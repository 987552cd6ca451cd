use alloc::boxed::Box;
use alloc::vec::Vec;

use rvf_crypto::{ActionSummary, WitnessEntry, action_hash};
use rvf_types::{Epoch, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{Extent, HEADER_BYTES, Journal, SegmentHeader, WireError};

use crate::source::read_header;
use crate::{ByteSource, Manifest, check_segment};

/// A segment found in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocatedSegment {
    /// Its header.
    pub header: SegmentHeader,
    /// Where its parts lie.
    pub extent: Extent,
}

/// One transaction: segments that were written, and count, together.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// All its segments; the last one is a journal or a manifest.
    pub segments: Vec<LocatedSegment>,
    /// The last segment's payload; empty where it was a manifest.
    pub last_payload: Vec<u8>,
    /// The manifest, where the transaction is a checkpoint.
    pub manifest: Option<Manifest>,
}

/// What the next transaction must continue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    pub last_segment_id: SegmentId,
    pub epoch: Epoch,
    pub witness_head: [u8; 32],
    pub witness_count: u64,
}

/// What stands at an offset where a transaction could start.
pub(crate) enum Found {
    /// The file ends here.
    Nothing,
    /// A transaction that continues the chain.
    Whole(Box<Transaction>),
    /// Something that is not a whole transaction; `searched_to` is the first byte that no header read here accounts for.
    Broken { reason: WireError, searched_to: u64 },
}

impl Transaction {
    /// First byte.
    pub fn start(&self) -> u64 {
        self.segments.first().map_or(0, |segment| segment.extent.offset)
    }

    /// First byte behind it.
    pub fn end(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.extent.end())
    }

    /// Bytes of the payload that its reader keeps, or kept while it read the manifest.
    pub(crate) fn payload_bytes(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.extent.data_bytes)
    }

    /// The manifest and where it stands, `None` for a commit.
    pub(crate) fn into_base(self) -> Option<(Manifest, LocatedSegment)> {
        self.manifest.zip(self.segments.last().copied())
    }

    /// True where it was written with what stands in front of it, before that was durable.
    pub fn continues_append(&self) -> bool {
        self.segments.first().is_some_and(|segment| segment.header.flags.contains(SegmentFlags::SAME_APPEND))
    }

    /// The chain behind this transaction.
    pub(crate) fn advance(&self, chain: &Chain) -> Result<Chain, WireError> {
        let last_segment_id = self.segments.last().map_or(chain.last_segment_id, |segment| segment.header.id);
        match &self.manifest {
            Some(manifest) => Ok(Chain {
                last_segment_id,
                epoch: manifest.epoch,
                witness_head: manifest.witness_head,
                witness_count: manifest.witness_count,
            }),
            None => {
                let journal = Journal::decode(&self.last_payload)?;
                Ok(Chain {
                    last_segment_id,
                    epoch: journal.epoch,
                    witness_head: decode_witness(&journal)?.hash(),
                    witness_count: chain.witness_count + 1,
                })
            }
        }
    }
}

fn decode_witness(journal: &Journal<'_>) -> Result<WitnessEntry, WireError> {
    WitnessEntry::decode(&journal.witness).map_err(|_| WireError::Invalid("witness entry"))
}

/// The hash a commit's witness entry must carry: over operation, epoch, counts and the content hashes of the segments in
/// front of the journal, then of the journal's own operations.
pub fn witness_summary(
    epoch: Epoch,
    upserts: u64,
    deletes: u64,
    segment_hashes: impl Iterator<Item = [u8; 16]>,
    operations_hash: [u8; 16],
) -> [u8; 32] {
    const COMMIT: u8 = 1;
    let mut content_hashes: Vec<[u8; 16]> = segment_hashes.collect();
    content_hashes.push(operations_hash);
    action_hash(ActionSummary { operation: COMMIT, epoch, upserts, deletes, content_hashes: &content_hashes })
}

/// Reads the transaction at `offset`: headers, the last segment whole, the link to `chain`. The other segments' contents
/// are not read here.
pub(crate) fn read_transaction<S: ByteSource>(
    source: &S,
    offset: u64,
    file_bytes: u64,
    salt: u32,
    row_bytes: Option<usize>,
    chain: &Chain,
) -> Result<Found, S::Error> {
    if offset >= file_bytes {
        return Ok(Found::Nothing);
    }
    let mut segments: Vec<LocatedSegment> = Vec::new();
    let mut at = offset;
    let mut last_id = chain.last_segment_id;
    loop {
        let broken = |reason, searched_to| Ok(Found::Broken { reason, searched_to });
        if at.saturating_add(HEADER_BYTES as u64) > file_bytes {
            return broken(WireError::Truncated("transaction"), at.min(file_bytes));
        }
        let header = match read_header(source, at, salt)? {
            Ok(header) => header,
            Err(reason) => return broken(reason, at),
        };
        let extent = match Extent::of(at, &header) {
            Ok(extent) => extent,
            Err(reason) => return broken(reason, at),
        };
        if header.id <= last_id || (!segments.is_empty() && !header.flags.contains(SegmentFlags::SAME_APPEND)) {
            return broken(WireError::Invalid("segment id"), at);
        }
        if extent.end() > file_bytes {
            return broken(WireError::Truncated("segment"), file_bytes);
        }
        last_id = header.id;
        at = extent.end();
        segments.push(LocatedSegment { header, extent });
        if !header.flags.contains(SegmentFlags::MORE_FOLLOWS) {
            return Ok(match finish(source, segments, salt, row_bytes, chain)? {
                Ok(transaction) => Found::Whole(Box::new(transaction)),
                Err(reason) => Found::Broken { reason, searched_to: at },
            });
        }
    }
}

/// Checks the last segment whole and the links.
fn finish<S: ByteSource>(
    source: &S,
    segments: Vec<LocatedSegment>,
    salt: u32,
    row_bytes: Option<usize>,
    chain: &Chain,
) -> Result<Result<Transaction, WireError>, S::Error> {
    let Some(last) = segments.last().copied() else {
        return Ok(Err(WireError::Invalid("transaction")));
    };
    if check_segment(source, &last)?.is_some() {
        return Ok(Err(WireError::Checksum("the transaction's last segment")));
    }
    let last_payload = source.read(last.extent.payload_offset, last.extent.data_bytes as usize)?;
    let mut transaction = Transaction { segments, last_payload, manifest: None };
    let checked = match last.header.kind {
        SegmentKind::MANIFEST => {
            Manifest::decode(&transaction.last_payload, last.extent.offset, salt).and_then(|manifest| {
                check_manifest_link(&manifest, last.header.id, chain)?;
                transaction.manifest = Some(manifest);
                transaction.last_payload = Vec::new();
                Ok(())
            })
        }
        SegmentKind::JOURNAL => check_journal_link(&transaction, row_bytes, chain),
        _ => Err(WireError::Invalid("kind of a transaction's last segment")),
    };
    Ok(checked.map(|()| transaction))
}

/// A checkpoint adds nothing: it must describe the state that the chain has reached. The first manifest of a file starts
/// the chain.
fn check_manifest_link(manifest: &Manifest, segment_id: SegmentId, chain: &Chain) -> Result<(), WireError> {
    let first = chain.last_segment_id == 1;
    let continues = manifest.epoch == chain.epoch && manifest.witness_head == chain.witness_head;
    if (first || continues) && manifest.next_segment_id == segment_id + 1 {
        Ok(())
    } else {
        Err(WireError::Invalid("link of a manifest to the state before it"))
    }
}

fn check_journal_link(transaction: &Transaction, row_bytes: Option<usize>, chain: &Chain) -> Result<(), WireError> {
    let row_bytes = row_bytes.ok_or(WireError::Invalid("journal in front of the first manifest"))?;
    let journal = Journal::decode(&transaction.last_payload)?;
    let entry = decode_witness(&journal)?;
    let (upserts, deletes) = journal.counts(row_bytes)?;
    let in_front = &transaction.segments[..transaction.segments.len() - 1];
    let hashes = in_front.iter().map(|segment| segment.header.content_hash);
    let action = witness_summary(journal.epoch, upserts, deletes, hashes, journal.operations_hash);
    if entry.previous_hash == chain.witness_head && entry.action_hash == action && journal.epoch == chain.epoch + 1 {
        Ok(())
    } else {
        Err(WireError::Invalid("link of a commit to the one before it"))
    }
}
