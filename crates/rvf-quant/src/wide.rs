//! Distances in `f64`, for the few rows whose `f32` sums left the range where they can be trusted.
//!
//! Nothing overflows or vanishes here: squares of finite `f32` lie between 2e-90 and 1.2e77, and 65,536 of them are
//! far inside the range of `f64`.

use crate::element::{Element, values};

/// Negated dot product, rounded to `f32`; beyond `f32::MAX` it is infinite.
#[cold]
pub(crate) fn negated_dot<E: Element>(query: &[f32], row: &[u8]) -> f32 {
    let [dot, _, _] = products::<E>(query, row);
    (0.0 - dot) as f32
}

/// `1 - cos`, in `[0, 2]`; 1 where either side is the zero vector; NaN where an element is not finite.
#[cold]
pub(crate) fn cosine<E: Element>(query: &[f32], row: &[u8]) -> f32 {
    let [dot, query_norm, row_norm] = products::<E>(query, row);
    if query_norm == 0.0 || row_norm == 0.0 {
        return 1.0;
    }
    // Roots first: the product of the squared norms may leave the range of f64.
    let cosine = dot / (query_norm.sqrt() * row_norm.sqrt());
    (1.0 - cosine).clamp(0.0, 2.0) as f32
}

/// Dot product, squared norm of the query, squared norm of the row.
fn products<E: Element>(query: &[f32], row: &[u8]) -> [f64; 3] {
    let mut sums = [0.0_f64; 3];
    for (left, right) in query.iter().zip(values::<E>(row)) {
        let (left, right) = (f64::from(*left), f64::from(right));
        sums[0] += left * right;
        sums[1] += left * left;
        sums[2] += right * right;
    }
    sums
}
