//! No row is unreachable, whatever the data.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::shapes::SHAPES;
use common::{Coded, RealData, Threads, build, bytes_of, repair, to_the_end};
use rvf_index::{BuildParameters, Distances, Graph, GraphBuilder, GraphLayers, Inline, Request, Scratch, search};
use rvf_quant::QuantError;
use rvf_types::{Metric, Row};

/// `efSearch` of the tests: that of a fast query.
const BREADTH: usize = 32;

/// Rows that links lead to from the entries.
fn reached(graph: &impl Graph<QuantError>) -> usize {
    let mut seen = vec![false; graph.row_count() as usize];
    let mut ahead = graph.entries().to_vec();
    let (mut neighbours, mut count) = (Vec::new(), 0);
    while let Some(row) = ahead.pop() {
        if !std::mem::replace(&mut seen[row as usize], true) {
            count += 1;
            graph.neighbours(row, &mut neighbours).unwrap();
            ahead.extend_from_slice(&neighbours);
        }
    }
    count
}

/// Rows that are not found by their own code, nor as many others at the same distance.
fn unfound(graph: &impl Graph<QuantError>, vectors: &Coded, rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut scratch = Scratch::default();
    let request = Request { breadth: BREADTH, ..Request::default() };
    rows.filter(|row| {
        let from = vectors.row(*row);
        let mut own = [0.0];
        from.score(&[*row], &mut own).unwrap();
        let found = search(graph, &from, &request, &mut scratch).unwrap();
        let wanted = BREADTH.min(vectors.len() as usize);
        let is_among_equals = found.len() == wanted && found.iter().all(|candidate| candidate.distance <= own[0]);
        !is_among_equals && found.iter().all(|candidate| candidate.row != *row)
    })
    .collect()
}

fn check(builder: &GraphBuilder, vectors: &Coded, what: &str) {
    let graph = builder.graph::<QuantError>();
    assert_eq!(reached(graph), vectors.len() as usize, "{what}: rows that links lead to");
    let missing = unfound(graph, vectors, 0..vectors.len());
    assert!(missing.is_empty(), "{what}: rows that are not found: {missing:?}");
    let mut scratch = Scratch::default();
    let all = Request { breadth: vectors.len() as usize, ..Request::default() };
    let found = search(graph, &vectors.row(0), &all, &mut scratch).unwrap();
    let mut rows: Vec<Row> = found.iter().map(|candidate| candidate.row).collect();
    rows.sort_unstable();
    assert_eq!(rows, vectors.rows(), "{what}: rows that a search for all returns");
}

#[test]
fn every_row_is_reached_and_found_for_every_small_number_of_rows_and_every_shape() {
    for (name, dimension, make) in SHAPES {
        for metric in [Metric::L2, Metric::Cosine] {
            for rows in 1..=200 {
                let vectors = Coded::of_floats(metric, dimension, &make(rows));
                let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
                check(&builder, &vectors, &format!("{rows} rows, {name}, {}", metric.name()));
            }
        }
    }
}

#[test]
fn every_row_is_reached_and_found_where_rows_have_the_fewest_places() {
    for (name, dimension, make) in SHAPES {
        let vectors = Coded::of_floats(Metric::L2, dimension, &make(300));
        for degree in [2, 3, 8] {
            let parameters = BuildParameters { degree, ..BuildParameters::default() };
            let builder = build(&vectors, &vectors.rows(), parameters);
            assert_eq!(reached(builder.graph()), 300, "{name}, degree {degree}");
        }
    }
}

#[test]
fn every_row_is_reached_and_found_among_thousands_of_each_shape() {
    for (name, dimension, make) in SHAPES {
        let vectors = Coded::of_floats(Metric::L2, dimension, &make(5_000));
        let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
        check(&builder, &vectors, &format!("5000 rows, {name}"));
    }
}

#[test]
fn every_row_is_reached_and_found_where_they_came_in_portions_with_a_repair_after_each() {
    for (name, dimension, make) in SHAPES {
        let vectors = Coded::of_floats(Metric::L2, dimension, &make(2_000));
        let mut builder = GraphBuilder::new(BuildParameters::default()).unwrap();
        for rows in vectors.rows().chunks(100) {
            assert!(builder.extend(&vectors, rows, &Inline, to_the_end).unwrap().is_continue());
            repair(&mut builder, &vectors);
            // Each portion as another process would: from the bytes of the one before.
            let bytes = builder.write();
            let reader = GraphLayers::open(vec![&bytes[..]]).unwrap();
            builder = GraphBuilder::resume(&reader, BuildParameters::default()).unwrap();
        }
        let graph = builder.graph::<QuantError>();
        assert_eq!(reached(graph), 2_000, "{name}");
        // Only a repair that looks for all rows promises the rest.
        let missing = unfound(graph, &vectors, 0..2_000);
        assert!(missing.len() <= 4, "{name}: {missing:?}");
        builder.look_for_all();
        repair(&mut builder, &vectors);
        check(&builder, &vectors, &format!("portions, {name}"));
    }
}

#[test]
#[ignore = "takes a minute: cargo test --release -p rvf-index --test every_row_is_found -- --ignored"]
fn every_row_of_the_real_data_is_reached_and_found() {
    let Some(data) = RealData::load() else { return };
    let vectors = Coded::new(Metric::Cosine, data.dimension as u32, &bytes_of(&data.base));
    let mut builder = GraphBuilder::new(BuildParameters::default()).unwrap();
    assert!(builder.extend(&vectors, &vectors.rows(), &Threads(2), to_the_end).unwrap().is_continue());
    println!("{:?}", repair(&mut builder, &vectors));
    check(&builder, &vectors, "real data");
}
