//! The walk: always on to the nearest row that was met and not looked at, until nothing near enough is left.

mod among;
mod filtered;
mod heaps;
mod key;
mod pool;
mod visited;
mod walk;

use alloc::vec::Vec;

use rvf_types::Row;

use crate::{Distances, Graph, SearchError};
pub use among::Among;

use among::Steps;
use filtered::Filtered;
use heaps::Heaps;
use pool::Pool;
use visited::Visited;

/// Walks broader than this use heaps. The sorted pool is faster up to some thousand rows.
const POOL_ROWS_MAX: usize = 2_048;

/// A row that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its distance by the codes.
    pub distance: f32,
    /// The row.
    pub row: Row,
}

/// What a search is to find.
#[derive(Clone, Copy, Default)]
pub struct Request<'r> {
    /// How many rows the walk keeps in sight, and how many it returns at most: `efSearch`, or k where that is larger.
    pub breadth: usize,
    /// Tells the rows that may be found; all where there is none. Walks lead over the others too.
    pub allowed: Option<&'r dyn Fn(Row) -> bool>,
    /// Asked every few dozen rows whether to give up.
    pub should_stop: Option<&'r dyn Fn() -> bool>,
    /// Rows scored after which to give up with [`SearchError::TooFar`]. Where few rows are allowed, or only rows far from
    /// the query, looking at each of those is cheaper than the walk to them.
    pub scored_max: Option<u64>,
    /// How many allowed rows the walk keeps in sight at least. With fewer than `breadth`, refused rows count among that, so a
    /// walk over many rows that are refused costs little more than one without a filter. `breadth` where there is none.
    pub allowed_least: Option<usize>,
    /// Rows to walk over alone, where most others are refused; `allowed` is asked of them alone.
    pub among: Option<Among<'r>>,
}

/// What a search cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Rows whose distance was measured.
    pub scored: u64,
    /// Rows whose neighbours were looked at.
    pub expanded: u64,
}

/// The memory of searches: kept by the caller and used again, so that a query allocates nothing. It takes a bit for each
/// row of the graph, and what the broadest search needed.
#[derive(Default)]
pub struct Scratch {
    pool: Pool,
    heaps: Heaps,
    ground: Ground,
    found: Vec<Candidate>,
}

/// Where a walk has been, and what it looks at.
#[derive(Default)]
struct Ground {
    visited: Visited,
    /// Rows to score next.
    batch: Vec<Row>,
    distances: Vec<f32>,
    effort: Effort,
    steps: Steps,
}

/// The nearest rows that a walk keeps, and which row is next.
trait Frontier {
    /// Forgets all rows; keeps `capacity` from now on, at least 1, and more until `least` of them are allowed.
    fn begin(&mut self, capacity: usize, least: usize);
    /// Takes rows in. Those too far are passed over, and those that are not allowed are only walked over.
    fn insert(&mut self, rows: &[Row], distances: &[f32], allowed: Option<&dyn Fn(Row) -> bool>);
    /// The nearest row that was not expanded; it counts as expanded from now on.
    fn expand_next(&mut self) -> Option<Row>;
    /// What [`expand_next`](Frontier::expand_next) answers if nothing nearer comes in, or some row near it.
    fn likely_next(&self) -> Option<Row>;
    /// Takes the rows out, the nearest first.
    fn drain_sorted(&mut self, found: &mut Vec<Candidate>);
}

/// Finds up to `breadth` rows near what `distances` measures from, the nearest first, by their codes.
///
/// What is returned is fewer than `breadth` only where the graph has no more rows that are allowed.
pub fn search<'s, E>(
    graph: &impl Graph<E>,
    distances: &impl Distances<Error = E>,
    request: &Request<'_>,
    scratch: &'s mut Scratch,
) -> Result<&'s [Candidate], SearchError<E>> {
    let Scratch { pool, heaps, ground, found } = scratch;
    found.clear();
    let breadth = request.breadth.max(1);
    // More cannot be found, and memory must not follow a number that means "all".
    let breadth = breadth.min(graph.row_count() as usize + 1);
    let least = request.allowed_least.unwrap_or(breadth).min(breadth);
    if breadth <= POOL_ROWS_MAX && request.allowed.is_none() {
        pool.begin(breadth, breadth);
        walk::walk(graph, distances, request, pool, ground)?;
        pool.drain_sorted(found);
    } else if breadth <= POOL_ROWS_MAX {
        let mut filtered = Filtered::new(pool, heaps);
        filtered.begin(breadth, least);
        walk::walk(graph, distances, request, &mut filtered, ground)?;
        filtered.drain_sorted(found);
    } else {
        heaps.begin(breadth, least);
        walk::walk(graph, distances, request, heaps, ground)?;
        heaps.drain_sorted(found);
    }
    Ok(found)
}

impl Scratch {
    /// What the last search cost.
    pub fn effort(&self) -> Effort {
        self.ground.effort
    }
}
