use alloc::vec::Vec;

use rvf_types::Row;

use crate::SUSPECTS_MAX;
use crate::payload::Pending;

/// Rows that nothing happened to that a repair looks for, for each new one. So all have been looked for again when the
/// graph has grown by a quarter, and each some five times while it grows without end.
const OWED_PER_ROW: u32 = 4;

/// As many of them are looked for where the graph grew at all: in small graphs all, which costs little.
const OWED_MIN: u32 = 1_024;

/// Rows that may not be found any more: new ones, and those that lost a link to them since the last repair. And which of
/// the others are looked for next, because a new link changes the walks to rows that it does not touch.
#[derive(Default)]
pub(super) struct Suspects {
    words: Vec<u64>,
    row_count: u32,
    cursor: Row,
    /// Rows from the cursor on, round and round, that were not looked for yet.
    owed: u32,
}

/// Rows that a repair looks for.
#[derive(Default)]
pub(super) struct Wanted {
    /// The suspects, and after them others from the cursor on.
    pub(super) rows: Vec<Row>,
    pub(super) suspects: usize,
}

impl Suspects {
    pub(super) fn resume(row_count: u32, pending: &Pending) -> Suspects {
        let Pending { cursor, owed, suspects } = pending;
        let mut resumed = Suspects { cursor: *cursor, owed: *owed, ..Suspects::default() };
        resumed.reserve(row_count);
        suspects.iter().for_each(|row| resumed.insert(*row));
        resumed
    }

    /// What the next process has to know. Where suspects are too many to be named, all rows are owed.
    pub(super) fn pending(&self) -> Pending {
        let suspects = self.rows();
        if suspects.len() > SUSPECTS_MAX {
            return Pending { cursor: self.cursor, owed: self.row_count, suspects: Vec::new() };
        }
        Pending { cursor: self.cursor, owed: self.owed, suspects }
    }

    /// Makes room for rows below `row_count`.
    pub(super) fn reserve(&mut self, row_count: u32) {
        self.row_count = self.row_count.max(row_count);
        self.words.resize((self.row_count as usize).div_ceil(64), 0);
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

    /// Has others looked for because so many rows are new.
    pub(super) fn owe(&mut self, new_rows: usize) {
        let owed = self.owed.saturating_add(OWED_PER_ROW.saturating_mul(new_rows as u32));
        self.owed = owed.min(self.row_count);
    }

    pub(super) fn owe_all(&mut self) {
        self.owed = self.row_count;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.owed == 0 && self.words.iter().all(|word| *word == 0)
    }

    fn contains(&self, row: Row) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| word & 1 << (row % 64) != 0)
    }

    /// In ascending order.
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (index, word) in self.words.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                rows.push(index as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        rows
    }

    /// What is to be looked for now. It stays so until it is [settled](Suspects::settle).
    pub(super) fn wanted(&mut self, is_wanted: impl Fn(Row) -> bool) -> Wanted {
        if self.owed > 0 {
            self.owed = self.owed.max(OWED_MIN).min(self.row_count);
        }
        let mut rows = self.rows();
        rows.retain(|row| is_wanted(*row));
        let suspects = rows.len();
        let owed = (self.cursor..self.row_count).chain(0..self.cursor).take(self.owed as usize);
        rows.extend(owed.filter(|row| !self.contains(*row) && is_wanted(*row)));
        Wanted { rows, suspects }
    }

    /// Notes that the first `done` rows of what was wanted were looked for. Where a repair is broken off among thousands,
    /// the next one so goes on there.
    pub(super) fn settle(&mut self, wanted: &Wanted, done: usize) {
        self.words.fill(0);
        let (named, others) = wanted.rows.split_at(wanted.suspects);
        named.iter().skip(done).for_each(|row| self.insert(*row));
        match others.get(done.saturating_sub(named.len())) {
            _ if done >= wanted.rows.len() => {
                self.cursor = self.after_cursor(self.owed);
                self.owed = 0;
            }
            Some(next) => {
                let passed =
                    if *next >= self.cursor { next - self.cursor } else { next + self.row_count - self.cursor };
                self.cursor = *next;
                self.owed -= passed;
            }
            None => {}
        }
    }

    fn after_cursor(&self, rows: u32) -> Row {
        ((u64::from(self.cursor) + u64::from(rows)) % u64::from(self.row_count.max(1))) as Row
    }
}
