use std::cell::RefCell;

use rvf_index::Distances;
use rvf_quant::PackedTable;
use rvf_types::Row;

use crate::index::codes::of_codes;
use crate::index::groups::{self, Groups, PartScorer, locate};
use crate::packed::StoredQuantiser;
use crate::read::RowScorer;
use crate::runs::{HotPlaces, Run};
use crate::segment::RunBytes;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Packed rows, run by run, ready to be scored where they lie: hot ones where they are kept as they were.
pub(crate) struct PackedCodes<'a> {
    /// The runs of all rows, then those of hot ones.
    parts: Vec<Part<'a>>,
    /// First row behind each of the runs of all rows.
    ends: Vec<Row>,
    hot: Vec<&'a HotPlaces>,
}

struct Part<'a> {
    bytes: &'a RunBytes,
    rows_start: usize,
    table: PackedTable<'a>,
    /// Place of the quantiser among those of the state.
    index: usize,
    quantiser: &'a StoredQuantiser,
    /// Every row has been checked.
    is_clean: bool,
}

impl<'a> PackedCodes<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Result<PackedCodes<'a>> {
        let mut codes = PackedCodes { parts: Vec::new(), ends: Vec::new(), hot: Vec::new() };
        for run in snapshot.vectors.iter() {
            let Some(quantiser) = run.quantiser()? else { break };
            codes.add(run.bytes(), run.rows_start(), quantiser)?;
            codes.ends.push(run.end_row());
        }
        for run in snapshot.hot.iter() {
            let places = run.places()?;
            codes.add(run.bytes(), places.rows_start(), run.quantiser(places)?)?;
            codes.hot.push(places);
        }
        Ok(codes)
    }

    fn add(
        &mut self,
        bytes: &'a RunBytes,
        rows_start: usize,
        (index, quantiser): (usize, &'a StoredQuantiser),
    ) -> Result<()> {
        let table = PackedTable::new(quantiser.layout(), &bytes.resident()?[rows_start..]).map_err(of_codes)?;
        bytes.settle()?;
        self.parts.push(Part { bytes, rows_start, table, index, quantiser, is_clean: bytes.is_clean() });
        Ok(())
    }

    /// Distances from a query.
    pub(crate) fn distances_to<'c>(&'c self, query: &'c RowScorer<'c>) -> PackedDistances<'c, 'a> {
        PackedDistances { codes: self, query, groups: RefCell::default() }
    }
}

/// Distances by packed rows, from a query.
pub(crate) struct PackedDistances<'c, 'a> {
    codes: &'c PackedCodes<'a>,
    query: &'c RowScorer<'c>,
    groups: RefCell<Groups>,
}

impl Distances for PackedDistances<'_, '_> {
    type Error = RvfError;

    #[inline]
    fn score(&self, rows: &[Row], distances: &mut [f32]) -> Result<()> {
        groups::score(self, &self.groups, rows, distances)
    }
}

impl PartScorer for PackedDistances<'_, '_> {
    fn part_count(&self) -> usize {
        self.codes.parts.len()
    }

    #[inline]
    fn locate(&self, row: Row) -> Option<(usize, u32)> {
        for (run, places) in self.codes.hot.iter().enumerate() {
            if let Some(place) = places.find(row) {
                return Some((self.codes.ends.len() + run, place));
            }
        }
        locate(&self.codes.ends, row)
    }

    fn prepare(&self, part: usize, indexes: &[u32]) -> Result<()> {
        let part = &self.codes.parts[part];
        if !part.is_clean {
            let row_bytes = part.table.layout().row_bytes();
            for index in indexes {
                part.bytes.touch(part.rows_start + *index as usize * row_bytes, row_bytes)?;
            }
        }
        self.query.packed(part.index, part.quantiser)?.prefetch(&part.table, indexes);
        Ok(())
    }

    fn distances(&self, part: usize, indexes: &[u32], out: &mut [f32]) -> Result<()> {
        let part = &self.codes.parts[part];
        self.query.packed(part.index, part.quantiser)?.distances(&part.table, indexes, out).map_err(of_codes)
    }
}
