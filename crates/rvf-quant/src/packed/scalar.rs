//! The scalar packing. A row is a [coded row](crate::codes), except that for `cosine`, whose coded rows need no bias, its
//! place has the scale of the vector as it was: element `i` is about `bias * (byte - 128)`.

use super::{PackedLayout, PackedTable};
use crate::codes::{CodePrecision, CodeScorer, ELEMENTS_START};
use crate::error::QuantError;
use crate::kernels::{Lanes, PACKED_LANES, PackedKernel};
use rvf_types::Metric;
use std::cell::RefCell;

/// Largest magnitude of an element's code.
fn code_max(layout: PackedLayout) -> f64 {
    match layout.codes().precision() {
        CodePrecision::Int8 => 127.0,
        CodePrecision::Int4 => 7.0,
    }
}

/// Packs vectors; lengths were checked.
pub(super) fn encode(layout: PackedLayout, vectors: &[u8], out: &mut [u8]) -> Result<(), QuantError> {
    layout.codes().encode(vectors, out)?;
    if layout.metric() == Metric::Cosine {
        for (vector, row) in vectors.chunks_exact(layout.vector_bytes()).zip(out.chunks_exact_mut(layout.row_bytes())) {
            row[4..ELEMENTS_START].copy_from_slice(&scale_of(layout, vector).to_le_bytes());
        }
    }
    Ok(())
}

/// What codes are multiplied with to give the vector back, at its own length.
fn scale_of(layout: PackedLayout, vector: &[u8]) -> f32 {
    let values = || vector.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let largest = values().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    // The largest of numbers with NaN among them says nothing.
    if values().all(f32::is_finite) { (f64::from(largest) / code_max(layout)) as f32 } else { 0.0 }
}

/// Unpacks one row.
pub(super) fn decode(layout: PackedLayout, row: &[u8], out: &mut [f32]) {
    let (header, elements) = row.split_at(ELEMENTS_START);
    let scale = stored_scale(layout.metric(), header);
    let mut bytes = Vec::new();
    for (slot, element) in out.iter_mut().zip(as_bytes(layout.codes().precision(), elements, &mut bytes)) {
        // A scale rounded up may carry the largest element past what f32 holds.
        *slot = (scale * (f32::from(*element) - 128.0)).clamp(f32::MIN, f32::MAX);
    }
}

/// Elements as bytes, 128 standing for 0: half bytes are spread out into `bytes`.
fn as_bytes<'e>(precision: CodePrecision, elements: &'e [u8], bytes: &'e mut Vec<u8>) -> &'e [u8] {
    if precision == CodePrecision::Int8 {
        return elements;
    }
    bytes.clear();
    bytes.extend(elements.iter().map(|pair| (pair & 0xF) + (128 - 8)));
    bytes.extend(elements.iter().map(|pair| (pair >> 4) + (128 - 8)));
    bytes
}

/// Scale of the vector as it was.
fn stored_scale(metric: Metric, header: &[u8]) -> f32 {
    let [scale, bias] = terms_of(header);
    if metric == Metric::Cosine { bias } else { scale }
}

fn terms_of(header: &[u8]) -> [f32; 2] {
    let mut terms = [0.0; 2];
    for (term, bytes) in terms.iter_mut().zip(header.as_chunks::<4>().0) {
        *term = f32::from_le_bytes(*bytes);
    }
    terms
}

/// One query, compared with packed rows.
pub(super) struct ScalarScorer {
    kernel: PackedKernel,
    layout: PackedLayout,
    codes: CodeScorer,
    /// Half bytes, spread out.
    bytes: RefCell<Vec<u8>>,
    /// The query, padded with zeros: at length 1 for `cosine`, with its largest element near 1 for `dotproduct`.
    query: Vec<Lanes>,
    /// What the query was divided by.
    factor: f64,
}

impl ScalarScorer {
    /// `bytes` is one vector.
    pub(super) fn new(kernel: PackedKernel, layout: PackedLayout, bytes: &[u8]) -> Result<ScalarScorer, QuantError> {
        let codes = CodeScorer::new(layout.codes(), bytes)?;
        let values = || bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        let factor = match layout.metric() {
            Metric::Cosine => values().map(|value| value * value).sum::<f64>().sqrt(),
            Metric::DotProduct => values().fold(0.0, |largest, value| value.abs().max(largest)),
            _ => 1.0,
        };
        let is_usable = factor > 0.0 && values().all(f64::is_finite);
        let mut query = vec![[0.0; PACKED_LANES]; (layout.dimension() as usize).div_ceil(PACKED_LANES)];
        if is_usable {
            for (slot, value) in query.as_flattened_mut().iter_mut().zip(values()) {
                *slot = (value / factor) as f32;
            }
        }
        let factor = if is_usable { factor } else { 0.0 };
        Ok(ScalarScorer { kernel, layout, codes, bytes: RefCell::default(), query, factor })
    }

    pub(super) fn distances(&self, table: &PackedTable<'_>, rows: &[u32], out: &mut [f32]) -> Result<(), QuantError> {
        self.codes.distances(&table.codes(), rows, out)
    }

    /// Distance from what `row` is decoded to.
    pub(super) fn distance(&self, row: &[u8]) -> f32 {
        let (header, elements) = row.split_at(ELEMENTS_START);
        let metric = self.layout.metric();
        let scale = stored_scale(metric, header);
        let mut bytes = self.bytes.borrow_mut();
        let elements = as_bytes(self.layout.codes().precision(), elements, &mut bytes);
        let elements = &elements.as_chunks::<PACKED_LANES>().0[..self.query.len()];
        if metric == Metric::L2 {
            return self.kernel.squared_l2(&self.query, scale, elements);
        }
        let (dot, squares) = self.kernel.dot_and_squares(&self.query, elements);
        if metric == Metric::DotProduct {
            return (0.0 - self.factor * f64::from(scale) * f64::from(dot)) as f32;
        }
        // The zero vector, as query or as row, is at distance 1 of all.
        let norm = if squares > 0.0 { f64::from(squares).sqrt() } else { 1.0 };
        (1.0 - f64::from(dot) / norm).clamp(0.0, 2.0) as f32
    }
}
