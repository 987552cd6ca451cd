use serde::de::IgnoredAny;

use rvf_filter::Schema;
use rvf_manifest::StoreOptions;
use rvf_types::limits::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, ID_BYTES_MAX, METADATA_BYTES_MAX, METADATA_DEPTH_MAX};
use rvf_types::{DataType, ErrorCode};

use crate::storage::AlignedBytes;
use crate::{Result, RvfError};

/// Strings laid end to end.
#[derive(Clone, Default)]
pub struct PackedStrings {
    /// UTF-8 text of all strings.
    pub bytes: Vec<u8>,
    /// Where each string starts, and where the last one ends: one number more than there are strings.
    pub offsets: Vec<u32>,
}

impl PackedStrings {
    /// Packs strings.
    pub fn from_strings<'a>(strings: impl IntoIterator<Item = &'a str>) -> PackedStrings {
        let mut packed = PackedStrings { bytes: Vec::new(), offsets: vec![0] };
        for string in strings {
            packed.bytes.extend_from_slice(string.as_bytes());
            packed.offsets.push(packed.bytes.len() as u32);
        }
        packed
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// True where there are no strings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `index`-th string's bytes, once [`PackedStrings::check`] has passed.
    pub fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    /// All strings' bytes in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Checks that offsets ascend within the bytes and cut them between characters.
    pub(crate) fn check(&self, what: &str) -> Result<()> {
        let text = std::str::from_utf8(&self.bytes)
            .map_err(|_| RvfError::input(format!("{what} hold text that is not UTF-8")))?;
        let ascend = self.offsets.is_sorted() && self.offsets.first() == Some(&0);
        let end = self.offsets.last().map(|end| *end as usize) == Some(self.bytes.len());
        if !ascend || !end || !self.offsets.iter().all(|at| text.is_char_boundary(*at as usize)) {
            return Err(RvfError::input(format!("the offsets of {what} do not cut their text into strings")));
        }
        Ok(())
    }

    /// Checks every string as an id.
    pub(crate) fn check_ids(&self) -> Result<()> {
        self.check("ids")?;
        for (index, id) in self.iter().enumerate() {
            if id.is_empty() || id.len() > ID_BYTES_MAX {
                return Err(RvfError::input(format!(
                    "ids[{index}] has {} bytes, an id has 1 to ID_BYTES_MAX ({ID_BYTES_MAX})",
                    id.len()
                )));
            }
        }
        Ok(())
    }
}

/// Entries to be stored: one id, one vector, and metadata or none for each.
#[derive(Clone, Default)]
pub struct Batch {
    /// Ids.
    pub ids: PackedStrings,
    /// The vectors' bytes, one behind the other.
    pub vectors: AlignedBytes,
    /// JSON texts, an empty one where an entry has no metadata; `None` where no entry has any.
    pub metadata: Option<PackedStrings>,
}

/// What happens to an entry whose id is stored already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The entry takes the place of the stored one; within a batch the last entry of an id wins.
    #[default]
    Replace,
    /// The batch is refused.
    Error,
    /// The stored entry stays; within a batch the first entry of an id wins.
    Skip,
}

impl Batch {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True where there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of vectors, ids and metadata.
    pub(crate) fn data_bytes(&self) -> usize {
        self.vectors.len() + self.ids.bytes.len() + self.metadata.as_ref().map_or(0, |texts| texts.bytes.len())
    }

    /// Checks everything about the batch that does not depend on what is stored.
    pub(crate) fn check(&self, options: &StoreOptions, schema: &Schema) -> Result<()> {
        if self.len() > BATCH_ENTRIES_MAX || self.data_bytes() as u64 > BATCH_BYTES_MAX {
            return Err(RvfError::new(
                ErrorCode::SegmentTooLarge,
                format!(
                    "the batch has {} entries and {} bytes, BATCH_ENTRIES_MAX is {BATCH_ENTRIES_MAX} and BATCH_BYTES_MAX \
                     {BATCH_BYTES_MAX}; split it",
                    self.len(),
                    self.data_bytes()
                ),
            ));
        }
        self.ids.check_ids()?;
        self.check_vectors(options)?;
        self.check_metadata(schema)
    }

    fn check_vectors(&self, options: &StoreOptions) -> Result<()> {
        let row_bytes = options.data_type.row_bytes(options.dimension);
        if self.vectors.len() != self.len() * row_bytes {
            return Err(RvfError::new(
                ErrorCode::DimensionMismatch,
                format!(
                    "{} vectors of dimension {} take {} bytes, {} were given",
                    self.len(),
                    options.dimension,
                    self.len() * row_bytes,
                    self.vectors.len()
                ),
            ));
        }
        check_vectors(&self.vectors, options, "vectors")
    }

    fn check_metadata(&self, schema: &Schema) -> Result<()> {
        let Some(metadata) = &self.metadata else { return Ok(()) };
        metadata.check("metadata")?;
        if metadata.len() != self.len() {
            return Err(RvfError::input(format!("{} entries came with {} metadata texts", self.len(), metadata.len())));
        }
        let texts = metadata.iter().enumerate().filter(|(_, text)| !text.is_empty());
        for (index, text) in texts {
            check_metadata(text, schema, || format!("metadata[{index}]"))?;
        }
        Ok(())
    }
}

/// Checks one entry's metadata, a JSON text; `name` says whose it is.
pub(crate) fn check_metadata(text: &[u8], schema: &Schema, name: impl Fn() -> String) -> Result<()> {
    if text.len() > METADATA_BYTES_MAX || depth(text) > METADATA_DEPTH_MAX {
        return Err(RvfError::input(format!(
            "{} has {} bytes and depth {}, METADATA_BYTES_MAX is {METADATA_BYTES_MAX} and METADATA_DEPTH_MAX \
             {METADATA_DEPTH_MAX}",
            name(),
            text.len(),
            depth(text)
        )));
    }
    if serde_json::from_slice::<IgnoredAny>(text).is_err() {
        return Err(RvfError::input(format!("{} is not JSON", name())));
    }
    schema.check_document(text).map_err(|error| RvfError::input(format!("{}: {error}", name())))
}

/// The bits of a float's exponent: all are set in NaN and infinity.
const EXPONENT: u32 = 0x7F80_0000;

/// The same of a half float.
const EXPONENT_OF_HALF: u16 = 0x7C00;

/// Checks that vectors hold only finite numbers, and packed bits only bits of the dimension. Signed bytes may be any.
pub(crate) fn check_vectors(bytes: &[u8], options: &StoreOptions, what: &str) -> Result<()> {
    let row_bytes = options.data_type.row_bytes(options.dimension);
    match options.data_type {
        DataType::Binary if !options.dimension.is_multiple_of(8) => {
            let unused = 0xFFu8 << (options.dimension % 8);
            let bad = bytes.chunks_exact(row_bytes).position(|row| row[row_bytes - 1] & unused != 0);
            match bad {
                Some(index) => Err(RvfError::input(format!("{what}[{index}] has bits set behind its dimension"))),
                None => Ok(()),
            }
        }
        // Of the reserved types there is no store.
        DataType::Binary | DataType::I8 | DataType::U8 | DataType::Bf16 => Ok(()),
        DataType::F32 => {
            let is_bad = |word: &[u8; 4]| u32::from_le_bytes(*word) & EXPONENT == EXPONENT;
            check_finite(bytes.as_chunks().0, is_bad, options, what)
        }
        DataType::F16 => {
            let is_bad = |half: &[u8; 2]| u16::from_le_bytes(*half) & EXPONENT_OF_HALF == EXPONENT_OF_HALF;
            check_finite(bytes.as_chunks().0, is_bad, options, what)
        }
    }
}

fn check_finite<T>(elements: &[T], is_bad: impl Fn(&T) -> bool, options: &StoreOptions, what: &str) -> Result<()> {
    // All are looked at, without a branch for each: nearly always none is bad.
    if !elements.iter().fold(false, |found, element| found | is_bad(element)) {
        return Ok(());
    }
    match elements.iter().position(is_bad) {
        Some(at) => Err(RvfError::input(format!(
            "{what}[{}] holds NaN or infinity at element {}; every element must be finite",
            at / options.dimension as usize,
            at % options.dimension as usize
        ))),
        None => Ok(()),
    }
}

/// Deepest nesting of arrays and objects in a JSON text.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(b"3"), 0);
        assert_eq!(depth(br#"{"a":[1,{"b":"[[[["}]}"#), 3);
        assert_eq!(depth(br#"["\"[["]"#), 1);
    }
}
