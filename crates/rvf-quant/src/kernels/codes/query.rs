use crate::codes::{CodeLayout, CodePrecision, CodeTable, ELEMENTS_START};
use rvf_types::DataType;

/// Bytes of one cache line, aligned to it, so that no load of the query ever crosses a line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; Line::BYTES]);

impl Line {
    const BYTES: usize = 64;
}

/// A query of signed bytes, or of bits, aligned to 64 bytes and followed by zeros up to a multiple of 64 bytes. For rows
/// of half bytes there are two such parts: what the lower halves are multiplied with, and the upper ones.
#[derive(Clone)]
pub(crate) struct CodeQuery {
    lines: Vec<Line>,
    /// Bytes of a row that are compared, and of each part.
    bytes: usize,
    /// What a kernel that takes rows as unsigned has to subtract.
    excess: i32,
    /// Bits of a row's last byte that do not count.
    padding: u8,
}

impl CodeQuery {
    /// An empty query for rows of `layout`.
    pub(crate) fn new(layout: CodeLayout) -> CodeQuery {
        let bytes = layout.row_bytes() - elements_start(layout);
        let parts = if layout.precision() == CodePrecision::Int4 { 2 } else { 1 };
        let lines = vec![Line([0; Line::BYTES]); parts * bytes.div_ceil(Line::BYTES)];
        CodeQuery { lines, bytes, excess: 0, padding: 0 }
    }

    /// Takes over the elements of a coded row: biased by 128, and as many as the layout has; padding may be missing.
    pub(crate) fn set_elements(&mut self, mut elements: impl Iterator<Item = u8>) {
        let mut sum = 0;
        for part in self.lines.chunks_mut(self.bytes.div_ceil(Line::BYTES)) {
            let slots = part.iter_mut().flat_map(|line| &mut line.0).take(self.bytes);
            for slot in slots {
                let element = elements.next().unwrap_or(128);
                *slot = element ^ 0x80;
                sum += i32::from(element) - 128;
            }
        }
        self.excess = 128 * sum;
    }

    /// Takes over bits, of which `dimension` count, and clears those past them.
    pub(crate) fn set_bits(&mut self, dimension: u32, bits: &[u8]) {
        for (line, chunk) in self.lines.iter_mut().zip(bits.chunks(Line::BYTES)) {
            line.0[..chunk.len()].copy_from_slice(chunk);
        }
        self.padding = match dimension % 8 {
            0 => 0,
            used => 0xFF << used,
        };
        let last = self.bytes - 1;
        self.lines[last / Line::BYTES].0[last % Line::BYTES] &= !self.padding;
    }

    /// First byte; readable, and aligned to 64 bytes, up to the number of values rounded up to a multiple of 64.
    #[inline(always)]
    pub(crate) fn padded_ptr(&self) -> *const u8 {
        self.lines.as_ptr().cast()
    }

    /// The bytes a row is compared with, without padding; for elements a multiple of 16.
    #[inline(always)]
    pub(crate) fn values(&self) -> &[u8] {
        // SAFETY: `lines` holds at least `bytes` bytes one after another: `Line` is repr(C) with a size of 64 bytes, so
        // there is no padding between lines. The slice borrows self.
        unsafe { std::slice::from_raw_parts(self.padded_ptr(), self.bytes) }
    }

    /// First byte of what upper halves are multiplied with, as [`CodeQuery::padded_ptr`]; only for rows of half bytes.
    #[inline(always)]
    pub(crate) fn upper_ptr(&self) -> *const u8 {
        self.lines[self.lines.len() / 2..].as_ptr().cast()
    }

    /// What upper halves are multiplied with; only for rows of half bytes.
    #[inline(always)]
    pub(crate) fn upper_values(&self) -> &[u8] {
        // SAFETY: as for `values`: each half of `lines` holds at least `bytes` bytes, and half of an even number of lines
        // ends where they end.
        unsafe { std::slice::from_raw_parts(self.upper_ptr(), self.bytes) }
    }

    /// 8 times the sum of the elements: what the dot product with half bytes has in excess of that with the codes.
    #[inline(always)]
    pub(crate) fn nibble_excess(&self) -> i32 {
        self.excess / 16
    }

    /// 128 times the sum of the elements: what the dot product with biased bytes has in excess of that with the codes.
    #[inline(always)]
    pub(crate) fn excess(&self) -> i32 {
        self.excess
    }

    /// Bits of a row's last byte that do not count; the query's are clear.
    #[inline(always)]
    pub(crate) fn padding(&self) -> u8 {
        self.padding
    }
}

/// The rows a kernel picks from.
#[derive(Clone, Copy)]
pub(crate) struct CodeRows<'a> {
    bytes: &'a [u8],
    row_bytes: usize,
    elements_start: usize,
}

impl<'a> CodeRows<'a> {
    /// The rows of a table.
    #[inline(always)]
    pub(crate) fn new(table: &CodeTable<'a>) -> CodeRows<'a> {
        let layout = table.layout();
        CodeRows { bytes: table.bytes(), row_bytes: layout.row_bytes(), elements_start: elements_start(layout) }
    }

    /// Packed rows, to be asked for.
    #[inline(always)]
    pub(crate) fn packed(bytes: &'a [u8], row_bytes: usize) -> CodeRows<'a> {
        CodeRows { bytes, row_bytes, elements_start: 0 }
    }

    /// Bytes of a row.
    #[inline(always)]
    pub(crate) fn row_bytes(self) -> usize {
        self.row_bytes
    }

    /// Where a row starts; any number is allowed, but only rows of the table are readable.
    #[inline(always)]
    pub(crate) fn row_ptr(self, row: u32) -> *const u8 {
        self.bytes.as_ptr().wrapping_add((row as usize).wrapping_mul(self.row_bytes))
    }

    /// A row's elements, or bits.
    ///
    /// # Panics
    /// There is no such row.
    #[inline(always)]
    pub(crate) fn elements(self, row: u32) -> &'a [u8] {
        let start = row as usize * self.row_bytes;
        &self.bytes[start + self.elements_start..start + self.row_bytes]
    }
}

#[inline(always)]
fn elements_start(layout: CodeLayout) -> usize {
    if layout.data_type() == DataType::Binary { 0 } else { ELEMENTS_START }
}
