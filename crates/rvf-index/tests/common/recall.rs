//! What searches find: every row by its own vector, and the nearest of queries.

use rvf_index::{Distances, Graph, GraphBuilder, Request, Scratch, search};
use rvf_quant::QuantError;
use rvf_types::Row;

use super::Coded;

/// `efSearch` of the tests: that of a fast query.
const BREADTH: usize = 32;

/// Rows that links lead to from the entries.
pub fn reached(graph: &impl Graph<QuantError>) -> usize {
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
pub fn unfound(graph: &impl Graph<QuantError>, vectors: &Coded, rows: impl Iterator<Item = Row>) -> Vec<Row> {
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

/// Links lead to every row, and every row is found.
pub fn check(builder: &GraphBuilder, vectors: &Coded, what: &str) {
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

/// The share of the ten nearest rows that searches of one breadth find.
pub fn recall(graph: &impl Graph<QuantError>, vectors: &Coded, queries: &[Vec<u8>], breadth: usize) -> f64 {
    recall_among(graph, vectors, &vectors.rows(), queries, Request { breadth, ..Request::default() })
}

/// The share of the ten nearest of `rows` that searches find, compared with looking at all, by the same codes.
pub fn recall_among(
    graph: &impl Graph<QuantError>,
    vectors: &Coded,
    rows: &[Row],
    queries: &[Vec<u8>],
    request: Request<'_>,
) -> f64 {
    let (mut scratch, mut hits) = (Scratch::default(), 0);
    for query in queries {
        let from = vectors.query(query);
        let mut distances = vec![0.0; rows.len()];
        from.score(rows, &mut distances).unwrap();
        let tenth = *distances.select_nth_unstable_by(9, f32::total_cmp).1;
        let found = search(graph, &from, &request, &mut scratch).unwrap();
        hits += found.iter().take(10).filter(|candidate| candidate.distance <= tenth).count();
    }
    hits as f64 / (queries.len() * 10) as f64
}
