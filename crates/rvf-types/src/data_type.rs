use crate::Metric;

/// Element type of stored vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DataType {
    /// 32-bit IEEE-754 floats, little-endian.
    F32 = 0,
    /// 16-bit IEEE-754 floats, little-endian.
    F16 = 1,
    /// 16-bit brain floats. Reserved.
    Bf16 = 2,
    /// Signed bytes.
    I8 = 3,
    /// Unsigned bytes. Reserved.
    U8 = 4,
    /// Packed bits, lowest bit first; the dimension counts bits.
    Binary = 5,
}

impl DataType {
    /// The type with this number in a file.
    pub fn from_u8(value: u8) -> Option<DataType> {
        [DataType::F32, DataType::F16, DataType::Bf16, DataType::I8, DataType::U8, DataType::Binary]
            .get(usize::from(value))
            .copied()
    }

    /// True where vectors of this type can be compared by `metric`: bits by hamming, numbers by all others.
    pub fn fits(self, metric: Metric) -> bool {
        match metric {
            Metric::L2 | Metric::Cosine | Metric::DotProduct => !self.is_reserved() && self != DataType::Binary,
            Metric::Hamming => self == DataType::Binary,
        }
    }

    /// True for types that no version writes so far.
    pub fn is_reserved(self) -> bool {
        matches!(self, DataType::Bf16 | DataType::U8)
    }

    /// Bytes of one vector of `dimension` elements.
    pub fn row_bytes(self, dimension: u32) -> usize {
        let dimension = dimension as usize;
        match self {
            DataType::F32 => dimension * 4,
            DataType::F16 | DataType::Bf16 => dimension * 2,
            DataType::I8 | DataType::U8 => dimension,
            DataType::Binary => dimension.div_ceil(8),
        }
    }
}
