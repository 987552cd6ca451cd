//! Recall, time and effort of searches over the real data.

use std::error::Error;
use std::time::Instant;

use rvf_index::{Candidate, Effort, Scratch};
use rvf_quant::{Scorer, TopK};
use rvf_types::{DataType, Metric, Row};

use crate::common::{Coded, CodedScorer, RealData, bytes_of};

const BREADTHS: [usize; 17] = [12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256, 320];
const ROUNDS: usize = 5;

/// Rows ranked once more by their vectors.
pub const RANKED_ROWS: usize = 32;

/// A way to search: the query, its breadth.
pub type Find<'f> =
    dyn Fn(&CodedScorer<'_>, usize, &mut Scratch) -> Result<(Vec<Candidate>, Effort), Box<dyn Error>> + 'f;

/// One point of a recall curve; all but recall for each query.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub recall: f64,
    pub microseconds: f64,
    pub scored: f64,
    pub expanded: f64,
    pub breadth: f64,
}

/// What is searched, and what is right.
pub struct Bench {
    pub data: RealData,
    pub codes: Coded,
    vectors: Vec<u8>,
    queries: Vec<Vec<u8>>,
    truth: Vec<Vec<Row>>,
}

impl Bench {
    pub fn new(data: RealData) -> Bench {
        let vectors = bytes_of(&data.base);
        let codes = Coded::new(Metric::Cosine, data.dimension as u32, &vectors);
        let queries = data.queries.chunks_exact(data.dimension).map(bytes_of).collect();
        let truth = data.truth.chunks_exact(100).map(|rows| rows[..10].to_vec()).collect();
        Bench { data, codes, vectors, queries, truth }
    }

    /// The same queries over other vectors.
    pub fn with_base(data: &RealData, base: Vec<f32>) -> Bench {
        let (queries, truth) = (data.queries.clone(), data.truth.clone());
        Bench::new(RealData { dimension: data.dimension, base, queries, truth })
    }

    /// The vector of a row, as bytes.
    pub fn vector(&self, row: Row) -> &[u8] {
        let row_bytes = self.data.dimension * 4;
        &self.vectors[row as usize * row_bytes..][..row_bytes]
    }

    /// The ten nearest of the allowed rows, by looking at all.
    pub fn exact(&self, allowed: &dyn Fn(Row) -> bool) -> Result<Vec<Vec<Row>>, Box<dyn Error>> {
        let dimension = self.data.dimension as u32;
        let mut truth = Vec::new();
        for query in &self.queries {
            let scorer = Scorer::new(Metric::Cosine, DataType::F32, dimension, query)?;
            let mut nearest = TopK::new(10);
            for row in (0..self.codes.len()).filter(|row| allowed(*row)) {
                nearest.push(scorer.distance(self.vector(row)), row);
            }
            truth.push(nearest.into_sorted().into_iter().map(|(_, row)| row).collect());
        }
        Ok(truth)
    }

    /// All queries at one breadth: the shortest of some rounds, coding the query and ranking by vectors included.
    pub fn point(&self, find: &Find<'_>, breadth: usize, truth: &[Vec<Row>]) -> Result<Point, Box<dyn Error>> {
        let mut scratch = Scratch::default();
        let (mut hits, mut effort, mut seconds) = (0, Effort::default(), f64::INFINITY);
        for _ in 0..ROUNDS {
            (hits, effort) = (0, Effort::default());
            let clock = Clock::start();
            for (query, truth) in self.queries.iter().zip(truth) {
                let (found, cost) = find(&self.codes.query(query), breadth, &mut scratch)?;
                effort.scored += cost.scored;
                effort.expanded += cost.expanded;
                let scorer = Scorer::new(Metric::Cosine, DataType::F32, self.data.dimension as u32, query)?;
                let mut nearest = TopK::new(10);
                for candidate in found.iter().take(RANKED_ROWS) {
                    nearest.push(scorer.distance(self.vector(candidate.row)), candidate.row);
                }
                hits += nearest.into_sorted().iter().filter(|(_, row)| truth.contains(row)).count();
            }
            seconds = seconds.min(clock.seconds());
        }
        let count = self.queries.len() as f64;
        let wanted: usize = truth.iter().map(Vec::len).sum();
        Ok(Point {
            recall: hits as f64 / wanted as f64,
            microseconds: seconds * 1e6 / count,
            scored: effort.scored as f64 / count,
            expanded: effort.expanded as f64 / count,
            breadth: breadth as f64,
        })
    }

    /// Points up to a recall of 0.992.
    pub fn curve(&self, find: &Find<'_>) -> Result<Vec<Point>, Box<dyn Error>> {
        let mut curve = Vec::new();
        for breadth in BREADTHS {
            let point = self.point(find, breadth, &self.truth)?;
            curve.push(point);
            if point.recall > 0.992 {
                break;
            }
        }
        Ok(curve)
    }

    /// Says where rows went.
    pub fn rename(&mut self, place: &[Row]) {
        self.truth.iter_mut().flatten().for_each(|row| *row = place[*row as usize]);
    }

    pub fn truth(&self) -> &[Vec<Row>] {
        &self.truth
    }
}

/// The point of a curve at a recall, between the two measured beside it.
pub fn at(curve: &[Point], recall: f64) -> Option<Point> {
    let index = curve.iter().position(|point| point.recall >= recall)?;
    let (low, high) = (curve[index.checked_sub(1)?], curve[index]);
    let share = (recall - low.recall) / (high.recall - low.recall);
    let between = |low: f64, high: f64| low + share * (high - low);
    Some(Point {
        recall,
        microseconds: between(low.microseconds, high.microseconds),
        scored: between(low.scored, high.scored),
        expanded: between(low.expanded, high.expanded),
        breadth: between(low.breadth, high.breadth),
    })
}

/// Time this thread was on a core where the system tells, because others use the machine; else time that passed.
pub struct Clock {
    start: Instant,
    on_core: Option<f64>,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { start: Instant::now(), on_core: on_core_seconds() }
    }

    pub fn seconds(&self) -> f64 {
        match (self.on_core, on_core_seconds()) {
            (Some(start), Some(end)) => end - start,
            _ => self.passed_seconds(),
        }
    }

    pub fn passed_seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

fn on_core_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}
