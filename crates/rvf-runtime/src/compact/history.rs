use rvf_manifest::{ByteSource, LocatedSegment, check_segment};
use rvf_types::{SegmentFlags, SegmentKind};
use rvf_wire::{Extent, HEAD_BYTES, HEADER_BYTES, Journal, SegmentHeader, WITNESS_ENTRY_BYTES, WireError, WitnessRun};

use crate::segment::FileSource;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// All witness entries of a file in order, read by walking from header to header.
pub(super) fn witness_entries(snapshot: &Snapshot) -> Result<Vec<u8>> {
    let source = FileSource(&*snapshot.file);
    let mut entries = Vec::new();
    let mut offset = HEAD_BYTES as u64;
    while offset < snapshot.committed_end {
        let bytes = source.read(offset, HEADER_BYTES)?;
        let located = SegmentHeader::decode(&bytes, snapshot.salt)
            .and_then(|header| Extent::of(offset, &header).map(|extent| LocatedSegment { header, extent }))
            .map_err(|error| RvfError::segment(error, offset, 0))?;
        append_entries(&source, &located, &mut entries)?;
        offset = located.extent.end();
    }
    if (entries.len() / WITNESS_ENTRY_BYTES) as u64 != snapshot.witness_count {
        return Err(RvfError::segment(WireError::Invalid("the number of witness entries"), offset, 0));
    }
    Ok(entries)
}

fn append_entries(source: &FileSource<'_>, located: &LocatedSegment, entries: &mut Vec<u8>) -> Result<()> {
    let is_journal =
        located.header.kind == SegmentKind::JOURNAL && !located.header.flags.contains(SegmentFlags::TOMBSTONE);
    if !is_journal && located.header.kind != SegmentKind::WITNESS {
        return Ok(());
    }
    if let Some(damage) = check_segment(source, located)? {
        return Err(damage.into());
    }
    let extent = &located.extent;
    let payload = source.read(extent.payload_offset, extent.data_bytes as usize)?;
    let at = |error| RvfError::segment(error, extent.offset, located.header.id);
    if is_journal {
        entries.extend_from_slice(&Journal::decode(&payload).map_err(at)?.witness);
    } else {
        entries.extend_from_slice(WitnessRun::decode(&payload).map_err(at)?.entries);
    }
    Ok(())
}

/// How many entries go into one segment.
pub(super) const ENTRIES_PER_SEGMENT: usize = (64 << 20) / WITNESS_ENTRY_BYTES;
