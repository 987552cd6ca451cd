use std::cmp::Ordering;
use std::ops::Range;

use roaring::RoaringBitmap;

use crate::columns::layout::{
    BLOCK_KEYS, DICTIONARY_HEADER_BYTES, HEAVY_ENTRY_BYTES, Section, TEXT_KEY_LONG_BYTES, unsigned,
};
use crate::columns::{Bytes, RowCollector};
use crate::{ColumnError, ColumnSource};

/// Most bytes of the two lengths in front of a text key.
const LENGTHS_BYTES: u64 = 4;

/// An opened section of ascending keys with postings. Keys are named by their index.
pub(crate) struct Dictionary<'s, S> {
    bytes: Bytes<'s, S>,
    pub(crate) key_count: u32,
    posting_count: u32,
    listed_count: u32,
    heavy_count: u32,
    row_bytes: usize,
    count_bytes: usize,
    number_bytes: usize,
    /// Bytes at which texts were cut; a key of this length stands for all texts with that beginning.
    pub(crate) key_bytes_max: usize,
    heavy_start: u64,
    ends_start: u64,
    rows_start: u64,
    keys_start: u64,
    bitmaps_start: u64,
    end: u64,
}

/// Where the postings of keys below some key end.
#[derive(Clone, Copy, Default)]
struct Cut {
    /// Postings of all keys below.
    postings: u64,
    /// Of these, postings in the list of rows.
    listed: u64,
    /// Heavy keys below.
    heavy: u32,
}

type Result<T, S> = std::result::Result<T, ColumnError<<S as ColumnSource>::Error>>;

impl<'s, S: ColumnSource> Dictionary<'s, S> {
    /// Reads the header of a section.
    pub(crate) fn open(bytes: Bytes<'s, S>, section: Section) -> Result<Dictionary<'s, S>, S> {
        let start = u64::from(section.start);
        let header = bytes.range(start, DICTIONARY_HEADER_BYTES as u64)?;
        let number = |at: usize| unsigned(&header[at..at + 4]) as u32;
        let heavy_start = start + DICTIONARY_HEADER_BYTES as u64;
        let mut dictionary = Dictionary {
            bytes,
            key_count: number(0),
            posting_count: number(4),
            listed_count: number(8),
            heavy_count: number(12),
            row_bytes: header[24].into(),
            count_bytes: header[25].into(),
            number_bytes: header[26].into(),
            key_bytes_max: unsigned(&header[28..30]) as usize,
            heavy_start,
            ends_start: heavy_start + u64::from(number(12)) * HEAVY_ENTRY_BYTES as u64,
            rows_start: 0,
            keys_start: start + u64::from(number(16)),
            bitmaps_start: start + u64::from(number(20)),
            end: start + u64::from(section.bytes),
        };
        dictionary.rows_start = dictionary.ends_start + u64::from(dictionary.key_count) * dictionary.count_bytes as u64;
        if dictionary.is_consistent() {
            Ok(dictionary)
        } else {
            Err(ColumnError::Damaged("the header of a dictionary"))
        }
    }

    fn is_consistent(&self) -> bool {
        let rows_end = self.rows_start + u64::from(self.listed_count) * self.row_bytes as u64;
        (1..=4).contains(&self.row_bytes)
            && self.count_bytes <= 4
            && self.key_bytes_max <= TEXT_KEY_LONG_BYTES
            && matches!(self.number_bytes, 0..=4 | 8)
            && self.heavy_count <= self.key_count
            && self.key_count <= self.posting_count
            && self.listed_count <= self.posting_count
            && (self.count_bytes > 0 || (self.key_count == self.listed_count && self.heavy_count == 0))
            && rows_end == self.keys_start
            && self.keys_start <= self.bitmaps_start
            && self.bitmaps_start <= self.end
    }

    fn number_at(&self, index: u32) -> Result<f64, S> {
        let width = self.number_bytes;
        let bits = self.bytes.number(self.keys_start + u64::from(index) * width as u64, width)?;
        Ok(if width == 8 { f64::from_bits(bits) } else { bits as f64 })
    }

    /// The first of the keys `from..` that is not below `number`, and whether it is that number.
    pub(crate) fn find_number(&self, number: f64, from: u32) -> Result<(u32, bool), S> {
        if !matches!(self.number_bytes, 1..=4 | 8) {
            return Err(ColumnError::Damaged("the width of numbers"));
        }
        let (mut low, mut high) = (from, self.key_count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.number_at(middle)? < number {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok((low, low < self.key_count && self.number_at(low)? == number))
    }

    /// The first of the keys `from..` that is not below `text`, and whether it is that text.
    pub(crate) fn find_text(&self, text: &[u8], from: u32) -> Result<(u32, bool), S> {
        let block_count = self.key_count.div_ceil(BLOCK_KEYS);
        let first_block = from / BLOCK_KEYS;
        // The last block whose first key is below the text has the place, or its end is the place.
        let (mut low, mut high) = (first_block, block_count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.compare_first_key(middle, text)? {
                Ordering::Less => low = middle + 1,
                Ordering::Equal if middle * BLOCK_KEYS >= from => return Ok((middle * BLOCK_KEYS, true)),
                _ => high = middle,
            }
        }
        if low == first_block {
            return Ok((from.max(low * BLOCK_KEYS).min(self.key_count), false));
        }
        let (within, is_equal) = self.find_in_block(low - 1, text)?;
        let index = (low - 1) * BLOCK_KEYS + within;
        Ok(if index < from { (from, false) } else { (index, is_equal) })
    }

    /// Start and length in bytes of a block of texts.
    fn block(&self, block: u32) -> Result<(u64, u64), S> {
        let starts = self.bytes.range(self.keys_start + u64::from(block) * 4, 8)?;
        let (start, end) = (unsigned(&starts[..4]), unsigned(&starts[4..]));
        let blocks_start = self.keys_start + (u64::from(self.key_count.div_ceil(BLOCK_KEYS)) + 1) * 4;
        let len_max = u64::from(BLOCK_KEYS) * (self.key_bytes_max as u64 + LENGTHS_BYTES);
        if start > end || end - start > len_max || blocks_start + end > self.bitmaps_start {
            return Err(ColumnError::Damaged("the start of a text block"));
        }
        Ok((blocks_start + start, end - start))
    }

    fn compare_first_key(&self, block: u32, text: &[u8]) -> Result<Ordering, S> {
        let (start, len) = self.block(block)?;
        // One byte more than the text decides.
        let head = self.bytes.range(start, len.min(LENGTHS_BYTES + text.len() as u64 + 1))?;
        let (_, suffix_bytes, rest) = key_lengths(&head).ok_or(ColumnError::Damaged("a text block"))?;
        Ok(rest[..suffix_bytes.min(rest.len())].cmp(text))
    }

    fn find_in_block(&self, block: u32, text: &[u8]) -> Result<(u32, bool), S> {
        let (start, len) = self.block(block)?;
        let bytes = self.bytes.range(start, len)?;
        let (mut rest, mut key) = (bytes.as_ref(), Vec::new());
        let keys = BLOCK_KEYS.min(self.key_count - block * BLOCK_KEYS);
        for index in 0..keys {
            let (shared, suffix_bytes, behind) = key_lengths(rest).ok_or(ColumnError::Damaged("a text block"))?;
            if shared > key.len() || suffix_bytes > behind.len() || shared + suffix_bytes > self.key_bytes_max {
                return Err(ColumnError::Damaged("a key of a text block"));
            }
            key.truncate(shared);
            key.extend_from_slice(&behind[..suffix_bytes]);
            rest = &behind[suffix_bytes..];
            match key.as_slice().cmp(text) {
                Ordering::Less => {}
                Ordering::Equal => return Ok((index, true)),
                Ordering::Greater => return Ok((index, false)),
            }
        }
        Ok((keys, false))
    }

    /// Postings of the keys of a range: for scalars the number of rows.
    pub(crate) fn count(&self, keys: &Range<u32>) -> Result<u64, S> {
        let (start, end) = (self.postings_below(keys.start)?, self.postings_below(keys.end)?);
        end.checked_sub(start).ok_or(ColumnError::Damaged("a posting count"))
    }

    fn postings_below(&self, key: u32) -> Result<u64, S> {
        if key == 0 || self.count_bytes == 0 {
            return Ok(key.into());
        }
        let below =
            self.bytes.number(self.ends_start + u64::from(key - 1) * self.count_bytes as u64, self.count_bytes)?;
        if below > self.posting_count.into() { Err(ColumnError::Damaged("a posting count")) } else { Ok(below) }
    }

    /// An entry of the heavy table: key, heavy postings and bitmap bytes up to and with it.
    fn heavy(&self, index: u32) -> Result<[u64; 3], S> {
        let entry = self
            .bytes
            .range(self.heavy_start + u64::from(index) * HEAVY_ENTRY_BYTES as u64, HEAVY_ENTRY_BYTES as u64)?;
        Ok([unsigned(&entry[..4]), unsigned(&entry[4..8]), unsigned(&entry[8..])])
    }

    fn cut(&self, key: u32) -> Result<Cut, S> {
        let (mut low, mut high) = (0, self.heavy_count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.heavy(middle)?[0] < key.into() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let heavy_postings = if low == 0 { 0 } else { self.heavy(low - 1)?[1] };
        let postings = self.postings_below(key)?;
        let listed = postings.checked_sub(heavy_postings).filter(|listed| *listed <= self.listed_count.into());
        Ok(Cut { postings, listed: listed.ok_or(ColumnError::Damaged("a heavy posting count"))?, heavy: low })
    }

    /// The rows of ascending ranges of keys.
    pub(crate) fn rows(&self, ranges: &[Range<u32>]) -> Result<RoaringBitmap, S> {
        let mut rows = RowCollector::new(self.bytes.row_count);
        let (mut behind, mut bitmaps_behind) = (Cut::default(), 0);
        for keys in ranges {
            let (start, end) = (self.cut(keys.start)?, self.cut(keys.end)?);
            // Ranges that overlap would let a few bytes stand for any amount of work.
            if start.postings < behind.postings || start.listed < behind.listed || start.heavy < behind.heavy {
                return Err(ColumnError::Damaged("the order of postings"));
            }
            self.add_listed(&mut rows, start.listed, end.listed)?;
            for heavy in start.heavy..end.heavy {
                self.add_heavy(&mut rows, heavy, &mut bitmaps_behind)?;
            }
            behind = end;
        }
        Ok(rows.finish())
    }

    fn add_listed(&self, rows: &mut RowCollector, start: u64, end: u64) -> Result<(), S> {
        let count = end.checked_sub(start).ok_or(ColumnError::Damaged("the order of postings"))?;
        let width = self.row_bytes as u64;
        let list = self.bytes.range(self.rows_start + start * width, count * width)?;
        if rows.add_list(&list, self.row_bytes) { Ok(()) } else { Err(ColumnError::Damaged("a row of a posting")) }
    }

    fn add_heavy(&self, rows: &mut RowCollector, index: u32, bitmaps_behind: &mut u64) -> Result<(), S> {
        let [_, postings_before, start] = if index == 0 { [0; 3] } else { self.heavy(index - 1)? };
        let [_, postings, end] = self.heavy(index)?;
        let is_in_place = start >= *bitmaps_behind && self.bitmaps_start + end <= self.end;
        let len = end.checked_sub(start).filter(|_| is_in_place);
        *bitmaps_behind = end;
        let bitmap =
            self.bytes.range(self.bitmaps_start + start, len.ok_or(ColumnError::Damaged("a bitmap's place"))?)?;
        let count = rows.add_bitmap(&bitmap).ok_or(ColumnError::Damaged("a bitmap"))?;
        if Some(count) == postings.checked_sub(postings_before) {
            Ok(())
        } else {
            Err(ColumnError::Damaged("a bitmap"))
        }
    }
}

/// Bytes shared with the key before and bytes of its own, and what stands behind these two numbers.
fn key_lengths(bytes: &[u8]) -> Option<(usize, usize, &[u8])> {
    let (shared, bytes) = leb128(bytes)?;
    let (suffix_bytes, bytes) = leb128(bytes)?;
    Some((shared, suffix_bytes, bytes))
}

/// A number of at most two bytes of LEB128: no key is longer than 1,024 bytes.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let (second, rest) = rest.split_first()?;
    (*second < 0x80).then(|| (usize::from(*first & 0x7F) | usize::from(*second) << 7, rest))
}
