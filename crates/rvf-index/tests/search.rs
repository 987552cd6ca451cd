//! What a search promises: as many rows as asked for, no others than allowed, an end when told to.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;

use common::recall::{recall, recall_among};
use common::shapes::{Random, SHAPES, random};
use common::{Coded, CodedScorer, Threads, build, to_the_end};
use rvf_index::{
    Among, BuildParameters, Candidate, Distances, Graph, GraphBuilder, Inline, Request, Scratch, SearchError, search,
};
use rvf_quant::QuantError;
use rvf_types::{Metric, Row};

fn data(rows: usize) -> (Coded, GraphBuilder) {
    let vectors = Coded::of_floats(Metric::L2, 16, &random(rows));
    let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
    (vectors, builder)
}

fn find(graph: &impl Graph<QuantError>, vectors: &Coded, row: Row, request: Request<'_>) -> Vec<Candidate> {
    search(graph, &vectors.row(row), &request, &mut Scratch::default()).unwrap().to_vec()
}

#[test]
fn a_search_returns_as_many_rows_as_its_breadth_the_nearest_first_each_once() {
    let (vectors, builder) = data(3_000);
    for breadth in [1, 2, 50, 500, 2_048, 2_049, 2_999, 3_000, 100_000] {
        let found = find(builder.graph(), &vectors, 17, Request { breadth, ..Request::default() });
        assert_eq!(found.len(), breadth.min(3_000));
        assert!(found.is_sorted_by(|left, right| (left.distance, left.row) < (right.distance, right.row)));
        assert_eq!(found[0].row, 17);
    }
}

#[test]
fn broad_walks_find_what_narrow_ones_do_and_more() {
    let (vectors, builder) = data(3_000);
    let narrow = find(builder.graph(), &vectors, 99, Request { breadth: 2_048, ..Request::default() });
    let broad = find(builder.graph(), &vectors, 99, Request { breadth: 2_049, ..Request::default() });
    assert_eq!(narrow, broad[..2_048]);
}

#[test]
fn only_allowed_rows_are_found_and_all_of_them_where_few_are() {
    let (vectors, builder) = data(2_000);
    for step in [2, 7, 100, 999] {
        let allowed = |row: Row| row % step == 3 % step;
        let request = Request { breadth: 2_000, allowed: Some(&allowed), ..Request::default() };
        let found = find(builder.graph(), &vectors, 5, request);
        let expected = vectors.rows().into_iter().filter(|row| allowed(*row)).count();
        assert!(found.iter().all(|candidate| allowed(candidate.row)));
        assert_eq!(found.len(), expected, "every {step}th");
        let request = Request { breadth: 10, allowed: Some(&allowed), ..Request::default() };
        assert_eq!(find(builder.graph(), &vectors, 5, request).len(), expected.min(10));
    }
    let none = Request { breadth: 10, allowed: Some(&|_| false), ..Request::default() };
    assert!(find(builder.graph(), &vectors, 5, none).is_empty());
}

/// The walk as the papers have it: on to the nearest row ahead, until that is farther than the farthest of those kept.
fn plain_walk(graph: &impl Graph<QuantError>, from: &CodedScorer<'_>, request: &Request<'_>) -> Vec<Row> {
    let score = |row: Row| {
        let mut distance = [0.0_f32];
        from.score(&[row], &mut distance).unwrap();
        // The bits of a float, arranged to order as it does.
        let bits = distance[0].to_bits() as i32;
        (bits ^ ((bits >> 31) as u32 >> 1) as i32, row)
    };
    let (mut ahead, mut kept) = (BTreeSet::new(), BTreeSet::new());
    let mut met: BTreeSet<Row> = BTreeSet::new();
    let mut fresh = graph.entries().to_vec();
    loop {
        for row in fresh.drain(..).filter(|row| met.insert(*row)) {
            ahead.insert(score(row));
            if request.allowed.is_none_or(|allowed| allowed(row)) {
                kept.insert(score(row));
            }
        }
        while kept.len() > request.breadth {
            kept.pop_last();
        }
        let farthest = kept.last().filter(|_| kept.len() == request.breadth).copied();
        match ahead.pop_first() {
            Some(next) if farthest.is_none_or(|farthest| next <= farthest) => {
                graph.neighbours(next.1, &mut fresh).unwrap()
            }
            _ => return kept.into_iter().map(|(_, row)| row).collect(),
        }
    }
}

#[test]
fn walks_find_what_the_plain_algorithm_finds_whatever_share_is_refused() {
    let (vectors, builder) = data(2_000);
    for percent in [100, 99, 95, 90, 75, 50, 10] {
        let allowed = move |row: Row| row.wrapping_mul(0x9E37_79B1) >> 8 < (1 << 24) / 100 * percent;
        for (row, breadth) in [(3, 1), (500, 10), (900, 32), (1_400, 128), (1_999, 700)] {
            let request = Request { breadth, allowed: Some(&allowed), ..Request::default() };
            let expected = plain_walk(builder.graph(), &vectors.row(row), &request);
            let found: Vec<Row> = find(builder.graph(), &vectors, row, request).iter().map(|near| near.row).collect();
            assert_eq!(found, expected, "{percent} %, breadth {breadth}");
        }
    }
}

#[test]
fn allowed_rows_are_found_in_every_shape_where_they_lie_together_far_from_the_query() {
    for (name, dimension, make) in SHAPES {
        let vectors = Coded::of_floats(Metric::L2, dimension, &make(1_000));
        let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
        let allowed = |row: Row| row >= 900;
        let request = Request { breadth: 100, allowed: Some(&allowed), ..Request::default() };
        assert_eq!(find(builder.graph(), &vectors, 0, request).len(), 100, "{name}");
    }
}

#[test]
fn a_search_stops_soon_when_it_is_told_to() {
    let (vectors, builder) = data(2_000);
    let asked = Cell::new(0);
    let should_stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let request = Request { breadth: 1_000, should_stop: Some(&should_stop), ..Request::default() };
    let mut scratch = Scratch::default();
    let stopped = search(builder.graph(), &vectors.row(0), &request, &mut scratch);
    assert_eq!(stopped, Err(SearchError::Stopped));
    assert_eq!(asked.get(), 4);
    assert!(scratch.effort().expanded < 200);
    // The scratch is good for the next search.
    let request = Request { breadth: 3, ..Request::default() };
    assert_eq!(search(builder.graph(), &vectors.row(0), &request, &mut scratch).unwrap()[0].row, 0);
}

#[test]
fn a_walk_to_allowed_rows_that_are_too_far_gives_up() {
    let (vectors, builder) = data(2_000);
    let allowed = |row: Row| row == 1_999;
    let request = Request { breadth: 10, allowed: Some(&allowed), scored_max: Some(300), ..Request::default() };
    let mut scratch = Scratch::default();
    assert_eq!(search(builder.graph(), &vectors.row(0), &request, &mut scratch), Err(SearchError::TooFar));
    assert!((300..400).contains(&scratch.effort().scored));
}

#[test]
fn an_empty_graph_answers_nothing() {
    let (vectors, _) = data(1);
    let builder = GraphBuilder::new(BuildParameters::default()).unwrap();
    assert!(find(builder.graph(), &vectors, 0, Request { breadth: 10, ..Request::default() }).is_empty());
}

#[test]
fn every_metric_finds_its_nearest() {
    let mut numbers = Random(7);
    let queries: Vec<Vec<u8>> = (0..100).map(|_| common::bytes_of(&[(); 16].map(|()| numbers.normal()))).collect();
    for metric in [Metric::L2, Metric::Cosine] {
        let vectors = Coded::of_floats(metric, 16, &random(3_000));
        let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
        let recall = recall(builder.graph(), &vectors, &queries, 64);
        assert!(recall > 0.97, "{}: {recall}", metric.name());
    }
    // Dot products of vectors of very different length.
    let mut floats = random(3_000);
    for vector in floats.chunks_exact_mut(16) {
        let length = numbers.normal().exp();
        vector.iter_mut().for_each(|value| *value *= length);
    }
    let vectors = Coded::of_floats(Metric::DotProduct, 16, &floats);
    let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
    let recall_of_dots = recall(builder.graph(), &vectors, &queries, 64);
    assert!(recall_of_dots > 0.95, "dotproduct: {recall_of_dots}");
    // Bits, in clumps, so that there is something to find.
    let bits = |numbers: &mut Random| (0..16).map(|_| (numbers.next() & numbers.next()) as u8).collect::<Vec<u8>>();
    let centres: Vec<Vec<u8>> = (0..50).map(|_| bits(&mut numbers)).collect();
    let near = |numbers: &mut Random| {
        let mut vector = centres[numbers.below(50)].clone();
        (0..20).for_each(|_| vector[numbers.below(16)] ^= 1 << numbers.below(8));
        vector
    };
    let packed: Vec<u8> = (0..3_000).flat_map(|_| near(&mut numbers)).collect();
    let queries: Vec<Vec<u8>> = (0..100).map(|_| near(&mut numbers)).collect();
    let vectors = Coded::new(Metric::Hamming, 128, &packed);
    let builder = build(&vectors, &vectors.rows(), BuildParameters::default());
    let recall = recall(builder.graph(), &vectors, &queries, 64);
    assert!(recall > 0.97, "hamming: {recall}");
}

#[test]
fn recall_is_that_of_a_fresh_graph_after_half_of_the_rows_were_replaced_in_random_order() {
    const ROWS: usize = 3_000;
    let mut numbers = Random(9);
    let mut floats = random(ROWS);
    let mut order: Vec<usize> = (0..ROWS).collect();
    numbers.shuffle(&mut order);
    order.truncate(ROWS / 2);
    for row in &order {
        floats.extend_from_within(row * 16..(row + 1) * 16);
    }
    let mut vectors = Coded::of_floats(Metric::L2, 16, &floats);
    let rows = vectors.rows();
    let mut builder = build(&vectors, &rows[..ROWS], BuildParameters::default());
    vectors.dead = vec![false; rows.len()];
    for (old, new) in order.chunks(100).zip(rows[ROWS..].chunks(100)) {
        old.iter().for_each(|row| vectors.dead[*row] = true);
        assert!(builder.extend(&vectors, new, &Inline, to_the_end).unwrap().is_continue());
        common::repair(&mut builder, &vectors);
    }
    let alive = |row: Row| !vectors.dead[row as usize];
    let living: Vec<Row> = rows.into_iter().filter(|row| alive(*row)).collect();
    let fresh = build(&vectors, &living, BuildParameters::default());
    let queries: Vec<Vec<u8>> = (0..200).map(|_| common::bytes_of(&[(); 16].map(|()| numbers.normal()))).collect();
    let allowed: Option<&dyn Fn(Row) -> bool> = Some(&alive);
    let recall_of = |builder: &GraphBuilder, allowed| {
        let request = Request { breadth: 32, allowed, ..Request::default() };
        recall_among(builder.graph(), &vectors, &living, &queries, request)
    };
    let (old, new) = (recall_of(&builder, allowed), recall_of(&fresh, None));
    assert!(old > new - 0.01, "{old} and {new}");
}

#[test]
fn the_graph_does_not_depend_on_threads_or_portions_of_whole_batches() {
    let vectors = Coded::of_floats(Metric::L2, 16, &random(2_000));
    let whole = build(&vectors, &vectors.rows(), BuildParameters::default()).write();
    let mut builder = GraphBuilder::new(BuildParameters::default()).unwrap();
    for portion in vectors.rows().chunks(512) {
        assert!(builder.extend(&vectors, portion, &Threads(3), to_the_end).unwrap().is_continue());
    }
    assert!(builder.repair(&vectors, &Threads(2), to_the_end).unwrap().is_continue());
    assert_eq!(builder.write(), whole);
}

#[test]
fn a_build_that_was_stopped_goes_on_where_it_was() {
    use std::ops::ControlFlow;
    let vectors = Coded::of_floats(Metric::L2, 16, &random(1_000));
    let mut builder = GraphBuilder::new(BuildParameters::default()).unwrap();
    let stop = |progress: rvf_index::Progress| {
        if progress.done >= 256 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert!(builder.extend(&vectors, &vectors.rows(), &Inline, stop).unwrap().is_break());
    assert_eq!(builder.len(), 256);
    assert!(builder.repair(&vectors, &Inline, |_| ControlFlow::Break(())).unwrap().is_break());
    assert!(builder.extend(&vectors, &vectors.rows(), &Inline, to_the_end).unwrap().is_continue());
    common::repair(&mut builder, &vectors);
    assert_eq!(builder.write(), build(&vectors, &vectors.rows(), BuildParameters::default()).write());
}

/// A bit for each row that is allowed.
fn bits_of(rows: u32, allowed: &dyn Fn(Row) -> bool) -> Vec<u64> {
    let mut bits = vec![0; rows.div_ceil(64) as usize];
    (0..rows).filter(|row| allowed(*row)).for_each(|row| bits[row as usize / 64] |= 1 << (row % 64));
    bits
}

#[test]
fn a_walk_among_few_rows_finds_the_nearest_of_them_wherever_it_starts_and_scores_no_others() {
    let (vectors, builder) = data(3_000);
    let mut distances = vec![0.0; 3_000];
    for (name, allowed) in [
        ("any fifth", (|row: Row| row.wrapping_mul(0x9E37_79B1) >> 8 < (1 << 24) / 5) as fn(Row) -> bool),
        ("the last", |row| row >= 2_400),
    ] {
        let bits = bits_of(3_000, &allowed);
        let seeds: Vec<Row> = vectors.rows().into_iter().filter(|row| allowed(*row)).step_by(40).collect();
        let (mut found_of_10, mut scratch) = (0, Scratch::default());
        for query in (0..3_000).step_by(30) {
            let from = vectors.row(query);
            let among = Some(Among { bits: &bits, seeds: &seeds });
            let request = Request { breadth: 64, among, ..Request::default() };
            let found = search(builder.graph(), &from, &request, &mut scratch).unwrap().to_vec();
            assert!(found.iter().all(|candidate| allowed(candidate.row)), "{name}");
            assert!(scratch.effort().scored <= 600, "{name}: {:?}", scratch.effort());
            from.score(&vectors.rows(), &mut distances).unwrap();
            let mut nearest: Vec<Row> = vectors.rows().into_iter().filter(|row| allowed(*row)).collect();
            nearest.sort_by(|left, right| distances[*left as usize].total_cmp(&distances[*right as usize]));
            found_of_10 += nearest[..10].iter().filter(|row| found.iter().any(|near| near.row == **row)).count();
        }
        assert!(found_of_10 >= 950, "{name}: {found_of_10} of 1,000");
    }
}

#[test]
fn a_walk_among_rows_takes_bits_and_seeds_of_any_length() {
    let (vectors, builder) = data(500);
    for (bits, seeds) in [(vec![], vec![3]), (vec![u64::MAX], vec![7, 7, 4_000_000]), (vec![u64::MAX; 99], vec![])] {
        let among = Some(Among { bits: &bits, seeds: &seeds });
        let found = find(builder.graph(), &vectors, 9, Request { breadth: 600, among, ..Request::default() });
        let rows: BTreeSet<Row> = found.iter().map(|candidate| candidate.row).collect();
        assert_eq!(rows.len(), found.len());
        assert!(rows.iter().all(|row| (*row as usize) < 500.min(bits.len() * 64)));
    }
}

#[test]
fn refused_rows_count_among_those_in_sight_where_fewer_have_to_be_allowed() {
    let (vectors, builder) = data(3_000);
    let allowed = |row: Row| row % 2 == 1;
    let mut scratch = Scratch::default();
    let mut scored = |allowed_least| {
        let request = Request { breadth: 100, allowed: Some(&allowed), allowed_least, ..Request::default() };
        let found = search(builder.graph(), &vectors.row(8), &request, &mut scratch).unwrap().len();
        (found, scratch.effort().scored)
    };
    let ((all, scored_for_all), (some, scored_for_some)) = (scored(None), scored(Some(30)));
    assert_eq!(all, 100);
    assert!((30..100).contains(&some) && scored_for_some < scored_for_all * 3 / 4, "{some}: {scored_for_some}");
}
