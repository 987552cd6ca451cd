use std::sync::Arc;

use rvf_filter::Expression;
use rvf_index::{Executor, Scratch};
use rvf_types::limits::{K_MAX, QUERY_BATCH_MAX};
use rvf_types::{ErrorCode, Row};

use crate::control::{Control, Deadline};
use crate::read::explain::QueryPlan;
use crate::read::quality::Quality;
use crate::read::question::Question;
use crate::snapshot::Snapshot;
use crate::store::RvfStore;
use crate::write::check_vectors;
use crate::{Result, RvfError};

/// Fewest vectors of a batch that are worth a thread of their own.
const BATCH_PART_ROWS_MIN: usize = 4;
/// Most bytes of metadata in one answer: what a string of JavaScript can hold, and some room.
const ANSWER_TEXT_BYTES_MAX: usize = 400 << 20;

/// What a query answers with, and when it gives up.
#[derive(Clone, Debug, Default)]
pub struct QueryOptions {
    /// Number of neighbours.
    pub k: usize,
    /// How much of the rows is looked at.
    pub quality: Quality,
    /// Rows that a walk over the graph keeps in sight, k at least; counts in place of the quality.
    pub ef_search: Option<usize>,
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
    /// Indexes of the vectors that are not as they were given, but what is left of them packed.
    pub lossy: Vec<u32>,
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
        let mut scratch = self.take_scratch();
        let answer = question.answer(vector, &mut scratch);
        self.give_scratch(scratch);
        let answer = answer?;
        let mut hits = attach(&snapshot, &answer.rows, options)?;
        self.count_access(&snapshot, &hits.ids)?;
        if options.with_plan {
            hits.plan = Some(question.plan(answer.strategy, answer.visited)?);
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
        let mut workers = self.batch_workers(vectors, count, row_bytes);
        self.shared.pool.all().run(&mut workers, |worker| worker.answer(&question, row_bytes));
        let mut counts = Vec::with_capacity(count);
        let mut rows = Vec::new();
        for worker in workers {
            self.give_scratch(worker.scratch);
            counts.extend(worker.counts);
            rows.extend(worker.rows);
            worker.outcome?;
        }
        let hits = attach(&snapshot, &rows, options)?;
        self.count_access(&snapshot, &hits.ids)?;
        Ok((counts, hits))
    }

    /// The vectors of a batch in as many parts as there are threads for them.
    fn batch_workers<'v>(&self, vectors: &'v [u8], count: usize, row_bytes: usize) -> Vec<BatchWorker<'v>> {
        let parts = self.shared.pool.all().parts().min(count.div_ceil(BATCH_PART_ROWS_MIN));
        let part_bytes = count.div_ceil(parts) * row_bytes;
        let part = |vectors| BatchWorker {
            vectors,
            scratch: self.take_scratch(),
            counts: Vec::new(),
            rows: Vec::new(),
            outcome: Ok(()),
        };
        vectors.chunks(part_bytes).map(part).collect()
    }

    /// Memory for a search; that of an earlier one where there is some.
    fn take_scratch(&self) -> Scratch {
        self.shared.scratches.lock().pop().unwrap_or_default()
    }

    fn give_scratch(&self, scratch: Scratch) {
        self.shared.scratches.lock().push(scratch);
    }

    /// A call's deadline; `timeout_ms` is 0 for none.
    pub(crate) fn deadline<'a>(&'a self, timeout_ms: u64, control: Option<&'a Control>) -> Deadline<'a> {
        let clock = &*self.shared.host.clock;
        let at_ns = (timeout_ms > 0).then(|| clock.monotonic_ns().saturating_add(timeout_ms.saturating_mul(1_000_000)));
        Deadline { control, clock, at_ns }
    }
}

/// A part of a batch, and its answers.
struct BatchWorker<'v> {
    vectors: &'v [u8],
    scratch: Scratch,
    counts: Vec<u32>,
    rows: Vec<(f32, Row)>,
    outcome: Result<()>,
}

impl BatchWorker<'_> {
    fn answer(&mut self, question: &Question<'_>, row_bytes: usize) {
        for vector in self.vectors.chunks_exact(row_bytes) {
            match question.answer(vector, &mut self.scratch) {
                Ok(answer) => {
                    self.counts.push(answer.rows.len() as u32);
                    self.rows.extend(answer.rows);
                }
                Err(error) => {
                    self.outcome = Err(error);
                    return;
                }
            }
        }
    }
}

pub(super) fn check_query(snapshot: &Snapshot, vectors: &[u8], count: usize, options: &QueryOptions) -> Result<()> {
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
        hits.lossy = packed_indexes(snapshot, rows.clone());
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

/// Indexes of the rows that are packed.
pub(crate) fn packed_indexes(snapshot: &Snapshot, rows: impl Iterator<Item = Row>) -> Vec<u32> {
    if snapshot.quantisers.layout().is_none() {
        return Vec::new();
    }
    // Packed rows are in front of all others.
    let end = snapshot.index.code_rows();
    (0..).zip(rows).filter(|(_, row)| *row < end).map(|(index, _)| index).collect()
}
