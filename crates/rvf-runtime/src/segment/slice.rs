use std::ops::Deref;

use crate::storage::AlignedBytes;

/// Bytes that are either used where they lie or were read for this purpose.
pub(crate) enum Slice<'a> {
    /// In a mapping or on the heap.
    Borrowed(&'a [u8]),
    /// A copy.
    Owned(AlignedBytes),
}

impl Deref for Slice<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Slice::Borrowed(bytes) => bytes,
            Slice::Owned(bytes) => bytes,
        }
    }
}
