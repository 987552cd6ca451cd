use roaring::RoaringBitmap;
use rvf_quant::TopK;
use rvf_types::Row;

use crate::Result;
use crate::control::Deadline;
use crate::read::fitting::Chosen;
use crate::read::scorer::RowScorer;
use crate::runs::{HotRows, Run, VectorRun};
use crate::snapshot::Snapshot;

/// Rows scored between two looks at the deadline; a multiple of what a kernel takes at once.
const CHUNK_ROWS: u32 = 1_024;
/// Where at least one row in so many may answer, all rows of a chunk are scored: reading on is cheaper than jumping.
const SCORE_ALL_SHARE: u64 = 4;

/// A search by comparing vectors.
pub(crate) struct Scan<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) deadline: &'a Deadline<'a>,
    pub(crate) k: usize,
    /// Neighbours that are farther are left out.
    pub(crate) distance_max: Option<f32>,
}

/// The nearest rows, and how many vectors were compared to find them.
pub(crate) struct Nearest {
    pub(crate) rows: Vec<(f32, Row)>,
    pub(crate) visited: u64,
}

/// What is known before a scan.
pub(crate) struct Begun {
    /// The nearest of the rows in front of `first_row`.
    pub(crate) nearest: TopK,
    /// Vectors that were compared for them.
    pub(crate) visited: u64,
    /// The scan begins here.
    pub(crate) first_row: Row,
}

impl Scan<'_> {
    /// The k living rows nearest to a query, by looking at all of them, or at those that fit a filter.
    pub(crate) fn all(&self, query: &[u8], filter: Option<&Chosen<'_>>) -> Result<Nearest> {
        let query = &RowScorer::new(self.snapshot, query)?;
        self.finish(query, Begun { nearest: TopK::new(self.k), visited: 0, first_row: 0 }, filter)
    }

    /// Goes on from what was found among the first rows, by looking at all others.
    pub(crate) fn finish(&self, query: &RowScorer<'_>, begun: Begun, filter: Option<&Chosen<'_>>) -> Result<Nearest> {
        match filter {
            Some(chosen) => self.among(query, begun, chosen),
            // The cheap comparison comes first: most rows fail it and need no look at the tombstones.
            None => self.over(query, begun, |_| Chunk::All, |row| Ok(!self.snapshot.dead.contains(row))),
        }
    }

    /// The k nearest among candidates. An open one is checked only where it is near enough to answer.
    fn among(&self, query: &RowScorer<'_>, begun: Begun, chosen: &Chosen<'_>) -> Result<Nearest> {
        let all = chosen.all();
        let choose = |rows: std::ops::Range<Row>| match all.range_cardinality(rows.clone()) {
            0 => Chunk::Nothing,
            count if count * SCORE_ALL_SHARE >= rows.len() as u64 => Chunk::All,
            _ => Chunk::Only(&all),
        };
        self.over(query, begun, choose, |row| chosen.fits(row))
    }

    fn over<'c>(
        &self,
        query: &RowScorer<'_>,
        begun: Begun,
        choose: impl Fn(std::ops::Range<Row>) -> Chunk<'c>,
        accept: impl Fn(Row) -> Result<bool>,
    ) -> Result<Nearest> {
        let mut pass = Pass {
            scorer: query,
            hot: &self.snapshot.hot,
            nearest: begun.nearest,
            distances: Vec::new(),
            hot_distances: Vec::new(),
            distance_max: self.distance_max.unwrap_or(f32::INFINITY),
            visited: begun.visited,
            accept,
        };
        for run in self.snapshot.vectors.behind(begun.first_row) {
            let mut first = run.first_row().max(begun.first_row);
            while first < run.end_row() {
                self.deadline.check()?;
                let end = run.end_row().min(first.saturating_add(CHUNK_ROWS));
                match choose(first..end) {
                    Chunk::Nothing => {}
                    Chunk::All => pass.score(run, first..end)?,
                    Chunk::Only(rows) => pass.score_only(run, first..end, rows)?,
                }
                first = end;
            }
        }
        Ok(Nearest { rows: pass.nearest.into_sorted(), visited: pass.visited })
    }
}

/// Which rows of a chunk are scored.
enum Chunk<'c> {
    Nothing,
    All,
    Only(&'c RoaringBitmap),
}

struct Pass<'a, A> {
    scorer: &'a RowScorer<'a>,
    /// Rows of which there is more than their run has.
    hot: &'a HotRows,
    nearest: TopK,
    distances: Vec<f32>,
    hot_distances: Vec<f32>,
    distance_max: f32,
    visited: u64,
    /// Whether a row that is near enough may answer.
    accept: A,
}

impl<A: Fn(Row) -> Result<bool>> Pass<'_, A> {
    fn score(&mut self, run: &VectorRun, rows: std::ops::Range<Row>) -> Result<()> {
        let kept = run.kept(rows.start - run.first_row(), rows.len() as u32)?;
        self.distances.resize(rows.len(), 0.0);
        let scored = &mut self.distances[..];
        self.scorer.distances(&kept, scored)?;
        for stretch in self.hot.within(rows.clone())? {
            self.hot_distances.resize(stretch.rows.len(), 0.0);
            self.scorer.distances(&stretch.kept, &mut self.hot_distances)?;
            for (row, distance) in stretch.rows.iter().zip(&self.hot_distances) {
                scored[(row - rows.start) as usize] = *distance;
            }
        }
        self.visited += rows.len() as u64;
        for (row, distance) in rows.zip(scored.iter()) {
            if *distance <= self.nearest.threshold() && *distance <= self.distance_max && (self.accept)(row)? {
                self.nearest.push(*distance, row);
            }
        }
        Ok(())
    }

    /// Scores the rows that are in the set, neighbours together.
    fn score_only(&mut self, run: &VectorRun, chunk: std::ops::Range<Row>, set: &RoaringBitmap) -> Result<()> {
        let mut rows = set.range(chunk);
        while let Some(stretch) = rows.next_range() {
            self.score(run, *stretch.start()..*stretch.end() + 1)?;
        }
        Ok(())
    }
}
