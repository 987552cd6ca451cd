/// Bytes of a header, in front of the code of the direction.
pub(super) const HEADER_BYTES: usize = 8;

/// Steps of a squared norm in 1.
const NORM_STEPS: f64 = 32_768.0;

/// What a packed row of a product or binary packing begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    /// What the decoded direction is multiplied with.
    pub(super) scale: f32,
    /// Squared norm of the decoded direction, in steps.
    norm_steps: u16,
    /// The upper half of an `f32`. For `cosine` the length of the vector, 0 for the zero vector alone; for `dotproduct` what
    /// is added along the mean, in means.
    extra_bits: u16,
}

impl Header {
    /// Of a direction of `squared_norm` when decoded, to be multiplied with `scale`.
    pub(super) fn new(scale: f64, squared_norm: f64) -> Header {
        let scale = (scale as f32).clamp(f32::MIN, f32::MAX);
        Header { scale, norm_steps: (squared_norm * NORM_STEPS).round() as u16, extra_bits: 0 }
    }

    /// Of a vector of this length.
    pub(super) fn with_length(self, length: f64) -> Header {
        let extra_bits = if length > 0.0 { upper_half(length as f32).max(1) } else { 0 };
        Header { extra_bits, ..self }
    }

    /// Of a vector that has so many means more than what was decoded.
    pub(super) fn with_along(self, along: f64) -> Header {
        Header { extra_bits: upper_half(along as f32), ..self }
    }

    #[inline(always)]
    pub(super) fn read(row: &[u8]) -> Header {
        let at = |index: usize| row.get(index).copied().unwrap_or(0);
        Header {
            scale: f32::from_le_bytes([at(0), at(1), at(2), at(3)]),
            norm_steps: u16::from_le_bytes([at(4), at(5)]),
            extra_bits: u16::from_le_bytes([at(6), at(7)]),
        }
    }

    pub(super) fn write(self, out: &mut [u8]) {
        out[..4].copy_from_slice(&self.scale.to_le_bytes());
        out[4..6].copy_from_slice(&self.norm_steps.to_le_bytes());
        out[6..8].copy_from_slice(&self.extra_bits.to_le_bytes());
    }

    #[inline(always)]
    pub(super) fn squared_norm(self) -> f64 {
        f64::from(self.norm_steps) / NORM_STEPS
    }

    pub(super) fn length(self) -> f64 {
        f64::from(from_upper_half(self.extra_bits))
    }

    #[inline(always)]
    pub(super) fn along(self) -> f64 {
        f64::from(from_upper_half(self.extra_bits))
    }

    #[inline(always)]
    pub(super) fn is_zero(self) -> bool {
        self.extra_bits == 0
    }
}

/// The upper 16 bits of a number, rounded: 8 bits of precision, and every magnitude. What would round to infinity stays the
/// largest there is.
pub(super) fn upper_half(value: f32) -> u16 {
    let rounded = value.to_bits().saturating_add(0x8000) >> 16;
    let largest = f32::MAX.to_bits() >> 16;
    if rounded & 0x7FFF > largest { (rounded & 0x8000 | largest) as u16 } else { rounded as u16 }
}

#[inline(always)]
pub(super) fn from_upper_half(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
