use std::cell::RefCell;

use rvf_index::{Distances, Request, Scratch, SearchError, search};
use rvf_types::Row;

use crate::index::{StoredGraph, WalkCodes, graph_error};
use crate::read::exact::{Begun, Nearest, Scan};
use crate::read::matching::{Candidates, Matching};
use crate::read::rank::{Ranked, rank};
use crate::read::scorer::RowScorer;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Where the rows in sight would be more than one in so many, comparing all is as fast, and exact.
const SCAN_SHARE: usize = 8;
/// Where fewer than one in so many rows fit a filter, comparing those that do is faster than the walk to them.
const MATCHES_SHARE: u64 = 32;
/// How much broader a walk is begun again where codes could not tell its last rows from others.
const WIDENING: usize = 4;
/// Broadest of such walks; then all rows are compared.
const WIDENED_BREADTH_MAX: usize = 2_048;

/// A search over the graph, by codes, whose best rows are compared by their vectors.
pub(crate) struct Walk<'a> {
    snapshot: &'a Snapshot,
    graph: &'a StoredGraph,
    codes: WalkCodes<'a>,
    breadth: usize,
    /// Rows below this one are in the graph; damage met by another query changes nothing here.
    row_count: Row,
}

/// What a walk came to.
pub(crate) enum Found {
    /// The nearest rows.
    Nearest(Nearest),
    /// The walk cannot answer, or not faster than comparing rows can.
    CompareInstead,
}

impl<'a> Walk<'a> {
    /// A walk for k neighbours that keeps `breadth` rows in sight; `None` where comparing is the better way.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        k: usize,
        breadth: usize,
        matches: Option<&Candidates>,
    ) -> Result<Option<Walk<'a>>> {
        let breadth = breadth.max(k);
        let rows = snapshot.index.row_count();
        if breadth.saturating_mul(SCAN_SHARE) >= rows as usize {
            return Ok(None);
        }
        if matches.is_some_and(|found| (found.sure.len() + found.open.len()) * MATCHES_SHARE < u64::from(rows)) {
            return Ok(None);
        }
        let opened = snapshot.index.graph().and_then(|graph| Ok(graph.zip(Some(WalkCodes::new(snapshot)?))));
        let opened = without_damage(snapshot, opened)?.flatten();
        Ok(opened.map(|(graph, codes)| Walk { snapshot, graph, codes, breadth, row_count: rows }))
    }

    /// The rows nearest to a query: those of the graph by a walk, the others by comparing all of them.
    pub(crate) fn nearest(
        &self,
        query: &[u8],
        scan: &Scan<'_>,
        filter: Option<(&Candidates, &Matching<'_>)>,
        scratch: &mut Scratch,
    ) -> Result<Found> {
        let scorer = RowScorer::new(self.snapshot, query)?;
        match &self.codes {
            WalkCodes::Beside(codes) => self.walk(&codes.distances_to(query)?, &scorer, scan, filter, scratch),
            WalkCodes::Packed(codes) => self.walk(&codes.distances_to(&scorer), &scorer, scan, filter, scratch),
        }
    }

    fn walk(
        &self,
        distances: &impl Distances<Error = RvfError>,
        scorer: &RowScorer<'_>,
        scan: &Scan<'_>,
        filter: Option<(&Candidates, &Matching<'_>)>,
        scratch: &mut Scratch,
    ) -> Result<Found> {
        let (snapshot, mut breadth) = (self.snapshot, self.breadth);
        loop {
            let failed = RefCell::new(None);
            let keep = |row: Row| self.may_answer(row, filter, &failed);
            let should_stop = || failed.borrow().is_some() || note(&failed, scan.deadline.check()).is_none();
            let is_free = filter.is_none() && self.snapshot.dead.count() == 0;
            let request = Request {
                breadth,
                allowed: if is_free { None } else { Some(&keep) },
                should_stop: Some(&should_stop),
                scored_max: filter.map(|(rows, _)| rows.sure.len() + rows.open.len()),
            };
            let searched = search(self.graph, distances, &request, scratch);
            if let Some(error) = failed.into_inner() {
                return Err(error);
            }
            let found = match searched {
                Ok(found) => found,
                Err(SearchError::TooFar) => return Ok(Found::CompareInstead),
                Err(error) => {
                    return without_damage(snapshot, Err(graph_error(error)))
                        .map(|_: Option<()>| Found::CompareInstead);
                }
            };
            if found.len() < scan.k.min(self.living_rows(filter)) {
                return Ok(Found::CompareInstead);
            }
            let Ranked { nearest, are_told_apart } = rank(snapshot, scorer, scan, found)?;
            if are_told_apart || found.len() < breadth {
                let visited = scratch.effort().scored;
                let begun = Begun { nearest, visited, first_row: self.row_count };
                return scan.finish(scorer, begun, filter).map(Found::Nearest);
            }
            breadth *= WIDENING;
            if breadth > WIDENED_BREADTH_MAX.max(self.breadth) {
                return Ok(Found::CompareInstead);
            }
        }
    }

    fn may_answer(
        &self,
        row: Row,
        filter: Option<(&Candidates, &Matching<'_>)>,
        failed: &RefCell<Option<RvfError>>,
    ) -> bool {
        match filter {
            // Those that fit are alive.
            Some((rows, _)) if rows.sure.contains(row) => true,
            Some((rows, matching)) => rows.open.contains(row) && note(failed, matching.fits(row)).unwrap_or(false),
            None => !self.snapshot.dead.contains(row),
        }
    }

    /// Rows of the graph that may answer: at least so many where a filter leaves some open.
    fn living_rows(&self, filter: Option<(&Candidates, &Matching<'_>)>) -> usize {
        let end = self.row_count;
        match filter {
            Some((rows, _)) => rows.sure.range_cardinality(..end) as usize,
            None => {
                (self.snapshot.vector_count.saturating_sub(u64::from(self.snapshot.next_row.saturating_sub(end))))
                    as usize
            }
        }
    }
}

/// Codes and graph are only a way to the rows: where they are damaged, rows are compared, and the writer makes them anew.
fn without_damage<T>(snapshot: &Snapshot, found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_damage() => {
            snapshot.index.set_broken();
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Takes an error out of a place that cannot return it.
fn note<T>(failed: &RefCell<Option<RvfError>>, result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            failed.borrow_mut().get_or_insert(error);
            None
        }
    }
}
