use rvf_types::Row;

use crate::read::fitting::Chosen;

/// So many vectors are compared in the time of a walk, and the answer is exact.
const VECTORS_MAX: u64 = 256;
/// So many codes for each row in sight are compared in the time that a walk to 0.95 of the nearest takes where one row in
/// ten fits (`examples/filter_search_figures.rs`), and nothing is missed.
const CODES_SHARE: u64 = 160;
/// So many are compared in the time of a walk over all rows.
const FEW_CODES_SHARE: u64 = 24;
/// Where at least one row in so many fits, a walk over all rows costs less than stepping over those that do not.
const THROUGH_SHARE: u64 = 4;
/// Fewest rows in sight of a walk over rows that fit alone: where these lie in clusters far from each other, a narrower one
/// ends among the wrong ones.
const OVER_BREADTH_MIN: usize = 96;
/// Rows scored for each one in sight after which the rows that fit are likely to lie elsewhere.
const THROUGH_SCORED: u64 = 256;

/// How rows that fit a filter are searched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A walk over all rows, which are checked where they are near enough.
    Through,
    /// A walk over rows that fit alone, stepping over others.
    Over,
    /// The codes of all rows that fit.
    Codes,
}

impl Way {
    /// How to begin; `None` where comparing vectors is the better way.
    pub(super) fn first(filter: Option<&Chosen<'_>>, breadth: usize, rows: Row) -> Option<Way> {
        let Some(chosen) = filter else { return Some(Way::Through) };
        match chosen.count_max() {
            matches if matches <= VECTORS_MAX => None,
            matches if matches <= breadth as u64 * FEW_CODES_SHARE => Some(Way::Codes),
            matches if matches * THROUGH_SHARE >= u64::from(rows) => Some(Way::Through),
            matches if matches <= breadth as u64 * CODES_SHARE => Some(Way::Codes),
            _ => Some(Way::Over),
        }
    }

    /// Rows to keep in sight, and how many of them have to fit.
    pub(super) fn breadths(self, breadth: usize, k: usize, is_filtered: bool) -> (usize, usize) {
        match self {
            Way::Through if is_filtered => (breadth, (breadth * 2 / 3).max(k + k / 4).min(breadth)),
            Way::Over => {
                let wide = (breadth * 3 / 2).max(OVER_BREADTH_MIN);
                (wide, wide)
            }
            _ => (breadth, breadth),
        }
    }

    /// Rows scored after which a walk drags on.
    pub(super) fn scored_max(self, breadth: usize, filter: Option<&Chosen<'_>>) -> Option<u64> {
        let matches = filter?.count_max();
        let half = matches / 2;
        Some(if self == Way::Through { half.min(breadth as u64 * THROUGH_SCORED) } else { half })
    }
}
