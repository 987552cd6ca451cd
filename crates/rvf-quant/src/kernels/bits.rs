use crate::reference;

/// Scores rows of bits; see [`super::BitScan`] for the arguments.
///
/// Inlined into functions that enable population counts, so that LLVM turns this one source into each instruction
/// set's own kernel.
#[inline(always)]
pub(super) fn scan(query: &[u8], padding: u8, rows: &[u8], out: &mut [f32]) {
    for (slot, row) in out.iter_mut().zip(rows.chunks_exact(query.len().max(1))) {
        let stray = row.last().map_or(0, |last| (last & padding).count_ones());
        *slot = (reference::hamming(query, row) - stray) as f32;
    }
}
