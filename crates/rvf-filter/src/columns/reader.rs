use std::borrow::Cow;
use std::convert::Infallible;

use roaring::RoaringBitmap;

use crate::ColumnError;
use crate::columns::RowCollector;
use crate::columns::layout::{
    CLASS_COUNT, COLUMNS_VERSION, Class, FIELD_ENTRY_BYTES, HEADER_BYTES, SECTION_ENTRY_BYTES, SECTIONS_MAX, Section,
    UNLISTED_ENTRY_START, index_kind, unsigned,
};

/// The bytes of a column payload, wherever they are.
pub trait ColumnSource {
    /// Why bytes cannot be had.
    type Error;

    /// Bytes of the payload.
    fn len(&self) -> u64;

    /// `len` bytes at `start`. Never called for bytes outside the payload.
    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Self::Error>;

    /// True where the payload has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ColumnSource for &[u8] {
    type Error = Infallible;

    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Infallible> {
        Ok(Cow::Borrowed(&self[start as usize..][..len]))
    }
}

/// A source whose ranges are checked before it is asked.
pub(crate) struct Bytes<'s, S> {
    source: &'s S,
    pub(crate) row_count: u32,
}

impl<S> Clone for Bytes<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Bytes<'_, S> {}

impl<'s, S: ColumnSource> Bytes<'s, S> {
    /// `len` bytes at `start`, an error where the payload does not have them.
    pub(crate) fn range(&self, start: u64, len: u64) -> Result<Cow<'s, [u8]>, ColumnError<S::Error>> {
        let is_inside = start.checked_add(len).is_some_and(|end| end <= self.source.len());
        let (true, Ok(len)) = (is_inside, usize::try_from(len)) else {
            return Err(ColumnError::Damaged("an offset"));
        };
        let bytes = self.source.range(start, len).map_err(ColumnError::Source)?;
        if bytes.len() == len { Ok(bytes) } else { Err(ColumnError::Damaged("the length of a range")) }
    }

    /// A little-endian number of `width` bytes at `start`.
    pub(crate) fn number(&self, start: u64, width: usize) -> Result<u64, ColumnError<S::Error>> {
        Ok(unsigned(&self.range(start, width as u64)?))
    }

    /// The rows of a section of kind [`index_kind::ROWS`].
    pub(crate) fn rows(&self, section: Section) -> Result<RoaringBitmap, ColumnError<S::Error>> {
        let bytes = self.range(section.start.into(), section.bytes.into())?;
        let mut rows = RowCollector::new(self.row_count);
        if rows.add_bitmap(&bytes) != Some(section.row_count.into()) {
            return Err(ColumnError::Damaged("a bitmap"));
        }
        Ok(rows.finish())
    }
}

/// An opened payload.
pub(crate) struct Columns<'s, S> {
    pub(crate) bytes: Bytes<'s, S>,
    field_count: u32,
    directory_start: u32,
    /// Rows with fields that are not in the directory.
    pub(crate) unlisted: Section,
}

/// The sections of one field, by class.
pub(crate) struct Field {
    sections: [Option<Section>; CLASS_COUNT],
}

impl Field {
    /// The section of a class; `None` where no row has such a value.
    pub(crate) fn section(&self, class: Class) -> Option<Section> {
        self.sections[class as usize]
    }
}

impl<'s, S: ColumnSource> Columns<'s, S> {
    /// Reads the header; `None` where the payload is of a version that this code does not know.
    pub(crate) fn open(source: &'s S, row_count: u32) -> Result<Option<Columns<'s, S>>, ColumnError<S::Error>> {
        let bytes = Bytes { source, row_count };
        if bytes.number(0, 4)? != u64::from(COLUMNS_VERSION) {
            return Ok(None);
        }
        let header = bytes.range(0, HEADER_BYTES as u64)?;
        if unsigned(&header[8..12]) != u64::from(row_count) {
            return Err(ColumnError::Damaged("the number of rows"));
        }
        let (_, unlisted) = Section::decode(&header[UNLISTED_ENTRY_START..]);
        if unlisted.kind != index_kind::ROWS || unlisted.row_count > row_count {
            return Err(ColumnError::Damaged("the section of unlisted rows"));
        }
        let field_count = unsigned(&header[12..16]) as u32;
        let directory_start = unsigned(&header[16..20]) as u32;
        Ok(Some(Columns { bytes, field_count, directory_start, unlisted }))
    }

    /// Finds a field by binary search over the directory.
    pub(crate) fn field(&self, name: &[u8]) -> Result<Option<Field>, ColumnError<S::Error>> {
        let (mut low, mut high) = (0, self.field_count);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry_start = u64::from(self.directory_start) + u64::from(middle) * FIELD_ENTRY_BYTES as u64;
            let entry = self.bytes.range(entry_start, FIELD_ENTRY_BYTES as u64)?;
            let found = self.bytes.range(unsigned(&entry[..4]), unsigned(&entry[4..6]))?;
            match found.as_ref().cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.sections(&entry).map(Some),
            }
        }
        Ok(None)
    }

    fn sections(&self, entry: &[u8]) -> Result<Field, ColumnError<S::Error>> {
        let section_count = unsigned(&entry[6..8]);
        if section_count > u64::from(SECTIONS_MAX) {
            return Err(ColumnError::Damaged("the number of sections"));
        }
        let entries = self.bytes.range(unsigned(&entry[8..12]), section_count * SECTION_ENTRY_BYTES as u64)?;
        let mut field = Field { sections: [None; CLASS_COUNT] };
        for entry in entries.chunks_exact(SECTION_ENTRY_BYTES) {
            let (class, section) = Section::decode(entry);
            // Classes of a later version only add to what is known here.
            if let Some(slot) = field.sections.get_mut(class as usize) {
                *slot = Some(section);
            }
        }
        Ok(field)
    }
}
