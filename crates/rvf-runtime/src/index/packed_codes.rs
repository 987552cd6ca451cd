use std::cell::RefCell;

use rvf_index::Distances;
use rvf_quant::PackedTable;
use rvf_types::Row;

use crate::index::codes::of_codes;
use crate::index::groups::{self, Groups, PartScorer};
use crate::packed::StoredQuantiser;
use crate::read::RowScorer;
use crate::runs::{Run, VectorRun};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Packed rows, run by run, ready to be scored where they lie.
pub(crate) struct PackedCodes<'a> {
    parts: Vec<Part<'a>>,
    ends: Vec<Row>,
}

struct Part<'a> {
    run: &'a VectorRun,
    table: PackedTable<'a>,
    /// Place of the quantiser among those of the state.
    index: usize,
    quantiser: &'a StoredQuantiser,
    /// Every row has been checked.
    is_clean: bool,
}

impl<'a> PackedCodes<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Result<PackedCodes<'a>> {
        let mut codes = PackedCodes { parts: Vec::new(), ends: Vec::new() };
        for run in snapshot.vectors.iter() {
            let (Some((index, quantiser)), Some(table)) = (run.quantiser()?, run.table()?) else { break };
            run.bytes().settle()?;
            codes.parts.push(Part { run, table, index, quantiser, is_clean: run.bytes().is_clean() });
            codes.ends.push(run.end_row());
        }
        Ok(codes)
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
    fn ends(&self) -> &[Row] {
        &self.codes.ends
    }

    fn prepare(&self, part: usize, indexes: &[u32]) -> Result<()> {
        let part = &self.codes.parts[part];
        if !part.is_clean {
            for index in indexes {
                part.run.touch(*index..index.saturating_add(1))?;
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
