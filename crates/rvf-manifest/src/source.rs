use alloc::string::String;
use alloc::vec::Vec;

use rvf_types::limits::BLOCK_BYTES;
use rvf_types::{ErrorCode, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{HEAD_BYTES, HEADER_BYTES, Head, SegmentHeader, WireError, block_hash, read_u32, read_u64};

use crate::LocatedSegment;

/// Read access to a file's bytes.
pub trait ByteSource {
    /// Why reading can fail.
    type Error;

    /// Length of the file.
    fn len(&self) -> Result<u64, Self::Error>;

    /// True where the file has no bytes.
    fn is_empty(&self) -> Result<bool, Self::Error> {
        Ok(self.len()? == 0)
    }

    /// Exactly `len` bytes at `offset`; callers stay within the file's length.
    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, Self::Error>;
}

/// Stored bytes that contradict themselves: which, where, and in what way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The error's stable number.
    pub code: ErrorCode,
    /// Offset in the file.
    pub offset: u64,
    /// The segment, where it is known.
    pub segment: Option<SegmentId>,
    /// What is wrong.
    pub message: String,
}

/// Why no state could be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoverError<E> {
    /// Reading failed.
    Source(E),
    /// The bytes are not a whole store.
    Damage(Damage),
}

impl<E> From<Damage> for RecoverError<E> {
    fn from(damage: Damage) -> Self {
        RecoverError::Damage(damage)
    }
}

impl Damage {
    /// Damage of this kind.
    pub fn new(code: ErrorCode, offset: u64, segment: Option<SegmentId>, message: impl Into<String>) -> Damage {
        Damage { code, offset, segment, message: message.into() }
    }

    /// What a structure's reader said, with its place in the file.
    pub fn from_wire(error: WireError, offset: u64, segment: Option<SegmentId>) -> Damage {
        let code = match error {
            WireError::Truncated(_) => ErrorCode::TruncatedSegment,
            WireError::Magic(_) => ErrorCode::InvalidMagic,
            WireError::Version(_) => ErrorCode::InvalidVersion,
            WireError::Checksum(_) => ErrorCode::InvalidChecksum,
            WireError::Invalid(_) => ErrorCode::InvalidManifest,
            WireError::TooLarge(_) => ErrorCode::SegmentTooLarge,
            WireError::Unsupported(_) => ErrorCode::AlgoUnsupported,
        };
        Damage::new(code, offset, segment, alloc::format!("{error}"))
    }
}

/// The HEAD's identity block and both anchor blocks, unchecked beyond the identity.
pub fn read_head<S: ByteSource>(source: &S) -> Result<(Head, Vec<u8>), RecoverError<S::Error>> {
    let file_bytes = source.len().map_err(RecoverError::Source)?;
    let available = file_bytes.min(HEAD_BYTES as u64) as usize;
    let bytes = source.read(0, available).map_err(RecoverError::Source)?;
    check_file_type(&bytes)?;
    if available < HEAD_BYTES {
        let message = alloc::format!("the file has {file_bytes} bytes, a store has at least {HEAD_BYTES}");
        return Err(Damage::new(ErrorCode::TruncatedSegment, file_bytes, None, message).into());
    }
    let head = Head::decode(&bytes).map_err(|error| Damage::from_wire(error, 0, Some(1)))?;
    Ok((head, bytes))
}

/// Tells files that only look like ours by their first bytes, so that the error can say what they are.
fn check_file_type(bytes: &[u8]) -> Result<(), Damage> {
    let refuse = |code, message: &str| Err(Damage::new(code, 0, None, message));
    if bytes.is_empty() {
        return refuse(ErrorCode::InvalidMagic, "the file is empty");
    }
    if read_u32(bytes, 0, "magic") != Ok(rvf_wire::SEGMENT_MAGIC) {
        let what = if bytes.starts_with(b"SQLite format 3\0") {
            "the file is a SQLite database, not an RVF store"
        } else {
            "the file does not start with the magic number of an RVF store"
        };
        return refuse(ErrorCode::InvalidMagic, what);
    }
    if bytes.get(4) == Some(&1) && bytes.get(5) != Some(&SegmentKind::HEAD.0) {
        return refuse(
            ErrorCode::InvalidVersion,
            "the file has format version 1 of the packages 0.1 and 0.2; this version reads format version 2",
        );
    }
    Ok(())
}

/// Re-reads a whole segment: the zeros around its payload, its content hash and every block's hash. The header itself must
/// have been read from the file already. `Ok(Some(damage))` where something does not match.
pub fn check_segment<S: ByteSource>(source: &S, segment: &LocatedSegment) -> Result<Option<Damage>, S::Error> {
    let extent = &segment.extent;
    let damage = |offset, what| Ok(Some(Damage::from_wire(what, offset, Some(segment.header.id))));
    let behind_header = extent.offset + HEADER_BYTES as u64;
    if !zeros(source, behind_header, extent.payload_offset)? {
        return damage(behind_header, WireError::Checksum("the zeros in front of the payload"));
    }
    let padding_offset = extent.payload_offset + extent.payload_bytes();
    if !zeros(source, padding_offset, extent.end())? {
        return damage(padding_offset, WireError::Checksum("the padding"));
    }
    if segment.header.flags.contains(SegmentFlags::BLOCK_TABLE) {
        let table_offset = extent.payload_offset + extent.data_bytes;
        let table = source.read(table_offset, extent.table_bytes as usize)?;
        if segment.header.hash_content(&[&table]) != segment.header.content_hash {
            return damage(extent.offset, WireError::Checksum("the block table"));
        }
        return check_blocks(source, segment, &table);
    }
    let payload = source.read(extent.payload_offset, extent.data_bytes as usize)?;
    if segment.header.hash_content(&[&payload]) != segment.header.content_hash {
        return damage(extent.offset, WireError::Checksum("the segment"));
    }
    Ok(None)
}

fn check_blocks<S: ByteSource>(source: &S, segment: &LocatedSegment, table: &[u8]) -> Result<Option<Damage>, S::Error> {
    const CHUNK_BYTES: u64 = 1 << 20;
    let extent = &segment.extent;
    let mut done = 0;
    let mut index = 0;
    while done < extent.data_bytes {
        let take = (extent.data_bytes - done).min(CHUNK_BYTES);
        let chunk = source.read(extent.payload_offset + done, take as usize)?;
        for block in chunk.chunks(BLOCK_BYTES as usize) {
            if read_u64(table, index * 8, "block table") != Ok(block_hash(block)) {
                let offset = extent.payload_offset + index as u64 * BLOCK_BYTES;
                let error = WireError::Checksum("a block");
                return Ok(Some(Damage::from_wire(error, offset, Some(segment.header.id))));
            }
            index += 1;
        }
        done += take;
    }
    Ok(None)
}

fn zeros<S: ByteSource>(source: &S, start: u64, end: u64) -> Result<bool, S::Error> {
    if start >= end {
        return Ok(true);
    }
    Ok(source.read(start, (end - start) as usize)?.iter().all(|byte| *byte == 0))
}

/// A header as it stands in the file, or why it is none.
pub(crate) fn read_header<S: ByteSource>(
    source: &S,
    offset: u64,
    salt: u32,
) -> Result<Result<SegmentHeader, WireError>, S::Error> {
    let bytes = source.read(offset, HEADER_BYTES)?;
    Ok(SegmentHeader::decode(&bytes, salt))
}
