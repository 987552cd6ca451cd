use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rvf_manifest::{LocatedSegment, SegmentEntry};
use rvf_types::limits::BLOCK_BYTES;
use rvf_types::{ErrorCode, SegmentFlags};
use rvf_wire::{WireError, block_count, block_hash, read_u64, sabotage};

use crate::segment::Slice;
use crate::storage::{AlignedBytes, MappedBytes, StorageFile};
use crate::{Result, RvfError};

const READ_CHUNK_BLOCKS: u64 = 256;
const BLOCK: usize = BLOCK_BYTES as usize;

/// A stored segment whose blocks are checked against their hashes when they are touched for the first time, with one bit
/// a block. Once all bits are set, a touch costs one atomic load.
pub(crate) struct CheckedSegment {
    file: Arc<dyn StorageFile>,
    entry: SegmentEntry,
    located: LocatedSegment,
    mapping: OnceLock<Option<MappedBytes>>,
    /// All data, where there is no mapping and it is asked for often.
    copy: OnceLock<Box<AlignedBytes>>,
    table: OnceLock<Vec<u8>>,
    block_count: u64,
    /// Made at the first check: a directory may name more segments than anybody touches.
    checked_blocks: OnceLock<Vec<AtomicU64>>,
    unchecked_block_count: AtomicU64,
    is_clean: AtomicBool,
}

impl CheckedSegment {
    /// A segment found in the file, no block checked yet.
    pub(crate) fn new(file: Arc<dyn StorageFile>, entry: SegmentEntry) -> Result<CheckedSegment> {
        let extent = entry.extent().map_err(|error| RvfError::segment(error, entry.offset, entry.header.id))?;
        let has_table = entry.header.flags.contains(SegmentFlags::BLOCK_TABLE);
        let blocks = if has_table { block_count(extent.data_bytes) } else { 1 };
        Ok(CheckedSegment {
            file,
            entry,
            located: LocatedSegment { header: entry.header, extent },
            mapping: OnceLock::new(),
            copy: OnceLock::new(),
            table: OnceLock::new(),
            block_count: blocks,
            checked_blocks: OnceLock::new(),
            unchecked_block_count: AtomicU64::new(blocks),
            is_clean: AtomicBool::new(false),
        })
    }

    /// A segment this process has just written: its bytes are what was hashed.
    pub(crate) fn written(file: Arc<dyn StorageFile>, entry: SegmentEntry) -> Result<CheckedSegment> {
        let segment = CheckedSegment::new(file, entry)?;
        segment.is_clean.store(true, Ordering::Relaxed);
        Ok(segment)
    }

    pub(crate) fn entry(&self) -> &SegmentEntry {
        &self.entry
    }

    pub(crate) fn data_bytes(&self) -> u64 {
        self.located.extent.data_bytes
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.mapping().is_some()
    }

    /// The error for contents that pass their hash and contradict themselves all the same.
    pub(crate) fn damaged(&self, what: &'static str) -> RvfError {
        RvfError::segment(WireError::Invalid(what), self.entry.offset, self.entry.header.id)
    }

    /// `len` bytes of data at `start`. Without a mapping the bytes are read into memory, each time.
    pub(crate) fn range(&self, start: usize, len: usize) -> Result<Slice<'_>> {
        let end = start.checked_add(len).filter(|end| *end as u64 <= self.data_bytes());
        let Some(end) = end else {
            return Err(self.damaged("a range outside its segment"));
        };
        if let Some(bytes) = self.held() {
            self.touch(start, len)?;
            return Ok(Slice::Borrowed(&bytes[start..end]));
        }
        if !self.is_clean() && len > 0 && !sabotage::is("no-hash-check") {
            return self.read_checked(start, end).map(Slice::Owned);
        }
        let mut bytes = AlignedBytes::zeroed(len);
        self.file.read_at(self.located.extent.payload_offset + start as u64, bytes.as_mut_slice())?;
        Ok(Slice::Owned(bytes))
    }

    /// All data where it lies, unchecked: what is used of it must be [touched](CheckedSegment::touch). Without a mapping it
    /// is read into memory once, and stays there.
    pub(crate) fn resident(&self) -> Result<&[u8]> {
        if let Some(bytes) = self.held() {
            return Ok(bytes);
        }
        self.touch(0, self.data_bytes() as usize)?;
        let mut bytes = AlignedBytes::zeroed(self.data_bytes() as usize);
        self.file.read_at(self.located.extent.payload_offset, bytes.as_mut_slice())?;
        Ok(self.copy.get_or_init(|| Box::new(bytes)))
    }

    /// Checks bytes if this is their first touch.
    #[inline]
    pub(crate) fn touch(&self, start: usize, len: usize) -> Result<()> {
        if self.is_clean() {
            return Ok(());
        }
        match start.checked_add(len).filter(|end| *end as u64 <= self.data_bytes()) {
            Some(end) => self.check(start, end),
            None => Err(self.damaged("a range outside its segment")),
        }
    }

    /// True where nothing is left to be checked.
    #[inline]
    pub(crate) fn is_clean(&self) -> bool {
        self.is_clean.load(Ordering::Acquire)
    }

    /// Checks what is left once that is less than a quarter: for segments that are touched all over, where looking at the
    /// bits would never end.
    pub(crate) fn settle(&self) -> Result<()> {
        let left = self.unchecked_block_count.load(Ordering::Relaxed);
        if self.is_clean() || left * 4 >= self.block_count {
            return Ok(());
        }
        self.touch(0, self.data_bytes() as usize)
    }

    /// The data, where it is mapped or was read.
    fn held(&self) -> Option<&[u8]> {
        match self.mapping() {
            Some(mapping) => Some(mapping),
            None => self.copy.get().map(|copy| &***copy),
        }
    }

    fn mapping(&self) -> Option<&MappedBytes> {
        let extent = &self.located.extent;
        self.mapping.get_or_init(|| self.file.map(extent.payload_offset, extent.data_bytes as usize)).as_ref()
    }

    /// Reads the blocks that a range lies in with one request, checks those that nobody has, and answers the range.
    #[cold]
    fn read_checked(&self, start: usize, end: usize) -> Result<AlignedBytes> {
        let (first, behind) = match self.entry.header.flags.contains(SegmentFlags::BLOCK_TABLE) {
            true => ((start / BLOCK) as u64, end.div_ceil(BLOCK) as u64),
            false => (0, self.data_bytes().div_ceil(BLOCK_BYTES)),
        };
        let from = first * BLOCK_BYTES;
        let mut bytes = vec![0; ((behind * BLOCK_BYTES).min(self.data_bytes()) - from) as usize];
        self.file.read_at(self.located.extent.payload_offset + from, &mut bytes)?;
        match self.entry.header.flags.contains(SegmentFlags::BLOCK_TABLE) {
            true => self.compare_blocks(first, &bytes)?,
            false => self.compare_whole(&bytes)?,
        }
        Ok(AlignedBytes::from(&bytes[start - from as usize..end - from as usize]))
    }

    #[cold]
    fn check(&self, start: usize, end: usize) -> Result<()> {
        if sabotage::is("no-hash-check") || start == end {
            return Ok(());
        }
        if !self.entry.header.flags.contains(SegmentFlags::BLOCK_TABLE) {
            return self.check_whole();
        }
        let first = (start / BLOCK) as u64;
        let last = ((end - 1) / BLOCK) as u64;
        let mut block = first;
        while block <= last {
            if self.is_checked(block) {
                block += 1;
                continue;
            }
            let mut behind = block + 1;
            while behind <= last && behind - block < READ_CHUNK_BLOCKS && !self.is_checked(behind) {
                behind += 1;
            }
            self.check_blocks(block, behind)?;
            block = behind;
        }
        Ok(())
    }

    fn check_whole(&self) -> Result<()> {
        let extent = &self.located.extent;
        let mut payload = vec![0; extent.data_bytes as usize];
        self.file.read_at(extent.payload_offset, &mut payload)?;
        self.compare_whole(&payload)
    }

    fn compare_whole(&self, payload: &[u8]) -> Result<()> {
        if self.entry.header.hash_content(&[payload]) != self.entry.header.content_hash {
            return Err(self.bad_block(0));
        }
        self.is_clean.store(true, Ordering::Release);
        Ok(())
    }

    /// Reads blocks `first..behind` through the storage, never through the mapping, so that a bad sector is an error and
    /// no signal.
    fn check_blocks(&self, first: u64, behind: u64) -> Result<()> {
        let start = first * BLOCK_BYTES;
        let end = (behind * BLOCK_BYTES).min(self.data_bytes());
        let mut bytes = vec![0; (end - start) as usize];
        self.file.read_at(self.located.extent.payload_offset + start, &mut bytes)?;
        self.compare_blocks(first, &bytes)
    }

    /// Compares blocks from `first` on with their hashes, but for those that have been.
    fn compare_blocks(&self, first: u64, bytes: &[u8]) -> Result<()> {
        let table = self.table()?;
        for (index, block) in (first..).zip(bytes.chunks(BLOCK)) {
            if self.is_checked(index) {
                continue;
            }
            if read_u64(table, index as usize * 8, "block table") != Ok(block_hash(block)) {
                return Err(self.bad_block(index));
            }
            self.mark_checked(index);
        }
        Ok(())
    }

    fn table(&self) -> Result<&[u8]> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let extent = &self.located.extent;
        let mut table = vec![0; extent.table_bytes as usize];
        self.file.read_at(extent.payload_offset + extent.data_bytes, &mut table)?;
        if self.entry.header.hash_content(&[&table]) != self.entry.header.content_hash {
            return Err(self.bad_block(0));
        }
        Ok(self.table.get_or_init(|| table))
    }

    fn is_checked(&self, block: u64) -> bool {
        self.checked_word(block).load(Ordering::Acquire) & (1 << (block % 64)) != 0
    }

    fn checked_word(&self, block: u64) -> &AtomicU64 {
        let words =
            self.checked_blocks.get_or_init(|| (0..self.block_count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect());
        &words[(block / 64) as usize]
    }

    fn mark_checked(&self, block: u64) {
        let bit = 1 << (block % 64);
        let before = self.checked_word(block).fetch_or(bit, Ordering::AcqRel);
        if before & bit == 0 && self.unchecked_block_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.is_clean.store(true, Ordering::Release);
        }
    }

    fn bad_block(&self, block: u64) -> RvfError {
        let offset = self.located.extent.payload_offset + block * BLOCK_BYTES;
        let kind = self.entry.header.kind.name().unwrap_or("unknown");
        RvfError::new(
            ErrorCode::InvalidChecksum,
            format!(
                "block {block} of {kind} segment {} at offset {offset} is not what was written; \
                 run verify() for the extent of the damage and restore from a backup",
                self.entry.header.id
            ),
        )
    }
}
