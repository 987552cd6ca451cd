use std::borrow::Cow;

use rvf_filter::{ColumnBuilder, ColumnError, ColumnSource};
use rvf_types::Row;
use rvf_types::limits::COLUMNS_FROM_ROWS;

use crate::RvfError;
use crate::segment::{RunBytes, Slice};

/// Columns and indexes of rows' texts; `None` where reading the texts is as fast, or where a text is no JSON, as only a
/// forged file has it.
pub(crate) fn columns_of<'t>(first_row: Row, row_count: u32, texts: impl Iterator<Item = &'t [u8]>) -> Option<Vec<u8>> {
    if row_count < COLUMNS_FROM_ROWS {
        return None;
    }
    let mut builder = ColumnBuilder::new(first_row);
    for text in texts {
        builder.push(text).ok()?;
    }
    builder.finish().ok()
}

/// The columns of a run, where they lie.
pub(crate) struct StoredColumns<'r> {
    bytes: &'r RunBytes,
    start: usize,
    length: usize,
}

impl<'r> StoredColumns<'r> {
    pub(super) fn new(bytes: &'r RunBytes, (start, length): (usize, usize)) -> StoredColumns<'r> {
        StoredColumns { bytes, start, length }
    }

    /// The engine's error for one of reading these columns.
    pub(crate) fn error(&self, error: ColumnError<RvfError>) -> RvfError {
        match error {
            ColumnError::Source(error) => error,
            ColumnError::Damaged(what) => self.bytes.damaged(what),
        }
    }
}

impl ColumnSource for StoredColumns<'_> {
    type Error = RvfError;

    fn len(&self) -> u64 {
        self.length as u64
    }

    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, RvfError> {
        Ok(match self.bytes.range(self.start + start as usize, len)? {
            Slice::Borrowed(bytes) => Cow::Borrowed(bytes),
            Slice::Owned(bytes) => Cow::Owned(bytes.to_vec()),
        })
    }
}
