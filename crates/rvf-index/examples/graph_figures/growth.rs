//! What it costs that a graph grows in its file: searches over layers, and the steps of processes that add a few rows.

use std::error::Error;
use std::ops::ControlFlow;

use rvf_index::{BuildParameters, GraphBuilder, Inline, Request, Scratch, search};
use rvf_types::Row;

use crate::common::shapes::Random;
use crate::common::{CodedScorer, to_the_end};
use crate::measure::{Bench, Clock, at};
use crate::tables::{open, ours};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Adds rows as another process would, from the bytes of those before, and gives the delta, and the seconds of resuming,
/// adding, repairing and writing.
fn step(bench: &Bench, layers: &[Vec<u8>], rows: &[Row]) -> Result<(Vec<u8>, [f64; 4])> {
    let clock = Clock::start();
    let graph = open(layers)?;
    let mut builder = GraphBuilder::resume(&graph, BuildParameters::default())?;
    let resumed = clock.seconds();
    let _ = builder.extend(&bench.codes, rows, &Inline, to_the_end)?;
    let extended = clock.seconds();
    let _ = builder.repair(&bench.codes, &Inline, to_the_end)?;
    let repaired = clock.seconds();
    let delta = builder.write_delta(&graph)?;
    let written = clock.seconds();
    Ok((delta, [resumed, extended - resumed, repaired - extended, written - repaired]))
}

/// Queries over the whole data in one layer and in more, each of which holds 100 or 500 rows.
pub fn layers(bench: &Bench) -> Result<()> {
    println!("| deltas | rows of each | their MB | QPS at 0.95 | scored | expanded | QPS at 0.99 |");
    println!("|---|---|---|---|---|---|---|");
    let rows = bench.codes.rows();
    for step_rows in [100, 500] {
        let first = rows.len() - 6 * step_rows;
        let mut stack = vec![ours(bench, &rows[..first], BuildParameters::default())?.0];
        for portion in rows[first..].chunks(step_rows) {
            let (delta, _) = step(bench, &stack, portion)?;
            stack.push(delta);
        }
        // The same graph each time, with its newest deltas apart and the others in the whole.
        for deltas in [0, 1, 3, 6] {
            let graph = open(&stack)?;
            let below = open(&stack[..stack.len() - deltas])?;
            let whole = GraphBuilder::resume(&below, BuildParameters::default())?.write();
            let parts = [&[whole], &stack[stack.len() - deltas..]].concat();
            assert_eq!(graph.present(), bench.codes.len());
            let graph = open(&parts)?;
            let curve = bench.curve(&|query, breadth, scratch| {
                let found = search(&graph, query, &Request { breadth, ..Request::default() }, scratch)?.to_vec();
                Ok((found, scratch.effort()))
            })?;
            let bytes: usize = parts[1..].iter().map(Vec::len).sum();
            print!("| {deltas} | {step_rows} | {:.2} |", bytes as f64 / 1e6);
            if let (Some(low), Some(high)) = (at(&curve, 0.95), at(&curve, 0.99)) {
                let (queries, more) = (1e6 / low.microseconds, 1e6 / high.microseconds);
                println!(" {queries:.0} | {:.0} | {:.0} | {more:.0} |", low.scored, low.expanded);
            }
        }
    }
    Ok(())
}

/// One step at the end of the data, by part, and all steps of a graph that grows from nothing.
pub fn growth(bench: &Bench) -> Result<()> {
    let rows = bench.codes.rows();
    println!("| rows added to {} | resume, ms | extend | repair | write_delta | all | delta, KB |", rows.len() - 2_000);
    println!("|---|---|---|---|---|---|---|");
    let first = rows.len() - 2_000;
    let (whole, _) = ours(bench, &rows[..first], BuildParameters::default())?;
    for step_rows in [100, 500, 1_000] {
        let mut layers = vec![whole.clone()];
        for portion in rows[first..][..2 * step_rows].chunks(step_rows) {
            let (delta, seconds) = step(bench, &layers, portion)?;
            let parts = seconds.map(|seconds| format!("{:.1}", seconds * 1e3)).join(" | ");
            let all = seconds.iter().sum::<f64>() * 1e3;
            println!("| {step_rows} | {parts} | {all:.1} | {:.0} |", delta.len() as f64 / 1e3);
            layers.push(delta);
        }
    }
    Ok(())
}

/// Half of the rows go: the graph renumbered, and one built of the rows that are left.
pub fn compaction(bench: &Bench) -> Result<()> {
    println!(
        "| rows | left | renumbered, ms | repair | built anew | ef | recall@10 | scored | of the one built anew | scored |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let dimension = bench.data.dimension;
    for (count, share) in [(bench.data.rows(), 0.5), (bench.data.rows(), 0.9), (10_000, 0.5)] {
        let rows: Vec<Row> = (0..count as Row).collect();
        let (whole, _) = ours(bench, &rows, BuildParameters::default())?;
        let mut random = Random(11);
        let staying: Vec<bool> = rows.iter().map(|_| random.below(1_000) < (share * 1_000.0) as usize).collect();
        let left: Vec<Row> = rows.into_iter().filter(|row| staying[*row as usize]).collect();
        let floats = left.iter().flat_map(|row| bench.data.row(*row)[..dimension].iter().copied()).collect();
        let fewer = Bench::with_base(&bench.data, floats);
        let truth = fewer.exact(&|_| true)?;

        let new_row_of = |row: Row| left.binary_search(&row).ok().map(|place| place as Row);
        let layers = [whole];
        let graph = open(&layers)?;
        let clock = Clock::start();
        let parameters = BuildParameters::default();
        let made = GraphBuilder::renumbered(&graph, parameters, new_row_of, &fewer.codes, &Inline, to_the_end)?;
        let ControlFlow::Continue(mut builder) = made else { return Err("nothing broke it off".into()) };
        let renumbered = clock.seconds() * 1e3;
        let repaired = builder.repair(&fewer.codes, &Inline, to_the_end)?;
        let all = clock.seconds() * 1e3;
        let (fresh, seconds) = ours(&fewer, &fewer.codes.rows(), parameters)?;
        println!("{repaired:?}");
        for breadth in [32, 64, 128] {
            print!("| {count} | {} | {renumbered:.0} | {:.0} | {:.0} |", left.len(), all - renumbered, seconds * 1e3);
            print!(" {breadth} |");
            for layers in [[builder.write()], [fresh.clone()]] {
                let graph = open(&layers)?;
                let find = |query: &CodedScorer<'_>, breadth, scratch: &mut Scratch| {
                    let found = search(&graph, query, &Request { breadth, ..Request::default() }, scratch)?.to_vec();
                    Ok((found, scratch.effort()))
                };
                let point = fewer.point(&find, breadth, &truth)?;
                print!(" {:.4} | {:.0} |", point.recall, point.scored);
            }
            println!();
        }
    }
    Ok(())
}
