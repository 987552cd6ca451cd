//! Elements of rows as floats. Every value of every type is a float, so nothing is rounded here.

/// How one element of a row lies in bytes.
pub trait Element {
    /// Its bytes, little-endian.
    type Bytes: Copy + Default + 'static;

    /// The elements of a row, or of several, of any alignment. Bytes that are no whole element are left out.
    fn elements(row: &[u8]) -> &[Self::Bytes];

    /// The value of one element.
    fn value(bytes: Self::Bytes) -> f32;

    /// Bytes of one element.
    const BYTES: usize = size_of::<Self::Bytes>();
}

/// Elements of [`rvf_types::DataType::F32`].
#[derive(Clone, Copy, Debug)]
pub struct F32;

/// Elements of [`rvf_types::DataType::F16`].
#[derive(Clone, Copy, Debug)]
pub struct F16;

/// Elements of [`rvf_types::DataType::I8`].
#[derive(Clone, Copy, Debug)]
pub struct I8;

impl Element for F32 {
    type Bytes = [u8; 4];

    #[inline(always)]
    fn elements(row: &[u8]) -> &[[u8; 4]] {
        row.as_chunks().0
    }

    #[inline(always)]
    fn value(bytes: [u8; 4]) -> f32 {
        f32::from_le_bytes(bytes)
    }
}

impl Element for F16 {
    type Bytes = [u8; 2];

    #[inline(always)]
    fn elements(row: &[u8]) -> &[[u8; 2]] {
        row.as_chunks().0
    }

    /// Without a branch, so that the compiler may convert a register of them at once, on every target.
    ///
    /// The bits of exponent and fraction, moved to their places in a float, are the value times 2^-112, subnormals
    /// included, since the exponents' biases differ by that much: 127 - 15.
    #[inline(always)]
    fn value(bytes: [u8; 2]) -> f32 {
        const BIAS_DIFFERENCE: f32 = f32::from_bits((127 + 112) << 23);
        const EXPONENT: u32 = 0x7F80_0000;
        let bits = u32::from(u16::from_le_bytes(bytes));
        let (sign, magnitude) = ((bits & 0x8000) << 16, (bits & 0x7FFF) << 13);
        let finite = (f32::from_bits(magnitude) * BIAS_DIFFERENCE).to_bits();
        // The largest exponent is that of infinity and NaN, on both sides.
        let is_finite = magnitude < 0x0F80_0000;
        f32::from_bits(sign | if is_finite { finite } else { magnitude | EXPONENT })
    }
}

impl Element for I8 {
    type Bytes = [u8; 1];

    #[inline(always)]
    fn elements(row: &[u8]) -> &[[u8; 1]] {
        row.as_chunks().0
    }

    #[inline(always)]
    fn value(bytes: [u8; 1]) -> f32 {
        f32::from(i8::from_le_bytes(bytes))
    }
}

/// The values of a row, or of several.
#[inline(always)]
pub(crate) fn values<E: Element>(row: &[u8]) -> impl ExactSizeIterator<Item = f32> + '_ {
    E::elements(row).iter().map(|bytes| E::value(*bytes))
}
