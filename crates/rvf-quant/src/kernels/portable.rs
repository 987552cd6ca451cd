//! The reference kernels as scans.

use super::{FloatScans, Isa, Kernel, bits};
use crate::element::{Element, F16, F32, I8};
use crate::query::FloatQuery;
use crate::{finish, reference, wide};

pub(super) const KERNEL: Kernel =
    Kernel { isa: Isa::Portable, f32: scans::<F32>(), f16: scans::<F16>(), i8: scans::<I8>(), hamming: bits::scan };

const fn scans<E: Element>() -> FloatScans {
    FloatScans { l2: l2::<E>, dot: dot::<E>, cosine: cosine::<E> }
}

fn l2<E: Element>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    let values = query.values();
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())) {
        *slot = reference::squared_l2::<E>(values, row);
    }
}

fn dot<E: Element>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    let values = query.values();
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())) {
        let dot = reference::dot::<E>(values, row);
        *slot = finish::negated_dot(dot).unwrap_or_else(|| wide::negated_dot::<E>(values, row));
    }
}

fn cosine<E: Element>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    let values = query.values();
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.row_bytes())) {
        let [dot, squared_norm] = reference::dot_and_squared_norm::<E>(values, row);
        *slot =
            finish::cosine(query.squared_norm(), dot, squared_norm).unwrap_or_else(|| wide::cosine::<E>(values, row));
    }
}
