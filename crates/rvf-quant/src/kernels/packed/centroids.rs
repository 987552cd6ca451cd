//! Dot products of one point with the centroids of a part.

use super::{LANES, Lanes};

#[inline(always)]
pub(super) fn nearest(centroids: &[Lanes], halves: &[Lanes], point: &[f32]) -> (usize, f32) {
    let mut best = [f32::NEG_INFINITY; LANES];
    let mut best_group = [0_u32; LANES];
    for (group, (centroids, halves)) in centroids.chunks_exact(point.len().max(1)).zip(halves).enumerate() {
        let dots = dots(centroids, point);
        for lane in 0..LANES {
            let score = dots[lane] - halves[lane];
            let is_better = score > best[lane];
            best[lane] = if is_better { score } else { best[lane] };
            best_group[lane] = if is_better { group as u32 } else { best_group[lane] };
        }
    }
    let mut nearest = (usize::MAX, f32::NEG_INFINITY);
    for lane in 0..LANES {
        let index = best_group[lane] as usize * LANES + lane;
        if best[lane] > nearest.1 || best[lane] == nearest.1 && index < nearest.0 {
            nearest = (index, best[lane]);
        }
    }
    nearest
}

#[inline(always)]
pub(super) fn bounds(centroids: &[Lanes], part: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for centroids in centroids.chunks_exact(part.len().max(1)) {
        let dots = dots(centroids, part);
        for lane in 0..LANES {
            low[lane] = if dots[lane] < low[lane] { dots[lane] } else { low[lane] };
            high[lane] = if dots[lane] > high[lane] { dots[lane] } else { high[lane] };
        }
    }
    (low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max))
}

#[inline(always)]
pub(super) fn steps(centroids: &[Lanes], part: &[f32], start: f32, steps: f32, out: &mut [u16]) {
    let out = out.as_chunks_mut::<LANES>().0;
    for (out, centroids) in out.iter_mut().zip(centroids.chunks_exact(part.len().max(1))) {
        let dots = dots(centroids, part);
        for lane in 0..LANES {
            // By way of i32, which vector registers convert to.
            out[lane] = ((dots[lane] - start) * steps + 0.5) as i32 as u16;
        }
    }
}

/// Of one group of centroids.
#[inline(always)]
fn dots(centroids: &[Lanes], point: &[f32]) -> Lanes {
    let mut dots = [0.0; LANES];
    for (centroids, element) in centroids.iter().zip(point) {
        for lane in 0..LANES {
            dots[lane] += centroids[lane] * element;
        }
    }
    dots
}
