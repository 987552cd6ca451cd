use std::cell::RefCell;

use rvf_index::{Distances, RowDistances, Vectors};
use rvf_quant::{CodeLayout, CodeScorer, CodeTable, QuantError};
use rvf_types::Row;

use crate::dead_rows::DeadRows;
use crate::index::groups::{self, Groups, PartScorer, locate, part_of};
use crate::index::packed_codes::PackedCodes;
use crate::index::{CodeRun, code_layout};
use crate::runs::{Run, RunList};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// The codes of rows, run by run, ready to be scored.
pub(crate) struct Codes<'a> {
    layout: CodeLayout,
    parts: Vec<Part<'a>>,
    /// First row behind each part.
    ends: Vec<Row>,
}

struct Part<'a> {
    run: &'a CodeRun,
    first_row: Row,
    table: CodeTable<'a>,
    /// Every row has been checked.
    is_clean: bool,
}

pub(super) fn of_codes(error: QuantError) -> RvfError {
    RvfError::internal(error.to_string())
}

impl<'a> Codes<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Result<Codes<'a>> {
        let layout = code_layout(snapshot.options())?;
        Codes::of_runs(layout, snapshot.index.codes())
    }

    fn of_runs(layout: CodeLayout, runs: &'a RunList<CodeRun>) -> Result<Codes<'a>> {
        let mut parts = Vec::with_capacity(runs.len());
        for run in runs.iter() {
            run.bytes().settle()?;
            let table = CodeTable::new(layout, run.codes()?).map_err(of_codes)?;
            parts.push(Part { run, first_row: run.first_row(), table, is_clean: run.bytes().is_clean() });
        }
        let ends = runs.iter().map(|run| run.end_row()).collect();
        Ok(Codes { layout, parts, ends })
    }

    /// Distances from a query.
    pub(crate) fn distances_to<'c>(&'c self, vector: &[u8]) -> Result<CodeDistances<'c, 'a>> {
        let scorer = CodeScorer::new(self.layout, vector).map_err(of_codes)?;
        Ok(CodeDistances { codes: self, scorer, groups: RefCell::default() })
    }

    fn part(&self, row: Row) -> Result<&Part<'a>> {
        self.parts.get(part_of(&self.ends, row)).ok_or_else(|| no_code(row))
    }
}

pub(super) fn no_code(row: Row) -> RvfError {
    RvfError::internal(format!("row {row} has no code"))
}

impl Part<'_> {
    /// Checks what is touched for the first time, and asks for the rest.
    #[inline]
    fn prepare(&self, scorer: &CodeScorer, rows: &[Row]) -> Result<()> {
        if !self.is_clean {
            for row in rows {
                self.run.touch(*row..row.saturating_add(1))?;
            }
        }
        scorer.prefetch(&self.table, rows);
        Ok(())
    }
}

/// What a walk finds its way by.
pub(crate) enum WalkCodes<'a> {
    /// Codes beside the vectors.
    Beside(Codes<'a>),
    /// The packed rows themselves.
    Packed(PackedCodes<'a>),
}

impl<'a> WalkCodes<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Result<WalkCodes<'a>> {
        match snapshot.quantisers.layout() {
            None => Codes::new(snapshot).map(WalkCodes::Beside),
            Some(_) => PackedCodes::new(snapshot).map(WalkCodes::Packed),
        }
    }
}

/// Distances by the codes, from a query or from a row.
pub(crate) struct CodeDistances<'c, 'a> {
    codes: &'c Codes<'a>,
    scorer: CodeScorer,
    groups: RefCell<Groups>,
}

impl Distances for CodeDistances<'_, '_> {
    type Error = RvfError;

    #[inline]
    fn score(&self, rows: &[Row], distances: &mut [f32]) -> Result<()> {
        groups::score(self, &self.groups, rows, distances)
    }
}

impl PartScorer for CodeDistances<'_, '_> {
    fn part_count(&self) -> usize {
        self.codes.parts.len()
    }

    #[inline]
    fn locate(&self, row: Row) -> Option<(usize, u32)> {
        locate(&self.codes.ends, row)
    }

    #[inline]
    fn prepare(&self, part: usize, indexes: &[u32]) -> Result<()> {
        self.codes.parts[part].prepare(&self.scorer, indexes)
    }

    #[inline]
    fn distances(&self, part: usize, indexes: &[u32], out: &mut [f32]) -> Result<()> {
        self.scorer.distances(&self.codes.parts[part].table, indexes, out).map_err(of_codes)
    }
}

impl RowDistances for CodeDistances<'_, '_> {
    fn aim_at(&mut self, row: Row) -> Result<()> {
        let part = self.codes.part(row)?;
        let index = row - part.first_row;
        part.run.touch(index..index + 1)?;
        self.scorer.aim_at(&part.table, index).map_err(of_codes)
    }
}

/// Rows of a state as building a graph needs them.
pub(crate) struct BuildVectors<'a> {
    codes: Codes<'a>,
    /// What every thread's scorer starts as.
    scorer: CodeScorer,
    dead: &'a DeadRows,
}

impl<'a> BuildVectors<'a> {
    /// Rows that runs have the codes of, whatever state they belong to.
    pub(crate) fn of_runs(
        layout: CodeLayout,
        runs: &'a RunList<CodeRun>,
        dead: &'a DeadRows,
    ) -> Result<BuildVectors<'a>> {
        let scorer = CodeScorer::new(layout, &vec![0; layout.vector_bytes()]).map_err(of_codes)?;
        Ok(BuildVectors { codes: Codes::of_runs(layout, runs)?, scorer, dead })
    }
}

impl Vectors for BuildVectors<'_> {
    type Error = RvfError;
    type Scorer<'v>
        = CodeDistances<'v, 'v>
    where
        Self: 'v;

    fn scorer(&self) -> CodeDistances<'_, '_> {
        CodeDistances { codes: &self.codes, scorer: self.scorer.clone(), groups: RefCell::default() }
    }

    fn has_dead(&self) -> bool {
        self.dead.count() > 0
    }

    fn is_living(&self, row: Row) -> bool {
        !self.dead.contains(row)
    }
}
