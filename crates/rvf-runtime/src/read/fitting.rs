use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use roaring::RoaringBitmap;
use rvf_filter::Expression;
use rvf_types::Row;

use crate::Result;
use crate::control::Deadline;
use crate::read::matching::{Candidates, Matching, fits};
use crate::snapshot::Snapshot;

/// Most filters whose rows a state keeps.
const KEPT_FILTERS_MAX: usize = 32;
/// Most bytes of them, in private memory.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// Rows that a walk starts from at most.
const SEEDS_MAX: usize = 128;

/// The rows that fit a filter in one state, or may: found once, and kept with the state for queries that ask the same.
pub(crate) struct Fitting {
    expression: Arc<Expression>,
    candidates: Candidates,
    marks: OnceLock<Marks>,
}

/// Candidates as a walk takes them.
pub(crate) struct Marks {
    /// A bit for each row.
    pub(crate) bits: Vec<u64>,
    /// Some of them, spread over all.
    pub(crate) seeds: Vec<Row>,
}

/// What was found out about filters in one state. A copy of the state becomes another state, so it starts with nothing.
#[derive(Default)]
pub(crate) struct KeptFilters {
    /// The one asked last at the end.
    kept: Mutex<Vec<Arc<Fitting>>>,
}

impl Clone for KeptFilters {
    fn clone(&self) -> KeptFilters {
        KeptFilters::default()
    }
}

impl KeptFilters {
    fn find(&self, expression: &Arc<Expression>) -> Option<Arc<Fitting>> {
        let mut kept = self.kept.lock();
        let is_same =
            |found: &Arc<Fitting>| Arc::ptr_eq(&found.expression, expression) || found.expression == *expression;
        let index = kept.iter().rposition(is_same)?;
        let found = kept.remove(index);
        kept.push(Arc::clone(&found));
        Some(found)
    }

    fn keep(&self, found: &Arc<Fitting>, next_row: Row) {
        let mut kept = self.kept.lock();
        kept.push(Arc::clone(found));
        while kept.len() > KEPT_FILTERS_MAX
            || kept.iter().map(|found| found.bytes_max(next_row)).sum::<usize>() > KEPT_BYTES_MAX
        {
            kept.remove(0);
        }
    }
}

impl Fitting {
    /// The bytes it takes once a walk has asked for its marks.
    fn bytes_max(&self, next_row: Row) -> usize {
        let Candidates { sure, open } = &self.candidates;
        sure.serialized_size() + open.serialized_size() + next_row as usize / 8
    }

    fn marks(&self, next_row: Row) -> &Marks {
        self.marks.get_or_init(|| Marks::of(&self.candidates, next_row))
    }
}

impl Marks {
    #[inline]
    pub(crate) fn contains(&self, row: Row) -> bool {
        self.bits.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    fn of(Candidates { sure, open }: &Candidates, next_row: Row) -> Marks {
        let mut bits = vec![0_u64; (next_row as usize).div_ceil(64)];
        for row in sure.iter().chain(open) {
            bits[row as usize / 64] |= 1 << (row % 64);
        }
        let mut seeds: Vec<Row> = Vec::with_capacity(SEEDS_MAX);
        let step = bits.len().div_ceil(SEEDS_MAX).max(1);
        for (index, words) in bits.chunks(step).enumerate() {
            if let Some((within, word)) = words.iter().enumerate().find(|(_, word)| **word != 0) {
                seeds.push(((index * step + within) * 64) as Row + word.trailing_zeros());
            }
        }
        Marks { bits, seeds }
    }
}

/// A filter's rows in the state that a query is about.
pub(crate) struct Chosen<'a> {
    snapshot: &'a Snapshot,
    fitting: Arc<Fitting>,
}

impl<'a> Chosen<'a> {
    /// Finds the rows, or takes what an earlier query found.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        expression: &Arc<Expression>,
        deadline: &Deadline<'_>,
    ) -> Result<Chosen<'a>> {
        if let Some(fitting) = snapshot.kept_filters.find(expression) {
            return Ok(Chosen { snapshot, fitting });
        }
        let candidates = Matching::new(snapshot, expression, deadline)?.candidates()?;
        let fitting = Arc::new(Fitting { expression: Arc::clone(expression), candidates, marks: OnceLock::new() });
        snapshot.kept_filters.keep(&fitting, snapshot.next_row);
        Ok(Chosen { snapshot, fitting })
    }

    pub(crate) fn expression(&self) -> &Expression {
        &self.fitting.expression
    }

    pub(crate) fn candidates(&self) -> &Candidates {
        &self.fitting.candidates
    }

    /// Rows that fit, or may.
    pub(crate) fn all(&self) -> Cow<'_, RoaringBitmap> {
        let Candidates { sure, open } = self.candidates();
        if open.is_empty() { Cow::Borrowed(sure) } else { Cow::Owned(sure | open) }
    }

    /// How many rows fit, or may.
    pub(crate) fn count_max(&self) -> u64 {
        let Candidates { sure, open } = self.candidates();
        sure.len() + open.len()
    }

    pub(crate) fn marks(&self) -> &Marks {
        self.fitting.marks(self.snapshot.next_row)
    }

    /// True where a row fits, which the text of an open one tells.
    pub(crate) fn fits(&self, row: Row) -> Result<bool> {
        let Candidates { sure, open } = self.candidates();
        Ok(sure.contains(row) || (open.contains(row) && fits(self.snapshot, self.expression(), row)?))
    }
}
