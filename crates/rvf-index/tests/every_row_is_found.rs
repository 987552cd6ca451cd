//! No row is unreachable, whatever the data.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::recall::{check, reached};
use common::shapes::SHAPES;
use common::{Coded, RealData, Threads, build, bytes_of, repair, to_the_end};
use rvf_index::{BuildParameters, GraphBuilder};
use rvf_types::Metric;

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
#[ignore = "takes a minute: cargo test --release -p rvf-index --test every_row_is_found -- --ignored"]
fn every_row_of_the_real_data_is_reached_and_found() {
    let Some(data) = RealData::load() else { return };
    let vectors = Coded::new(Metric::Cosine, data.dimension as u32, &bytes_of(&data.base));
    let mut builder = GraphBuilder::new(BuildParameters::default()).unwrap();
    assert!(builder.extend(&vectors, &vectors.rows(), &Threads(2), to_the_end).unwrap().is_continue());
    println!("{:?}", repair(&mut builder, &vectors));
    check(&builder, &vectors, "real data");
}
