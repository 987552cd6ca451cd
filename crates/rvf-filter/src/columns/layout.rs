//! The fixed-size parts of a column payload. All numbers are little-endian, all offsets count from the payload's start
//! unless said otherwise.

/// Version of the column payload; readers scan a payload of another one by JSON.
pub const COLUMNS_VERSION: u32 = 1;

/// {u32 version, u32 first row, u32 row count, u32 field count, u32 directory start, then a section entry (16 bytes, class
/// 0) for the rows with fields that are not in the directory}, padded.
pub(crate) const HEADER_BYTES: usize = 40;
/// Byte of the header at which the entry of the unlisted rows stands.
pub(crate) const UNLISTED_ENTRY_START: usize = 20;
/// {u32 name start, u16 name bytes, u16 section count, u32 start of the section entries}.
pub(crate) const FIELD_ENTRY_BYTES: usize = 12;
/// {u8 class, u8 index kind, u16 0, u32 start, u32 bytes, u32 rows}.
pub(crate) const SECTION_ENTRY_BYTES: usize = 16;
/// {u32 keys, u32 postings, u32 listed postings, u32 heavy keys, u32 keys start, u32 bitmaps start (both from the
/// section's start), u8 row bytes, u8 count bytes, u8 number bytes, u8 0, u16 key bytes max, u16 0}.
pub(crate) const DICTIONARY_HEADER_BYTES: usize = 32;
/// {u32 key index, u32 heavy postings up to and with this key, u32 end of its bitmap from the bitmaps' start}.
pub(crate) const HEAVY_ENTRY_BYTES: usize = 12;
/// Keys of a block of a text dictionary.
pub(crate) const BLOCK_KEYS: u32 = 16;

/// Most fields with columns in one run. Rows with fields beyond these are found by JSON.
pub(crate) const FIELDS_MAX: usize = 1_024;
/// Most sections of a field.
pub(crate) const SECTIONS_MAX: u16 = 64;
/// Longest text that a dictionary keeps, in bytes, where its texts repeat much; longer ones are cut.
pub(crate) const TEXT_KEY_LONG_BYTES: usize = 1_024;
/// Longest text that a dictionary keeps, in bytes, where its texts are mostly distinct.
pub(crate) const TEXT_KEY_SHORT_BYTES: usize = 64;

/// What a section knows of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Exists = 1,
    Null = 2,
    False = 3,
    True = 4,
    Numbers = 5,
    Texts = 6,
    Arrays = 7,
    ElementNull = 8,
    ElementFalse = 9,
    ElementTrue = 10,
    ElementNumbers = 11,
    ElementTexts = 12,
}

/// Number of classes, the unused 0 included.
pub(crate) const CLASS_COUNT: usize = 13;

/// How a section is stored. Unknown kinds mean scan.
pub(crate) mod index_kind {
    /// One roaring bitmap in the portable format.
    pub(crate) const ROWS: u8 = 1;
    /// Ascending numbers with postings.
    pub(crate) const NUMBERS: u8 = 2;
    /// Ascending texts with postings.
    pub(crate) const TEXTS: u8 = 3;
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: u8,
    pub(crate) start: u32,
    pub(crate) bytes: u32,
    /// Rows in it, as the writer says.
    pub(crate) row_count: u32,
}

impl Section {
    pub(crate) fn encode(self, class: u8) -> [u8; SECTION_ENTRY_BYTES] {
        let mut entry = [0; SECTION_ENTRY_BYTES];
        entry[0] = class;
        entry[1] = self.kind;
        entry[4..8].copy_from_slice(&self.start.to_le_bytes());
        entry[8..12].copy_from_slice(&self.bytes.to_le_bytes());
        entry[12..16].copy_from_slice(&self.row_count.to_le_bytes());
        entry
    }

    /// Reads an entry of [`SECTION_ENTRY_BYTES`]; gives its class too.
    pub(crate) fn decode(entry: &[u8]) -> (u8, Section) {
        let section = Section {
            kind: entry[1],
            start: unsigned(&entry[4..8]) as u32,
            bytes: unsigned(&entry[8..12]) as u32,
            row_count: unsigned(&entry[12..16]) as u32,
        };
        (entry[0], section)
    }
}

/// A little-endian number of up to eight bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Fewest bytes, at least one, that hold a number.
pub(crate) fn width_of(largest: u32) -> usize {
    (4 - largest.leading_zeros() as usize / 8).max(1)
}
