//! Plain Rust, which LLVM turns into the vector instructions that every CPU of a target has.

use super::{CodeIsa, CodeKernel, CodeQuery, CodeRows, bits};
use crate::reference;

pub(super) const KERNEL: CodeKernel = CodeKernel { isa: CodeIsa::Portable, dot, nibbles, hamming: bits::scan };

fn dot(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    for (sum, row) in sums.iter_mut().zip(picked) {
        *sum = reference::code_dot(query.values(), rows.elements(*row)) - query.excess();
    }
}

fn nibbles(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    for (sum, row) in sums.iter_mut().zip(picked) {
        let dot = reference::nibble_dot(query.values(), query.upper_values(), rows.elements(*row));
        *sum = dot - query.nibble_excess();
    }
}
