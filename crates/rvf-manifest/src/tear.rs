//! Tear or damage: what an unfinished end of a file means.

use rvf_types::limits::{APPEND_BYTES_MAX, SEGMENT_ALIGN_BYTES};
use rvf_types::{SegmentFlags, SegmentId};
use rvf_wire::{Extent, HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader, WireError, align_up};

use crate::ByteSource;
use crate::source::read_header;

const CHUNK_BYTES: u64 = 1 << 20;

/// What follows the place where reading stopped.
pub(crate) enum Behind {
    /// Nothing that was ever committed: the rest of one interrupted append.
    Tear,
    /// A segment that was written after the broken bytes had been durable: they were damaged later.
    LaterSegment { offset: u64, id: SegmentId },
    /// More bytes than one append can leave.
    TooMuch,
}

/// Looks behind `from` for a header that starts an append of its own. The search only ever turns a state into an error,
/// never into another state. It does not meet headers that a payload holds: the writer makes all real headers of such an
/// append durable first, and [`pass_segments`] goes from one to the other; and what is cut off at the end of a file is
/// cleared of them before ([`erase_append_starts`]), so that they do not show again.
pub(crate) fn look_behind<S: ByteSource>(
    source: &S,
    from: u64,
    file_bytes: u64,
    salt: u32,
    last_segment_id: SegmentId,
) -> Result<Behind, S::Error> {
    let mut chunk_offset = align_up(from, SEGMENT_ALIGN_BYTES);
    if file_bytes.saturating_sub(chunk_offset) > APPEND_BYTES_MAX {
        return Ok(Behind::TooMuch);
    }
    while chunk_offset + HEADER_BYTES as u64 <= file_bytes {
        let take = (file_bytes - chunk_offset).min(CHUNK_BYTES);
        let chunk = source.read(chunk_offset, take as usize)?;
        for (index, bytes) in chunk.chunks_exact(HEADER_BYTES).enumerate() {
            if !bytes.starts_with(&SEGMENT_MAGIC.to_le_bytes()) {
                continue;
            }
            if let Some(id) = starts_append(bytes, salt).filter(|id| *id > last_segment_id) {
                let offset = chunk_offset + index as u64 * HEADER_BYTES as u64;
                return Ok(Behind::LaterSegment { offset, id });
            }
        }
        chunk_offset += CHUNK_BYTES;
    }
    Ok(Behind::Tear)
}

/// The end of the segments that the broken append still has headers of, from one of them, or from their end, on.
pub(crate) fn pass_segments<S: ByteSource>(
    source: &S,
    from: u64,
    file_bytes: u64,
    salt: u32,
    last_segment_id: SegmentId,
) -> Result<u64, S::Error> {
    let (mut offset, mut last_id) = (from, last_segment_id);
    while offset + HEADER_BYTES as u64 <= file_bytes {
        let Ok(header) = read_header(source, offset, salt)? else { break };
        let Ok(extent) = Extent::of(offset, &header) else { break };
        if header.id <= last_id || !header.flags.contains(SegmentFlags::SAME_APPEND) {
            break;
        }
        last_id = header.id;
        offset = extent.end();
    }
    Ok(offset.min(file_bytes))
}

/// Overwrites with zeros what the search behind a tear would take for the start of a later append; true where there was
/// anything. `bytes` stand on a 64-byte boundary of the file.
pub fn erase_append_starts(bytes: &mut [u8], salt: u32) -> bool {
    let mut is_changed = false;
    for block in bytes.chunks_exact_mut(HEADER_BYTES).filter(|block| starts_append(block, salt).is_some()) {
        block.fill(0);
        is_changed = true;
    }
    is_changed
}

fn starts_append(bytes: &[u8], salt: u32) -> Option<SegmentId> {
    match SegmentHeader::decode(bytes, salt) {
        Ok(header) if !header.flags.contains(SegmentFlags::SAME_APPEND) => Some(header.id),
        // A whole header of a feature this version does not read is no tear either.
        Err(WireError::Version(_) | WireError::Unsupported(_)) => Some(SegmentId::MAX),
        _ => None,
    }
}
