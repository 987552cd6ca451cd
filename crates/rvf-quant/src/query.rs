use crate::element::{Element, F32, values};
use crate::finish;

/// Floats of one cache line, aligned to it, so that no load of the query ever crosses a line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; Line::FLOATS]);

impl Line {
    const FLOATS: usize = 16;
}

/// A query of numbers, copied as floats, aligned to 64 bytes and followed by zeros up to a multiple of 64 bytes.
pub(crate) struct FloatQuery {
    lines: Vec<Line>,
    dimension: usize,
    row_bytes: usize,
    squared_norm: f32,
}

impl FloatQuery {
    /// Copies the elements in `bytes`, for rows of the same. Its squared norm is 1 until set.
    pub(crate) fn new<E: Element>(bytes: &[u8]) -> FloatQuery {
        let elements = E::elements(bytes);
        let mut lines = vec![Line([0.0; Line::FLOATS]); elements.len().div_ceil(Line::FLOATS)];
        for (line, chunk) in lines.iter_mut().zip(elements.chunks(Line::FLOATS)) {
            for (slot, element) in line.0.iter_mut().zip(chunk) {
                *slot = E::value(*element);
            }
        }
        FloatQuery { lines, dimension: elements.len(), row_bytes: elements.len() * E::BYTES, squared_norm: 1.0 }
    }

    /// Elements, padding not counted.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// Bytes of one row this query is compared with; never 0.
    pub(crate) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// First element; readable, and aligned to 64 bytes, up to the dimension rounded up to a multiple of 16.
    pub(crate) fn padded_ptr(&self) -> *const f32 {
        self.lines.as_ptr().cast()
    }

    /// The elements, without padding.
    pub(crate) fn values(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `dimension` floats one after another: `Line` is repr(C) with a size of 64
        // bytes, so there is no padding between lines. The slice borrows self.
        unsafe { std::slice::from_raw_parts(self.padded_ptr(), self.dimension()) }
    }

    /// Squared norm as the cosine kernels want it.
    pub(crate) fn squared_norm(&self) -> f32 {
        self.squared_norm
    }

    /// Remembers the squared norm, which the same kernel must have computed that will score rows: only then is a
    /// vector at distance exactly 0 from itself.
    pub(crate) fn set_squared_norm(&mut self, squared_norm: f32) {
        self.squared_norm = squared_norm;
    }
}

/// The same direction with its largest element brought near 1, of little-endian floats; `None` for the zero vector and
/// where an element is not finite.
///
/// The factor is a power of two: bits are lost only of elements 2^126 times smaller than the largest, which no sum of
/// products would notice.
pub(crate) fn rescaled(bytes: &[u8]) -> Option<Vec<u8>> {
    let largest = values::<F32>(bytes).fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest == 0.0 || !values::<F32>(bytes).all(f32::is_finite) {
        return None;
    }
    let factor = f64::from(largest).log2().floor().exp2().recip();
    Some(values::<F32>(bytes).flat_map(|value| ((f64::from(value) * factor) as f32).to_le_bytes()).collect())
}

/// True where a squared norm lets the cosine kernels work in `f32`.
pub(crate) fn needs_no_rescaling(squared_norm: f32) -> bool {
    finish::is_trusted(squared_norm)
}
