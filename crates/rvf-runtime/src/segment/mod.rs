//! Bytes of stored segments, checked at their first touch.

mod checked;
mod run_bytes;
mod slice;
mod source;

pub(crate) use checked::CheckedSegment;
pub(crate) use run_bytes::RunBytes;
pub(crate) use slice::Slice;
pub(crate) use source::FileSource;
