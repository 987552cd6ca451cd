//! The reference kernels as scans.

use super::{Isa, Kernel, bits};
use crate::query::FloatQuery;
use crate::{finish, reference, wide};

pub(super) const KERNEL: Kernel = Kernel { isa: Isa::Portable, l2, dot, cosine, hamming: bits::scan };

fn l2(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    let values = query.values();
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())) {
        *slot = reference::squared_l2(values, row);
    }
}

fn dot(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    let values = query.values();
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())) {
        let dot = reference::dot(values, row);
        *slot = finish::negated_dot(dot).unwrap_or_else(|| wide::negated_dot(values, row));
    }
}

fn cosine(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    let values = query.values();
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())) {
        let [dot, squared_norm] = reference::dot_and_squared_norm(values, row);
        *slot = finish::cosine(query.squared_norm(), dot, squared_norm).unwrap_or_else(|| wide::cosine(values, row));
    }
}
