use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rvf_manifest::SegmentEntry;
use rvf_types::Row;
use rvf_wire::{HOT_HEADER_BYTES, HotHeader};

use crate::packed::{Quantisers, StoredQuantiser};
use crate::runs::KeptRow;
use crate::segment::{CheckedSegment, RunBytes};
use crate::{Result, RvfError};

/// The rows that compaction has kept as they were, because they were asked for often, beside what its cold packing keeps of
/// them: HOT segments in row order.
#[derive(Default)]
pub(crate) struct HotRows {
    runs: Vec<HotRun>,
}

pub(crate) struct HotRun {
    segment: Arc<CheckedSegment>,
    bytes: RunBytes,
    quantisers: Arc<Quantisers>,
    /// Read with the first touch.
    places: OnceLock<HotPlaces>,
}

/// Where the rows of a HOT segment lie in it: a bit for each row from the first to the last, and how many are set in front
/// of each word, so that finding one is a few steps of a walk's inner loop.
pub(crate) struct HotPlaces {
    first_row: Row,
    words: Vec<u64>,
    counts: Vec<u32>,
    rows_start: usize,
    row_bytes: usize,
    /// Place of the quantiser among those of the state.
    quantiser: usize,
}

/// Rows that follow each other in a HOT segment, though not by their numbers.
pub(crate) struct HotStretch<'a> {
    pub(crate) rows: Vec<Row>,
    pub(crate) kept: KeptRow<'a>,
}

impl HotRows {
    /// Those in some segments; nothing is read.
    pub(crate) fn new(segments: Vec<Arc<CheckedSegment>>, quantisers: &Arc<Quantisers>) -> HotRows {
        let run = |segment: Arc<CheckedSegment>| HotRun {
            bytes: RunBytes::Segment(Arc::clone(&segment)),
            segment,
            quantisers: Arc::clone(quantisers),
            places: OnceLock::new(),
        };
        HotRows { runs: segments.into_iter().map(run).collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &HotRun> {
        self.runs.iter()
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<CheckedSegment>> {
        self.runs.iter().map(|run| &run.segment)
    }

    /// How many there are, dead ones included.
    pub(crate) fn count(&self) -> Result<u64> {
        self.runs.iter().map(|run| run.places().map(HotPlaces::count)).sum()
    }

    /// True for one of these.
    pub(crate) fn contains(&self, row: Row) -> Result<bool> {
        match self.run_of(row) {
            Some(run) => Ok(run.places()?.find(row).is_some()),
            None => Ok(false),
        }
    }

    /// A row as it is kept, where it is one of these.
    pub(crate) fn find(&self, row: Row) -> Result<Option<KeptRow<'_>>> {
        let Some(run) = self.run_of(row) else { return Ok(None) };
        let places = run.places()?;
        places.find(row).map(|place| run.kept(places, place, 1)).transpose()
    }

    /// Those of a range of rows.
    pub(crate) fn within(&self, rows: Range<Row>) -> Result<Vec<HotStretch<'_>>> {
        let mut stretches = Vec::new();
        let first = self.runs.partition_point(|run| run.end_row() <= rows.start);
        for run in self.runs[first..].iter().take_while(|run| run.segment.entry().first_row < rows.end) {
            let places = run.places()?;
            let found: Vec<Row> = rows.clone().filter(|row| places.find(*row).is_some()).collect();
            if let Some(place) = found.first().and_then(|first| places.find(*first)) {
                let kept = run.kept(places, place, found.len())?;
                stretches.push(HotStretch { rows: found, kept });
            }
        }
        Ok(stretches)
    }

    fn run_of(&self, row: Row) -> Option<&HotRun> {
        let index = self.runs.partition_point(|run| run.end_row() <= row);
        self.runs.get(index).filter(|run| run.segment.entry().first_row <= row)
    }
}

impl HotRun {
    pub(crate) fn bytes(&self) -> &RunBytes {
        &self.bytes
    }

    pub(crate) fn segment(&self) -> &Arc<CheckedSegment> {
        &self.segment
    }

    /// True where all of it can be read.
    pub(crate) fn is_whole(&self) -> bool {
        self.places().is_ok() && self.segment.touch(0, self.segment.data_bytes() as usize).is_ok()
    }

    fn end_row(&self) -> Row {
        let entry = self.segment.entry();
        entry.first_row.saturating_add(entry.row_count)
    }

    pub(crate) fn places(&self) -> Result<&HotPlaces> {
        if let Some(places) = self.places.get() {
            return Ok(places);
        }
        let entry = self.segment.entry();
        let of_wire = |error| RvfError::segment(error, entry.offset, entry.id());
        let bytes = self.segment.range(0, HOT_HEADER_BYTES)?;
        let header = HotHeader::decode(&bytes, self.segment.data_bytes()).map_err(of_wire)?;
        let list = self.segment.range(HOT_HEADER_BYTES, header.list_bytes())?;
        let rows = HotHeader::rows(&list).map_err(of_wire)?;
        let quantiser = self.quantisers.find(header.quantiser).filter(|index| self.is_of(*index, &header));
        let range = (rows.first().copied(), rows.last().map(|row| row.saturating_add(1)));
        let is_right = range == (Some(entry.first_row), Some(self.end_row()));
        let Some(quantiser) = quantiser.filter(|_| is_right) else {
            return Err(self.segment.damaged("the rows of HOT"));
        };
        Ok(self.places.get_or_init(|| HotPlaces::new(&rows, &header, quantiser)))
    }

    /// Hot rows are packed as rows are before they get cold.
    fn is_of(&self, index: usize, header: &HotHeader) -> bool {
        let quantiser = self.quantisers.get(index);
        quantiser.is_some_and(|found| !found.is_cold() && found.layout().row_bytes() == header.row_bytes as usize)
    }

    /// What the rows were packed by, and its place among the quantisers of the state.
    pub(crate) fn quantiser(&self, places: &HotPlaces) -> Result<(usize, &StoredQuantiser)> {
        let found = self.quantisers.get(places.quantiser).map(|quantiser| (places.quantiser, quantiser));
        found.ok_or_else(|| self.segment.damaged("the quantiser of HOT"))
    }

    fn kept(&self, places: &HotPlaces, place: u32, count: usize) -> Result<KeptRow<'_>> {
        let start = places.rows_start + place as usize * places.row_bytes;
        let bytes = self.segment.range(start, count * places.row_bytes)?;
        Ok(KeptRow { bytes, quantiser: Some(self.quantiser(places)?) })
    }
}

impl HotPlaces {
    /// Of rows in ascending order.
    fn new(rows: &[Row], header: &HotHeader, quantiser: usize) -> HotPlaces {
        let first_row = rows.first().copied().unwrap_or(0);
        let span = rows.last().map_or(0, |last| last - first_row + 1);
        let mut words = vec![0; span.div_ceil(u64::BITS) as usize];
        for row in rows {
            let offset = row - first_row;
            words[(offset / u64::BITS) as usize] |= 1_u64 << (offset % u64::BITS);
        }
        let mut before = 0;
        let mut counts = Vec::with_capacity(words.len());
        for word in &words {
            counts.push(before);
            before += word.count_ones();
        }
        let (rows_start, row_bytes) = (header.rows_start(), header.row_bytes as usize);
        HotPlaces { first_row, words, counts, rows_start, row_bytes, quantiser }
    }

    fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Bytes of the segment's data in front of the packed rows.
    pub(crate) fn rows_start(&self) -> usize {
        self.rows_start
    }

    /// The place of a row among the packed rows, where it is one of them.
    #[inline]
    pub(crate) fn find(&self, row: Row) -> Option<u32> {
        let offset = row.wrapping_sub(self.first_row);
        let word = *self.words.get((offset / u64::BITS) as usize)?;
        let bit = 1_u64 << (offset % u64::BITS);
        let place = || self.counts[(offset / u64::BITS) as usize] + (word & (bit - 1)).count_ones();
        (word & bit != 0).then(place)
    }
}

/// Lays out a HOT segment: its payload up to the packed rows, and the rows that the directory is to name.
pub(crate) fn hot_front(header: HotHeader, rows: &[Row]) -> (Vec<u8>, (Row, u32)) {
    let (first, last) = (rows.first().copied().unwrap_or(0), rows.last().copied().unwrap_or(0));
    (header.encode(rows.iter().copied()), (first, last - first + 1))
}

/// True where the directory's HOT entries are in order, and of rows in front of `end`.
pub(crate) fn are_in_order(entries: &[SegmentEntry], end: Row) -> bool {
    let ends = |entry: &SegmentEntry| u64::from(entry.first_row) + u64::from(entry.row_count);
    entries.windows(2).all(|pair| ends(&pair[0]) <= u64::from(pair[1].first_row))
        && entries.last().is_none_or(|last| ends(last) <= u64::from(end))
}
