use std::sync::Arc;

use rvf_types::ErrorCode;

use crate::segment::{CheckedSegment, Slice};
use crate::storage::AlignedBytes;
use crate::{Result, RvfError};

/// The data of a run: on the heap while it is part of the tail, in a segment once it is stored.
#[derive(Clone)]
pub(crate) enum RunBytes {
    Heap(Arc<AlignedBytes>),
    Segment(Arc<CheckedSegment>),
}

impl RunBytes {
    pub(crate) fn heap(bytes: &[u8]) -> RunBytes {
        RunBytes::Heap(Arc::new(AlignedBytes::from(bytes)))
    }

    /// Bytes of data.
    pub(crate) fn len(&self) -> u64 {
        match self {
            RunBytes::Heap(bytes) => bytes.len() as u64,
            RunBytes::Segment(segment) => segment.data_bytes(),
        }
    }

    /// True where the bytes are in no segment that a checkpoint could keep.
    pub(crate) fn is_heap(&self) -> bool {
        matches!(self, RunBytes::Heap(_))
    }

    /// `len` bytes at `start`, checked if this is their first touch.
    pub(crate) fn range(&self, start: usize, len: usize) -> Result<Slice<'_>> {
        match self {
            RunBytes::Heap(bytes) => start
                .checked_add(len)
                .and_then(|end| bytes.get(start..end))
                .map(Slice::Borrowed)
                .ok_or_else(|| RvfError::new(ErrorCode::Internal, "a range outside its run")),
            RunBytes::Segment(segment) => segment.range(start, len),
        }
    }

    /// All data where it lies, mapped or in memory, unchecked: what is used of it must be [touched](RunBytes::touch).
    pub(crate) fn resident(&self) -> Result<&[u8]> {
        match self {
            RunBytes::Heap(bytes) => Ok(bytes),
            RunBytes::Segment(segment) => segment.resident(),
        }
    }

    /// Checks bytes if this is their first touch.
    pub(crate) fn touch(&self, start: usize, len: usize) -> Result<()> {
        match self {
            RunBytes::Heap(_) => Ok(()),
            RunBytes::Segment(segment) => segment.touch(start, len),
        }
    }

    /// Checks what is left once that is little.
    pub(crate) fn settle(&self) -> Result<()> {
        match self {
            RunBytes::Heap(_) => Ok(()),
            RunBytes::Segment(segment) => segment.settle(),
        }
    }

    /// True where nothing is left to be checked.
    pub(crate) fn is_clean(&self) -> bool {
        match self {
            RunBytes::Heap(_) => true,
            RunBytes::Segment(segment) => segment.is_clean(),
        }
    }

    pub(crate) fn read_u32(&self, start: usize) -> Result<u32> {
        let bytes = self.range(start, 4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn read_u64(&self, start: usize) -> Result<u64> {
        let bytes = self.range(start, 8)?;
        let mut word = [0; 8];
        word.copy_from_slice(&bytes);
        Ok(u64::from_le_bytes(word))
    }

    /// The error for contents of this run that contradict themselves.
    pub(crate) fn damaged(&self, what: &'static str) -> RvfError {
        match self {
            RunBytes::Heap(_) => RvfError::internal(what),
            RunBytes::Segment(segment) => segment.damaged(what),
        }
    }
}
