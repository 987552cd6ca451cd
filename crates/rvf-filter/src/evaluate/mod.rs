//! Answers expressions from columns.

mod answer;
mod leaf;
mod plan;
mod texts;

use roaring::RoaringBitmap;

use crate::columns::Columns;
use crate::evaluate::answer::{Answer, answer};
use crate::evaluate::plan::plan;
use crate::{ColumnError, ColumnSource, Expression};

/// The rows that an expression matches, relative to the run's first row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Rows that match.
    pub matches: RoaringBitmap,
    /// Rows that the columns leave open, none of them in `matches`: [`matches()`](crate::matches()) over their JSON decides.
    /// They come of texts that were cut, of index kinds this code does not know, and of fields without columns.
    pub unknown: RoaringBitmap,
}

/// Bounds for the number of rows an expression matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// At least so many.
    pub low: u64,
    /// At most so many.
    pub high: u64,
}

/// Evaluates an expression over the columns of `row_count` rows.
///
/// Work follows what is looked up: O(log distinct values) ranges for each value named and the postings found. Operands of
/// `and` are taken in order of their estimates, and the rest left out once nothing can match.
pub fn evaluate<S: ColumnSource>(
    expression: &Expression,
    source: &S,
    row_count: u32,
) -> Result<Outcome, ColumnError<S::Error>> {
    let Some(columns) = Columns::open(source, row_count)? else {
        return Ok(Outcome { matches: RoaringBitmap::new(), unknown: answer::all_rows(row_count) });
    };
    let plan = plan(expression, &columns)?;
    let Answer { sure, open } = answer(&plan, columns.bytes)?;
    Ok(Outcome { matches: sure, unknown: open })
}

/// Bounds for the number of matching rows, told by counts in the columns without reading postings.
pub fn estimate<S: ColumnSource>(
    expression: &Expression,
    source: &S,
    row_count: u32,
) -> Result<Estimate, ColumnError<S::Error>> {
    match Columns::open(source, row_count)? {
        Some(columns) => Ok(plan(expression, &columns)?.estimate),
        None => Ok(Estimate { low: 0, high: row_count.into() }),
    }
}
