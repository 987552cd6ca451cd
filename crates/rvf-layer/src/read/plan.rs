//! Which ranges to read: those of most value that a budget allows.
//!
//! For a price of a byte, the best ranges are found exactly, by dynamic programming along the blocks. The price is halved in until
//! what is chosen fits the budget (Lagrangian relaxation); what is left of the budget makes the ranges longer.

use std::ops::Range;

use super::Budget;
use super::head::Block;

/// Most ranges of a plan: by then the blocks of most queries can be had one by one.
const RANGES_MAX: u32 = 64;
/// Halvings of the interval that the price is in.
const HALVINGS: usize = 24;

/// Ranges of blocks to read, in their order. `values` has one for each block.
pub(super) fn choose(values: &[f64], blocks: &[Block], budget: &Budget) -> Vec<Range<usize>> {
    let ranges_max = budget.requests_max.min(RANGES_MAX) as usize;
    if ranges_max == 0 {
        return Vec::new();
    }
    let mut chosen = vec![false; blocks.len()];
    let per_byte = |index: usize| values[index] / f64::from(blocks[index].bytes);
    let dearest = (0..blocks.len()).map(per_byte).fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, dearest);
    let mut price = 0.0;
    for _ in 0..HALVINGS {
        let candidate = best_at(price, values, blocks, ranges_max);
        if bytes_of(&candidate, blocks) <= budget.bytes_max {
            chosen = candidate;
            high = price;
        } else {
            low = price;
        }
        price = (low + high) / 2.0;
    }
    lengthen(&mut chosen, blocks, ranges_max, budget.bytes_max, per_byte);
    ranges_of(&chosen)
}

/// The blocks, in at most `ranges_max` ranges, whose values less the price of their bytes are most together.
///
/// State `2 * r` is behind `r` ranges, state `2 * r + 1` in the one after them. Each block keeps the state or steps to the
/// next, and counts where the state is then odd.
fn best_at(price: f64, values: &[f64], blocks: &[Block], ranges_max: usize) -> Vec<bool> {
    let states = 2 * ranges_max + 1;
    let mut best = vec![f64::NEG_INFINITY; states];
    best[0] = 0.0;
    let mut stepped = vec![false; blocks.len() * states];
    for ((value, block), stepped) in values.iter().zip(blocks).zip(stepped.chunks_exact_mut(states)) {
        let gain = value - price * f64::from(block.bytes);
        for state in (1..states).rev() {
            stepped[state] = best[state - 1] > best[state];
            best[state] = best[state].max(best[state - 1]) + if state % 2 == 1 { gain } else { 0.0 };
        }
    }
    let mut state = (0..states).fold(0, |top, state| if best[state] > best[top] { state } else { top });
    let mut chosen = vec![false; blocks.len()];
    for (chosen, stepped) in chosen.iter_mut().zip(stepped.chunks_exact(states)).rev() {
        *chosen = state % 2 == 1;
        state -= usize::from(stepped[state]);
    }
    chosen
}

/// Adds the block of most value a byte, of those that fit, until none does.
fn lengthen(chosen: &mut [bool], blocks: &[Block], ranges_max: usize, bytes_max: u64, per_byte: impl Fn(usize) -> f64) {
    let mut bytes_left = bytes_max.saturating_sub(bytes_of(chosen, blocks));
    let mut ranges = ranges_of(chosen).len();
    loop {
        let is_chosen = |index: usize| chosen.get(index).copied().unwrap_or(false);
        let neighbours =
            |index: usize| usize::from(is_chosen(index.wrapping_sub(1))) + usize::from(is_chosen(index + 1));
        let fits = |index: &usize| {
            let has_range = neighbours(*index) > 0 || ranges < ranges_max;
            !is_chosen(*index) && has_range && u64::from(blocks[*index].bytes) <= bytes_left
        };
        let best = (0..blocks.len()).filter(fits).max_by(|a, b| per_byte(*a).total_cmp(&per_byte(*b)));
        let Some(best) = best else { return };
        // Between two ranges it joins them, beside one it is part of it, and alone it is one.
        ranges = ranges + 1 - neighbours(best);
        bytes_left -= u64::from(blocks[best].bytes);
        chosen[best] = true;
    }
}

fn bytes_of(chosen: &[bool], blocks: &[Block]) -> u64 {
    chosen.iter().zip(blocks).filter(|(chosen, _)| **chosen).map(|(_, block)| u64::from(block.bytes)).sum()
}

fn ranges_of(chosen: &[bool]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for index in (0..chosen.len()).filter(|index| chosen[*index]) {
        match ranges.last_mut() {
            Some(range) if range.end == index => range.end = index + 1,
            _ => ranges.push(index..index + 1),
        }
    }
    ranges
}
