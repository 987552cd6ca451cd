use alloc::vec::Vec;

use rvf_types::Row;

use crate::SearchError;

/// Who is linked to whom. `E` is the error of the place that links come from.
pub trait Graph<E> {
    /// All rows of the graph are smaller.
    fn row_count(&self) -> u32;

    /// Where walks start; none where the graph is empty.
    fn entries(&self) -> &[Row];

    /// Puts the neighbours of `row` into `neighbours`, in place of what is there. All are smaller than
    /// [`row_count`](Graph::row_count).
    fn neighbours(&self, row: Row, neighbours: &mut Vec<Row>) -> Result<(), SearchError<E>>;

    /// Reads a little of the neighbours of `row`, so that they are in the cache when they are asked for soon.
    fn touch(&self, _row: Row) {}
}
