use std::any::Any;
use std::ops::{Deref, Range};
use std::sync::Arc;

use zerocopy::IntoBytes;

/// Bytes on the heap that start on an 8-byte boundary, so that vectors and tables in them can be used in place.
#[derive(Clone, Default)]
pub struct AlignedBytes {
    words: Vec<u64>,
    len: usize,
}

impl AlignedBytes {
    /// `len` zero bytes.
    pub fn zeroed(len: usize) -> AlignedBytes {
        AlignedBytes { words: vec![0; len.div_ceil(8)], len }
    }

    /// `len` zero bytes, where there is memory for them.
    pub fn try_zeroed(len: usize) -> Option<AlignedBytes> {
        let mut words = Vec::new();
        words.try_reserve_exact(len.div_ceil(8)).ok()?;
        words.resize(len.div_ceil(8), 0);
        Some(AlignedBytes { words, len })
    }

    /// A copy of the parts, one behind the other.
    pub fn concat(parts: &[&[u8]]) -> AlignedBytes {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let word_count = len.div_ceil(8);
        let mut words: Vec<u64> = Vec::with_capacity(word_count);
        let start = words.as_mut_ptr().cast::<u8>();
        let mut at = 0;
        for part in parts {
            // SAFETY: the parts fit, as `len` is their sum, and fresh memory overlaps none of them.
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), start.add(at), part.len()) };
            at += part.len();
        }
        // SAFETY: the rest of the last word is within the capacity; with it, every word is written.
        unsafe {
            std::ptr::write_bytes(start.add(len), 0, word_count * 8 - len);
            words.set_len(word_count);
        }
        AlignedBytes { words, len }
    }

    /// The bytes, for writing.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.words.as_mut_bytes()[..self.len]
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.words.as_bytes()[..self.len]
    }
}

impl From<&[u8]> for AlignedBytes {
    fn from(bytes: &[u8]) -> AlignedBytes {
        AlignedBytes::concat(&[bytes])
    }
}

/// A read-only view of stored bytes that keeps whatever holds them alive.
#[derive(Clone)]
pub struct MappedBytes {
    _owner: Arc<dyn Any + Send + Sync>,
    start: *const u8,
    len: usize,
}

// SAFETY: the view is read-only and its owner, which keeps the bytes in place, is Send and Sync.
unsafe impl Send for MappedBytes {}
// SAFETY: as above; shared reads of immutable bytes need no synchronisation.
unsafe impl Sync for MappedBytes {}

impl MappedBytes {
    /// A view of bytes that `owner` holds.
    ///
    /// # Safety
    /// `bytes` must stay valid and unchanged for as long as `owner` lives.
    pub unsafe fn new(owner: Arc<dyn Any + Send + Sync>, bytes: &[u8]) -> MappedBytes {
        MappedBytes { _owner: owner, start: bytes.as_ptr(), len: bytes.len() }
    }

    /// A view of a part of shared bytes; nothing where they do not reach that far.
    pub fn of(bytes: Arc<AlignedBytes>, range: Range<usize>) -> Option<MappedBytes> {
        let part = bytes.get(range)?;
        // SAFETY: the view's own reference keeps the bytes in place, and shared bytes cannot be written.
        Some(unsafe { MappedBytes::new(bytes.clone(), part) })
    }
}

impl Deref for MappedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `new` was promised that the bytes live and stay unchanged while `_owner` does.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}
