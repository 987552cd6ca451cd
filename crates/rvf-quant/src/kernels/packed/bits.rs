//! Sums of numbers picked by bits, one plane of their bits at a time.

use super::WORDS;

#[inline(always)]
pub(super) fn sum(planes: &[[u64; WORDS]], count: usize, row: &[u8]) -> i64 {
    let mut sum = 0;
    for (group, bytes) in row.chunks(WORDS * 8).enumerate() {
        let words = words_of(bytes);
        for (bit, plane) in planes[group * count..][..count].iter().enumerate() {
            let common: u32 = plane.iter().zip(&words).map(|(plane, word)| (plane & word).count_ones()).sum();
            let weighted = i64::from(common) << bit;
            // The last plane has the signs.
            sum += if bit + 1 == count { -weighted } else { weighted };
        }
    }
    sum
}

/// The words of up to that many bytes, filled up with zeros.
#[inline(always)]
pub(super) fn words_of(bytes: &[u8]) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    if let Some(whole) = bytes.first_chunk::<{ WORDS * 8 }>() {
        // A loop of known length becomes one load.
        for (word, bytes) in words.iter_mut().zip(whole.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        return words;
    }
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}
