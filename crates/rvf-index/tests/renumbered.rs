//! A graph whose dead rows went is as good as one built of the rows that are left.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use std::ops::ControlFlow;

use common::line::{Line, Numbers, line};
use common::recall::{check, recall};
use common::shapes::{Random, SHAPES, Shape, random};
use common::{Coded, Threads, build, bytes_of, to_the_end};
use rvf_index::{
    BuildParameters, Graph, GraphBuilder, GraphLayers, Inline, Request, ResumeError, Scratch, SearchError, search,
};
use rvf_types::{Metric, Row};

/// A graph of all rows of a shape, and one of those that `stays` lets through, renumbered and repaired.
fn halved(shape: Shape, rows: usize, stays: impl Fn(Row) -> bool) -> (Coded, GraphBuilder) {
    let (_, dimension, make) = shape;
    let floats = make(rows);
    let vectors = Coded::of_floats(Metric::L2, dimension, &floats);
    let whole = build(&vectors, &vectors.rows(), BuildParameters::default());
    let left: Vec<Row> = vectors.rows().into_iter().filter(|row| stays(*row)).collect();
    let row_floats = |row: &Row| floats[*row as usize * dimension..][..dimension].to_vec();
    let fewer = Coded::of_floats(Metric::L2, dimension, &left.iter().flat_map(row_floats).collect::<Vec<_>>());
    let new_row_of = |row: Row| left.binary_search(&row).ok().map(|place| place as Row);
    let parameters = BuildParameters::default();
    let made = GraphBuilder::renumbered(whole.graph(), parameters, new_row_of, &fewer, &Threads(2), to_the_end);
    let ControlFlow::Continue(mut builder) = made.unwrap() else { unreachable!() };
    common::repair(&mut builder, &fewer);
    (fewer, builder)
}

#[test]
fn every_row_that_stays_is_reached_and_found_in_every_shape() {
    for shape in SHAPES {
        for (name, stays) in [
            ("every other", (|row| row % 2 == 0) as fn(Row) -> bool),
            ("every tenth", |row| row % 10 == 3),
            ("all but the first", |row| row > 0),
            ("the last half", |row| row >= 1_000),
        ] {
            let (vectors, builder) = halved(shape, 2_000, stays);
            check(&builder, &vectors, &format!("{}, {name}", shape.0));
        }
    }
}

#[test]
fn recall_is_that_of_a_fresh_graph_with_half_of_the_rows_gone() {
    let mut numbers = Random(5);
    let stays: Vec<bool> = (0..6_000).map(|_| numbers.below(2) == 0).collect();
    let (vectors, builder) = halved(("random", 16, random), 6_000, |row| stays[row as usize]);
    let fresh = build(&vectors, &vectors.rows(), BuildParameters::default());
    let queries: Vec<Vec<u8>> = (0..200).map(|_| bytes_of(&[(); 16].map(|()| numbers.normal()))).collect();
    let (left, right) =
        (recall(builder.graph(), &vectors, &queries, 32), recall(fresh.graph(), &vectors, &queries, 32));
    assert!(left > right - 0.01, "{left} and {right}");
}

#[test]
fn a_graph_that_nothing_goes_from_keeps_its_links_and_rows_outside_it_stay_outside() {
    let bytes = line(&[0, 1, 2, 4, 5], 8);
    let graph = GraphLayers::open(vec![&bytes[..]]).unwrap();
    let parameters = BuildParameters { degree: 8, ..BuildParameters::default() };
    let made = GraphBuilder::renumbered(&graph, parameters, Some, &Numbers, &Inline, to_the_end).unwrap();
    let ControlFlow::Continue(mut builder) = made else { unreachable!() };
    common::repair(&mut builder, &Numbers);
    assert_eq!(builder.write(), bytes);
    let all = Request { breadth: 10, ..Request::default() };
    assert_eq!(search(builder.graph(), &Line(0.0), &all, &mut Scratch::default()).unwrap().len(), 5);
}

#[test]
fn a_graph_of_which_nothing_stays_is_empty() {
    let bytes = line(&[0, 1, 2], 8);
    let graph = GraphLayers::open(vec![&bytes[..]]).unwrap();
    let parameters = BuildParameters { degree: 8, ..BuildParameters::default() };
    let made = GraphBuilder::renumbered(&graph, parameters, |_| None, &Numbers, &Inline, to_the_end).unwrap();
    let ControlFlow::Continue(builder) = made else { unreachable!() };
    assert!(builder.is_empty() && !builder.needs_repair());
    assert!(Graph::<std::convert::Infallible>::entries(builder.graph()).is_empty());
}

#[test]
fn new_numbers_that_do_not_ascend_are_an_error() {
    let bytes = line(&[0, 1, 2], 8);
    let graph = GraphLayers::open(vec![&bytes[..]]).unwrap();
    let parameters = BuildParameters { degree: 8, ..BuildParameters::default() };
    let renumbered = |new_row_of: &dyn Fn(Row) -> Option<Row>| {
        GraphBuilder::renumbered(&graph, parameters, new_row_of, &Numbers, &Inline, to_the_end).err()
    };
    assert_eq!(renumbered(&|row| Some(2 - row)), Some(ResumeError::Graph(SearchError::RowOutOfRange(1))));
    assert_eq!(renumbered(&|_| Some(0)), Some(ResumeError::Graph(SearchError::RowOutOfRange(0))));
}

#[test]
fn a_renumbering_that_is_broken_off_leaves_nothing() {
    let bytes = line(&(0..2_000).collect::<Vec<_>>(), 8);
    let graph = GraphLayers::open(vec![&bytes[..]]).unwrap();
    let parameters = BuildParameters { degree: 8, ..BuildParameters::default() };
    let mut asked = 0;
    let made = GraphBuilder::renumbered(&graph, parameters, Some, &Numbers, &Inline, |progress| {
        assert_eq!(progress.total, 2_000);
        asked += 1;
        if asked == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(made.unwrap().is_break());
    assert_eq!(asked, 2);
}
