//! From the sums of a kernel to a distance: one place for all kernels, so that they agree on every special case.

/// Squared norms within these bounds are trusted in `f32`.
///
/// Below, products may have lost bits as subnormals: each of at most 65,536 products is off by up to 2^-150, together
/// less than 1e-40, which is nothing beside 1e-30. Above, a sum may have overflowed.
const SQUARED_NORM_MIN: f32 = 1e-30;
const SQUARED_NORM_MAX: f32 = 1e30;

/// True where sums of products with a vector of this squared norm keep their precision in `f32`.
#[inline(always)]
pub(crate) fn is_trusted(squared_norm: f32) -> bool {
    (SQUARED_NORM_MIN..=SQUARED_NORM_MAX).contains(&squared_norm)
}

/// Distance from a dot product; `None` where partial sums overflowed and the true value may yet be finite.
#[inline(always)]
pub(crate) fn negated_dot(dot: f32) -> Option<f32> {
    // Subtracting gives +0 for a zero product, where negating would give -0.
    dot.is_finite().then_some(0.0 - dot)
}

/// Cosine distance from the sums; `None` where the row's norm is out of the range `f32` is trusted in, as that of a
/// zero row is. The query's norm is trusted by construction.
///
/// In `f64` the product of two `f32` norms and the root of a square are exact, so a vector is at distance exactly 0
/// from itself.
#[inline(always)]
pub(crate) fn cosine(query_squared_norm: f32, dot: f32, row_squared_norm: f32) -> Option<f32> {
    if !is_trusted(row_squared_norm) {
        return None;
    }
    let norms = (f64::from(query_squared_norm) * f64::from(row_squared_norm)).sqrt();
    Some((1.0 - f64::from(dot) / norms).clamp(0.0, 2.0) as f32)
}
