//! The tables.

use std::error::Error;

use rvf_index::{BuildParameters, Distances, GraphBuilder, GraphLayers, Inline, Request, search};
use rvf_quant::QuantError;
use rvf_types::Row;

use crate::common::shapes::Random;
use crate::common::{Threads, bytes_of, to_the_end};
use crate::measure::{Bench, Clock, Find, Point, at};
use crate::rivals::{Hnsw, Vamana};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn row_of_curve(name: &str, seconds: f64, bytes: usize, curve: &[Point]) {
    print!("| {name} | {seconds:.1} | {:.1} |", bytes as f64 / 1e6);
    for recall in [0.95, 0.99] {
        match at(curve, recall) {
            Some(point) => print!(
                " {:.0} | {:.0} | {:.0} | {:.0} |",
                1e6 / point.microseconds,
                point.scored,
                point.expanded,
                point.breadth
            ),
            None => print!(" - | - | - | - |"),
        }
    }
    println!();
}

fn header() {
    println!("| graph | build, s | MB | QPS at 0.95 | scored | expanded | ef | QPS at 0.99 | scored | expanded | ef |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
}

/// Builds ours, whole, and gives its bytes and how long that took.
pub fn ours(bench: &Bench, rows: &[Row], parameters: BuildParameters) -> Result<(Vec<u8>, f64)> {
    let clock = Clock::start();
    let mut builder = GraphBuilder::new(parameters)?;
    let _ = builder.extend(&bench.codes, rows, &Inline, to_the_end)?;
    let _ = builder.repair(&bench.codes, &Inline, to_the_end)?;
    let seconds = clock.seconds();
    Ok((builder.write(), seconds))
}

/// Opened in place: the error of bytes in memory is none, the one of codes may be any.
pub struct InPlace<'b>(pub &'b [u8]);

impl rvf_index::GraphSource for InPlace<'_> {
    type Error = QuantError;

    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn range(&self, start: u64, len: usize) -> std::result::Result<std::borrow::Cow<'_, [u8]>, QuantError> {
        Ok(std::borrow::Cow::Borrowed(&self.0[start as usize..][..len]))
    }

    fn touch(&self, start: u64, len: usize) {
        rvf_index::GraphSource::touch(&self.0, start, len);
    }
}

/// A graph over all its layers, as a store opens it.
pub fn open<'b>(layers: &'b [Vec<u8>]) -> Result<GraphLayers<InPlace<'b>>> {
    Ok(GraphLayers::open(layers.iter().map(|bytes| InPlace(bytes)).collect())?)
}

/// Calls `then` with a search over a graph's bytes, as a store does it.
fn with_search<T>(
    bytes: &[u8],
    allowed: Option<&dyn Fn(Row) -> bool>,
    then: impl FnOnce(&Find<'_>) -> Result<T>,
) -> Result<T> {
    let graph = GraphLayers::open(vec![InPlace(bytes)])?;
    then(&|query, breadth, scratch| {
        let request = Request { breadth, allowed, ..Request::default() };
        let found = search(&graph, query, &request, scratch)?.to_vec();
        Ok((found, scratch.effort()))
    })
}

/// HNSW, Vamana and ours.
pub fn choice(bench: &Bench) -> Result<()> {
    header();
    for (m, breadth) in [(16, 200), (16, 400), (32, 200)] {
        let clock = Clock::start();
        let graph = Hnsw::build(&bench.codes, m, breadth)?;
        let seconds = clock.seconds();
        let curve = bench.curve(&|query, breadth, scratch| graph.search(query, breadth, scratch))?;
        row_of_curve(&format!("HNSW M {m}, efConstruction {breadth}"), seconds, graph.bytes(), &curve);
    }
    let centre: Vec<f32> = (0..bench.data.dimension)
        .map(|index| bench.data.base.iter().skip(index).step_by(bench.data.dimension).sum())
        .collect();
    for (degree, breadth, alpha) in [(32, 100, 1.2), (32, 200, 1.1), (48, 150, 1.2), (64, 100, 1.2)] {
        let clock = Clock::start();
        let graph = Vamana::build(&bench.codes, degree, breadth, alpha, &bytes_of(&centre))?;
        let seconds = clock.seconds();
        let curve = bench.curve(&|query, breadth, scratch| graph.search(query, breadth, scratch))?;
        row_of_curve(&format!("Vamana R {degree}, L {breadth}, alpha {alpha}"), seconds, graph.bytes(), &curve);
    }
    one(bench, "ours", BuildParameters::default())
}

/// Ours as it is, and over rows put in an order in which near rows lie together.
pub fn order(bench: &Bench) -> Result<()> {
    const CENTRES: usize = 256;
    header();
    one(bench, "ours", BuildParameters::default())?;
    // Sorted by the nearest of some rows: what centroids with contiguous ranges of codes would come to.
    let centres: Vec<Row> = (0..CENTRES).map(|index| (index * bench.codes.len() as usize / CENTRES) as Row).collect();
    let mut distances = vec![0.0; CENTRES];
    let mut order: Vec<(usize, Row)> = Vec::new();
    for row in bench.codes.rows() {
        bench.codes.row(row).score(&centres, &mut distances)?;
        let nearest = (0..CENTRES).min_by(|left, right| distances[*left].total_cmp(&distances[*right]));
        order.push((nearest.unwrap_or(0), row));
    }
    order.sort_unstable();
    let floats = order.iter().flat_map(|(_, row)| bench.data.row(*row).iter().copied()).collect();
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(index, (_, row))| place[*row as usize] = index as Row);
    let mut sorted = Bench::with_base(&bench.data, floats);
    sorted.rename(&place);
    one(&sorted, "ours, near rows together", BuildParameters::default())
}

/// Ours with other parameters.
pub fn parameters(bench: &Bench) -> Result<()> {
    header();
    for (degree, breadth, alpha) in [
        (24, 200, 1.1),
        (32, 100, 1.1),
        (32, 150, 1.1),
        (32, 200, 1.0),
        (32, 200, 1.1),
        (32, 200, 1.2),
        (32, 240, 1.1),
        (32, 300, 1.1),
        (48, 200, 1.1),
        (64, 100, 1.2),
    ] {
        let name = format!("degree {degree}, breadth {breadth}, alpha {alpha}");
        one(bench, &name, BuildParameters { degree, breadth, alpha })?;
    }
    Ok(())
}

fn one(bench: &Bench, name: &str, parameters: BuildParameters) -> Result<()> {
    let (bytes, seconds) = ours(bench, &bench.codes.rows(), parameters)?;
    let curve = with_search(&bytes, None, |find| bench.curve(find))?;
    row_of_curve(name, seconds, bytes.len(), &curve);
    Ok(())
}

/// Filters that let a share of the rows through: any rows, and rows that came together.
pub fn filters(bench: &Bench) -> Result<()> {
    let rows = bench.codes.len();
    let (bytes, _) = ours(bench, &bench.codes.rows(), BuildParameters::default())?;
    println!("| allowed | ef | recall@10 | QPS | scored | expanded |");
    println!("|---|---|---|---|---|---|");
    for percent in [100.0, 99.0, 95.0, 90.0, 50.0, 25.0, 10.0, 5.0, 1.0] {
        for is_together in [false, true] {
            if percent == 100.0 && is_together {
                continue;
            }
            let limit = (f64::from(rows) * percent / 100.0) as u32;
            let allowed = move |row: Row| {
                let place = if is_together {
                    row
                } else {
                    ((u64::from(row.wrapping_mul(0x9E37_79B1)) * u64::from(rows)) >> 32) as u32
                };
                place < limit
            };
            let truth = bench.exact(&allowed)?;
            for breadth in [32, 64, 128] {
                let filter: Option<&dyn Fn(Row) -> bool> = if percent < 100.0 { Some(&allowed) } else { None };
                let point = with_search(&bytes, filter, |find| bench.point(find, breadth, &truth))?;
                let kind = if is_together { "the first" } else { "any" };
                println!(
                    "| {kind} {percent} % | {breadth} | {:.3} | {:.0} | {:.0} | {:.0} |",
                    point.recall,
                    1e6 / point.microseconds,
                    point.scored,
                    point.expanded
                );
            }
        }
    }
    Ok(())
}

/// Rows replaced in random order by new ones with the same vector, the old ones left as stepping stones.
pub fn replace(bench: &Bench) -> Result<()> {
    let count = bench.codes.len() as usize;
    let mut order: Vec<usize> = (0..count).collect();
    Random(8).shuffle(&mut order);
    let mut floats = bench.data.base.clone();
    for row in &order {
        floats.extend_from_slice(&bench.data.base[row * bench.data.dimension..][..bench.data.dimension]);
    }
    let mut replaced = Bench::with_base(&bench.data, floats);
    let mut builder = GraphBuilder::new(BuildParameters::default())?;
    let _ = builder.extend(&replaced.codes, &(0..count as Row).collect::<Vec<_>>(), &Inline, to_the_end)?;
    let _ = builder.repair(&replaced.codes, &Inline, to_the_end)?;
    println!(
        "| replaced | ef | recall@10 | QPS | scored | expanded | recall@10 of a fresh graph of the living | QPS | scored | expanded |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut done = 0;
    for percent in [0, 10, 25, 50, 75, 100] {
        let until = count * percent / 100;
        let rows: Vec<Row> = (count + done..count + until).map(|row| row as Row).collect();
        // A hundredth at a time, each repaired, as a store that is written to all the time.
        replaced.codes.dead.resize(2 * count, false);
        for (old, portion) in order[done..until].chunks(count / 100).zip(rows.chunks(count / 100)) {
            old.iter().for_each(|row| replaced.codes.dead[*row] = true);
            let _ = builder.extend(&replaced.codes, portion, &Inline, to_the_end)?;
            let _ = builder.repair(&replaced.codes, &Inline, to_the_end)?;
        }
        done = until;
        let mut is_alive: Vec<bool> = (0..2 * count).map(|row| row < count + until).collect();
        order[..until].iter().for_each(|row| is_alive[*row] = false);
        let alive = |row: Row| is_alive[row as usize];
        let living: Vec<Row> = (0..2 * count as Row).filter(|row| alive(*row)).collect();
        let place: std::collections::HashMap<Row, Row> =
            order[..until].iter().enumerate().map(|(index, row)| (*row as Row, (count + index) as Row)).collect();
        let now = |row: &Row| place.get(row).copied().unwrap_or(*row);
        let truth: Vec<Vec<Row>> = bench.truth().iter().map(|rows| rows.iter().map(now).collect()).collect();
        let (fresh, _) = ours(&replaced, &living, BuildParameters::default())?;
        let grown = builder.write();
        let filter: Option<&dyn Fn(Row) -> bool> = if percent > 0 { Some(&alive) } else { None };
        for breadth in [32, 64, 128] {
            let old = with_search(&grown, filter, |find| replaced.point(find, breadth, &truth))?;
            let new = with_search(&fresh, None, |find| replaced.point(find, breadth, &truth))?;
            print!("| {percent} % | {breadth} |");
            for point in [old, new] {
                let queries = 1e6 / point.microseconds;
                print!(" {:.4} | {queries:.0} | {:.0} | {:.0} |", point.recall, point.scored, point.expanded);
            }
            println!();
        }
    }
    Ok(())
}

/// The time of a build on some threads, and of its steps.
pub fn threads(bench: &Bench) -> Result<()> {
    println!("| threads | rows, s | repair, s |");
    println!("|---|---|---|");
    for threads in [1, 2] {
        let mut builder = GraphBuilder::new(BuildParameters::default())?;
        let clock = Clock::start();
        let _ = builder.extend(&bench.codes, &bench.codes.rows(), &Threads(threads), to_the_end)?;
        let rows = clock.passed_seconds();
        let repaired = builder.repair(&bench.codes, &Threads(threads), to_the_end)?;
        println!("| {threads} | {rows:.1} | {:.1} | {repaired:?}", clock.passed_seconds() - rows);
    }
    Ok(())
}
