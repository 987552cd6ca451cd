use std::cell::RefCell;

use rvf_index::{Among, Candidate, Distances, Request, Scratch, SearchError, search};
use rvf_quant::TopK;
use rvf_types::Row;

use crate::index::{StoredGraph, WalkCodes, graph_error};
use crate::read::exact::{Begun, Nearest, Scan};
use crate::read::explain::Strategy;
use crate::read::fitting::{Chosen, Marks};
use crate::read::rank::{Ranked, rank};
use crate::read::scorer::RowScorer;
use crate::read::way::Way;
use crate::snapshot::Snapshot;
use crate::{Result, RvfError};

/// Where the rows in sight would be more than one in so many, comparing all is as fast, and exact.
const SCAN_SHARE: usize = 8;
/// How much broader a walk is begun again where codes could not tell its last rows from others.
const WIDENING: usize = 4;
/// Broadest of such walks; then all rows are compared.
const WIDENED_BREADTH_MAX: usize = 2_048;
/// Codes asked for at once: they fit into the first cache.
const CODES_AT_ONCE: usize = 32;

/// A search over the graph, by codes, whose best rows are compared by their vectors.
pub(crate) struct Walk<'a> {
    snapshot: &'a Snapshot,
    graph: &'a StoredGraph,
    codes: WalkCodes<'a>,
    breadth: usize,
    way: Way,
    /// Rows below this one are in the graph; damage met by another query changes nothing here.
    row_count: Row,
}

/// What a walk came to.
pub(crate) enum Found {
    /// The nearest rows.
    Nearest(Nearest, Strategy),
    /// The walk cannot answer, or not faster than comparing rows can.
    CompareInstead,
}

impl<'a> Walk<'a> {
    /// A walk for k neighbours that keeps `breadth` rows in sight; `None` where comparing is the better way.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        k: usize,
        breadth: usize,
        filter: Option<&Chosen<'_>>,
    ) -> Result<Option<Walk<'a>>> {
        let breadth = breadth.max(k);
        let rows = snapshot.index.row_count();
        if breadth.saturating_mul(SCAN_SHARE) >= rows as usize {
            return Ok(None);
        }
        let Some(way) = Way::first(filter, breadth, rows) else { return Ok(None) };
        let opened = snapshot.index.graph().and_then(|graph| Ok(graph.zip(Some(WalkCodes::new(snapshot)?))));
        let opened = without_damage(snapshot, opened)?.flatten();
        Ok(opened.map(|(graph, codes)| Walk { snapshot, graph, codes, breadth, way, row_count: rows }))
    }

    /// The rows nearest to a query: those of the graph by a walk, the others by comparing all of them.
    pub(crate) fn nearest(
        &self,
        query: &[u8],
        scan: &Scan<'_>,
        filter: Option<&Chosen<'_>>,
        scratch: &mut Scratch,
    ) -> Result<Found> {
        let scorer = RowScorer::new(self.snapshot, query)?;
        match &self.codes {
            WalkCodes::Beside(codes) => self.nearest_by(&codes.distances_to(query)?, &scorer, scan, filter, scratch),
            WalkCodes::Packed(codes) => self.nearest_by(&codes.distances_to(&scorer), &scorer, scan, filter, scratch),
        }
    }

    fn nearest_by(
        &self,
        distances: &impl Distances<Error = RvfError>,
        query: &RowScorer<'_>,
        scan: &Scan<'_>,
        filter: Option<&Chosen<'_>>,
        scratch: &mut Scratch,
    ) -> Result<Found> {
        let (snapshot, mut breadth, mut way) = (self.snapshot, self.breadth, self.way);
        let mut visited = 0;
        loop {
            let (in_sight, least) = way.breadths(breadth, scan.k, filter.is_some());
            let found = match filter {
                Some(chosen) if way == Way::Codes => self.compare_codes(distances, chosen, in_sight, scan)?,
                _ => self.walk(distances, (way, breadth), scan, filter, scratch)?,
            };
            visited += match way {
                Way::Codes => filter.map_or(0, |chosen| chosen.all().range_cardinality(..self.row_count)),
                _ => scratch.effort().scored,
            };
            // Rows that fit alone are not all linked: where a walk over them ends early, others may be elsewhere.
            let wanted = if way == Way::Over { least } else { scan.k }.min(self.living_rows(filter));
            let found = match found {
                Some(found) if found.len() >= wanted => found,
                _ if filter.is_none() || way == Way::Codes || snapshot.index.is_broken() => {
                    return Ok(Found::CompareInstead);
                }
                _ => {
                    way = Way::Codes;
                    continue;
                }
            };
            let Ranked { nearest, are_told_apart } = rank(snapshot, query, scan, &found)?;
            if are_told_apart || found.len() < least {
                let begun = Begun { nearest, visited, first_row: self.row_count };
                let strategy = if way == Way::Codes { Strategy::Codes } else { Strategy::Graph };
                return Ok(Found::Nearest(scan.finish(query, begun, filter)?, strategy));
            }
            breadth *= WIDENING;
            if breadth > WIDENED_BREADTH_MAX.max(self.breadth) {
                return Ok(Found::CompareInstead);
            }
        }
    }

    /// The best rows by a walk; `None` where it drags on, or the graph is damaged.
    fn walk(
        &self,
        distances: &impl Distances<Error = RvfError>,
        (way, breadth): (Way, usize),
        scan: &Scan<'_>,
        filter: Option<&Chosen<'_>>,
        scratch: &mut Scratch,
    ) -> Result<Option<Vec<Candidate>>> {
        let failed = RefCell::new(None);
        let marks = filter.map(|chosen| (chosen, chosen.marks(), !chosen.candidates().open.is_empty()));
        let keep = |row: Row| match marks {
            Some((chosen, _, true)) => note(&failed, chosen.fits(row)).unwrap_or(false),
            Some((_, marks, false)) => marks.contains(row),
            None => !self.snapshot.dead.contains(row),
        };
        let should_stop = || failed.borrow().is_some() || note(&failed, scan.deadline.check()).is_none();
        let is_over = way == Way::Over;
        let is_free = match marks {
            Some((.., has_open)) => is_over && !has_open,
            None => self.snapshot.dead.count() == 0,
        };
        let (in_sight, least) = way.breadths(breadth, scan.k, filter.is_some());
        let request = Request {
            breadth: in_sight,
            allowed: if is_free { None } else { Some(&keep) },
            allowed_least: Some(least),
            should_stop: Some(&should_stop),
            scored_max: way.scored_max(breadth, filter),
            among: marks.filter(|_| is_over).map(|(_, Marks { bits, seeds }, _)| Among { bits, seeds }),
        };
        let searched = search(self.graph, distances, &request, scratch);
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        match searched {
            Ok(found) => Ok(Some(found.to_vec())),
            Err(SearchError::TooFar) => Ok(None),
            Err(error) => without_damage(self.snapshot, Err(graph_error(error))),
        }
    }

    /// The nearest by their codes among rows of the graph that fit; `None` where codes are damaged.
    fn compare_codes(
        &self,
        distances: &impl Distances<Error = RvfError>,
        chosen: &Chosen<'_>,
        breadth: usize,
        scan: &Scan<'_>,
    ) -> Result<Option<Vec<Candidate>>> {
        let mut nearest = TopK::new(breadth);
        let (mut rows, mut scored) = (Vec::new(), Vec::new());
        let all = chosen.all();
        let mut left = all.range(..self.row_count);
        loop {
            scan.deadline.check()?;
            rows.clear();
            rows.extend(left.by_ref().take(CODES_AT_ONCE));
            if rows.is_empty() {
                break;
            }
            scored.resize(rows.len(), 0.0);
            if without_damage(self.snapshot, distances.score(&rows, &mut scored))?.is_none() {
                return Ok(None);
            }
            for (row, distance) in rows.iter().zip(&scored) {
                if *distance <= nearest.threshold() && chosen.fits(*row)? {
                    nearest.push(*distance, *row);
                }
            }
        }
        let found = nearest.into_sorted().into_iter().map(|(distance, row)| Candidate { distance, row });
        Ok(Some(found.collect()))
    }

    /// Rows of the graph that may answer: at least so many where a filter leaves some open.
    fn living_rows(&self, filter: Option<&Chosen<'_>>) -> usize {
        let end = self.row_count;
        match filter {
            Some(chosen) => chosen.candidates().sure.range_cardinality(..end) as usize,
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
