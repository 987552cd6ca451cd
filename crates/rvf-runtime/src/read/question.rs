use rvf_filter::Expression;
use rvf_index::Scratch;
use rvf_types::Row;

use crate::Result;
use crate::control::Deadline;
use crate::read::exact::{Nearest, Scan};
use crate::read::explain::{FilterPlan, QueryPlan, Strategy};
use crate::read::matching::{Candidates, Matching};
use crate::read::query::QueryOptions;
use crate::read::walk::{Found, Walk};
use crate::snapshot::Snapshot;

/// A query on one state, its filter evaluated once for however many vectors it has.
pub(super) struct Question<'a> {
    scan: Scan<'a>,
    filter: Option<(&'a Expression, Matching<'a>, Candidates)>,
    walk: Option<Walk<'a>>,
}

/// The nearest rows, and how they were found.
pub(super) struct Answer {
    pub(super) rows: Vec<(f32, Row)>,
    /// Vectors that were compared, or their codes.
    pub(super) visited: u64,
    /// The graph led to them.
    pub(super) is_walk: bool,
}

impl<'a> Question<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        options: &'a QueryOptions,
        deadline: &'a Deadline<'a>,
    ) -> Result<Question<'a>> {
        let filter = match options.filter.as_deref() {
            Some(expression) => {
                let matching = Matching::new(snapshot, expression, deadline)?;
                let candidates = matching.candidates()?;
                Some((expression, matching, candidates))
            }
            None => None,
        };
        let matches = filter.as_ref().map(|(_, _, candidates)| candidates);
        let walk = match options.ef_search.or(options.quality.breadth(options.k)) {
            Some(breadth) => Walk::new(snapshot, options.k, breadth, matches)?,
            None => None,
        };
        let scan = Scan { snapshot, deadline, k: options.k, distance_max: options.distance_max };
        Ok(Question { scan, filter, walk })
    }

    /// The rows nearest to a vector.
    pub(super) fn answer(&self, vector: &[u8], scratch: &mut Scratch) -> Result<Answer> {
        let snapshot = self.scan.snapshot;
        let filter = self.filter.as_ref().map(|(_, matching, candidates)| (candidates, matching));
        if let Some(walk) = self.walk.as_ref().filter(|_| !snapshot.index.is_broken())
            && let Found::Nearest(Nearest { rows, visited }) = walk.nearest(vector, &self.scan, filter, scratch)?
        {
            return Ok(Answer { rows, visited, is_walk: true });
        }
        if snapshot.vector_count == 0 {
            return Ok(Answer { rows: Vec::new(), visited: 0, is_walk: false });
        }
        let Nearest { rows, visited } = self.scan.all(vector, filter)?;
        Ok(Answer { rows, visited, is_walk: false })
    }

    /// How the rows were found.
    pub(super) fn plan(self, is_walk: bool, visited: u64) -> Result<QueryPlan> {
        let snapshot = self.scan.snapshot;
        let strategy = match &self.filter {
            _ if is_walk => Strategy::Graph,
            None => Strategy::Scan,
            Some((_, _, candidates)) if candidates.open.is_empty() => Strategy::Matches,
            Some(_) => Strategy::Check,
        };
        let filter = match self.filter {
            Some((expression, matching, candidates)) => {
                Some(FilterPlan::of(snapshot, &matching, expression, candidates)?)
            }
            None => None,
        };
        let unindexed_rows = if is_walk { u64::from(snapshot.unindexed_rows()) } else { 0 };
        Ok(QueryPlan { strategy, rows: snapshot.vector_count, visited, unindexed_rows, filter })
    }
}
