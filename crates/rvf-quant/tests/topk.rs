//! The collector against sorting everything.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use proptest::prelude::*;
use rvf_quant::TopK;

fn collect(k: usize, distances: &[f32]) -> Vec<(f32, u32)> {
    let mut top = TopK::new(k);
    for (row, distance) in distances.iter().enumerate() {
        top.push(*distance, row as u32);
    }
    top.into_sorted()
}

fn sorted(k: usize, distances: &[f32]) -> Vec<(f32, u32)> {
    let mut pairs: Vec<(f32, u32)> =
        distances.iter().zip(0..).map(|(distance, row)| (*distance, row)).filter(|pair| !pair.0.is_nan()).collect();
    pairs.sort_by(|left, right| left.0.partial_cmp(&right.0).expect("no NaN").then(left.1.cmp(&right.1)));
    pairs.truncate(k);
    pairs
}

#[test]
fn ties_go_to_the_smaller_row_in_whatever_order_they_come() {
    let mut top = TopK::new(2);
    for row in [9, 3, 7, 1, 5] {
        top.push(1.0, row);
    }
    assert_eq!(top.into_sorted(), [(1.0, 1), (1.0, 3)]);
}

#[test]
fn nan_never_enters_and_zero_has_no_sign() {
    let top = collect(10, &[f32::NAN, 0.0, -0.0, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e-45]);
    assert_eq!(top, [(f32::NEG_INFINITY, 5), (-1e-45, 6), (0.0, 1), (0.0, 2), (f32::INFINITY, 4)]);
    assert!(top[2..4].iter().all(|pair| pair.0.is_sign_positive()));
}

#[test]
fn the_threshold_is_infinite_until_full() {
    let mut top = TopK::new(2);
    assert_eq!((top.threshold(), top.len(), top.is_empty()), (f32::INFINITY, 0, true));
    top.push(3.0, 0);
    assert_eq!(top.threshold(), f32::INFINITY);
    top.push(f32::INFINITY, 9);
    assert_eq!(top.threshold(), f32::INFINITY);
    top.push(f32::INFINITY, 8);
    top.push(1.0, 1);
    assert_eq!((top.threshold(), top.len()), (3.0, 2));
}

#[test]
fn a_huge_k_over_few_rows_costs_little_and_k_0_keeps_nothing() {
    assert_eq!(collect(usize::MAX, &[2.0, 1.0]), [(1.0, 1), (2.0, 0)]);
    assert_eq!(collect(0, &[2.0, f32::NEG_INFINITY]), []);
}

proptest! {
    #[test]
    fn it_is_what_sorting_gives(distances in proptest::collection::vec(proptest::num::f32::ANY, 0..300), k in 0_usize..40) {
        prop_assert_eq!(collect(k, &distances), sorted(k, &distances));
    }

    #[test]
    fn with_many_ties_too(distances in proptest::collection::vec((0_u8..5).prop_map(f32::from), 0..300), k in 0_usize..40) {
        prop_assert_eq!(collect(k, &distances), sorted(k, &distances));
    }
}
