use std::cell::RefCell;

use rvf_index::{Distances, RowDistances, Vectors};
use rvf_quant::{CodeLayout, CodeScorer, CodeTable, QuantError};
use rvf_types::Row;

use crate::dead_rows::DeadRows;
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

fn of_codes(error: QuantError) -> RvfError {
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

    /// Which part holds a row, without a branch: rows come in no order that could be foretold.
    #[inline]
    fn part_of(&self, row: Row) -> usize {
        self.ends.iter().map(|end| usize::from(row >= *end)).sum()
    }

    fn part(&self, row: Row) -> Result<&Part<'a>> {
        self.parts.get(self.part_of(row)).ok_or_else(|| no_code(row))
    }
}

fn no_code(row: Row) -> RvfError {
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

/// Distances by the codes, from a query or from a row.
pub(crate) struct CodeDistances<'c, 'a> {
    codes: &'c Codes<'a>,
    scorer: CodeScorer,
    groups: RefCell<Groups>,
}

/// Rows to score, by the part that holds them.
#[derive(Default)]
struct Groups {
    groups: Vec<Group>,
    distances: Vec<f32>,
}

#[derive(Default)]
struct Group {
    /// Rows by their index in the part.
    indexes: Vec<u32>,
    /// Where each row stands among those asked for.
    places: Vec<usize>,
}

impl Distances for CodeDistances<'_, '_> {
    type Error = RvfError;

    #[inline]
    fn score(&self, rows: &[Row], distances: &mut [f32]) -> Result<()> {
        match &self.codes.parts[..] {
            [only] => {
                only.prepare(&self.scorer, rows)?;
                self.scorer.distances(&only.table, rows, distances).map_err(of_codes)
            }
            _ => self.groups.borrow_mut().score(self.codes, &self.scorer, rows, distances),
        }
    }
}

impl Groups {
    fn score(&mut self, codes: &Codes<'_>, scorer: &CodeScorer, rows: &[Row], distances: &mut [f32]) -> Result<()> {
        self.groups.resize_with(codes.parts.len(), Group::default);
        for group in &mut self.groups {
            group.indexes.clear();
            group.places.clear();
        }
        for (place, row) in rows.iter().enumerate() {
            let index = codes.part_of(*row);
            let (Some(part), Some(group)) = (codes.parts.get(index), self.groups.get_mut(index)) else {
                return Err(no_code(*row));
            };
            group.indexes.push(*row - part.first_row);
            group.places.push(place);
        }
        for (part, group) in codes.parts.iter().zip(&self.groups) {
            part.prepare(scorer, &group.indexes)?;
        }
        for (part, group) in codes.parts.iter().zip(&self.groups) {
            self.distances.resize(group.indexes.len(), 0.0);
            scorer.distances(&part.table, &group.indexes, &mut self.distances).map_err(of_codes)?;
            for (place, distance) in group.places.iter().zip(&self.distances) {
                distances[*place] = *distance;
            }
        }
        Ok(())
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
    pub(crate) fn new(snapshot: &'a Snapshot) -> Result<BuildVectors<'a>> {
        BuildVectors::of_runs(code_layout(snapshot.options())?, snapshot.index.codes(), &snapshot.dead)
    }

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
