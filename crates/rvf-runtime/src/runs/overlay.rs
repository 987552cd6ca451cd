use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;
use rvf_types::{Epoch, Row};
use rvf_wire::OverlayBuilder;

use crate::Result;
use crate::runs::columns::columns_of;
use crate::runs::{MetaRun, Run};
use crate::segment::{RunBytes, Slice};

/// Metadata of single rows that takes the place of what older overlays, and the rows' own runs, say.
pub(crate) struct OverlayRun {
    texts: MetaRun,
    /// First row that was not given out when the overlay was written.
    end_row: Row,
    listed: OnceLock<RoaringBitmap>,
}

impl OverlayRun {
    /// A run whose directory entry, or builder, says its lowest row and how many it has. Rows from `end_row` on cannot be
    /// in it.
    pub(crate) fn stored(bytes: RunBytes, first_row: Row, row_count: u32, end_row: Row) -> OverlayRun {
        OverlayRun { texts: MetaRun::stored(bytes, first_row, row_count), end_row, listed: OnceLock::new() }
    }

    /// A run on the heap from a builder's payload.
    fn build(builder: OverlayBuilder, end_row: Row) -> OverlayRun {
        let (first_row, row_count) = (builder.first_row(), builder.row_count());
        OverlayRun::stored(RunBytes::heap(&builder.finish(None)), first_row, row_count, end_row)
    }

    /// First byte of the rows, and of the epochs.
    fn tables(&self) -> Result<(usize, usize)> {
        let damaged = || self.bytes().damaged("the section table of an overlay");
        self.texts.layout()?.overlay.ok_or_else(damaged)
    }

    /// The texts with their columns, by index.
    pub(crate) fn texts(&self) -> &MetaRun {
        &self.texts
    }

    /// The rows, in ascending order.
    pub(crate) fn rows(&self) -> Result<Vec<Row>> {
        Ok(words(&self.row_bytes()?).collect())
    }

    fn row_bytes(&self) -> Result<Slice<'_>> {
        self.listed()?;
        self.bytes().range(self.tables()?.0, self.row_count() as usize * 4)
    }

    /// The rows as a set, checked once.
    pub(crate) fn listed(&self) -> Result<&RoaringBitmap> {
        if let Some(listed) = self.listed.get() {
            return Ok(listed);
        }
        let damaged = || self.bytes().damaged("the rows of an overlay");
        let bytes = self.bytes().range(self.tables()?.0, self.row_count() as usize * 4)?;
        let listed = RoaringBitmap::from_sorted_iter(words(&bytes)).map_err(|_| damaged())?;
        // An iterator with a row twice gives fewer rows.
        let is_distinct = listed.len() == u64::from(self.row_count());
        let is_in_range = listed.min() == Some(self.first_row()) && listed.max().is_some_and(|row| row < self.end_row);
        if !is_distinct || !is_in_range {
            return Err(damaged());
        }
        Ok(self.listed.get_or_init(|| listed))
    }

    /// The rows of texts, given by their index.
    pub(crate) fn rows_at(&self, indexes: &RoaringBitmap) -> Result<RoaringBitmap> {
        let bytes = self.row_bytes()?;
        let row = |index: u32| words(&bytes[index as usize * 4..][..4]).next().unwrap_or_default();
        RoaringBitmap::from_sorted_iter(indexes.iter().map(row))
            .map_err(|_| self.bytes().damaged("the rows of an overlay"))
    }

    /// The epoch that wrote the `index`-th text.
    pub(crate) fn epoch_at(&self, index: u32) -> Result<Epoch> {
        self.bytes().read_u64(self.tables()?.1 + index as usize * 8)
    }

    /// The text for a row, empty where its metadata was taken away; `None` where this overlay does not speak of it.
    pub(crate) fn text(&self, row: Row) -> Result<Option<Slice<'_>>> {
        if row < self.first_row() || row >= self.end_row {
            return Ok(None);
        }
        let rows_start = self.tables()?.0;
        let (mut low, mut high) = (0, self.row_count());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.bytes().read_u32(rows_start + middle as usize * 4)?;
            match found.cmp(&row) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.texts.text_at(middle).map(Some),
            }
        }
        Ok(None)
    }
}

/// Little-endian rows.
fn words(bytes: &[u8]) -> impl Iterator<Item = Row> {
    bytes.chunks_exact(4).map(|word| Row::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

/// True where overlays list so many rows more than once, or dead ones, that writing them anew is worth it, however large
/// they are: then at least every second text goes.
pub(crate) fn are_overgrown(runs: &[Arc<OverlayRun>], is_alive: impl Fn(Row) -> bool) -> Result<bool> {
    let mut distinct = RoaringBitmap::new();
    let mut listed_count = 0;
    for run in runs {
        let listed = run.listed()?;
        listed_count += listed.len();
        distinct |= listed;
    }
    let living = distinct.into_iter().filter(|row| is_alive(*row)).count() as u64;
    Ok(runs.len() > 1 && listed_count > 2 * living)
}

/// The payload of an OVERLAY segment, columns included.
pub(crate) fn encode_overlay(builder: OverlayBuilder) -> Vec<u8> {
    let columns = columns_of(builder.first_row(), builder.row_count(), builder.texts());
    builder.finish(columns.as_deref())
}

/// Builders with what several overlays, oldest first, say together of the rows that `keep` lets through by number and
/// epoch; none is much above `bytes_max`. `number` gives rows the numbers they get, in the same order.
pub(crate) fn join_overlays(
    runs: &[Arc<OverlayRun>],
    keep: impl Fn(Row, Epoch) -> bool,
    number: impl Fn(Row) -> Row,
    bytes_max: u64,
) -> Result<Vec<OverlayBuilder>> {
    let mut newest = newest_texts(runs)?;
    newest.retain(|row, text| keep(*row, text.epoch));
    let mut newest = newest.into_iter().peekable();
    let mut builders = Vec::new();
    while let Some((first_row, _)) = newest.peek() {
        let mut builder = OverlayBuilder::new(number(*first_row));
        while let Some((row, text)) = newest.next_if(|_| (builder.data_bytes() as u64) < bytes_max) {
            builder.push(number(row), text.epoch, &text.run.texts.text_at(text.index)?);
        }
        builders.push(builder);
    }
    Ok(builders)
}

/// Where the text that counts for a row stands, and when it was written.
pub(crate) struct NewestText<'a> {
    run: &'a OverlayRun,
    index: u32,
    pub(crate) epoch: Epoch,
}

/// What counts of several overlays, oldest first, by row.
pub(crate) fn newest_texts<'a>(
    runs: impl IntoIterator<Item = &'a Arc<OverlayRun>>,
) -> Result<BTreeMap<Row, NewestText<'a>>> {
    let mut newest = BTreeMap::new();
    for run in runs {
        for (index, row) in (0u32..).zip(run.rows()?) {
            newest.insert(row, NewestText { run, index, epoch: run.epoch_at(index)? });
        }
    }
    Ok(newest)
}

/// One run on the heap for two that follow each other.
pub(crate) fn join_on_heap(
    older: &Arc<OverlayRun>,
    newer: &Arc<OverlayRun>,
    is_alive: impl Fn(Row) -> bool,
) -> Result<Option<OverlayRun>> {
    let mut joined =
        join_overlays(&[Arc::clone(older), Arc::clone(newer)], |row, _| is_alive(row), |row| row, u64::MAX)?;
    Ok(joined.pop().map(|builder| OverlayRun::build(builder, newer.end_row)))
}

impl Run for OverlayRun {
    fn first_row(&self) -> Row {
        self.texts.first_row()
    }

    /// Number of rows it lists, which need not follow each other.
    fn row_count(&self) -> u32 {
        self.texts.row_count()
    }

    fn bytes(&self) -> &RunBytes {
        self.texts.bytes()
    }

    /// Overlays stand in the order of their commits.
    fn follows(&self, _before: &OverlayRun) -> bool {
        true
    }
}
