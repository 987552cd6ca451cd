use super::layout::ELEMENTS_START;
use super::{CodeLayout, CodePrecision, CodeTable};
use crate::error::QuantError;
use crate::kernels::{CodeKernel, CodeQuery, CodeRows};
use rvf_types::{DataType, Metric};

/// Rows scored before their sums become distances: the sums of so many lie in two cache lines.
const BLOCK_ROWS: usize = 32;

/// One query as codes, ready to be compared with coded rows picked by number.
///
/// Distances estimate those of [`crate::Scorer`]; those of [`Metric::Hamming`] are exact. They are the same, bit for
/// bit, on every machine and with every kernel, and not NaN unless the table is damaged. Cosine may leave `[0, 2]` and
/// squared distances may fall below 0, by as much as the codes err. `l2` is infinite where the squared norm of either
/// side exceeds `f32::MAX`.
#[derive(Clone)]
pub struct CodeScorer {
    layout: CodeLayout,
    kernel: CodeKernel,
    query: CodeQuery,
    terms: Terms,
}

/// What a query alone contributes to a distance. [`crate::codes`] has the formulas.
#[derive(Clone, Copy)]
struct Terms {
    /// What is added.
    base: f64,
    /// What the bias of the row is multiplied with.
    of_bias: f64,
    /// What the dot product of the codes and the scale of the row are multiplied with.
    factor: f64,
}

impl Terms {
    fn new(metric: Metric, scale: f64, bias: f64) -> Terms {
        match metric {
            Metric::L2 => Terms { base: bias, of_bias: 1.0, factor: 2.0 * scale },
            Metric::Cosine => Terms { base: 1.0, of_bias: 0.0, factor: scale },
            Metric::DotProduct | Metric::Hamming => Terms { base: 0.0, of_bias: 1.0, factor: scale },
        }
    }
}

impl CodeScorer {
    /// Prepares `query`, the bytes of one vector as [`crate::Scorer::new`] takes them, for the fastest kernel of this
    /// CPU.
    ///
    /// # Errors
    /// The query is not one vector long.
    pub fn new(layout: CodeLayout, query: &[u8]) -> Result<CodeScorer, QuantError> {
        CodeScorer::with_kernel(CodeKernel::best(), layout, query)
    }

    /// [`CodeScorer::new`] with a kernel of the caller's choice; tests and benchmarks compare kernels this way.
    ///
    /// # Errors
    /// As [`CodeScorer::new`].
    pub fn with_kernel(kernel: CodeKernel, layout: CodeLayout, query: &[u8]) -> Result<CodeScorer, QuantError> {
        if query.len() != layout.vector_bytes() {
            return Err(QuantError::QueryLength { expected_bytes: layout.vector_bytes(), actual_bytes: query.len() });
        }
        // A query is there once, so it can be as fine as kernels take it.
        let fine = layout.with_precision(CodePrecision::Int8);
        let mut row = vec![0; fine.row_bytes()];
        fine.encode(query, &mut row)?;
        Ok(CodeScorer::of_code(kernel, layout, fine, &row))
    }

    /// Row `row` of `table` as the query: how far rows are apart is asked when a graph is built.
    ///
    /// # Errors
    /// There is no such row.
    pub fn of_row(table: &CodeTable<'_>, row: u32) -> Result<CodeScorer, QuantError> {
        Ok(CodeScorer::of_code(CodeKernel::best(), table.layout(), table.layout(), table.row(row)?))
    }

    /// Makes row `row` of `table` the query. Nothing is allocated.
    ///
    /// # Errors
    /// There is no such row, or the table has another layout than this query.
    pub fn aim_at(&mut self, table: &CodeTable<'_>, row: u32) -> Result<(), QuantError> {
        self.check_layout(table)?;
        self.set_code(table.layout().precision(), table.row(row)?);
        Ok(())
    }

    /// Asks for the bytes of `rows`, so that [`CodeScorer::distances`] finds them in the cache. A hint: it does nothing
    /// where a CPU has no such instruction, and a row that is not in the table does no harm.
    #[inline]
    pub fn prefetch(&self, table: &CodeTable<'_>, rows: &[u32]) {
        self.kernel.prefetch(CodeRows::new(table), rows);
    }

    /// Distances of `rows`, in their order, into `out`, which has one place for each.
    ///
    /// # Errors
    /// A row is not in the table, the table has another layout than this query, or `out` is of another length than
    /// `rows`.
    #[inline]
    pub fn distances(&self, table: &CodeTable<'_>, rows: &[u32], out: &mut [f32]) -> Result<(), QuantError> {
        self.check_layout(table)?;
        if out.len() != rows.len() {
            return Err(QuantError::OutputLength { rows: rows.len(), places: out.len() });
        }
        // The largest is looked at alone: finding it needs no branch for each row.
        if let Some(largest) = rows.iter().max() {
            table.check(*largest)?;
        }
        let scan = self.kernel.scan(self.layout);
        let mut sums = [0_i32; BLOCK_ROWS];
        for (rows, out) in rows.chunks(BLOCK_ROWS).zip(out.chunks_mut(BLOCK_ROWS)) {
            let sums = &mut sums[..rows.len()];
            // SAFETY: a `CodeKernel` exists only where the CPU can run it; every row is in the table, which has the
            // layout the query was made for.
            unsafe { scan(&self.query, CodeRows::new(table), rows, sums) };
            self.finish(table, rows, sums, out);
        }
        Ok(())
    }

    /// From the kernel's sums to distances: one place for all kernels.
    #[inline]
    fn finish(&self, table: &CodeTable<'_>, rows: &[u32], sums: &[i32], out: &mut [f32]) {
        if self.layout.data_type() == DataType::Binary {
            for (slot, sum) in out.iter_mut().zip(sums) {
                *slot = *sum as f32;
            }
            return;
        }
        let (bytes, row_bytes) = (table.bytes(), self.layout.row_bytes());
        for ((slot, row), sum) in out.iter_mut().zip(rows).zip(sums) {
            let start = *row as usize * row_bytes;
            let [scale, bias] = terms_of(&bytes[start..start + ELEMENTS_START]);
            let Terms { base, of_bias, factor } = self.terms;
            *slot = (base + of_bias * f64::from(bias) - factor * f64::from(scale) * f64::from(*sum)) as f32;
        }
    }

    /// A scorer for rows of `layout`, with a row of `coded_as` as the query.
    fn of_code(kernel: CodeKernel, layout: CodeLayout, coded_as: CodeLayout, row: &[u8]) -> CodeScorer {
        let terms = Terms { base: 0.0, of_bias: 0.0, factor: 0.0 };
        let mut scorer = CodeScorer { layout, kernel, query: CodeQuery::new(layout), terms };
        scorer.set_code(coded_as.precision(), row);
        scorer
    }

    /// Takes over a coded row of this layout, or of its like with another precision.
    fn set_code(&mut self, precision: CodePrecision, row: &[u8]) {
        match self.layout.data_type() {
            DataType::Binary => self.query.set_bits(self.layout.dimension(), row),
            _ => {
                let (header, elements) = row.split_at(ELEMENTS_START);
                let [scale, bias] = terms_of(header);
                self.terms = Terms::new(self.layout.metric(), f64::from(scale), f64::from(bias));
                match precision {
                    CodePrecision::Int8 => self.query.set_elements(elements.iter().copied()),
                    CodePrecision::Int4 => {
                        let lower = elements.iter().map(|byte| byte & 0xF);
                        let nibbles = lower.chain(elements.iter().map(|byte| byte >> 4));
                        self.query.set_elements(nibbles.map(|nibble| nibble + (128 - 8)));
                    }
                }
            }
        }
    }

    fn check_layout(&self, table: &CodeTable<'_>) -> Result<(), QuantError> {
        if table.layout() == self.layout { Ok(()) } else { Err(QuantError::LayoutMismatch) }
    }
}

/// Scale and bias.
#[inline(always)]
fn terms_of(header: &[u8]) -> [f32; 2] {
    let mut terms = [0.0; 2];
    for (term, bytes) in terms.iter_mut().zip(header.as_chunks::<4>().0) {
        *term = f32::from_le_bytes(*bytes);
    }
    terms
}
