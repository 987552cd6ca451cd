use alloc::vec::Vec;

use rvf_types::Row;

/// The rows a walk has met: a bit for each row, and a list, so that forgetting costs what was met.
#[derive(Default)]
pub(super) struct Visited {
    words: Vec<u64>,
    met: Vec<Row>,
}

impl Visited {
    /// Forgets all rows, and makes room for `row_count`.
    pub(super) fn begin(&mut self, row_count: u32) {
        for row in self.met.drain(..) {
            self.words[row as usize / 64] = 0;
        }
        let words = (row_count as usize).div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
    }

    /// Remembers `rows` and leaves those that are new. Rows there is no room for are not.
    ///
    /// Whether a row is new is a coin toss, so nothing here branches on it.
    #[inline]
    pub(super) fn retain_new(&mut self, rows: &mut Vec<Row>) {
        let mut count = 0;
        for index in 0..rows.len() {
            let row = rows[index];
            let Some(word) = self.words.get_mut(row as usize / 64) else { continue };
            let bit = 1 << (row % 64);
            rows[count] = row;
            count += usize::from(*word & bit == 0);
            *word |= bit;
        }
        rows.truncate(count);
        self.met.extend_from_slice(rows);
    }

    /// Appends those of `rows` that are new and have a bit, and remembers them.
    #[inline]
    pub(super) fn take_new(&mut self, bits: &[u64], rows: &[Row], taken: &mut Vec<Row>) {
        let start = taken.len();
        taken.resize(start + rows.len(), 0);
        let mut end = start;
        for row in rows {
            let at = *row as usize / 64;
            let (Some(word), Some(bits)) = (self.words.get_mut(at), bits.get(at)) else { continue };
            let new = 1 << (row % 64) & bits & !*word;
            taken[end] = *row;
            end += usize::from(new != 0);
            *word |= new;
        }
        taken.truncate(end);
        self.met.extend_from_slice(&taken[start..]);
    }

    /// Leaves those of `rows` that are new and have no bit, without remembering them.
    #[inline]
    pub(super) fn retain_new_outside(&self, bits: &[u64], rows: &mut Vec<Row>) {
        let mut count = 0;
        for index in 0..rows.len() {
            let row = rows[index];
            let at = row as usize / 64;
            let Some(word) = self.words.get(at) else { continue };
            rows[count] = row;
            let known = word | bits.get(at).unwrap_or(&0);
            count += usize::from(known >> (row % 64) & 1 == 0);
        }
        rows.truncate(count);
    }

    /// Remembers a row.
    #[inline]
    pub(super) fn add(&mut self, row: Row) {
        if let Some(word) = self.words.get_mut(row as usize / 64) {
            *word |= 1 << (row % 64);
            self.met.push(row);
        }
    }
}
