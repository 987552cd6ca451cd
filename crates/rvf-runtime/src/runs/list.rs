use std::sync::Arc;

use rvf_types::Row;

use crate::segment::RunBytes;

/// Data of consecutive rows.
pub(crate) trait Run {
    fn first_row(&self) -> Row;
    fn row_count(&self) -> u32;
    fn bytes(&self) -> &RunBytes;

    /// First row behind the run.
    fn end_row(&self) -> Row {
        self.first_row() + self.row_count()
    }

    /// True where one run can hold what both hold.
    fn follows(&self, before: &Self) -> bool
    where
        Self: Sized,
    {
        before.end_row() == self.first_row()
    }
}

/// Runs in row order, without overlap: those of the base, shared by all snapshots since the last checkpoint, and those of
/// the tail. Copying a list costs the tail only.
pub(crate) struct RunList<T> {
    base: Arc<Vec<Arc<T>>>,
    tail: Vec<Arc<T>>,
}

impl<T> Clone for RunList<T> {
    fn clone(&self) -> Self {
        RunList { base: Arc::clone(&self.base), tail: self.tail.clone() }
    }
}

impl<T: Run> RunList<T> {
    /// A list of stored runs with an empty tail.
    pub(crate) fn new(base: Vec<Arc<T>>) -> RunList<T> {
        RunList { base: Arc::new(base), tail: Vec::new() }
    }

    /// All runs, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.base.iter().chain(self.tail.iter())
    }

    /// The runs that hold a row, or one behind it.
    pub(crate) fn behind(&self, row: Row) -> impl Iterator<Item = &Arc<T>> {
        let skipped = self.base.partition_point(|run| run.end_row() <= row);
        self.base[skipped..].iter().chain(self.tail.iter().filter(move |run| run.end_row() > row))
    }

    pub(crate) fn len(&self) -> usize {
        self.base.len() + self.tail.len()
    }

    /// How many runs the base has.
    pub(crate) fn base_len(&self) -> usize {
        self.base.len()
    }

    /// The run that holds a row.
    pub(crate) fn find(&self, row: Row) -> Option<&Arc<T>> {
        let part: &[Arc<T>] = match self.tail.first() {
            Some(first) if row >= first.first_row() => &self.tail,
            _ => &self.base,
        };
        let index = part.partition_point(|run| run.end_row() <= row);
        part.get(index).filter(|run| run.first_row() <= row)
    }

    /// Adds a run behind all others.
    pub(crate) fn push(&mut self, run: T) {
        self.push_shared(Arc::new(run));
    }

    /// Adds a run that others may have, too.
    pub(crate) fn push_shared(&mut self, run: Arc<T>) {
        self.tail.push(run);
    }

    /// Takes the newest run of the tail off.
    pub(crate) fn pop_tail(&mut self) -> Option<Arc<T>> {
        self.tail.pop()
    }

    /// The newest run of the tail.
    pub(crate) fn last_of_tail(&self) -> Option<&Arc<T>> {
        self.tail.last()
    }
}
