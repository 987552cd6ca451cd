//! Sums of numbers picked by bits, one plane of their bits at a time.

use super::WORDS;

#[inline(always)]
pub(super) fn sum(planes: &[[u64; WORDS]], count: usize, row: &[u8]) -> i64 {
    let mut sums = [0_i64; WORDS];
    for (planes, bytes) in planes.chunks_exact(count.max(1)).zip(row.chunks(WORDS * 8)) {
        let words = words_of(bytes);
        for (bit, plane) in planes.iter().enumerate() {
            // The last plane has the signs.
            let weight = if bit + 1 == count { -(1_i64 << bit) } else { 1 << bit };
            for lane in 0..WORDS {
                sums[lane] += weight * i64::from((plane[lane] & words[lane]).count_ones());
            }
        }
    }
    sums.iter().sum()
}

/// The words of up to that many bytes, filled up with zeros.
#[inline(always)]
fn words_of(bytes: &[u8]) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}
