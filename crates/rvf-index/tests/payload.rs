//! The graph's bytes: what is written is read, and bytes that are wrong are errors.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::line::{Line, Numbers, line};
use common::shapes::{Random, random};
use common::{Coded, build};
use proptest::prelude::*;
use rvf_index::{
    BuildParameters, Graph, GraphBuilder, GraphLayers, ParameterError, Request, ResumeError, Scratch, SearchError,
    search,
};
use rvf_types::Metric;

#[test]
fn golden_bytes() {
    let bytes = line(&[0, 1, 3], 2);
    let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let none = u32::MAX;
    assert_eq!(words[..16], [1, 4, 3, 2 | 1 << 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(words[16..32], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(words[32..], [1, none, 0, 3, none, none, 1, none]);
}

#[test]
fn the_mapped_graph_answers_as_the_one_that_was_built() {
    let vectors = Coded::of_floats(Metric::L2, 16, &random(1_000));
    let rows: Vec<u32> = vectors.rows().into_iter().filter(|row| row % 10 != 7).collect();
    let builder = build(&vectors, &rows, BuildParameters::default());
    let bytes = builder.write();
    let reader = GraphLayers::open(vec![&bytes[..]]).unwrap();
    assert_eq!((reader.present(), reader.row_count(), reader.degree()), (900, 1_000, 32));
    let resumed = GraphBuilder::resume(&reader, BuildParameters::default()).unwrap();
    assert_eq!(resumed.write(), bytes);
    assert!(resumed.contains(8) && !resumed.contains(7));
    let request = Request { breadth: 2_000, ..Request::default() };
    let (mut left, mut right) = (Scratch::default(), Scratch::default());
    let mapped = search(&reader, &Line(17.3), &request, &mut left).unwrap();
    let built = search(builder.graph(), &Line(17.3), &request, &mut right).unwrap();
    assert_eq!(mapped, built);
    assert_eq!(mapped.len(), 900);
}

#[test]
fn a_graph_of_another_degree_is_not_continued() {
    let bytes = line(&[0, 1, 2], 8);
    let reader = GraphLayers::open(vec![&bytes[..]]).unwrap();
    let parameters = BuildParameters::default();
    let error = GraphBuilder::resume(&reader, parameters).err().unwrap();
    assert_eq!(error, ResumeError::Parameters(ParameterError::OtherDegree { asked: 32, found: 8 }));
}

#[test]
fn parameters_that_no_graph_can_be_built_with_are_refused() {
    let refused = |parameters| GraphBuilder::new(parameters).err().unwrap();
    let good = BuildParameters::default();
    assert_eq!(refused(BuildParameters { degree: 1, ..good }), ParameterError::Degree(1));
    assert_eq!(refused(BuildParameters { degree: 255, ..good }), ParameterError::Degree(255));
    assert_eq!(refused(BuildParameters { breadth: 0, ..good }), ParameterError::Breadth);
    assert_eq!(refused(BuildParameters { alpha: 0.9, ..good }), ParameterError::Alpha(0.9));
    assert!(matches!(refused(BuildParameters { alpha: f32::NAN, ..good }), ParameterError::Alpha(_)));
}

#[test]
fn bytes_that_are_cut_or_longer_are_an_error() {
    let bytes = line(&(0..100).collect::<Vec<_>>(), 8);
    for length in 0..bytes.len() {
        assert!(matches!(GraphLayers::open(vec![&bytes[..length]]), Err(SearchError::Damaged(_))), "{length}");
    }
    let longer = [&bytes[..], &[0; 4]].concat();
    assert!(GraphLayers::open(vec![&longer[..]]).is_err());
}

#[test]
fn a_row_that_no_graph_can_have_is_an_error() {
    let mut builder = GraphBuilder::new(BuildParameters::default()).unwrap();
    let error = builder.extend(&Numbers, &[1 << 31], &rvf_index::Inline, common::to_the_end);
    assert_eq!(error, Err(SearchError::RowOutOfRange(1 << 31)));
    assert!(builder.is_empty());
}

/// Opens, walks over everything with and without a filter, and goes on building.
fn use_all(bytes: &[u8]) {
    let Ok(reader) = GraphLayers::open(vec![bytes]) else { return };
    let mut scratch = Scratch::default();
    for breadth in [1, 30, 5_000] {
        let _ = search(&reader, &Line(50.0), &Request { breadth, ..Request::default() }, &mut scratch);
        let odd = Request { breadth, allowed: Some(&|row| row % 2 == 1), ..Request::default() };
        let _ = search(&reader, &Line(50.0), &odd, &mut scratch);
    }
    let mut neighbours = Vec::new();
    assert!(reader.neighbours(reader.row_count(), &mut neighbours).is_err());
    let parameters = BuildParameters { degree: reader.degree(), ..BuildParameters::default() };
    if let Ok(mut builder) = GraphBuilder::resume(&reader, parameters) {
        let rows: Vec<u32> = (0..150).collect();
        assert!(builder.extend(&Numbers, &rows, &rvf_index::Inline, common::to_the_end).unwrap().is_continue());
        common::repair(&mut builder, &Numbers);
        let request = Request { breadth: usize::MAX, ..Request::default() };
        let found = search(builder.graph(), &Line(50.0), &request, &mut scratch).unwrap();
        assert_eq!(found.len(), builder.len() as usize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_never_panic_nor_walk_for_ever(seed in any::<u64>(), changes in 1_usize..40) {
        let mut bytes = line(&(0..120).collect::<Vec<_>>(), 8);
        let mut numbers = Random(seed);
        for _ in 0..changes {
            // Half of them in the header, where they do most.
            let end = if numbers.below(2) == 0 { 128 } else { bytes.len() };
            let at = numbers.below(end);
            bytes[at] = if numbers.below(3) == 0 { numbers.next() as u8 } else { numbers.below(120) as u8 };
        }
        use_all(&bytes);
    }

    #[test]
    fn random_links_never_panic_nor_walk_for_ever(seed in any::<u64>()) {
        let mut bytes = line(&(0..120).collect::<Vec<_>>(), 8);
        let mut numbers = Random(seed);
        for link in bytes[128..].as_chunks_mut::<4>().0 {
            *link = (numbers.below(120) as u32).to_le_bytes();
        }
        use_all(&bytes);
    }
}
