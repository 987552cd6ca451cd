use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;
use rvf_filter::{Estimate, Expression, estimate, evaluate, matches};
use rvf_types::{ErrorCode, Row};

use crate::control::Deadline;
use crate::runs::{MetaRun, Run};
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Texts checked between two looks at the deadline.
const CHECK_ROWS: usize = 1_024;

/// Living rows that fit a filter, and those of which only their text can tell; the two have no row in common.
#[derive(Clone, Default)]
pub(crate) struct Candidates {
    pub(crate) sure: RoaringBitmap,
    pub(crate) open: RoaringBitmap,
}

/// A part of the rows: those of one metadata run, or rows in front of, between or behind such runs, which have none.
enum Span<'a> {
    Run(&'a Arc<MetaRun>),
    Bare(Range<Row>),
}

impl Span<'_> {
    fn rows(&self) -> Range<Row> {
        match self {
            Span::Run(run) => run.first_row()..run.end_row(),
            Span::Bare(rows) => rows.clone(),
        }
    }
}

/// A filter applied to one state of the store.
pub(crate) struct Matching<'a> {
    snapshot: &'a Snapshot,
    expression: &'a Expression,
    deadline: &'a Deadline<'a>,
    /// Rows whose metadata overlays hold.
    overlaid: RoaringBitmap,
    /// Those of them that fit, or may.
    overlay: Candidates,
    fits_without_metadata: bool,
}

impl<'a> Matching<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        expression: &'a Expression,
        deadline: &'a Deadline<'a>,
    ) -> Result<Matching<'a>> {
        let mut matching = Matching {
            snapshot,
            expression,
            deadline,
            overlaid: RoaringBitmap::new(),
            overlay: Candidates::default(),
            fits_without_metadata: matches(expression, b"").map_err(|error| RvfError::internal(error.to_string()))?,
        };
        matching.add_overlays()?;
        Ok(matching)
    }

    /// The newest overlay that holds a row decides.
    fn add_overlays(&mut self) -> Result<()> {
        for run in self.snapshot.overlays.iter().rev() {
            self.deadline.check()?;
            let found = self.of_texts(run.texts())?;
            let sure = run.rows_at(&found.sure)? - &self.overlaid;
            let open = run.rows_at(&found.open)? - &self.overlaid;
            self.overlay.sure |= sure;
            self.overlay.open |= open;
            self.overlaid |= run.listed()?;
        }
        self.snapshot.dead.remove_from(&mut self.overlay.sure);
        self.snapshot.dead.remove_from(&mut self.overlay.open);
        Ok(())
    }

    /// What the columns of a run tell, by index; everything is open where there are none.
    fn of_texts(&self, run: &MetaRun) -> Result<Candidates> {
        let Some(columns) = run.columns()? else {
            let mut open = RoaringBitmap::new();
            open.insert_range(0..run.row_count());
            return Ok(Candidates { sure: RoaringBitmap::new(), open });
        };
        let outcome = evaluate(self.expression, &columns, run.row_count()).map_err(|error| columns.error(error))?;
        Ok(Candidates { sure: outcome.matches, open: outcome.unknown })
    }

    fn spans(&self) -> Vec<Span<'a>> {
        let mut spans = Vec::with_capacity(self.snapshot.meta.len() + 1);
        let mut next = 0;
        for run in self.snapshot.meta.iter() {
            if next < run.first_row() {
                spans.push(Span::Bare(next..run.first_row()));
            }
            next = run.end_row();
            spans.push(Span::Run(run));
        }
        if next < self.snapshot.next_row {
            spans.push(Span::Bare(next..self.snapshot.next_row));
        }
        spans
    }

    /// Living rows of a span, without those that overlays speak of.
    fn of_span(&self, span: &Span<'_>) -> Result<Candidates> {
        self.deadline.check()?;
        let mut found = match span {
            Span::Run(run) => {
                let found = self.of_texts(run)?;
                Candidates {
                    sure: shifted(&found.sure, run.first_row())?,
                    open: shifted(&found.open, run.first_row())?,
                }
            }
            Span::Bare(rows) => {
                let mut sure = RoaringBitmap::new();
                if self.fits_without_metadata {
                    sure.insert_range(rows.clone());
                }
                Candidates { sure, open: RoaringBitmap::new() }
            }
        };
        for rows in [&mut found.sure, &mut found.open] {
            if !self.overlaid.is_empty() {
                *rows -= &self.overlaid;
            }
            self.snapshot.dead.remove_from(rows);
        }
        Ok(found)
    }

    /// All living rows that fit, or may.
    pub(crate) fn candidates(&self) -> Result<Candidates> {
        let mut all = self.overlay.clone();
        for span in self.spans() {
            let found = self.of_span(&span)?;
            all.sure |= found.sure;
            all.open |= found.open;
        }
        Ok(all)
    }

    /// Number of living rows that fit. Runs whose counts tell are not looked into.
    pub(crate) fn count(&self) -> Result<u64> {
        let mut count = self.resolve(self.overlay.clone())?.len();
        for span in self.spans() {
            if let Some(known) = self.known_count(&span)? {
                count += known;
                continue;
            }
            count += self.resolve(self.of_span(&span)?)?.len();
        }
        Ok(count)
    }

    fn known_count(&self, span: &Span<'_>) -> Result<Option<u64>> {
        self.deadline.check()?;
        let rows = span.rows();
        if self.overlaid.range_cardinality(rows.clone()) > 0 || self.snapshot.dead.has_any(&rows) {
            return Ok(None);
        }
        let bounds = match span {
            Span::Run(run) => estimate_run(self.expression, run)?,
            Span::Bare(rows) => bare_estimate(self.fits_without_metadata, rows),
        };
        Ok(Some(bounds.low).filter(|low| *low == bounds.high))
    }

    /// All living rows that fit.
    pub(crate) fn rows(&self) -> Result<RoaringBitmap> {
        self.resolve(self.candidates()?)
    }

    /// Decides open rows by their texts.
    pub(crate) fn resolve(&self, candidates: Candidates) -> Result<RoaringBitmap> {
        let Candidates { sure: mut rows, open } = candidates;
        for (index, row) in open.iter().enumerate() {
            if index % CHECK_ROWS == 0 {
                self.deadline.check()?;
            }
            if self.fits(row)? {
                rows.insert(row);
            }
        }
        Ok(rows)
    }

    fn fits(&self, row: Row) -> Result<bool> {
        fits(self.snapshot, self.expression, row)
    }

    /// Visits the living rows that fit from `first` on, in order, until `visit` answers false. Reads no further than that.
    pub(crate) fn visit_from(&self, first: Row, mut visit: impl FnMut(Row) -> Result<bool>) -> Result<()> {
        for span in self.spans() {
            let range = span.rows();
            if range.end <= first {
                continue;
            }
            let mut found = self.of_span(&span)?;
            found.sure.extend(self.overlay.sure.range(range.clone()));
            found.open.extend(self.overlay.open.range(range));
            let all = &found.sure | &found.open;
            for row in all.range(first..) {
                if (found.sure.contains(row) || self.fits(row)?) && !visit(row)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Bounds that counts in the columns give for the matches of an expression, dead rows among them.
    pub(crate) fn estimate(&self, expression: &Expression) -> Result<Estimate> {
        let mut sum = Estimate { low: 0, high: 0 };
        let mut add = |found: Estimate| {
            sum.low += found.low;
            sum.high += found.high;
        };
        let fits_bare = matches(expression, b"").map_err(|error| RvfError::internal(error.to_string()))?;
        for span in self.spans() {
            self.deadline.check()?;
            match &span {
                Span::Run(run) => add(estimate_run(expression, run)?),
                Span::Bare(rows) => add(bare_estimate(fits_bare, rows)),
            }
        }
        for run in self.snapshot.overlays.iter() {
            add(estimate_run(expression, run.texts())?);
        }
        Ok(sum)
    }

    /// How many rows lie in runs without columns.
    pub(crate) fn unindexed_rows(&self) -> Result<u64> {
        let mut rows = 0;
        let texts = self.snapshot.meta.iter().map(|run| &**run);
        for run in texts.chain(self.snapshot.overlays.iter().map(|run| run.texts())) {
            if run.columns()?.is_none() {
                rows += u64::from(run.row_count());
            }
        }
        Ok(rows)
    }
}

/// True where a row's metadata fits.
pub(crate) fn fits(snapshot: &Snapshot, expression: &Expression, row: Row) -> Result<bool> {
    let text = snapshot.metadata(row)?;
    matches(expression, text.as_deref().unwrap_or_default()).map_err(|error| {
        let message = format!("the metadata of row {row} is no JSON ({error}); run verify()");
        RvfError::new(ErrorCode::InvalidChecksum, message)
    })
}

fn bare_estimate(fits_without_metadata: bool, rows: &Range<Row>) -> Estimate {
    let count = if fits_without_metadata { rows.len() as u64 } else { 0 };
    Estimate { low: count, high: count }
}

/// Rows of a run by their number in the store.
fn shifted(indexes: &RoaringBitmap, first_row: Row) -> Result<RoaringBitmap> {
    if first_row == 0 {
        return Ok(indexes.clone());
    }
    ascending(indexes.iter().map(|index| first_row.saturating_add(index)))
}

fn ascending(rows: impl Iterator<Item = Row>) -> Result<RoaringBitmap> {
    RoaringBitmap::from_sorted_iter(rows).map_err(|_| RvfError::internal("rows of a run do not ascend"))
}

fn estimate_run(expression: &Expression, run: &MetaRun) -> Result<Estimate> {
    match run.columns()? {
        Some(columns) => estimate(expression, &columns, run.row_count()).map_err(|error| columns.error(error)),
        None => Ok(Estimate { low: 0, high: run.row_count().into() }),
    }
}
