//! A graph in layers: what was written over a whole graph is read as one graph, and bytes that are wrong are errors.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::line::{Line, Numbers};
use common::shapes::{Random, random};
use common::{Coded, to_the_end};
use proptest::prelude::*;
use rvf_index::{
    BuildParameters, Graph, GraphBuilder, GraphLayers, Inline, Request, Scratch, SearchError, Vectors, search,
};
use rvf_types::{Metric, Row};

fn open(layers: &[Vec<u8>]) -> GraphLayers<&[u8]> {
    GraphLayers::open(layers.iter().map(|bytes| &bytes[..]).collect()).unwrap()
}

/// A graph that grows by `step` rows per layer: each step from the bytes of those before, as another process would.
fn grown<V: Vectors>(vectors: &V, rows: &[Row], step: usize, degree: usize) -> Vec<Vec<u8>>
where
    V::Error: std::fmt::Debug,
{
    let parameters = BuildParameters { degree, ..BuildParameters::default() };
    let mut layers: Vec<Vec<u8>> = Vec::new();
    for portion in rows.chunks(step) {
        let mut builder = match layers.is_empty() {
            true => GraphBuilder::new(parameters).unwrap(),
            false => GraphBuilder::resume(&open(&layers), parameters).unwrap(),
        };
        assert!(builder.extend(vectors, portion, &Inline, to_the_end).unwrap().is_continue());
        common::repair(&mut builder, vectors);
        let bytes = match layers.is_empty() {
            true => builder.write(),
            false => builder.write_delta(&open(&layers)).unwrap(),
        };
        layers.push(bytes);
        let resumed = GraphBuilder::resume(&open(&layers), parameters).unwrap();
        assert_eq!(resumed.write(), builder.write());
    }
    layers
}

fn lists(graph: &impl Graph<std::convert::Infallible>) -> Vec<Vec<Row>> {
    let list = |row| {
        let mut neighbours = Vec::new();
        graph.neighbours(row, &mut neighbours).unwrap();
        neighbours
    };
    (0..graph.row_count()).map(list).collect()
}

#[test]
fn golden_bytes_of_a_delta() {
    let rows = [0, 1, 300, 301];
    let layers = grown(&Numbers, &rows, 3, 3);
    assert_eq!(open(&layers).present(), 4);
    let words: Vec<u32> = layers[1].as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let added = 1 << 31;
    // Repair looked for all four rows, so it is at the first one again.
    assert_eq!(words[..16], [1, 302, 4, 3 | 1 << 16, 0, 0, 0, 1, 301, 3, 4, 0, 0, 0, 0, 0]);
    assert_eq!(words[16..32], [0; 16]);
    // Two groups of rows and their end; rows 1, 300 and 301 modulo 256; where their links start; the links.
    let lows = u32::from_le_bytes([1, 44, 45, 0]);
    assert_eq!(words[32..], [0, 1, 3, lows, added, 1 | added, 2, 4, 301, 301, 300, 1]);
}

#[test]
fn layers_are_read_as_the_graph_that_was_built() {
    let vectors = Coded::of_floats(Metric::L2, 16, &random(1_500));
    let rows: Vec<Row> = vectors.rows().into_iter().filter(|row| row % 10 != 7).collect();
    let layers = grown(&vectors, &rows, 100, 32);
    let graph = open(&layers);
    assert_eq!((graph.present(), graph.row_count(), graph.degree()), (1_350, 1_500, 32));
    assert_eq!((graph.layer_count(), graph.entries().len()), (14, 4));
    let sizes: Vec<u64> = layers.iter().map(|bytes| bytes.len() as u64).collect();
    assert_eq!(graph.layer_bytes().collect::<Vec<_>>(), sizes);
    let whole = vec![GraphBuilder::resume(&graph, BuildParameters::default()).unwrap().write()];
    assert_eq!(lists(&graph), lists(&open(&whole)));
    let request = Request { breadth: 2_000, ..Request::default() };
    let (mut left, mut right) = (Scratch::default(), Scratch::default());
    let layered = search(&graph, &Line(17.3), &request, &mut left).unwrap();
    assert_eq!(layered, search(&open(&whole), &Line(17.3), &request, &mut right).unwrap());
    assert_eq!(layered.len(), 1_350);
}

#[test]
fn a_delta_against_fewer_layers_takes_the_place_of_the_others() {
    let vectors = Coded::of_floats(Metric::L2, 16, &random(1_000));
    let layers = grown(&vectors, &vectors.rows(), 100, 32);
    let graph = open(&layers);
    let builder = GraphBuilder::resume(&graph, BuildParameters::default()).unwrap();
    for kept in 1..=layers.len() {
        let merged = builder.write_delta(&graph.first(kept)).unwrap();
        assert_eq!(merged, builder.write_delta(&open(&layers[..kept])).unwrap());
        let fewer = [&layers[..kept], &[merged]].concat();
        assert_eq!(lists(&open(&fewer)), lists(&graph), "{kept} layers kept");
        let again = GraphBuilder::resume(&open(&fewer), BuildParameters::default()).unwrap();
        assert_eq!(again.write(), builder.write());
    }
}

#[test]
fn a_delta_is_far_smaller_than_the_whole_graph() {
    let vectors = Coded::of_floats(Metric::L2, 16, &random(5_020));
    let mut layers = grown(&vectors, &vectors.rows(), 5_000, 32);
    let delta = layers.pop().unwrap();
    assert!(delta.len() * 10 < layers[0].len(), "{} and {}", delta.len(), layers[0].len());
}

#[test]
fn layers_in_another_order_are_an_error() {
    let layers = grown(&Numbers, &(0..300).collect::<Vec<_>>(), 100, 8);
    let open = |order: &[usize]| GraphLayers::open(order.iter().map(|layer| &layers[*layer][..]).collect()).err();
    assert_eq!(open(&[0, 1, 2]), None);
    for order in [&[][..], &[1], &[0, 0], &[0, 2], &[0, 1, 1], &[0, 2, 1], &[1, 0]] {
        assert!(matches!(open(order), Some(SearchError::Damaged(_))), "{order:?}");
    }
}

#[test]
fn deltas_that_are_cut_or_longer_are_an_error() {
    let layers = grown(&Numbers, &(0..200).collect::<Vec<_>>(), 150, 8);
    for length in 0..layers[1].len() {
        let cut = GraphLayers::open(vec![&layers[0][..], &layers[1][..length]]);
        assert!(matches!(cut.err(), Some(SearchError::Damaged(_))), "{length}");
    }
    let longer = [&layers[1][..], &[0; 4]].concat();
    assert!(GraphLayers::open(vec![&layers[0][..], &longer]).is_err());
}

/// Opens, walks over everything, goes on building and writes another delta.
fn use_all(layers: &[Vec<u8>]) {
    let Ok(graph) = GraphLayers::open(layers.iter().map(|bytes| &bytes[..]).collect()) else { return };
    let mut scratch = Scratch::default();
    for breadth in [1, 30, 5_000] {
        let _ = search(&graph, &Line(50.0), &Request { breadth, ..Request::default() }, &mut scratch);
    }
    let mut neighbours = Vec::new();
    assert!(graph.neighbours(graph.row_count(), &mut neighbours).is_err());
    let parameters = BuildParameters { degree: graph.degree(), ..BuildParameters::default() };
    let Ok(mut builder) = GraphBuilder::resume(&graph, parameters) else { return };
    let rows: Vec<Row> = (0..260).collect();
    assert!(builder.extend(&Numbers, &rows, &Inline, to_the_end).unwrap().is_continue());
    common::repair(&mut builder, &Numbers);
    let request = Request { breadth: usize::MAX, ..Request::default() };
    let found = search(builder.graph(), &Line(50.0), &request, &mut scratch).unwrap();
    assert_eq!(found.len(), builder.len() as usize);
    let delta = builder.write_delta(&graph).unwrap();
    let more: Vec<&[u8]> = layers.iter().chain([&delta]).map(|bytes| &bytes[..]).collect();
    let resumed = GraphBuilder::resume(&GraphLayers::open(more).unwrap(), parameters).unwrap();
    assert_eq!(resumed.write(), builder.write());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_layers_never_panic_nor_walk_for_ever(seed in any::<u64>(), changes in 1_usize..20) {
        let mut numbers = Random(seed);
        let mut layers = grown(&Numbers, &(0..240).collect::<Vec<_>>(), 80, 8);
        for _ in 0..changes {
            let layer = numbers.below(layers.len());
            let bytes = &mut layers[layer];
            // Half of them in the header and the numbers that lead to the links, where they do most.
            let end = if numbers.below(2) == 0 { 256 } else { bytes.len() };
            let at = numbers.below(end);
            bytes[at] = if numbers.below(3) == 0 { numbers.next() as u8 } else { numbers.below(240) as u8 };
        }
        use_all(&layers);
    }
}
