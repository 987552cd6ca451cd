use super::{CodeQuery, CodeRows};
use crate::reference;

/// Counts differing bits; [`super::CodeScan`] has the arguments.
///
/// Inlined into functions that enable population counts, so that LLVM turns this one source into each instruction
/// set's own kernel.
#[inline(always)]
pub(super) fn scan(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    for (sum, row) in sums.iter_mut().zip(picked) {
        let row = rows.elements(*row);
        let stray = row.last().map_or(0, |last| (last & query.padding()).count_ones());
        *sum = (reference::hamming(query.values(), row) - stray) as i32;
    }
}
