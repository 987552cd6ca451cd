//! A graph that grows by a few rows in each of many processes, none of which looks at all rows, is as good as one built
//! at once.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use std::ops::ControlFlow;

use common::line::{Numbers, line};
use common::recall::{check, reached, recall, unfound};
use common::shapes::SHAPES;
use common::{Coded, RealData, build, bytes_of, to_the_end};
use rvf_index::{BuildParameters, GraphBuilder, GraphLayers, Inline};
use rvf_quant::QuantError;
use rvf_types::{Metric, Row};

/// Payloads of a graph, as a file keeps them.
#[derive(Default)]
struct File {
    layers: Vec<Vec<u8>>,
}

impl File {
    fn open(&self) -> GraphLayers<&[u8]> {
        GraphLayers::open(self.layers.iter().map(|bytes| &bytes[..]).collect()).unwrap()
    }

    /// What another process does: it goes on from the bytes, and leaves a delta; where there are many, one for all.
    fn change(&mut self, parameters: BuildParameters, work: impl FnOnce(&mut GraphBuilder)) {
        const DELTAS_MAX: usize = 5;
        if self.layers.is_empty() {
            self.layers.push(GraphBuilder::new(parameters).unwrap().write());
        }
        let graph = self.open();
        let mut builder = GraphBuilder::resume(&graph, parameters).unwrap();
        work(&mut builder);
        let kept = if graph.layer_count() > DELTAS_MAX { 1 } else { graph.layer_count() };
        let delta = builder.write_delta(&graph.first(kept)).unwrap();
        self.layers.truncate(kept);
        self.layers.push(delta);
    }

    fn grow(&mut self, vectors: &Coded, rows: &[Row], step: usize) {
        for rows in rows.chunks(step) {
            self.change(BuildParameters::default(), |builder| {
                assert!(builder.extend(vectors, rows, &Inline, to_the_end).unwrap().is_continue());
                common::repair(builder, vectors);
            });
        }
    }

    fn builder(&self) -> GraphBuilder {
        GraphBuilder::resume(&self.open(), BuildParameters::default()).unwrap()
    }
}

#[test]
fn every_row_is_reached_and_found_in_every_shape_that_grew_by_a_few_rows_in_each_process() {
    for (name, dimension, make) in SHAPES {
        let vectors = Coded::of_floats(Metric::L2, dimension, &make(2_000));
        let mut file = File::default();
        file.grow(&vectors, &vectors.rows(), 100);
        let mut builder = file.builder();
        let graph = builder.graph::<QuantError>();
        assert_eq!(reached(graph), 2_000, "{name}");
        // The last process looked for half of the rows.
        let missing = unfound(graph, &vectors, 0..2_000);
        assert!(missing.len() <= 2, "{name}: {missing:?}");
        builder.look_for_all();
        common::repair(&mut builder, &vectors);
        check(&builder, &vectors, &format!("grown, {name}"));
    }
}

#[test]
fn every_row_of_the_real_data_is_found_and_recall_is_that_of_a_graph_built_at_once() {
    const ROWS: usize = 6_000;
    let Some(data) = RealData::load() else { return };
    let vectors = Coded::new(Metric::Cosine, data.dimension as u32, &bytes_of(&data.base[..ROWS * data.dimension]));
    let mut file = File::default();
    file.grow(&vectors, &vectors.rows(), 100);
    let grown = file.builder();
    check(&grown, &vectors, "grown, real data");
    let fresh = build(&vectors, &vectors.rows(), BuildParameters::default());
    let queries: Vec<Vec<u8>> = data.queries.chunks_exact(data.dimension).take(300).map(bytes_of).collect();
    for breadth in [16, 32] {
        let left = recall(grown.graph(), &vectors, &queries, breadth);
        let right = recall(fresh.graph(), &vectors, &queries, breadth);
        println!("breadth {breadth}: grown {left}, built at once {right}");
        assert!(left > right - 0.01, "breadth {breadth}: {left} and {right}");
    }
}

#[test]
fn a_repair_that_is_broken_off_in_each_process_goes_on_where_the_last_one_was() {
    const ROWS: usize = 3_000;
    let (name, dimension, make) = SHAPES[0];
    let vectors = Coded::of_floats(Metric::L2, dimension, &make(ROWS));
    let mut file = File::default();
    file.change(BuildParameters::default(), |builder| {
        assert!(builder.extend(&vectors, &vectors.rows(), &Inline, to_the_end).unwrap().is_continue());
    });
    let (mut processes, mut is_whole) = (0, false);
    while !is_whole {
        file.change(BuildParameters::default(), |builder| {
            assert!(builder.needs_repair());
            // Each looks for one portion of 512 rows.
            let mut asked = 0;
            let watch = |_| {
                asked += 1;
                if asked > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            is_whole = builder.repair(&vectors, &Inline, watch).unwrap().is_continue() && !builder.needs_repair();
        });
        processes += 1;
        assert!(processes <= ROWS / 512 + 10, "no end");
    }
    assert!(processes >= 3);
    check(&file.builder(), &vectors, name);
}

#[test]
fn where_suspects_are_too_many_to_be_named_all_rows_are_owed_and_looked_for_in_turn() {
    const ROWS: u32 = 20_000;
    let parameters = BuildParameters { degree: 8, breadth: 16, ..BuildParameters::default() };
    let rows: Vec<Row> = (0..ROWS).collect();
    let mut file = File::default();
    file.change(parameters, |builder| {
        assert!(builder.extend(&Numbers, &rows, &Inline, to_the_end).unwrap().is_continue());
    });
    let mut owed = Vec::new();
    for _ in 0..3 {
        file.change(parameters, |builder| {
            let mut asked = 0;
            let watch = |_| {
                asked += 1;
                if asked > 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            assert!(builder.repair(&Numbers, &Inline, watch).unwrap().is_break());
        });
        let newest = file.layers.last().unwrap();
        owed.push(u32::from_le_bytes(newest[20..24].try_into().unwrap()));
    }
    assert!(owed[0] < ROWS && owed.is_sorted_by(|before, after| before > after), "{owed:?}");
}

#[test]
fn all_rows_are_looked_for_again_when_the_graph_has_grown_by_a_quarter() {
    let parameters = BuildParameters { degree: 8, ..BuildParameters::default() };
    let mut file = File { layers: vec![line(&(0..8_000).collect::<Vec<_>>(), 8)] };
    let cursor = |file: &File| {
        let newest = file.layers.last().unwrap();
        u32::from_le_bytes(newest[16..20].try_into().unwrap())
    };
    let start = cursor(&file);
    for portion in 0..4 {
        let rows: Vec<Row> = (8_000 + portion * 500..8_500 + portion * 500).collect();
        file.change(parameters, |builder| {
            assert!(builder.extend(&Numbers, &rows, &Inline, to_the_end).unwrap().is_continue());
            common::repair(builder, &Numbers);
        });
        assert_eq!(cursor(&file), start + (portion + 1) * 2_000);
    }
}
