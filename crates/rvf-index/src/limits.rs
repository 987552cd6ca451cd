//! Every limit of this crate, by name.

use rvf_types::Row;

/// Rows of a graph are smaller: a search keeps marks in the highest two bits. Other rows are compared one by one.
pub const GRAPH_ROWS_MAX: Row = 1 << 30;
/// Fewest places for neighbours that a row has. With two, rows can always be linked so that all are reached.
pub const DEGREE_MIN: usize = 2;
/// Most places for neighbours that a row has.
pub const DEGREE_MAX: usize = 254;
/// Most rows that walks start at.
pub const ENTRIES_MAX: usize = 24;
/// Most rows that a payload names for the next repair. Where there are more, it looks for all rows.
pub const SUSPECTS_MAX: usize = 16_384;
