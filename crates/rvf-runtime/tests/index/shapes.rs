//! Stores of few rows in hostile shapes: every stored vector is found, and as many as were asked for.

use std::sync::Arc;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::Metric;
use rvf_runtime::{CreateOptions, OnDuplicate, Quality, QueryOptions, RvfStore, Strategy};

use crate::hosts::{PATH, without_threads};
use crate::kit::{NewEntry, Rng, WAIT, batch_of, floats, is_long};
use crate::model::{Model, Stored, nearest};
use crate::points::packed;

const DIMENSION: u32 = 8;
/// Larger stores than those of the exhaustive test, where walks of the usual breadth begin.
const LARGER: [usize; 2] = [321, 700];

#[derive(Clone, Copy, Debug)]
enum Shape {
    AllEqual,
    AllZero,
    Pairs,
    OneDimension,
    FarOutlier,
    TwoFarClusters,
    Line,
}

const SHAPES: [Shape; 7] = [
    Shape::AllEqual,
    Shape::AllZero,
    Shape::Pairs,
    Shape::OneDimension,
    Shape::FarOutlier,
    Shape::TwoFarClusters,
    Shape::Line,
];

impl Shape {
    fn dimension(self) -> u32 {
        if matches!(self, Shape::OneDimension) { 1 } else { DIMENSION }
    }

    fn vector(self, metric: Metric, index: usize, rng: &mut Rng) -> Vec<u8> {
        let number = index as f32 + 1.0;
        let random = |rng: &mut Rng| rng.fraction() as f32;
        let mut elements: Vec<f32> = (0..self.dimension()).map(|_| random(rng)).collect();
        match self {
            Shape::AllEqual => elements.fill(0.5),
            Shape::AllZero => elements.fill(0.0),
            Shape::Pairs => {
                let mut pair = Rng::new(index as u64 / 2);
                elements.fill_with(|| random(&mut pair));
            }
            Shape::OneDimension => elements[0] *= 100.0,
            Shape::FarOutlier if index == 0 => elements.fill(-1e6),
            Shape::FarOutlier => {}
            Shape::TwoFarClusters => {
                let side = if index.is_multiple_of(2) { far(metric) } else { -far(metric) };
                elements.iter_mut().for_each(|element| *element += side);
            }
            Shape::Line => elements.iter_mut().zip(1u8..).for_each(|(element, at)| *element = number * f32::from(at)),
        }
        if metric == Metric::Hamming {
            return packed(&elements.iter().map(|element| *element > 0.0).collect::<Vec<_>>());
        }
        floats(elements)
    }
}

/// How far from the origin clusters lie.
fn far(metric: Metric) -> f32 {
    match metric {
        Metric::L2 => 10_000.0,
        Metric::DotProduct => 100.0,
        _ => 30.0,
    }
}

/// An indexed store of so many rows of a shape.
fn indexed(shape: Shape, metric: Metric, count: usize) -> (RvfStore, Model) {
    let mut rng = Rng::new(count as u64);
    let mut model = Model::new(metric, shape.dimension());
    let entries = (0..count).map(|index| {
        let vector = shape.vector(metric, index, &mut rng);
        (format!("id-{index}"), Stored { vector, group: index % crate::model::GROUPS })
    });
    let batch: Vec<NewEntry> = model.put(entries.collect());
    let host = without_threads(Arc::new(MemoryStorage::new()));
    let store = RvfStore::create(&host, PATH, &CreateOptions::new(shape.dimension(), metric)).unwrap();
    store.ingest(batch_of(&batch), OnDuplicate::Error, WAIT).unwrap();
    store.wait_for_index(&rvf_runtime::Control::default()).unwrap();
    assert_eq!(store.status().unwrap().unindexed_rows, 0);
    (store, model)
}

/// Every entry is found by its own vector: what comes first is as near as the nearest of all. Walks that are as narrow as
/// they can be in such small stores find nearly all.
fn assert_all_found(shape: Shape, metric: Metric, count: usize) {
    let (store, model) = indexed(shape, metric, count);
    // Equal vectors are equal questions.
    let mut vectors: Vec<&Vec<u8>> = model.entries.values().map(|stored| &stored.vector).collect();
    vectors.sort();
    vectors.dedup();
    let (mut missed_by_standard, mut missed_by_fast) = (0, 0);
    for vector in &vectors {
        let best = model.distances(vector, None)[0];
        // Vectors of one direction differ by less than their cosines are exact.
        let near_enough = best + 1e-6 * (1.0 + best.abs());
        let found = |quality| {
            let hits = store.query(vector, &QueryOptions { quality, ..nearest(1) }, None).unwrap();
            model.check(vector, &hits, 1, None);
            hits.distances[0] <= near_enough
        };
        missed_by_standard += usize::from(!found(Quality::Standard));
        missed_by_fast += usize::from(!found(Quality::Fast));
    }
    // What is nearest by the dot product is another, longer vector, and no better found than others are.
    let few = if metric == Metric::DotProduct { vectors.len() / 20 } else { 0 };
    let what = format!("of {} vectors, {shape:?}, {metric:?}, {count} rows", vectors.len());
    assert!(missed_by_standard <= few, "{missed_by_standard} {what} are not found");
    assert!(missed_by_fast * 10 <= vectors.len() * 3, "{missed_by_fast} {what} are not found by narrow walks");
    let query = &model.entries["id-0"].vector;
    for k in [count, count + 1, 5_000] {
        model.ask(&store, query, &nearest(k), None);
    }
}

fn assert_every_size(metric: Metric) {
    for shape in SHAPES {
        (1..=200).step_by(if is_long() { 1 } else { 11 }).for_each(|count| assert_all_found(shape, metric, count));
        LARGER.iter().for_each(|count| assert_all_found(shape, metric, *count));
    }
}

#[test]
fn every_stored_id_is_found_by_its_vector_in_any_shape_and_number_by_the_squared_distance() {
    assert_every_size(Metric::L2);
}

#[test]
fn every_stored_id_is_found_by_its_vector_in_any_shape_and_number_by_the_cosine() {
    assert_every_size(Metric::Cosine);
}

#[test]
fn every_stored_id_is_found_by_its_vector_in_any_shape_and_number_by_the_bits_that_differ() {
    assert_every_size(Metric::Hamming);
}

#[test]
fn the_nearest_is_found_in_any_shape_and_number_by_the_dot_product() {
    assert_every_size(Metric::DotProduct);
}

#[test]
fn as_many_as_were_asked_for_come_whatever_the_breadth_of_the_walk() {
    for shape in [Shape::AllEqual, Shape::Pairs, Shape::Line] {
        let (store, model) = indexed(shape, Metric::L2, 4_100);
        let query = &model.entries["id-7"].vector;
        let options = QueryOptions { ef_search: Some(50), with_plan: true, ..nearest(500) };
        let hits = store.query(query, &options, None).unwrap();
        model.check(query, &hits, 500, None);
        assert_eq!(hits.plan.unwrap().strategy, Strategy::Graph, "{shape:?}");
        model.ask(&store, query, &QueryOptions { ef_search: Some(50), ..nearest(4_101) }, None);
    }
}
