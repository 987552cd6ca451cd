use core::fmt;

/// Dense number of a stored vector. Rows are given out in insertion order; a replaced or deleted row keeps its number
/// until compaction.
pub type Row = u32;

/// Stands where a row is expected and there is none.
pub const NO_ROW: Row = u32::MAX;

/// Number of the commit that made a state; grows by one with each commit, for the life of the file.
pub type Epoch = u64;

/// Number of a segment, strictly increasing within a file, also across compaction.
pub type SegmentId = u64;

/// Random 128-bit name of a file; a branch has its own and knows its parent's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FileId(pub [u8; 16]);

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileId({self})")
    }
}
