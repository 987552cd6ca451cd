use roaring::RoaringBitmap;
use rvf_manifest::{LocatedSegment, Manifest, SegmentEntry};
use rvf_types::limits::BLOCK_BYTES;
use rvf_types::{ErrorCode, Row, SegmentFlags, SegmentKind};

use crate::dead_rows::DeadRows;
use crate::storage::StorageFile;
use crate::write::{Append, Part};
use crate::{Result, RvfError};

pub(crate) fn is_tombstones(entry: &SegmentEntry) -> bool {
    entry.header.kind == SegmentKind::JOURNAL && entry.header.flags.contains(SegmentFlags::TOMBSTONE)
}

/// Adds a tombstone segment for newly dead rows, together with stored ones that are not much larger.
pub(crate) fn write_tombstones(
    file: &dyn StorageFile,
    mut stored: Vec<SegmentEntry>,
    mut dead: RoaringBitmap,
    append: &mut Append,
) -> Result<Vec<SegmentEntry>> {
    if dead.is_empty() {
        return Ok(stored);
    }
    while let Some(last) = stored.last() {
        if last.header.payload_bytes > 2 * dead.serialized_size() as u64 {
            break;
        }
        dead |= read_tombstones(file, last)?;
        stored.pop();
    }
    let mut bytes = Vec::with_capacity(dead.serialized_size());
    dead.serialize_into(&mut bytes).map_err(|error| RvfError::internal(error.to_string()))?;
    let flags = SegmentFlags::MORE_FOLLOWS.with(SegmentFlags::TOMBSTONE);
    stored.push(append.segment(SegmentKind::JOURNAL, flags, vec![Part::Owned(bytes)], (0, 0))?);
    Ok(stored)
}

/// The rows that a tombstone segment names.
pub(crate) fn read_tombstones(file: &dyn StorageFile, entry: &SegmentEntry) -> Result<RoaringBitmap> {
    let extent = entry.extent().map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
    let located = LocatedSegment { header: entry.header, extent };
    let source = crate::segment::FileSource(file);
    if let Some(damage) = rvf_manifest::check_segment(&source, &located)? {
        return Err(damage.into());
    }
    let mut bytes = vec![0; extent.data_bytes as usize];
    file.read_at(extent.payload_offset, &mut bytes)?;
    RoaringBitmap::deserialize_from(&bytes[..])
        .map_err(|_| RvfError::segment(rvf_wire::WireError::Invalid("tombstones"), entry.offset, entry.id()))
}

/// Dead rows of a stored state.
pub(crate) fn load_dead(file: &dyn StorageFile, manifest: &Manifest) -> Result<DeadRows> {
    let mut dead = DeadRows::default();
    for entry in manifest.segments.iter().filter(|entry| is_tombstones(entry)) {
        let invalid = || RvfError::segment(rvf_wire::WireError::Invalid("tombstones"), entry.offset, entry.id());
        if entry.header.payload_bytes > tombstone_bytes_max(manifest.next_row) {
            return Err(invalid());
        }
        let rows = read_tombstones(file, entry)?;
        if rows.max().is_some_and(|row| row >= manifest.next_row) {
            return Err(invalid());
        }
        dead.insert_all(&rows);
    }
    let living = u64::from(manifest.next_row) - dead.count();
    if dead.count() != manifest.dead_count || living != manifest.vector_count {
        return Err(RvfError::new(ErrorCode::InvalidManifest, "the manifest's counts contradict its tombstones"));
    }
    Ok(dead)
}

/// Most bytes that a tombstone segment with its block table can take: a bitmap of 8 KiB, key and offset for each 65,536
/// rows.
fn tombstone_bytes_max(next_row: Row) -> u64 {
    let containers = u64::from(next_row) / 65_536 + 1;
    let bitmap_bytes = 8 + containers * (8_192 + 8);
    bitmap_bytes + bitmap_bytes.div_ceil(BLOCK_BYTES) * 8
}
