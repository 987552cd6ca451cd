//! Dot products of one point with the centroids of a part.

use super::wide::Wide;
use super::{LANES, Lanes};

/// Adding this to a number between 0 and 2^22 rounds it to an integer and leaves that in the low bits of the sum.
const ROUNDER: f32 = 8_388_608.0;

/// # Safety
/// That of [`Wide`].
#[inline(always)]
pub(super) unsafe fn nearest<W: Wide>(centroids: &[Lanes], halves: &[Lanes], point: &[f32]) -> (usize, f32) {
    // SAFETY: the caller's contract.
    let (best, best_group) = unsafe {
        let (mut best, mut best_group) = (W::splat(f32::NEG_INFINITY), W::splat(0.0));
        let (mut group, one) = (W::splat(0.0), W::splat(1.0));
        for (centroids, halves) in centroids.chunks_exact(point.len().max(1)).zip(halves) {
            let score = dots::<W>(centroids, point).subtract(W::load(halves));
            best_group = score.where_larger(best, group, best_group);
            best = score.max(best);
            group = group.add(one);
        }
        (best.lanes(), best_group.lanes())
    };
    let mut nearest = (usize::MAX, f32::NEG_INFINITY);
    for lane in 0..LANES {
        let index = best_group[lane] as usize * LANES + lane;
        if best[lane] > nearest.1 || best[lane] == nearest.1 && index < nearest.0 {
            nearest = (index, best[lane]);
        }
    }
    nearest
}

/// # Safety
/// That of [`Wide`].
#[inline(always)]
pub(super) unsafe fn bounds<W: Wide>(centroids: &[Lanes], part: &[f32]) -> (f32, f32) {
    // SAFETY: the caller's contract.
    let (low, high) = unsafe {
        let (mut low, mut high) = (W::splat(f32::INFINITY), W::splat(f32::NEG_INFINITY));
        for centroids in centroids.chunks_exact(part.len().max(1)) {
            let dots = dots::<W>(centroids, part);
            low = dots.min(low);
            high = dots.max(high);
        }
        (low.lanes(), high.lanes())
    };
    (low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max))
}

/// # Safety
/// That of [`Wide`].
#[inline(always)]
pub(super) unsafe fn steps<W: Wide>(centroids: &[Lanes], part: &[f32], start: f32, steps: f32, out: &mut [u16]) {
    let out = out.as_chunks_mut::<LANES>().0;
    for (out, centroids) in out.iter_mut().zip(centroids.chunks_exact(part.len().max(1))) {
        // SAFETY: the caller's contract.
        let rounded = unsafe {
            let above = dots::<W>(centroids, part).subtract(W::splat(start));
            above.multiply(W::splat(steps)).add(W::splat(ROUNDER)).lanes()
        };
        *out = rounded.map(|sum| sum.to_bits() as u16);
    }
}

/// Of one group of centroids.
///
/// # Safety
/// That of [`Wide`].
#[inline(always)]
unsafe fn dots<W: Wide>(centroids: &[Lanes], point: &[f32]) -> W {
    // SAFETY: the caller's contract.
    unsafe {
        let mut dots = W::splat(0.0);
        for (centroids, element) in centroids.iter().zip(point) {
            dots = dots.add(W::load(centroids).multiply(W::splat(*element)));
        }
        dots
    }
}
