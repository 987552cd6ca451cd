use roaring::RoaringBitmap;

use crate::BuildError;
use crate::columns::layout::{
    BLOCK_KEYS, DICTIONARY_HEADER_BYTES, HEAVY_ENTRY_BYTES, TEXT_KEY_LONG_BYTES, TEXT_KEY_SHORT_BYTES, width_of,
};
use crate::columns::values::{Postings, TextRows};

/// Keys with fewer rows are always listed row by row.
const HEAVY_ROWS_MIN: usize = 64;
/// Texts are cut short where the distinct ones take more than this many bytes for each posting.
const LONG_KEY_BYTES_PER_POSTING: usize = 8;

/// A length as the 32 bits of the format.
pub(crate) fn to_u32(length: usize) -> Result<u32, BuildError> {
    u32::try_from(length).map_err(|_| BuildError::TooLarge)
}

/// A bitmap of ascending rows in the portable format, runs included.
pub(crate) fn encode_rows(rows: &[u32]) -> Result<Vec<u8>, BuildError> {
    encode_bitmap(RoaringBitmap::from_sorted_iter(rows.iter().copied()).expect("rows ascend"))
}

/// A bitmap in the portable format, runs included.
pub(crate) fn encode_bitmap(mut bitmap: RoaringBitmap) -> Result<Vec<u8>, BuildError> {
    bitmap.optimize();
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    bitmap.serialize_into(&mut bytes).map_err(|_| BuildError::TooLarge)?;
    Ok(bytes)
}

/// A section of ascending numbers: whole ones of up to 32 bits in as few bytes as the largest takes, else `f64`.
pub(crate) fn encode_numbers(numbers: &[f64], postings: &Postings, row_count: u32) -> Result<Vec<u8>, BuildError> {
    let is_whole = numbers.iter().all(|number| f64::from(*number as u32) == *number);
    let width = match numbers.last() {
        Some(largest) if is_whole => width_of(*largest as u32),
        _ => size_of::<f64>(),
    };
    let mut keys = Vec::with_capacity(numbers.len() * width);
    for number in numbers {
        let bytes = if is_whole { u64::from(*number as u32).to_le_bytes() } else { number.to_le_bytes() };
        keys.extend_from_slice(&bytes[..width]);
    }
    encode_dictionary(postings, row_count, &keys, width as u8, 0)
}

/// A section of ascending texts, cut where that saves much: a text that fills the key's length stands for all with that
/// beginning. Blocks of 16 keys: each is {bytes shared with the key before, other bytes} as LEB128 and those bytes.
pub(crate) fn encode_texts(texts: &TextRows, row_count: u32) -> Result<Vec<u8>, BuildError> {
    let sorted = texts.sorted();
    let text_bytes: usize = sorted.iter().map(|number| texts.text(*number).len()).sum();
    let is_repetitive = text_bytes <= texts.posting_count() * LONG_KEY_BYTES_PER_POSTING;
    let key_bytes_max = if is_repetitive { TEXT_KEY_LONG_BYTES } else { TEXT_KEY_SHORT_BYTES };
    let (texts, postings) = texts.keys(&sorted, key_bytes_max);

    let (mut starts, mut blocks) = (vec![], vec![]);
    for block in texts.chunks(BLOCK_KEYS as usize) {
        starts.push(to_u32(blocks.len())?);
        let mut previous: &[u8] = &[];
        for text in block {
            let shared = previous.iter().zip(*text).take_while(|(a, b)| a == b).count();
            push_leb128(&mut blocks, shared);
            push_leb128(&mut blocks, text.len() - shared);
            blocks.extend_from_slice(&text[shared..]);
            previous = text;
        }
    }
    starts.push(to_u32(blocks.len())?);
    let mut keys: Vec<u8> = starts.iter().flat_map(|start| start.to_le_bytes()).collect();
    keys.extend_from_slice(&blocks);
    encode_dictionary(&postings, row_count, &keys, 0, key_bytes_max as u16)
}

fn push_leb128(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Adds the low `width` bytes of a number; a copy of fixed length that is shortened is quicker than one of any length.
fn push_number(bytes: &mut Vec<u8>, number: u32, width: usize) {
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.truncate(bytes.len() - size_of::<u32>() + width);
}

/// Header, heavy table, posting ends, listed rows, keys, bitmaps.
fn encode_dictionary(
    postings: &Postings,
    row_count: u32,
    keys: &[u8],
    number_bytes: u8,
    key_bytes_max: u16,
) -> Result<Vec<u8>, BuildError> {
    let row_bytes = width_of(row_count.saturating_sub(1));
    let key_count = postings.ends.len();
    let posting_count = to_u32(postings.rows.len())?;
    let count_bytes = if key_count == postings.rows.len() { 0 } else { width_of(posting_count) };
    let (mut heavy, mut heavy_count, mut bitmaps) = (Vec::new(), 0, Vec::new());
    let (mut listed, mut ends) = (Vec::new(), Vec::with_capacity(key_count * count_bytes));
    let mut start = 0;
    for (index, end) in postings.ends.iter().enumerate() {
        let rows = &postings.rows[start as usize..*end as usize];
        match heavy_bitmap(rows, row_bytes)? {
            Some(bitmap) => {
                heavy_count += rows.len() as u32;
                bitmaps.extend_from_slice(&bitmap);
                for number in [index as u32, heavy_count, to_u32(bitmaps.len())?] {
                    heavy.extend_from_slice(&number.to_le_bytes());
                }
            }
            None => rows.iter().for_each(|row| push_number(&mut listed, *row, row_bytes)),
        }
        push_number(&mut ends, *end, count_bytes);
        start = *end;
    }
    let keys_start = DICTIONARY_HEADER_BYTES + heavy.len() + ends.len() + listed.len();
    let mut bytes = Vec::with_capacity(keys_start + keys.len() + bitmaps.len());
    let heavy_keys = heavy.len() / HEAVY_ENTRY_BYTES;
    let lengths = [key_count, postings.rows.len(), postings.rows.len() - heavy_count as usize, heavy_keys];
    for number in lengths.into_iter().chain([keys_start, keys_start + keys.len()]) {
        bytes.extend_from_slice(&to_u32(number)?.to_le_bytes());
    }
    bytes.extend_from_slice(&[row_bytes as u8, count_bytes as u8, number_bytes, 0]);
    bytes.extend_from_slice(&key_bytes_max.to_le_bytes());
    bytes.resize(DICTIONARY_HEADER_BYTES, 0);
    for part in [&heavy, &ends, &listed, keys, &bitmaps] {
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

/// The bitmap of a key with so many rows that it is smaller than their list.
fn heavy_bitmap(rows: &[u32], row_bytes: usize) -> Result<Option<Vec<u8>>, BuildError> {
    if rows.len() < HEAVY_ROWS_MIN {
        return Ok(None);
    }
    let bitmap = encode_rows(rows)?;
    Ok((bitmap.len() + HEAVY_ENTRY_BYTES < rows.len() * row_bytes).then_some(bitmap))
}
