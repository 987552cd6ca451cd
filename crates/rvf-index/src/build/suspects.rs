use alloc::vec::Vec;

use rvf_types::Row;

/// Rows that may not be found any more: new ones, and those that lost a link to them since the last repair.
#[derive(Default)]
pub(super) struct Suspects {
    words: Vec<u64>,
}

impl Suspects {
    /// Makes room for rows below `row_count`.
    pub(super) fn reserve(&mut self, row_count: u32) {
        let words = (row_count as usize).div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
    }

    pub(super) fn insert(&mut self, row: Row) {
        if let Some(word) = self.words.get_mut(row as usize / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// Adds the rows of `before` that are not in `after`.
    pub(super) fn insert_lost(&mut self, before: &[Row], after: &[Row]) {
        // A list that only grew lost nothing.
        if after.starts_with(before) {
            return;
        }
        for row in before.iter().filter(|row| !after.contains(row)) {
            self.insert(*row);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Takes all rows out, in ascending order.
    pub(super) fn take(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (index, word) in self.words.iter_mut().enumerate() {
            while *word != 0 {
                rows.push(index as u32 * 64 + word.trailing_zeros());
                *word &= *word - 1;
            }
        }
        rows
    }
}
