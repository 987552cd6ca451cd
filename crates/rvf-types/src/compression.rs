/// How a store keeps its vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they were given.
    #[default]
    None,
    /// Each element as an integer of 4 or 8 bits, with a scale for each vector.
    Scalar {
        /// Bits of an element: 4 or 8.
        bits: u8,
    },
    /// Product quantisation: each of so many parts of a vector as the number of the nearest of `2^bits` centroids.
    Product {
        /// Parts of a vector.
        subvectors: u32,
        /// Bits of a centroid's number.
        bits: u8,
        /// Vectors that the centroids are learned from, at most.
        training_rows: u32,
    },
    /// A bit an element.
    Binary {
        /// Vectors that the mean is learned from, at most.
        training_rows: u32,
    },
}

impl Compression {
    /// Vectors that a quantiser is learned from where nothing else is asked for.
    pub const TRAINING_ROWS: u32 = 16_384;

    /// True where vectors are kept as they were given.
    pub fn is_none(self) -> bool {
        self == Compression::None
    }

    /// The kind's number in files and for the SDK: 1 scalar, 2 product, 3 binary, 0 none.
    pub fn kind(self) -> u8 {
        match self {
            Compression::None => 0,
            Compression::Scalar { .. } => 1,
            Compression::Product { .. } => 2,
            Compression::Binary { .. } => 3,
        }
    }

    /// The kind's name in the SDK.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Scalar { .. } => "scalar",
            Compression::Product { .. } => "product",
            Compression::Binary { .. } => "binary",
        }
    }

    /// Vectors that a quantiser is learned from, at most.
    pub fn training_rows(self) -> u32 {
        match self {
            Compression::None | Compression::Scalar { .. } => Compression::TRAINING_ROWS,
            Compression::Product { training_rows, .. } | Compression::Binary { training_rows } => training_rows,
        }
    }
}
