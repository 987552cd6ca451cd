use std::ops::Range;
use std::sync::OnceLock;

use rvf_types::{Epoch, Row};
use rvf_wire::{IDS_HEADER_BYTES, IdsBuilder, IdsLayout};

use crate::Result;
use crate::runs::Run;
use crate::segment::{RunBytes, Slice};

/// Ids of consecutive rows, found by row and by hash.
pub(crate) struct IdRun {
    first_row: Row,
    row_count: u32,
    layout: OnceLock<IdsLayout>,
    bytes: RunBytes,
}

impl IdRun {
    /// A run whose directory entry, or builder, says which rows it has; its header is read with the first touch.
    pub(crate) fn stored(bytes: RunBytes, first_row: Row, row_count: u32) -> IdRun {
        IdRun { first_row, row_count, layout: OnceLock::new(), bytes }
    }

    /// A run on the heap from a builder's payload.
    pub(crate) fn build(first_row: Row, builder: IdsBuilder) -> IdRun {
        let row_count = builder.row_count();
        IdRun::stored(RunBytes::heap(&builder.finish()), first_row, row_count)
    }

    fn layout(&self) -> Result<&IdsLayout> {
        if let Some(layout) = self.layout.get() {
            return Ok(layout);
        }
        let layout = IdsLayout::decode(&self.bytes.range(0, IDS_HEADER_BYTES)?, self.bytes.len())
            .map_err(|_| self.bytes.damaged("the IDS header"))?;
        if (layout.first_row, layout.row_count) != (self.first_row, self.row_count) {
            return Err(self.bytes.damaged("the row range of IDS"));
        }
        Ok(self.layout.get_or_init(|| layout))
    }

    /// The id of a row, empty where the row was dead when the run was made.
    pub(crate) fn id(&self, row: Row) -> Result<Slice<'_>> {
        let layout = self.layout()?;
        let index = row - self.first_row;
        let at = layout.text_offset_at(index);
        let (start, end) = (self.bytes.read_u32(at)?, self.bytes.read_u32(at + 4)?);
        if start > end || u64::from(end) > layout.text_bytes {
            return Err(self.bytes.damaged("a text offset of IDS"));
        }
        self.bytes.range(layout.text_start() + start as usize, (end - start) as usize)
    }

    /// The row with this id among those `is_alive` lets through: interpolation search over the sorted hashes, confirmed on
    /// the id's bytes.
    pub(crate) fn find(&self, hash: u64, id: &[u8], is_alive: impl Fn(Row) -> bool) -> Result<Option<Row>> {
        let layout = *self.layout()?;
        let mut index = self.first_at_least(&layout, hash)?;
        while index < layout.entry_count && self.bytes.read_u64(layout.hash_at(index))? == hash {
            let row = self.bytes.read_u32(layout.row_at(index))?;
            if row < self.first_row || row >= self.end_row() {
                return Err(self.bytes.damaged("a row of IDS"));
            }
            if is_alive(row) && &*self.id(row)? == id {
                return Ok(Some(row));
            }
            index += 1;
        }
        Ok(None)
    }

    /// Index of the first hash that is not below `hash`. Hashes are evenly spread, so a guess by proportion is close; every
    /// third step halves the range, which bounds the search for hashes that are not.
    fn first_at_least(&self, layout: &IdsLayout, hash: u64) -> Result<u32> {
        let (mut low, mut high) = (0u32, layout.entry_count);
        let (mut low_hash, mut high_hash) = (0u64, u64::MAX);
        let mut step = 0u32;
        while low < high {
            let span = u64::from(high - low);
            let guess = if step % 3 == 2 || high_hash <= low_hash {
                span / 2
            } else {
                let share = (hash.clamp(low_hash, high_hash) - low_hash) as f64 / (high_hash - low_hash) as f64;
                (share * span as f64) as u64
            };
            let middle = low + guess.min(span - 1) as u32;
            let found = self.bytes.read_u64(layout.hash_at(middle))?;
            if found < hash {
                low = middle + 1;
                low_hash = found;
            } else {
                high = middle;
                high_hash = found;
            }
            step += 1;
        }
        Ok(low)
    }

    /// The epoch ranges: first row and epoch of each.
    pub(crate) fn epoch_ranges(&self) -> Result<Vec<(Row, Epoch)>> {
        let layout = *self.layout()?;
        (0..layout.epoch_range_count)
            .map(|index| {
                let at = layout.epoch_range_at(index);
                Ok((self.bytes.read_u32(at)?, self.bytes.read_u64(at + 8)?))
            })
            .collect()
    }

    /// Adds rows of this run to a builder, those without a living id as dead ones. `hash` is the hash of an id.
    pub(crate) fn append_to(
        &self,
        builder: &mut IdsBuilder,
        rows: Range<Row>,
        is_alive: impl Fn(Row) -> bool,
        hash: impl Fn(&[u8]) -> u64,
    ) -> Result<()> {
        let ranges = self.epoch_ranges()?;
        let mut range = ranges.partition_point(|(first, _)| *first <= rows.start).saturating_sub(1);
        for row in rows {
            while ranges.get(range + 1).is_some_and(|(first, _)| *first <= row) {
                range += 1;
            }
            let epoch = ranges.get(range).map_or(0, |(_, epoch)| *epoch);
            let id = self.id(row)?;
            if id.is_empty() || !is_alive(row) {
                builder.push(None, epoch);
            } else {
                builder.push(Some((hash(&id), &id)), epoch);
            }
        }
        Ok(())
    }
}

/// The epoch of a row, by the ranges of its run; 0 in front of the first.
pub(crate) fn epoch_of(ranges: &[(Row, Epoch)], row: Row) -> Epoch {
    let behind = ranges.partition_point(|(first, _)| *first <= row);
    behind.checked_sub(1).map_or(0, |index| ranges[index].1)
}

impl Run for IdRun {
    fn first_row(&self) -> Row {
        self.first_row
    }

    fn row_count(&self) -> u32 {
        self.row_count
    }

    fn bytes(&self) -> &RunBytes {
        &self.bytes
    }
}
