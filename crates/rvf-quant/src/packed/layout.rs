use super::binary;
use super::header::HEADER_BYTES;
use super::product::CENTROIDS;
use crate::codes::{CodeLayout, CodePrecision};
use crate::error::QuantError;
use rvf_types::{DataType, Metric};

/// How vectors are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// An integer for each element, with a scale for each vector. Needs no training.
    Scalar {
        /// Bits an element: 8 or 4.
        bits: u8,
    },
    /// Product quantisation: each of `subvectors` parts of a vector is one of `2^bits` trained ones.
    Product {
        /// Parts of a vector: at most its elements.
        subvectors: u32,
        /// Bits a part: 8.
        bits: u8,
    },
    /// One bit an element.
    Binary,
}

impl Packing {
    /// Three elements a part, which keeps most of the neighbours in a tenth of the bytes: `docs/packed.md` has what more and
    /// fewer give.
    pub fn default_product(dimension: u32) -> Packing {
        Packing::Product { subvectors: dimension.div_ceil(3), bits: 8 }
    }
}

/// How vectors of one metric and dimension are packed, as far as that is known without training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedLayout {
    packing: Packing,
    /// The scalar packing's rows; for all packings metric and dimension.
    codes: CodeLayout,
}

impl PackedLayout {
    /// The layout for vectors of `dimension` elements.
    ///
    /// # Errors
    /// The metric is not one of floats, the dimension is out of range, or the packing's parts or bits are.
    pub fn new(packing: Packing, metric: Metric, dimension: u32) -> Result<PackedLayout, QuantError> {
        let codes = CodeLayout::new(metric, DataType::F32, dimension)?;
        match packing {
            Packing::Product { subvectors, .. } if subvectors == 0 || subvectors > dimension => {
                Err(QuantError::SubvectorsOutOfRange { subvectors, dimension })
            }
            Packing::Scalar { bits: 4 } => {
                Ok(PackedLayout { packing, codes: codes.with_precision(CodePrecision::Int4) })
            }
            Packing::Scalar { bits: 8 } | Packing::Product { bits: 8, .. } | Packing::Binary => {
                Ok(PackedLayout { packing, codes })
            }
            Packing::Scalar { bits } | Packing::Product { bits, .. } => Err(QuantError::BitsUnsupported { bits }),
        }
    }

    /// How vectors are packed.
    pub fn packing(self) -> Packing {
        self.packing
    }

    /// What distances are of.
    pub fn metric(self) -> Metric {
        self.codes.metric()
    }

    /// Elements of a vector.
    pub fn dimension(self) -> u32 {
        self.codes.dimension()
    }

    /// Bytes of a packed row.
    pub fn row_bytes(self) -> usize {
        match self.packing {
            Packing::Scalar { .. } => self.codes.row_bytes(),
            Packing::Product { subvectors, .. } => HEADER_BYTES + subvectors as usize,
            Packing::Binary => HEADER_BYTES + binary::bits_of(self.dimension()) / 8,
        }
    }

    /// Bytes of a vector.
    pub fn vector_bytes(self) -> usize {
        self.codes.vector_bytes()
    }

    /// Whether [`crate::Quantiser::train`] looks at its sample.
    pub fn needs_training(self) -> bool {
        !matches!(self.packing, Packing::Scalar { .. })
    }

    /// Vectors from which on a sample is worth training with. Fewer work, too, but later vectors are packed badly.
    pub fn training_rows_min(self) -> u32 {
        match self.packing {
            Packing::Scalar { .. } => 0,
            Packing::Product { bits, .. } => 1 << bits,
            Packing::Binary => 32,
        }
    }

    /// Bytes of a trained quantiser.
    pub fn quantiser_bytes(self) -> usize {
        let dimension = self.dimension() as usize;
        match self.packing {
            Packing::Scalar { .. } => 0,
            Packing::Product { .. } => dimension * (size_of::<f32>() + CENTROIDS * size_of::<u16>()),
            Packing::Binary => dimension * size_of::<f32>(),
        }
    }

    /// The rows of the scalar packing.
    pub(super) fn codes(self) -> CodeLayout {
        self.codes
    }
}
