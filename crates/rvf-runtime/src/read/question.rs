use rvf_index::Scratch;
use rvf_types::Row;

use crate::Result;
use crate::control::Deadline;
use crate::read::exact::{Nearest, Scan};
use crate::read::explain::{FilterPlan, QueryPlan, Strategy};
use crate::read::fitting::Chosen;
use crate::read::matching::Matching;
use crate::read::query::QueryOptions;
use crate::read::walk::{Found, Walk};
use crate::snapshot::Snapshot;

/// A query on one state, its filter evaluated once for however many vectors it has.
pub(super) struct Question<'a> {
    scan: Scan<'a>,
    filter: Option<Chosen<'a>>,
    walk: Option<Walk<'a>>,
}

/// The nearest rows, and how they were found.
pub(super) struct Answer {
    pub(super) rows: Vec<(f32, Row)>,
    /// Vectors that were compared, or their codes.
    pub(super) visited: u64,
    pub(super) strategy: Strategy,
}

impl<'a> Question<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        options: &'a QueryOptions,
        deadline: &'a Deadline<'a>,
    ) -> Result<Question<'a>> {
        let filter = options.filter.as_ref();
        let filter = filter.map(|expression| Chosen::new(snapshot, expression, deadline)).transpose()?;
        let walk = match options.ef_search.or(options.quality.breadth(options.k)) {
            Some(breadth) => Walk::new(snapshot, options.k, breadth, filter.as_ref())?,
            None => None,
        };
        let scan = Scan { snapshot, deadline, k: options.k, distance_max: options.distance_max };
        Ok(Question { scan, filter, walk })
    }

    /// The rows nearest to a vector.
    pub(super) fn answer(&self, vector: &[u8], scratch: &mut Scratch) -> Result<Answer> {
        let snapshot = self.scan.snapshot;
        let filter = self.filter.as_ref();
        if let Some(walk) = self.walk.as_ref().filter(|_| !snapshot.index.is_broken())
            && let Found::Nearest(Nearest { rows, visited }, strategy) =
                walk.nearest(vector, &self.scan, filter, scratch)?
        {
            return Ok(Answer { rows, visited, strategy });
        }
        let strategy = match filter {
            None => Strategy::Scan,
            Some(chosen) if chosen.candidates().open.is_empty() => Strategy::Matches,
            Some(_) => Strategy::Check,
        };
        if snapshot.vector_count == 0 {
            return Ok(Answer { rows: Vec::new(), visited: 0, strategy });
        }
        let Nearest { rows, visited } = self.scan.all(vector, filter)?;
        Ok(Answer { rows, visited, strategy })
    }

    /// How the rows were found.
    pub(super) fn plan(self, strategy: Strategy, visited: u64) -> Result<QueryPlan> {
        let snapshot = self.scan.snapshot;
        let filter = match self.filter {
            Some(chosen) => {
                let matching = Matching::new(snapshot, chosen.expression(), self.scan.deadline)?;
                Some(FilterPlan::of(snapshot, &matching, chosen.expression(), chosen.candidates().clone())?)
            }
            None => None,
        };
        let unindexed_rows = if strategy.uses_index() { u64::from(snapshot.unindexed_rows()) } else { 0 };
        Ok(QueryPlan { strategy, rows: snapshot.vector_count, visited, unindexed_rows, filter })
    }
}
