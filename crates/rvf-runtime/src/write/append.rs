use std::ops::Range;
use std::sync::Arc;

use rvf_manifest::SegmentEntry;
use rvf_types::{Row, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{Extent, HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader, WireError, block_table};

use crate::storage::StorageFile;
use crate::write::Batch;
use crate::{Result, RvfError};

/// Bytes to be written: made for the purpose, or lying in a caller's batch.
pub(crate) enum Part {
    Owned(Vec<u8>),
    Vectors(Arc<Batch>, Range<usize>),
}

impl Part {
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Owned(bytes) => bytes,
            Part::Vectors(batch, range) => &batch.vectors[range.clone()],
        }
    }
}

/// Segments laid out one behind the other, to be written in one go.
pub(crate) struct Append {
    salt: u32,
    start: u64,
    end: u64,
    next_segment_id: SegmentId,
    timestamp_ns: u64,
    parts: Vec<Part>,
    headers: Vec<(u64, [u8; HEADER_BYTES])>,
    entries: Vec<SegmentEntry>,
    /// The next segment is not the first one since the last sync.
    is_continued: bool,
    holds_lookalike: bool,
}

impl Append {
    /// An empty append at the committed end. `follows_unsynced`: what stands in front of it may not be durable yet.
    pub(crate) fn new(
        start: u64,
        salt: u32,
        next_segment_id: SegmentId,
        timestamp_ns: u64,
        follows_unsynced: bool,
    ) -> Append {
        Append {
            salt,
            start,
            end: start,
            next_segment_id,
            timestamp_ns,
            parts: Vec::new(),
            headers: Vec::new(),
            entries: Vec::new(),
            is_continued: follows_unsynced,
            holds_lookalike: false,
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn next_segment_id(&self) -> SegmentId {
        self.next_segment_id
    }

    /// Lets the next segment have at least this number.
    pub(crate) fn raise_segment_id(&mut self, at_least: SegmentId) {
        self.next_segment_id = self.next_segment_id.max(at_least);
    }

    pub(crate) fn timestamp_ns(&self) -> u64 {
        self.timestamp_ns
    }

    /// A new transaction starts: its segments carry their own time, later than all before.
    pub(crate) fn start_transaction(&mut self, now_ns: u64) {
        self.timestamp_ns = now_ns.max(self.timestamp_ns.saturating_add(1));
    }

    /// Entries of the segments added so far.
    pub(crate) fn entries(&self) -> &[SegmentEntry] {
        &self.entries
    }

    /// Where the planned end is, to take back what a failed transaction added.
    pub(crate) fn mark(&self) -> AppendMark {
        AppendMark {
            end: self.end,
            next_segment_id: self.next_segment_id,
            parts: self.parts.len(),
            entries: self.entries.len(),
            is_continued: self.is_continued,
            timestamp_ns: self.timestamp_ns,
        }
    }

    /// True where there is nothing in front of the mark.
    pub(crate) fn is_only_since(&self, mark: &AppendMark) -> bool {
        mark.end == self.start
    }

    /// Takes back everything since the mark.
    pub(crate) fn roll_back(&mut self, mark: &AppendMark) {
        self.end = mark.end;
        self.next_segment_id = mark.next_segment_id;
        self.parts.truncate(mark.parts);
        self.entries.truncate(mark.entries);
        self.headers.truncate(mark.entries);
        self.is_continued = mark.is_continued;
        self.timestamp_ns = mark.timestamp_ns;
    }

    /// Adds a segment; `rows` are the rows it holds.
    pub(crate) fn segment(
        &mut self,
        kind: SegmentKind,
        flags: SegmentFlags,
        data: Vec<Part>,
        rows: (Row, u32),
    ) -> Result<SegmentEntry> {
        let data_bytes = data.iter().map(|part| part.bytes().len() as u64).sum();
        let extent = Extent::plan(self.end, kind, data_bytes)
            .map_err(|error| RvfError::segment(error, self.end, self.next_segment_id))?;
        let data_parts: Vec<&[u8]> = data.iter().map(Part::bytes).collect();
        let table = if extent.table_bytes > 0 { block_table(&data_parts) } else { Vec::new() };
        let mut flags = flags;
        if self.is_continued {
            flags = flags.with(SegmentFlags::SAME_APPEND);
        }
        if !table.is_empty() {
            flags = flags.with(SegmentFlags::BLOCK_TABLE);
        }
        let mut header = SegmentHeader {
            kind,
            flags,
            id: self.next_segment_id,
            payload_bytes: extent.payload_bytes(),
            timestamp_ns: self.timestamp_ns,
            payload_start_units: ((extent.payload_offset - extent.offset) / HEADER_BYTES as u64) as u16,
            content_hash: [0; 16],
            padding_bytes: extent.padding_bytes as u32,
        };
        header.content_hash =
            if table.is_empty() { header.hash_content(&data_parts) } else { header.hash_content(&[&table]) };
        self.holds_lookalike |= holds_lookalike(&data_parts, extent.payload_offset, self.salt);
        let entry = SegmentEntry { offset: extent.offset, header, first_row: rows.0, row_count: rows.1 };
        self.push(&extent, &header, data, table, entry);
        Ok(entry)
    }

    fn push(&mut self, extent: &Extent, header: &SegmentHeader, data: Vec<Part>, table: Vec<u8>, entry: SegmentEntry) {
        let encoded = header.encode(self.salt);
        let mut front = encoded.to_vec();
        front.resize((extent.payload_offset - extent.offset) as usize, 0);
        let mut behind = table;
        behind.resize(behind.len() + extent.padding_bytes as usize, 0);
        self.parts.push(Part::Owned(front));
        self.parts.extend(data);
        self.parts.push(Part::Owned(behind));
        self.headers.push((extent.offset, encoded));
        self.entries.push(entry);
        self.end = extent.end();
        self.next_segment_id += 1;
        self.is_continued = true;
    }

    /// Writes what was laid out so far and forgets its bytes, so that an append may be larger than memory. For files that
    /// nobody reads before they are finished.
    pub(crate) fn flush(&mut self, file: &dyn StorageFile) -> Result<()> {
        let parts: Vec<&[u8]> = self.parts.iter().map(Part::bytes).collect();
        file.write_at(self.start, &parts)?;
        self.start = self.end;
        self.parts.clear();
        Ok(())
    }

    /// Writes everything. Where a payload holds bytes that look like one of this file's own headers, the real headers are
    /// made durable first: then a reader of a torn append knows where the payload ends and never looks inside.
    pub(crate) fn write(&self, file: &dyn StorageFile) -> Result<()> {
        if self.holds_lookalike {
            for (offset, header) in &self.headers {
                file.write_at(*offset, &[header])?;
            }
            file.sync()?;
        }
        let parts: Vec<&[u8]> = self.parts.iter().map(Part::bytes).collect();
        file.write_at(self.start, &parts)?;
        Ok(())
    }
}

/// A place in an append.
pub(crate) struct AppendMark {
    end: u64,
    next_segment_id: SegmentId,
    parts: usize,
    entries: usize,
    is_continued: bool,
    timestamp_ns: u64,
}

/// True where bytes on a 64-byte boundary of the file read as a header under this file's salt.
fn holds_lookalike(parts: &[&[u8]], offset: u64, salt: u32) -> bool {
    let mut part_offset = offset;
    for (index, part) in parts.iter().enumerate() {
        let skip = (part_offset.next_multiple_of(HEADER_BYTES as u64) - part_offset) as usize;
        let mut at = skip;
        while at < part.len() {
            if part[at..].starts_with(&SEGMENT_MAGIC.to_le_bytes()) || part.len() - at < 4 {
                let window: Vec<u8> = std::iter::once(&part[at..])
                    .chain(parts[index + 1..].iter().copied())
                    .flat_map(|bytes| bytes.iter().copied())
                    .take(HEADER_BYTES)
                    .collect();
                // A header of another version is one to the reader too.
                let decoded = SegmentHeader::decode(&window, salt);
                if matches!(decoded, Ok(_) | Err(WireError::Version(_) | WireError::Unsupported(_))) {
                    return true;
                }
            }
            at += HEADER_BYTES;
        }
        part_offset += part.len() as u64;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_inside_a_payload_is_noticed_wherever_the_parts_are_cut() {
        let header = SegmentHeader {
            kind: SegmentKind::VEC,
            flags: SegmentFlags::NONE,
            id: 9,
            payload_bytes: 0,
            timestamp_ns: 1,
            payload_start_units: 1,
            content_hash: [0; 16],
            padding_bytes: 0,
        };
        let mut payload = vec![1u8; 128];
        payload.extend_from_slice(&header.encode(5));
        payload.extend_from_slice(&[2; 64]);
        for cut in 0..payload.len() {
            let (left, right) = payload.split_at(cut);
            assert!(holds_lookalike(&[left, right], 64, 5), "cut at {cut}");
            assert!(!holds_lookalike(&[left, right], 64, 6));
            assert!(!holds_lookalike(&[left, right], 96, 5));
        }
    }
}
