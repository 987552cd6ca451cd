use std::fmt::Write;

use rvf_filter::Expression;

use crate::Result;
use crate::read::matching::{Candidates, Matching};
use crate::snapshot::Snapshot;

/// How a query finds its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The graph leads to the nearest, and rows that it does not have yet are all compared.
    Graph,
    /// All vectors are compared.
    Scan,
    /// Only vectors of entries that are known to fit the filter.
    Matches,
    /// The codes of entries that fit the filter, and the vectors of those that come out nearest.
    Codes,
    /// As `Matches`, and entries that the indexes cannot tell are checked by their text once they are near enough.
    Check,
}

impl Strategy {
    /// True where codes led to the answer, so that it may not be exact, and rows without codes were compared besides.
    pub(crate) fn uses_index(self) -> bool {
        matches!(self, Strategy::Graph | Strategy::Codes)
    }
}

/// Bounds for the entries that fit one condition of a filter, as the indexes' counts give them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionBounds {
    /// Where the condition stands, such as `filter.exprs[1]`.
    pub path: String,
    /// At least so many, entries that are not stored any more among them.
    pub low: u64,
    /// At most so many.
    pub high: u64,
}

/// How a filter is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterPlan {
    /// Entries of the store.
    pub rows: u64,
    /// Share of them that was expected to fit: the middle of the bounds that the indexes' counts give.
    pub estimated: f64,
    /// How many fit.
    pub matched: u64,
    /// Entries whose metadata has no index yet, and those that were replaced since among them.
    pub unindexed_rows: u64,
    /// Entries that the indexes left open, whose text was read.
    pub checked_rows: u64,
    /// Each condition by itself.
    pub conditions: Vec<ConditionBounds>,
}

/// How a query was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryPlan {
    /// How its rows were found.
    pub strategy: Strategy,
    /// Entries of the store.
    pub rows: u64,
    /// Vectors that were compared, or their codes.
    pub visited: u64,
    /// Of them, rows that the graph does not have yet.
    pub unindexed_rows: u64,
    /// Of a filtered query.
    pub filter: Option<FilterPlan>,
}

impl FilterPlan {
    pub(crate) fn of(
        snapshot: &Snapshot,
        matching: &Matching<'_>,
        expression: &Expression,
        candidates: Candidates,
    ) -> Result<FilterPlan> {
        let rows = snapshot.vector_count;
        let whole = matching.estimate(expression)?;
        let middle = (whole.low.min(rows) + whole.high.min(rows)) as f64 / 2.0;
        let conditions = expression.conditions().into_iter().map(|(path, condition)| {
            let bounds = matching.estimate(&condition)?;
            Ok(ConditionBounds { path, low: bounds.low, high: bounds.high })
        });
        let conditions = conditions.collect::<Result<Vec<_>>>()?;
        let checked_rows = candidates.open.len();
        Ok(FilterPlan {
            rows,
            estimated: share(middle, rows),
            matched: matching.resolve(candidates)?.len(),
            unindexed_rows: matching.unindexed_rows()?,
            checked_rows,
            conditions,
        })
    }

    /// The plan as JSON text, as the SDK takes it.
    pub fn to_json(&self) -> String {
        let mut json = format!(
            "{{\"rows\":{},\"estimated\":{},\"matched\":{},\"selectivity\":{},\"indexedRows\":{},\"unindexedRows\":{},\
             \"checkedRows\":{},\"conditions\":[",
            self.rows,
            self.estimated,
            self.matched,
            share(self.matched as f64, self.rows),
            self.rows.saturating_sub(self.unindexed_rows),
            self.unindexed_rows,
            self.checked_rows
        );
        for (index, condition) in self.conditions.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let ConditionBounds { path, low, high } = condition;
            // Paths are made of names of keys that filters have, and numbers.
            let _ = write!(json, "{comma}{{\"path\":\"{path}\",\"low\":{low},\"high\":{high}}}");
        }
        json.push_str("]}");
        json
    }
}

fn share(count: f64, rows: u64) -> f64 {
    if rows == 0 { 0.0 } else { count / rows as f64 }
}

impl QueryPlan {
    /// The plan as JSON text, as the SDK takes it.
    pub fn to_json(&self) -> String {
        let strategy = match self.strategy {
            Strategy::Graph => "graph",
            Strategy::Scan => "scan",
            Strategy::Matches => "matches",
            Strategy::Codes => "codes",
            Strategy::Check => "check",
        };
        let filter = self.filter.as_ref().map_or(String::new(), |filter| format!(",\"filter\":{}", filter.to_json()));
        format!(
            "{{\"strategy\":\"{strategy}\",\"exact\":{},\"rows\":{},\"visited\":{},\"unindexedRows\":{}{filter}}}",
            !self.strategy.uses_index(),
            self.rows,
            self.visited,
            self.unindexed_rows
        )
    }
}
