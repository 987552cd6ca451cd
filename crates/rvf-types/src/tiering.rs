use crate::Compression;

/// How a store keeps what is seldom asked for: a compaction packs all rows by `cold`, and keeps the rows that were asked
/// for most often as they were besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiering {
    /// Share of the rows that are kept as they were at most, in thousandths.
    pub hot_share_per_mille: u16,
    /// How all rows are packed.
    pub cold: Compression,
}

impl Tiering {
    /// Share of the rows that is kept where nothing else is asked for, in thousandths.
    pub const HOT_SHARE_PER_MILLE: u16 = 100;
    /// Least share of the rows that can be kept, in thousandths.
    pub const HOT_SHARE_PER_MILLE_MIN: u16 = 10;
    /// Largest share of the rows that can be kept, in thousandths.
    pub const HOT_SHARE_PER_MILLE_MAX: u16 = 500;

    /// How many of so many rows are kept as they were at most: 1 at least.
    pub fn hot_rows_max(self, rows: u64) -> u64 {
        (rows * u64::from(self.hot_share_per_mille) / 1_000).max(1)
    }
}
