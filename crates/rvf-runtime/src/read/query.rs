use std::sync::Arc;

use rvf_filter::Expression;
use rvf_types::limits::{K_MAX, QUERY_BATCH_MAX};
use rvf_types::{ErrorCode, Row};

use crate::control::{Control, Deadline};
use crate::read::exact::{Nearest, Scan};
use crate::read::explain::{FilterPlan, QueryPlan, Strategy};
use crate::read::matching::{Candidates, Matching};
use crate::snapshot::Snapshot;
use crate::store::RvfStore;
use crate::write::check_vectors;
use crate::{Result, RvfError};

/// Most bytes of metadata in one answer: what a string of JavaScript can hold, and some room.
const ANSWER_TEXT_BYTES_MAX: usize = 400 << 20;

/// What a query answers with, and when it gives up.
#[derive(Clone, Debug, Default)]
pub struct QueryOptions {
    /// Number of neighbours.
    pub k: usize,
    /// Neighbours that are farther are left out.
    pub distance_max: Option<f32>,
    /// Milliseconds after which the query gives up, 0 for never.
    pub timeout_ms: u64,
    /// Answer with the neighbours' metadata.
    pub with_metadata: bool,
    /// Answer with the neighbours' vectors.
    pub with_vectors: bool,
    /// Only entries whose metadata fits.
    pub filter: Option<Arc<Expression>>,
    /// Answer with the plan.
    pub with_plan: bool,
}

/// Neighbours, nearest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// Ids.
    pub ids: Vec<String>,
    /// Distances in the store's metric.
    pub distances: Vec<f32>,
    /// A JSON array with one value per neighbour; `None` where no neighbour has metadata, or none was asked for.
    pub metadata: Option<String>,
    /// Indexes of the neighbours without metadata, whose value in the array is `null`.
    pub without_metadata: Vec<u32>,
    /// The vectors' bytes, one behind the other, where asked for.
    pub vectors: Option<Vec<u8>>,
    /// How the answer was found, where asked for.
    pub plan: Option<QueryPlan>,
}

impl RvfStore {
    /// The neighbours of one vector, given as its bytes.
    pub fn query(&self, vector: &[u8], options: &QueryOptions, control: Option<&Control>) -> Result<Hits> {
        let snapshot = self.current()?;
        check_query(&snapshot, vector, 1, options)?;
        let deadline = self.deadline(options.timeout_ms, control);
        let question = Question::new(&snapshot, options, &deadline)?;
        let Nearest { rows, visited } = question.nearest(vector)?;
        let mut hits = attach(&snapshot, &rows, options)?;
        if options.with_plan {
            hits.plan = Some(question.plan(visited)?);
        }
        Ok(hits)
    }

    /// The neighbours of several vectors, given one behind the other: how many each has, and all of them in order.
    pub fn query_batch(
        &self,
        vectors: &[u8],
        options: &QueryOptions,
        control: Option<&Control>,
    ) -> Result<(Vec<u32>, Hits)> {
        let snapshot = self.current()?;
        let row_bytes = snapshot.row_bytes();
        let count = vectors.len() / row_bytes;
        check_query(&snapshot, vectors, count, options)?;
        let deadline = self.deadline(options.timeout_ms, control);
        let question = Question::new(&snapshot, options, &deadline)?;
        let mut counts = Vec::with_capacity(count);
        let mut rows = Vec::new();
        let mut visited = 0;
        for vector in vectors.chunks_exact(row_bytes) {
            let nearest = question.nearest(vector)?;
            counts.push(nearest.rows.len() as u32);
            rows.extend(nearest.rows);
            visited += nearest.visited;
        }
        let mut hits = attach(&snapshot, &rows, options)?;
        if options.with_plan {
            hits.plan = Some(question.plan(visited)?);
        }
        Ok((counts, hits))
    }

    /// A call's deadline; `timeout_ms` is 0 for none.
    pub(crate) fn deadline<'a>(&'a self, timeout_ms: u64, control: Option<&'a Control>) -> Deadline<'a> {
        let clock = &*self.shared.host.clock;
        let at_ns = (timeout_ms > 0).then(|| clock.monotonic_ns().saturating_add(timeout_ms.saturating_mul(1_000_000)));
        Deadline { control, clock, at_ns }
    }
}

/// A query on one state, its filter evaluated once for however many vectors it has.
struct Question<'a> {
    scan: Scan<'a>,
    filter: Option<(&'a Expression, Matching<'a>, Candidates)>,
}

impl<'a> Question<'a> {
    fn new(snapshot: &'a Snapshot, options: &'a QueryOptions, deadline: &'a Deadline<'a>) -> Result<Question<'a>> {
        let filter = match options.filter.as_deref() {
            Some(expression) => {
                let matching = Matching::new(snapshot, expression, deadline)?;
                let candidates = matching.candidates()?;
                Some((expression, matching, candidates))
            }
            None => None,
        };
        Ok(Question { scan: Scan { snapshot, deadline, k: options.k, distance_max: options.distance_max }, filter })
    }

    fn nearest(&self, vector: &[u8]) -> Result<Nearest> {
        if self.scan.snapshot.vector_count == 0 {
            return Ok(Nearest { rows: Vec::new(), visited: 0 });
        }
        match &self.filter {
            Some((_, matching, candidates)) => self.scan.among(vector, candidates, matching),
            None => self.scan.all(vector),
        }
    }

    fn plan(self, visited: u64) -> Result<QueryPlan> {
        let snapshot = self.scan.snapshot;
        let strategy = match &self.filter {
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
        Ok(QueryPlan { strategy, rows: snapshot.vector_count, visited, filter })
    }
}

fn check_query(snapshot: &Snapshot, vectors: &[u8], count: usize, options: &QueryOptions) -> Result<()> {
    if options.k == 0 || options.k > K_MAX {
        return Err(RvfError::new(
            ErrorCode::KTooLarge,
            format!("k is {}, it must be 1 to K_MAX ({K_MAX})", options.k),
        ));
    }
    if options.distance_max.is_some_and(f32::is_nan) {
        return Err(RvfError::input("distanceMax is NaN, it must be a number"));
    }
    if count == 0 || count > QUERY_BATCH_MAX || vectors.len() != count * snapshot.row_bytes() {
        return Err(RvfError::new(
            ErrorCode::DimensionMismatch,
            format!(
                "the query has {} bytes, vectors of dimension {} have {} (and a batch at most QUERY_BATCH_MAX \
                 ({QUERY_BATCH_MAX}) of them)",
                vectors.len(),
                snapshot.options().dimension,
                snapshot.row_bytes()
            ),
        ));
    }
    check_vectors(vectors, snapshot.options(), "vector")
}

/// Adds to rows what the caller asked for.
fn attach(snapshot: &Snapshot, rows: &[(f32, Row)], options: &QueryOptions) -> Result<Hits> {
    let mut hits = Hits {
        ids: Vec::with_capacity(rows.len()),
        distances: rows.iter().map(|(distance, _)| *distance).collect(),
        ..Hits::default()
    };
    for (_, row) in rows {
        hits.ids.push(snapshot.id(*row)?);
    }
    let rows = rows.iter().map(|(_, row)| *row);
    if options.with_metadata {
        (hits.metadata, hits.without_metadata) = metadata_array(snapshot, rows.clone())?;
    }
    if options.with_vectors {
        hits.vectors = Some(vector_bytes(snapshot, rows)?);
    }
    Ok(hits)
}

/// The rows' metadata as one JSON array, `None` where no row has any, and the indexes of those without.
pub(crate) fn metadata_array(
    snapshot: &Snapshot,
    rows: impl Iterator<Item = Row>,
) -> Result<(Option<String>, Vec<u32>)> {
    let mut without = Vec::new();
    if snapshot.has_no_metadata() {
        return Ok((None, without));
    }
    let mut json = Vec::from(b"[");
    let mut has_any = false;
    for (index, row) in (0u32..).zip(rows) {
        if index > 0 {
            json.push(b',');
        }
        match snapshot.metadata(row)? {
            Some(text) => {
                has_any = true;
                if json.len() + text.len() > ANSWER_TEXT_BYTES_MAX {
                    return Err(RvfError::input(format!(
                        "the metadata asked for has more than ANSWER_TEXT_BYTES_MAX ({ANSWER_TEXT_BYTES_MAX}) bytes; ask \
                         for fewer entries at once, or without metadata"
                    )));
                }
                json.extend_from_slice(&text);
            }
            None => {
                without.push(index);
                json.extend_from_slice(b"null");
            }
        }
    }
    if !has_any {
        return Ok((None, Vec::new()));
    }
    json.push(b']');
    let text = String::from_utf8(json)
        .map_err(|_| RvfError::new(ErrorCode::InvalidChecksum, "stored metadata is not UTF-8; run verify()"))?;
    Ok((Some(text), without))
}

/// The rows' vectors, one behind the other.
pub(crate) fn vector_bytes(snapshot: &Snapshot, rows: impl Iterator<Item = Row>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for row in rows {
        bytes.extend_from_slice(&snapshot.vector(row)?);
    }
    Ok(bytes)
}
