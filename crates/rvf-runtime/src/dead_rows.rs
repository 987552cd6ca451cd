use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, LazyLock};

use roaring::RoaringBitmap;
use rvf_types::Row;

const CHUNK_ROWS: u32 = 65_536;
const CHUNK_WORDS: usize = CHUNK_ROWS as usize / 64;

type Chunk = Arc<[u64; CHUNK_WORDS]>;

/// All chunks without a living row are this one, when they are loaded.
static FULL_CHUNK: LazyLock<Chunk> = LazyLock::new(|| Arc::new([u64::MAX; CHUNK_WORDS]));

fn is_set(chunk: &Chunk, row: Row) -> bool {
    chunk[(row % CHUNK_ROWS / 64) as usize] >> (row % 64) & 1 == 1
}

/// Which rows are dead. Copies are cheap: a copy shares all chunks, a change copies the one chunk it touches.
#[derive(Clone, Default)]
pub(crate) struct DeadRows {
    chunks: Vec<Option<Chunk>>,
    count: u64,
}

impl DeadRows {
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn contains(&self, row: Row) -> bool {
        let chunk = self.chunks.get((row / CHUNK_ROWS) as usize).and_then(Option::as_ref);
        chunk.is_some_and(|chunk| is_set(chunk, row))
    }

    /// Marks a row; false where it was dead already.
    pub(crate) fn insert(&mut self, row: Row) -> bool {
        let index = (row / CHUNK_ROWS) as usize;
        if self.chunks.len() <= index {
            self.chunks.resize(index + 1, None);
        }
        let chunk = Arc::make_mut(self.chunks[index].get_or_insert_with(|| Arc::new([0; CHUNK_WORDS])));
        let word = &mut chunk[(row % CHUNK_ROWS / 64) as usize];
        let bit = 1 << (row % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    pub(crate) fn insert_all(&mut self, rows: &RoaringBitmap) {
        let mut ranges = rows.iter();
        while let Some(range) = ranges.next_range() {
            for index in range.start() / CHUNK_ROWS..=range.end() / CHUNK_ROWS {
                self.insert_within_chunk(index as usize, &range);
            }
        }
    }

    /// Marks the rows of a range that belong to one chunk.
    fn insert_within_chunk(&mut self, index: usize, range: &RangeInclusive<Row>) {
        let first = index as Row * CHUNK_ROWS;
        let last = first + (CHUNK_ROWS - 1);
        if self.chunks.len() <= index {
            self.chunks.resize(index + 1, None);
        }
        let slot = &mut self.chunks[index];
        if slot.is_none() && *range.start() <= first && *range.end() >= last {
            *slot = Some(Arc::clone(&FULL_CHUNK));
            self.count += u64::from(CHUNK_ROWS);
            return;
        }
        for row in first.max(*range.start())..=last.min(*range.end()) {
            self.insert(row);
        }
    }

    /// True where a row of the range is dead.
    pub(crate) fn has_any(&self, rows: &Range<Row>) -> bool {
        if rows.is_empty() {
            return false;
        }
        let chunks = rows.start / CHUNK_ROWS..=(rows.end - 1) / CHUNK_ROWS;
        let mut dead = chunks.filter_map(|index| Some((index, self.chunks.get(index as usize)?.as_ref()?)));
        dead.any(|(index, chunk)| {
            let first = index * CHUNK_ROWS;
            let end = rows.end.min(first.saturating_add(CHUNK_ROWS));
            (rows.start.max(first)..end).any(|row| is_set(chunk, row))
        })
    }

    /// Takes dead rows out of a set.
    pub(crate) fn remove_from(&self, rows: &mut RoaringBitmap) {
        for (index, chunk) in (0u32..).zip(&self.chunks) {
            let Some(chunk) = chunk else { continue };
            let first = index * CHUNK_ROWS;
            let within = rows.range(first..=first + (CHUNK_ROWS - 1));
            let dead: RoaringBitmap = within.filter(|row| is_set(chunk, *row)).collect();
            if !dead.is_empty() {
                *rows -= dead;
            }
        }
    }

    /// Rows below `end` that are dead here and not in `earlier`, which this one came from.
    pub(crate) fn since(&self, earlier: &DeadRows, end: Row) -> RoaringBitmap {
        let mut rows = RoaringBitmap::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            let Some(chunk) = chunk else { continue };
            let before = earlier.chunks.get(index).and_then(Option::as_ref);
            if before.is_some_and(|before| Arc::ptr_eq(before, chunk)) {
                continue;
            }
            for (word_index, word) in chunk.iter().enumerate() {
                let mut new = word & !before.map_or(0, |before| before[word_index]);
                while new != 0 {
                    let row = index as u32 * CHUNK_ROWS + word_index as u32 * 64 + new.trailing_zeros();
                    if row < end {
                        rows.insert(row);
                    }
                    new &= new - 1;
                }
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_bitmap_marks_the_rows_it_names_and_no_others() {
        let mut rows = RoaringBitmap::new();
        rows.insert_range(3..5);
        rows.insert_range(60_000..400_000);
        rows.insert(u32::MAX - 1);
        let mut dead = DeadRows::default();
        dead.insert(3);
        dead.insert(200_000);
        dead.insert_all(&rows);
        assert_eq!(dead.count(), rows.len());
        for row in (0..410_000).chain([u32::MAX - 2, u32::MAX - 1]) {
            assert_eq!(dead.contains(row), rows.contains(row), "row {row}");
        }
        let mut left: RoaringBitmap = [0, 3, 60_000, 65_536, 400_000, 500_000].into_iter().collect();
        dead.remove_from(&mut left);
        assert_eq!(left.into_iter().collect::<Vec<_>>(), vec![0, 400_000, 500_000]);
        assert!(dead.has_any(&(0..4)) && !dead.has_any(&(0..3)) && !dead.has_any(&(5..60_000)));
        assert!(dead.has_any(&(5..60_001)) && !dead.has_any(&(400_000..5_000_000)));
        let mut more = dead.clone();
        assert!(!more.insert(100_000) && more.insert(5) && !dead.contains(5));
        assert_eq!(more.since(&dead, u32::MAX).into_iter().collect::<Vec<_>>(), vec![5]);
    }

    #[test]
    fn a_copy_keeps_its_rows_while_the_original_changes() {
        let mut dead = DeadRows::default();
        assert!(dead.insert(70_000));
        let copy = dead.clone();
        assert!(dead.insert(70_001));
        assert!(!dead.insert(70_001));
        assert!(dead.insert(3));
        assert!(copy.contains(70_000) && !copy.contains(70_001) && !copy.contains(3));
        assert_eq!((dead.count(), copy.count()), (3, 1));
        assert_eq!(dead.since(&copy, u32::MAX).into_iter().collect::<Vec<_>>(), vec![3, 70_001]);
        assert_eq!(dead.since(&copy, 70_001).into_iter().collect::<Vec<_>>(), vec![3]);
    }
}
