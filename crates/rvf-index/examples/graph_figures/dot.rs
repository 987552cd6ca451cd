//! What rows are linked by where the metric is the dot product.

use std::error::Error;

use rvf_index::{BuildParameters, Distances, GraphBuilder, Inline, Request, RowDistances, Scratch, Vectors, search};
use rvf_quant::QuantError;
use rvf_types::{Metric, Row};

use crate::common::shapes::Random;
use crate::common::{Coded, CodedScorer, bytes_of, to_the_end};
use crate::measure::Bench;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Four ways to link rows whose metric is the dot product, over vectors of more or less different length.
pub fn table(bench: &Bench) -> Result<()> {
    const ROWS: usize = 15_000;
    let dimension = bench.data.dimension;
    println!("| lengths, sigma | linked by | ef | recall@10 | scored |");
    println!("|---|---|---|---|---|");
    for sigma in [0.1, 0.3, 1.0] {
        let mut floats = bench.data.base[..ROWS * dimension].to_vec();
        let mut random = Random(3);
        for vector in floats.chunks_exact_mut(dimension) {
            let length = (random.normal() * sigma).exp();
            vector.iter_mut().for_each(|value| *value *= length);
        }
        for way in [Way::Dot, Way::Angle, Way::Squares, Way::Sphere] {
            let linked = Linked::new(Coded::of_floats(Metric::DotProduct, dimension, &floats), way)?;
            let mut builder = GraphBuilder::new(BuildParameters::default())?;
            let _ = builder.extend(&linked, &linked.codes.rows(), &Inline, to_the_end)?;
            let _ = builder.repair(&linked, &Inline, to_the_end)?;
            for breadth in [32, 64, 128] {
                let (recall, scored) = recall_of_dots(bench, &linked.codes, &builder, breadth)?;
                println!("| {sigma} | {way:?} | {breadth} | {recall:.3} | {scored:.0} |");
            }
        }
    }
    Ok(())
}

fn recall_of_dots(bench: &Bench, codes: &Coded, builder: &GraphBuilder, breadth: usize) -> Result<(f64, f64)> {
    const QUERIES: usize = 300;
    let (mut scratch, mut hits, mut scored) = (Scratch::default(), 0, 0);
    let rows = codes.rows();
    let mut distances = vec![0.0; rows.len()];
    for query in bench.data.queries.chunks_exact(bench.data.dimension).take(QUERIES) {
        let from = codes.query(&bytes_of(query));
        from.score(&rows, &mut distances)?;
        let tenth = *distances.select_nth_unstable_by(9, f32::total_cmp).1;
        let request = Request { breadth, ..Request::default() };
        let found = search(builder.graph(), &from, &request, &mut scratch)?;
        hits += found.iter().take(10).filter(|candidate| candidate.distance <= tenth).count();
        scored += scratch.effort().scored;
    }
    Ok((hits as f64 / (QUERIES * 10) as f64, scored as f64 / QUERIES as f64))
}

/// What rows are linked by, where queries ask for dot products.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The dot product itself (ip-NSW).
    Dot,
    Angle,
    Squares,
    /// Distances after lifting all rows onto a sphere (Bachrach et al., RecSys 2014).
    Sphere,
}

struct Linked {
    codes: Coded,
    squared_lengths: Vec<f32>,
    largest: f32,
    way: Way,
}

impl Linked {
    fn new(codes: Coded, way: Way) -> Result<Linked> {
        let mut squared_lengths = Vec::new();
        for row in codes.rows() {
            let mut own = [0.0];
            codes.row(row).score(&[row], &mut own)?;
            squared_lengths.push(-own[0]);
        }
        let largest = squared_lengths.iter().copied().fold(0.0, f32::max);
        Ok(Linked { codes, squared_lengths, largest, way })
    }
}

struct LinkedScorer<'l> {
    linked: &'l Linked,
    scorer: CodedScorer<'l>,
    squared_length: f32,
}

impl Distances for LinkedScorer<'_> {
    type Error = QuantError;

    fn score(&self, rows: &[Row], distances: &mut [f32]) -> std::result::Result<(), QuantError> {
        self.scorer.score(rows, distances)?;
        let (left, largest) = (self.squared_length, self.linked.largest);
        for (row, distance) in rows.iter().zip(distances) {
            let right = self.linked.squared_lengths[*row as usize];
            *distance = match self.linked.way {
                Way::Dot => *distance,
                Way::Angle => 1.0 + *distance / (left * right).sqrt(),
                Way::Squares => *distance + (left + right) / 2.0,
                Way::Sphere => *distance + largest - ((largest - left) * (largest - right)).max(0.0).sqrt(),
            };
        }
        Ok(())
    }
}

impl RowDistances for LinkedScorer<'_> {
    fn aim_at(&mut self, row: Row) -> std::result::Result<(), QuantError> {
        self.squared_length = self.linked.squared_lengths[row as usize];
        self.scorer.aim_at(row)
    }
}

impl Vectors for Linked {
    type Error = QuantError;
    type Scorer<'v> = LinkedScorer<'v>;

    fn scorer(&self) -> LinkedScorer<'_> {
        LinkedScorer { linked: self, scorer: self.codes.scorer(), squared_length: 0.0 }
    }
}
