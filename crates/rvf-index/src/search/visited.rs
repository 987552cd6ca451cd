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
}
