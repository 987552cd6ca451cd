//! JOURNAL: one transaction's operations and its witness entry.
//!
//! Payload: 32-byte header {u16 layout 1, u16 0, u32 first row, u32 row count, u32 operation count, u64 epoch, u64 bytes of
//! the operations}, operations without gaps, 73-byte witness entry. Operations:
//! 1 UPSERT {u8 1, u8 has metadata, u16 id bytes, u32 metadata bytes, u32 replaced row or 2^32-1, id, vector, metadata},
//! rows are given in order; 2 KILL {u8 2, u8 replaced by a row of this transaction, u16 0, u32 row};
//! 3 ADOPT {u8 3, 3 x u8 0, u32 segments}: the transaction's other segments, all in front of this one, hold its rows.

use alloc::vec::Vec;

use rvf_types::limits::{COUNTER_MAX, ID_BYTES_MAX, METADATA_BYTES_MAX};
use rvf_types::{Epoch, NO_ROW, Row};

use crate::{WireError, content_hash, read_array, read_u16, read_u32, read_u64, slice};

/// Bytes in front of a journal's operations.
pub const JOURNAL_HEADER_BYTES: usize = 32;
/// Bytes of the witness entry at a journal's end.
pub const WITNESS_ENTRY_BYTES: usize = 73;

const LAYOUT: u16 = 1;
const UPSERT: u8 = 1;
const KILL: u8 = 2;
const ADOPT: u8 = 3;
const UPSERT_HEADER_BYTES: usize = 12;
const KILL_BYTES: usize = 8;
const WHAT: &str = "JOURNAL";

/// A row written by a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsert<'a> {
    /// UTF-8 text of the id.
    pub id: &'a [u8],
    /// The vector's bytes.
    pub vector: &'a [u8],
    /// JSON text, `None` where the entry has no metadata.
    pub metadata: Option<&'a [u8]>,
    /// The row that held this id until now.
    pub replaced: Option<Row>,
}

/// One operation of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The next row.
    Upsert(Upsert<'a>),
    /// A row is dead from now on; `replaced` where a row of this transaction took its id.
    Kill {
        /// The dead row.
        row: Row,
        /// True where its id lives on.
        replaced: bool,
    },
    /// The rows lie in the transaction's other segments.
    Adopt {
        /// How many segments are in front of the journal.
        segments: u32,
    },
}

/// Makes a journal payload.
pub struct JournalBuilder {
    first_row: Row,
    row_count: u32,
    operation_count: u32,
    /// Room for the header, then the operations.
    bytes: Vec<u8>,
}

impl JournalBuilder {
    /// A journal whose rows start at `first_row` and whose operations take about `operations_bytes` bytes.
    pub fn new(first_row: Row, operations_bytes: usize) -> JournalBuilder {
        let mut bytes = Vec::with_capacity(JOURNAL_HEADER_BYTES + operations_bytes + WITNESS_ENTRY_BYTES);
        bytes.resize(JOURNAL_HEADER_BYTES, 0);
        JournalBuilder { first_row, row_count: 0, operation_count: 0, bytes }
    }

    /// Adds a row.
    pub fn upsert(&mut self, upsert: &Upsert<'_>) {
        let metadata = upsert.metadata.unwrap_or_default();
        self.bytes.push(UPSERT);
        self.bytes.push(u8::from(upsert.metadata.is_some()));
        self.bytes.extend_from_slice(&(upsert.id.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(&(metadata.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&upsert.replaced.unwrap_or(NO_ROW).to_le_bytes());
        self.bytes.extend_from_slice(upsert.id);
        self.bytes.extend_from_slice(upsert.vector);
        self.bytes.extend_from_slice(metadata);
        self.row_count += 1;
        self.operation_count += 1;
    }

    /// Kills a row.
    pub fn kill(&mut self, row: Row, replaced: bool) {
        self.bytes.extend_from_slice(&[KILL, u8::from(replaced), 0, 0]);
        self.bytes.extend_from_slice(&row.to_le_bytes());
        self.operation_count += 1;
    }

    /// Refers to rows in the transaction's other segments.
    pub fn adopt(&mut self, segments: u32, row_count: u32) {
        self.bytes.extend_from_slice(&[ADOPT, 0, 0, 0]);
        self.bytes.extend_from_slice(&segments.to_le_bytes());
        self.row_count += row_count;
        self.operation_count += 1;
    }

    /// The payload: header and operations, then what `witness` makes of the hash of those bytes.
    pub fn finish(self, epoch: Epoch, witness: impl FnOnce([u8; 16]) -> [u8; WITNESS_ENTRY_BYTES]) -> Vec<u8> {
        let mut bytes = self.bytes;
        let operations_bytes = (bytes.len() - JOURNAL_HEADER_BYTES) as u64;
        bytes[0..2].copy_from_slice(&LAYOUT.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.first_row.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.row_count.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.operation_count.to_le_bytes());
        bytes[16..24].copy_from_slice(&epoch.to_le_bytes());
        bytes[24..32].copy_from_slice(&operations_bytes.to_le_bytes());
        let entry = witness(content_hash(&bytes));
        bytes.extend_from_slice(&entry);
        bytes
    }
}

/// A journal payload that has been read.
#[derive(Clone, Copy, Debug)]
pub struct Journal<'a> {
    /// First row this transaction gave out.
    pub first_row: Row,
    /// How many rows it gave out.
    pub row_count: u32,
    /// How many operations it has.
    pub operation_count: u32,
    /// The state the transaction made.
    pub epoch: Epoch,
    /// Hash of header and operations: what the witness entry speaks of.
    pub operations_hash: [u8; 16],
    /// The witness entry's bytes.
    pub witness: [u8; WITNESS_ENTRY_BYTES],
    operations: &'a [u8],
}

impl<'a> Journal<'a> {
    /// Reads a payload; its operations are read by [`Journal::operations`].
    pub fn decode(payload: &'a [u8]) -> Result<Journal<'a>, WireError> {
        let layout = read_u16(payload, 0, WHAT)?;
        if layout != LAYOUT {
            return Err(WireError::Version(layout));
        }
        let operations_bytes = usize::try_from(read_u64(payload, 24, WHAT)?).map_err(|_| WireError::Truncated(WHAT))?;
        let operations = slice(payload, JOURNAL_HEADER_BYTES, operations_bytes, WHAT)?;
        let witness_at = JOURNAL_HEADER_BYTES + operations_bytes;
        if payload.len() != witness_at + WITNESS_ENTRY_BYTES {
            return Err(WireError::Invalid("length of JOURNAL"));
        }
        let journal = Journal {
            first_row: read_u32(payload, 4, WHAT)?,
            row_count: read_u32(payload, 8, WHAT)?,
            operation_count: read_u32(payload, 12, WHAT)?,
            epoch: read_u64(payload, 16, WHAT)?,
            operations_hash: content_hash(&payload[..witness_at]),
            witness: read_array(payload, witness_at, WHAT)?,
            operations,
        };
        if journal.first_row.checked_add(journal.row_count).is_none() {
            return Err(WireError::Invalid("row range of JOURNAL"));
        }
        if journal.epoch > COUNTER_MAX {
            return Err(WireError::TooLarge("the epoch of JOURNAL"));
        }
        Ok(journal)
    }

    /// The operations in order, for vectors of `row_bytes` bytes.
    pub fn operations(&self, row_bytes: usize) -> Operations<'a> {
        Operations { rest: self.operations, row_bytes }
    }

    /// How many operations write rows, and how many ids they delete for good.
    pub fn counts(&self, row_bytes: usize) -> Result<(u64, u64), WireError> {
        let mut deletes = 0;
        for operation in self.operations(row_bytes) {
            if let Operation::Kill { replaced: false, .. } = operation? {
                deletes += 1;
            }
        }
        Ok((u64::from(self.row_count), deletes))
    }
}

/// Iterator over a journal's operations; stops after the first error.
pub struct Operations<'a> {
    rest: &'a [u8],
    row_bytes: usize,
}

impl<'a> Operations<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(WireError::Truncated("a journal operation"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn read(&mut self) -> Result<Operation<'a>, WireError> {
        match self.rest[0] {
            UPSERT => self.read_upsert(),
            KILL => {
                let bytes = self.take(KILL_BYTES)?;
                Ok(Operation::Kill { row: read_u32(bytes, 4, WHAT)?, replaced: bytes[1] != 0 })
            }
            ADOPT => Ok(Operation::Adopt { segments: read_u32(self.take(KILL_BYTES)?, 4, WHAT)? }),
            _ => Err(WireError::Invalid("a journal operation")),
        }
    }

    fn read_upsert(&mut self) -> Result<Operation<'a>, WireError> {
        let header = self.take(UPSERT_HEADER_BYTES)?;
        let id_bytes = usize::from(read_u16(header, 2, WHAT)?);
        let metadata_bytes = read_u32(header, 4, WHAT)? as usize;
        if id_bytes == 0 || id_bytes > ID_BYTES_MAX || metadata_bytes > METADATA_BYTES_MAX {
            return Err(WireError::Invalid("a journal operation"));
        }
        let replaced = read_u32(header, 8, WHAT)?;
        let id = self.take(id_bytes)?;
        let vector = self.take(self.row_bytes)?;
        let metadata = self.take(metadata_bytes)?;
        Ok(Operation::Upsert(Upsert {
            id,
            vector,
            metadata: (header[1] != 0).then_some(metadata),
            replaced: (replaced != NO_ROW).then_some(replaced),
        }))
    }
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Operation<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let operation = self.read();
        if operation.is_err() {
            self.rest = &[];
        }
        Some(operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_reads_back_as_written() {
        let mut builder = JournalBuilder::new(10, 0);
        let upsert = Upsert { id: b"a", vector: &[1, 2, 3, 4], metadata: Some(b"{}"), replaced: Some(3) };
        builder.upsert(&upsert);
        builder.kill(4, false);
        builder.adopt(3, 0);
        let payload = builder.finish(9, |_| [7; WITNESS_ENTRY_BYTES]);
        let journal = Journal::decode(&payload).unwrap();
        assert_eq!((journal.first_row, journal.row_count, journal.epoch), (10, 1, 9));
        assert_eq!(journal.operation_count, 3);
        assert_eq!(journal.witness, [7; WITNESS_ENTRY_BYTES]);
        let operations: Vec<_> = journal.operations(4).map(Result::unwrap).collect();
        assert_eq!(operations[0], Operation::Upsert(upsert));
        assert_eq!(operations[1], Operation::Kill { row: 4, replaced: false });
        assert_eq!(operations[2], Operation::Adopt { segments: 3 });
        assert_eq!(journal.counts(4), Ok((1, 1)));
    }

    #[test]
    fn a_journal_cut_anywhere_is_an_error() {
        let mut builder = JournalBuilder::new(0, 0);
        builder.kill(4, false);
        let payload = builder.finish(1, |_| [0; WITNESS_ENTRY_BYTES]);
        for len in 0..payload.len() {
            assert!(Journal::decode(&payload[..len]).is_err(), "{len} bytes");
        }
    }
}
