use roaring::RoaringBitmap;
use rvf_types::Row;

use crate::columns::encode::{encode_bitmap, encode_numbers, encode_rows, encode_texts, to_u32};
use crate::columns::interned::Interned;
use crate::columns::layout::{
    COLUMNS_VERSION, Class, FIELD_ENTRY_BYTES, FIELDS_MAX, HEADER_BYTES, SECTION_ENTRY_BYTES, Section, index_kind,
};
use crate::columns::values::ScalarRows;
use crate::document::{Value, for_each_field};
use crate::json::{Kind, Scanner};
use crate::{BuildError, FIELD_NAME_BYTES_MAX};

/// Most distinct fields a builder follows, so that hostile metadata costs bounded memory; of these the [`FIELDS_MAX`]
/// with the most rows get columns.
const FIELDS_FOLLOWED_MAX: usize = 8_192;

/// Makes the column payload of consecutive rows from their JSON texts.
///
/// Fields beyond the 1,024 most frequent of a run, and those with names above 1,024 bytes, get no columns: the evaluator
/// leaves their rows to a check by JSON.
pub struct ColumnBuilder {
    first_row: Row,
    row_count: u32,
    /// Names of the fields that are followed; a field's number is its index in `fields`.
    names: Interned,
    fields: Vec<FieldRows>,
    /// The field that came next, the last time, after no field (index 0) and after each field (its index + 1).
    next_fields: Vec<usize>,
    /// Rows with fields that are not followed.
    unlisted_rows: RoaringBitmap,
}

#[derive(Default)]
struct FieldRows {
    exists: Vec<u32>,
    arrays: Vec<u32>,
    scalars: ScalarRows,
    elements: ScalarRows,
}

/// A section's class, index kind, number of rows and bytes.
type EncodedSection = (Class, u8, u32, Vec<u8>);

impl ColumnBuilder {
    /// A builder for rows from `first_row` on.
    pub fn new(first_row: Row) -> ColumnBuilder {
        ColumnBuilder {
            first_row,
            row_count: 0,
            names: Interned::default(),
            fields: Vec::new(),
            next_fields: vec![0],
            unlisted_rows: RoaringBitmap::new(),
        }
    }

    /// Rows added so far.
    pub fn row_count(&self) -> u32 {
        self.row_count
    }

    /// Adds the next row's JSON text, empty where it has none. A text that is no object has no fields. After an error the
    /// builder may hold a part of the row and is of no more use.
    pub fn push(&mut self, json: &[u8]) -> Result<(), BuildError> {
        let row = self.row_count;
        self.row_count = row.checked_add(1).ok_or(BuildError::TooLarge)?;
        let mut place = 0;
        for_each_field(json, |key, scanner| match self.follow(&key, place)? {
            Some(field) => {
                place = field + 1;
                self.fields[field].add(row, scanner)
            }
            None => {
                self.unlisted_rows.insert(row);
                Ok(scanner.skip().map(|_| ())?)
            }
        })
    }

    /// The field of this name at a place of `next_fields`, or `None` where it is not followed.
    fn follow(&mut self, name: &[u8], place: usize) -> Result<Option<usize>, BuildError> {
        // Rows of one origin have their fields in one order.
        let guess = self.next_fields[place];
        if guess < self.fields.len() && self.names.text(guess) == name {
            return Ok(Some(guess));
        }
        let field = match self.names.find(name) {
            Some(field) => field as usize,
            None if self.fields.len() == FIELDS_FOLLOWED_MAX || name.len() > FIELD_NAME_BYTES_MAX => return Ok(None),
            None => {
                self.fields.push(FieldRows::default());
                self.next_fields.push(0);
                self.names.find_or_add(name)? as usize
            }
        };
        self.next_fields[place] = field;
        Ok(Some(field))
    }

    /// The payload's bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, BuildError> {
        let listed = self.choose_fields();
        let mut payload = Payload { bytes: vec![0; HEADER_BYTES] };
        let unlisted_rows = std::mem::take(&mut self.unlisted_rows);
        let unlisted_count = unlisted_rows.len() as u32;
        let unlisted = payload.section(index_kind::ROWS, unlisted_count, &encode_bitmap(unlisted_rows)?)?;
        let mut directory = Vec::with_capacity(listed.len() * FIELD_ENTRY_BYTES);
        for (name, index) in &listed {
            let sections = std::mem::take(&mut self.fields[*index]).encode(self.row_count)?;
            let mut entries = Vec::with_capacity(sections.len() * SECTION_ENTRY_BYTES);
            for (class, kind, row_count, bytes) in &sections {
                entries.extend_from_slice(&payload.section(*kind, *row_count, bytes)?.encode(*class as u8));
            }
            directory.extend_from_slice(&payload.append(name)?.to_le_bytes());
            directory.extend_from_slice(&(name.len() as u16).to_le_bytes());
            directory.extend_from_slice(&(sections.len() as u16).to_le_bytes());
            directory.extend_from_slice(&payload.append(&entries)?.to_le_bytes());
        }
        let directory_start = payload.append(&directory)?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        for number in [COLUMNS_VERSION, self.first_row, self.row_count, listed.len() as u32, directory_start] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&unlisted.encode(0));
        payload.bytes[..header.len()].copy_from_slice(&header);
        Ok(payload.bytes)
    }

    /// The fields that get columns, by name; rows of the others become unlisted.
    fn choose_fields(&mut self) -> Vec<(Vec<u8>, usize)> {
        let mut fields: Vec<(Vec<u8>, usize)> = self.names.texts().map(<[u8]>::to_vec).zip(0..).collect();
        fields.sort_unstable();
        if fields.len() > FIELDS_MAX {
            fields.sort_by_key(|(_, index)| std::cmp::Reverse(self.fields[*index].exists.len()));
            for (_, index) in fields.drain(FIELDS_MAX..) {
                self.unlisted_rows.extend(self.fields[index].exists.iter().copied());
            }
            fields.sort_unstable();
        }
        fields
    }
}

impl FieldRows {
    /// Adds the value that comes next, of a row that is not below earlier ones.
    fn add(&mut self, row: u32, scanner: &mut Scanner<'_>) -> Result<(), BuildError> {
        if self.exists.last() == Some(&row) {
            // Of a key that occurs twice the last one counts.
            self.arrays.pop_if(|last| *last == row);
            self.scalars.remove(row);
            self.elements.remove(row);
        } else {
            self.exists.push(row);
        }
        if scanner.kind()? != Kind::Array {
            return self.scalars.add(row, Value::scan(scanner)?);
        }
        self.arrays.push(row);
        scanner.enter();
        let mut is_first = true;
        while scanner.next_element(&mut is_first)? {
            self.elements.add(row, Value::scan(scanner)?)?;
        }
        Ok(())
    }

    fn encode(mut self, row_count: u32) -> Result<Vec<EncodedSection>, BuildError> {
        let bitmaps = [
            (Class::Exists, self.exists),
            (Class::Null, std::mem::take(&mut self.scalars.nulls)),
            (Class::False, std::mem::take(&mut self.scalars.falses)),
            (Class::True, std::mem::take(&mut self.scalars.trues)),
            (Class::Arrays, self.arrays),
            (Class::ElementNull, std::mem::take(&mut self.elements.nulls)),
            (Class::ElementFalse, std::mem::take(&mut self.elements.falses)),
            (Class::ElementTrue, std::mem::take(&mut self.elements.trues)),
        ];
        let mut sections = Vec::new();
        for (class, rows) in bitmaps {
            if !rows.is_empty() {
                sections.push((class, index_kind::ROWS, rows.len() as u32, encode_rows(&rows)?));
            }
        }
        let dictionaries =
            [(Class::Numbers, Class::Texts, self.scalars), (Class::ElementNumbers, Class::ElementTexts, self.elements)];
        for (number_class, text_class, mut values) in dictionaries {
            let (numbers, postings) = values.take_numbers();
            if !numbers.is_empty() {
                let bytes = encode_numbers(&numbers, &postings, row_count)?;
                sections.push((number_class, index_kind::NUMBERS, to_u32(postings.rows.len())?, bytes));
            }
            let posting_count = to_u32(values.texts.posting_count())?;
            if posting_count > 0 {
                let bytes = encode_texts(&values.texts, row_count)?;
                sections.push((text_class, index_kind::TEXTS, posting_count, bytes));
            }
        }
        Ok(sections)
    }
}

struct Payload {
    bytes: Vec<u8>,
}

impl Payload {
    /// Adds bytes and tells where they start.
    fn append(&mut self, bytes: &[u8]) -> Result<u32, BuildError> {
        let start = to_u32(self.bytes.len())?;
        to_u32(self.bytes.len() + bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(start)
    }

    fn section(&mut self, kind: u8, row_count: u32, bytes: &[u8]) -> Result<Section, BuildError> {
        Ok(Section { kind, start: self.append(bytes)?, bytes: to_u32(bytes.len())?, row_count })
    }
}
