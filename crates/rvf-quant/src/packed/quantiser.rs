use super::trained::Trained;
use super::{PackedLayout, scalar};
use crate::error::QuantError;
use crate::kernels::PackedKernel;

/// What packs and unpacks vectors, and what training has left of its sample.
#[derive(Clone, Debug)]
pub struct Quantiser {
    layout: PackedLayout,
    kernel: PackedKernel,
    /// `None` where the layout needs no training.
    trained: Option<Trained>,
}

impl Quantiser {
    /// Learns from `sample`, packed little-endian vectors of any alignment, which may be empty where the layout
    /// [needs no training](PackedLayout::needs_training). A vector with NaN or infinity counts as the zero vector.
    ///
    /// The same sample gives the same quantiser on every machine. `should_stop` is asked every few milliseconds; `None`
    /// where it said so.
    ///
    /// # Errors
    /// `sample` is not a number of whole vectors, or is empty where training needs one.
    pub fn train(
        layout: PackedLayout,
        sample: &[u8],
        should_stop: &dyn Fn() -> bool,
    ) -> Result<Option<Quantiser>, QuantError> {
        if !sample.len().is_multiple_of(layout.vector_bytes()) {
            return Err(QuantError::CodeLength { vector_bytes: sample.len(), code_bytes: 0 });
        }
        let kernel = PackedKernel::best();
        if !layout.needs_training() {
            return Ok((!should_stop()).then_some(Quantiser { layout, kernel, trained: None }));
        }
        let trained = Trained::train(kernel, layout, sample, should_stop)?;
        Ok(trained.map(|trained| Quantiser { layout, kernel, trained: Some(trained) }))
    }

    /// The same with a kernel of the caller's choice, which its scorers use, too; tests and benchmarks compare kernels this
    /// way.
    pub fn with_kernel(self, kernel: PackedKernel) -> Quantiser {
        Quantiser { kernel, ..self }
    }

    /// How vectors are packed.
    pub fn layout(&self) -> PackedLayout {
        self.layout
    }

    /// Packs `vectors`, little-endian floats of any alignment, into `out`: [`PackedLayout::row_bytes`] each.
    ///
    /// The bytes are the same on every machine. A vector that holds NaN or infinity is packed as the zero vector.
    ///
    /// # Errors
    /// `vectors` is not a number of whole vectors, or `out` not as many packed rows.
    pub fn encode(&self, vectors: &[u8], out: &mut [u8]) -> Result<(), QuantError> {
        self.check_lengths(vectors.len(), out.len())?;
        let Some(trained) = &self.trained else {
            return scalar::encode(self.layout, vectors, out);
        };
        let mut direction = vec![0.0; self.layout.dimension() as usize];
        let rows = out.chunks_exact_mut(self.layout.row_bytes());
        for (vector, row) in vectors.chunks_exact(self.layout.vector_bytes()).zip(rows) {
            trained.encode(self.kernel, vector, &mut direction, row);
        }
        Ok(())
    }

    /// The vectors that `rows` stand for, each with its own length, into `out`: [`PackedLayout::dimension`] each.
    ///
    /// Elements of undamaged rows are finite.
    ///
    /// # Errors
    /// `rows` is not a number of whole rows, or `out` not as many vectors.
    pub fn decode(&self, rows: &[u8], out: &mut [f32]) -> Result<(), QuantError> {
        self.check_lengths(size_of_val(out), rows.len())?;
        let (row_bytes, dimension) = (self.layout.row_bytes(), self.layout.dimension() as usize);
        for (row, vector) in rows.chunks_exact(row_bytes).zip(out.chunks_exact_mut(dimension)) {
            match &self.trained {
                Some(trained) => trained.decode(row, vector),
                None => scalar::decode(self.layout, row, vector),
            }
        }
        Ok(())
    }

    /// How far off packing is: the mean over the rows of `|x - decoded|^2 / |x|^2`. Zero vectors, and those with NaN or
    /// infinity, do not count; 0 where there are no others. It grows when vectors come that training has not seen the like of.
    ///
    /// # Errors
    /// `vectors` is not a number of whole vectors.
    pub fn relative_error(&self, vectors: &[u8]) -> Result<f64, QuantError> {
        let vector_bytes = self.layout.vector_bytes();
        let rows = vectors.len() / vector_bytes;
        self.check_lengths(vectors.len(), rows * self.layout.row_bytes())?;
        let mut row = vec![0; self.layout.row_bytes()];
        let mut decoded = vec![0.0; self.layout.dimension() as usize];
        let (mut sum, mut count) = (0.0, 0.0);
        for vector in vectors.chunks_exact(vector_bytes) {
            self.encode(vector, &mut row)?;
            self.decode(&row, &mut decoded)?;
            if let Some(error) = relative_error_of(vector, &decoded) {
                (sum, count) = (sum + error, count + 1.0);
            }
        }
        Ok(if count > 0.0 { sum / count } else { 0.0 })
    }

    /// What [`Quantiser::from_bytes`] takes. Empty where the layout needs no training.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.trained.as_ref().map(Trained::to_bytes).unwrap_or_default()
    }

    /// The quantiser that [`Quantiser::to_bytes`] has written for the same layout.
    ///
    /// # Errors
    /// The bytes are not those of a quantiser of this layout.
    pub fn from_bytes(layout: PackedLayout, bytes: &[u8]) -> Result<Quantiser, QuantError> {
        let expected_bytes = layout.quantiser_bytes();
        if bytes.len() != expected_bytes {
            return Err(QuantError::QuantiserLength { expected_bytes, actual_bytes: bytes.len() });
        }
        let trained = if layout.needs_training() { Some(Trained::from_bytes(layout, bytes)?) } else { None };
        Ok(Quantiser { layout, kernel: PackedKernel::best(), trained })
    }

    pub(super) fn kernel(&self) -> PackedKernel {
        self.kernel
    }

    pub(super) fn trained(&self) -> Option<&Trained> {
        self.trained.as_ref()
    }

    fn check_lengths(&self, vector_bytes: usize, row_bytes: usize) -> Result<(), QuantError> {
        let rows = vector_bytes / self.layout.vector_bytes();
        if !vector_bytes.is_multiple_of(self.layout.vector_bytes())
            || rows.checked_mul(self.layout.row_bytes()) != Some(row_bytes)
        {
            return Err(QuantError::CodeLength { vector_bytes, code_bytes: row_bytes });
        }
        Ok(())
    }
}

/// `|x - decoded|^2 / |x|^2`; `None` for zero vectors and those with NaN or infinity.
fn relative_error_of(vector: &[u8], decoded: &[f32]) -> Option<f64> {
    let (mut off, mut whole) = (0.0, 0.0);
    for (bytes, decoded) in vector.as_chunks::<4>().0.iter().zip(decoded) {
        let value = f64::from(f32::from_le_bytes(*bytes));
        off += (value - f64::from(*decoded)).powi(2);
        whole += value.powi(2);
    }
    (whole > 0.0 && whole.is_finite()).then_some(off / whole)
}
