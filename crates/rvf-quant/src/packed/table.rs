use super::PackedLayout;
use crate::codes::CodeTable;
use crate::error::QuantError;

/// Packed rows one after the other, used where they lie: in a mapping, at any alignment.
#[derive(Clone, Copy, Debug)]
pub struct PackedTable<'a> {
    layout: PackedLayout,
    bytes: &'a [u8],
    rows: u32,
}

impl<'a> PackedTable<'a> {
    /// The table that `bytes` consists of.
    ///
    /// # Errors
    /// `bytes` is not a number of whole rows, or of more than 2^32 - 1.
    pub fn new(layout: PackedLayout, bytes: &'a [u8]) -> Result<PackedTable<'a>, QuantError> {
        let rows = u32::try_from(bytes.len() / layout.row_bytes()).ok();
        match rows {
            Some(rows) if bytes.len().is_multiple_of(layout.row_bytes()) => Ok(PackedTable { layout, bytes, rows }),
            _ => Err(QuantError::TableLength { bytes: bytes.len(), row_bytes: layout.row_bytes() }),
        }
    }

    /// How the rows are packed.
    pub fn layout(&self) -> PackedLayout {
        self.layout
    }

    /// Number of rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// All rows.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The error of a row that is not there.
    #[inline]
    pub(super) fn check(&self, row: u32) -> Result<(), QuantError> {
        if row < self.rows { Ok(()) } else { Err(QuantError::RowOutOfRange { row, rows: self.rows }) }
    }

    /// The rows of a scalar packing as what they are.
    pub(super) fn codes(&self) -> CodeTable<'a> {
        CodeTable::of_rows(self.layout.codes(), self.bytes, self.rows)
    }
}
