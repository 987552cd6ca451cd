use std::sync::Arc;

use rvf_filter::Expression;
use rvf_types::Row;

use crate::control::{Control, Deadline};
use crate::host::Clock;
use crate::read::explain::FilterPlan;
use crate::read::matching::Matching;
use crate::read::query::{metadata_array, packed_indexes, vector_bytes};
use crate::snapshot::Snapshot;
use crate::store::RvfStore;
use crate::write::PackedStrings;
use crate::{Result, RvfError};

/// Bytes of metadata and vectors at which a page ends, whatever its limit.
const PAGE_BYTES_MAX: usize = 64 << 20;

/// Some rows of a store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowPage {
    /// Ids.
    pub ids: Vec<String>,
    /// For a look-up: which of the asked-for ids each row answers.
    pub indexes: Vec<u32>,
    /// A JSON array with one value per row, as in [`crate::Hits`].
    pub metadata: Option<String>,
    /// Indexes of the rows without metadata, whose value in the array is `null`.
    pub without_metadata: Vec<u32>,
    /// The vectors' bytes, one behind the other, where asked for.
    pub vectors: Option<Vec<u8>>,
    /// Indexes of the vectors that are not as they were given, but what is left of them packed.
    pub lossy: Vec<u32>,
    /// Where the next page starts, `None` at the end.
    pub next: Option<u32>,
}

/// Rows that fit a filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilteredPage {
    /// The rows.
    pub page: RowPage,
    /// Numbering of the rows that `page.next` is one of; a compaction starts another.
    pub generation: u64,
}

/// What a page of rows is to be.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// Row to start at: 0, or what the page before named as the next.
    pub cursor: Row,
    /// Most rows, 1 at least.
    pub limit: usize,
    /// Answer with the rows' vectors.
    pub with_vectors: bool,
}

/// A state of the store that stays as it is while others write.
#[derive(Clone)]
pub struct StoreSnapshot {
    snapshot: Arc<Snapshot>,
    clock: Arc<dyn Clock>,
}

impl StoreSnapshot {
    /// Number of vectors.
    pub fn count(&self) -> u64 {
        self.snapshot.vector_count
    }

    /// Rows in insertion order, those that fit where there is a filter.
    pub fn rows(&self, request: PageRequest, filter: Option<&Expression>) -> Result<RowPage> {
        // A snapshot's pages are short, so nobody needs to stop one.
        let deadline = Deadline { control: None, clock: &*self.clock, at_ns: None };
        rows_of(&self.snapshot, request, filter, &deadline)
    }
}

fn rows_of(
    snapshot: &Snapshot,
    request: PageRequest,
    filter: Option<&Expression>,
    deadline: &Deadline<'_>,
) -> Result<RowPage> {
    let PageRequest { cursor, limit, with_vectors } = request;
    if limit == 0 {
        return Err(RvfError::input("limit is 0, a page has at least one row"));
    }
    let mut filling = Filling::new(snapshot, limit, with_vectors);
    match filter {
        None => {
            for row in (cursor..snapshot.next_row).filter(|row| !snapshot.dead.contains(*row)) {
                if !filling.add(row)? {
                    break;
                }
            }
        }
        Some(expression) => {
            Matching::new(snapshot, expression, deadline)?.visit_from(cursor, |row| filling.add(row))?;
        }
    }
    let Filling { rows, next, .. } = filling;
    page(snapshot, &rows, Vec::new(), with_vectors, next)
}

/// The rows of a page: as many as asked for, and fewer where they would make it too large for one answer.
pub(super) struct Filling<'a> {
    snapshot: &'a Snapshot,
    limit: usize,
    with_vectors: bool,
    bytes: usize,
    pub(super) rows: Vec<Row>,
    /// The first row that did not go into the page.
    pub(super) next: Option<Row>,
}

impl<'a> Filling<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, limit: usize, with_vectors: bool) -> Filling<'a> {
        Filling { snapshot, limit, with_vectors, bytes: 0, rows: Vec::new(), next: None }
    }

    /// Adds a row; false where the page is full without it.
    pub(super) fn add(&mut self, row: Row) -> Result<bool> {
        let text_bytes = self.snapshot.metadata(row)?.map_or(0, |text| text.len());
        self.bytes += text_bytes + if self.with_vectors { self.snapshot.row_bytes() } else { 0 };
        if self.rows.len() == self.limit || (self.bytes > PAGE_BYTES_MAX && !self.rows.is_empty()) {
            self.next = Some(row);
            return Ok(false);
        }
        self.rows.push(row);
        Ok(true)
    }
}

pub(super) fn page(
    snapshot: &Snapshot,
    rows: &[Row],
    indexes: Vec<u32>,
    with_vectors: bool,
    next: Option<u32>,
) -> Result<RowPage> {
    let (metadata, without_metadata) = metadata_array(snapshot, rows.iter().copied())?;
    Ok(RowPage {
        ids: rows.iter().map(|row| snapshot.id(*row)).collect::<Result<_>>()?,
        indexes,
        metadata,
        without_metadata,
        vectors: if with_vectors { Some(vector_bytes(snapshot, rows.iter().copied())?) } else { None },
        lossy: if with_vectors { packed_indexes(snapshot, rows.iter().copied()) } else { Vec::new() },
        next,
    })
}

impl RvfStore {
    /// The newest state, to be read page by page.
    pub fn snapshot(&self) -> Result<StoreSnapshot> {
        Ok(StoreSnapshot { snapshot: self.current()?, clock: Arc::clone(&self.shared.host.clock) })
    }

    /// The rows of ids, in the order asked for; ids that are not stored are left out.
    pub fn get(&self, ids: &PackedStrings, with_vectors: bool) -> Result<RowPage> {
        let snapshot = self.current()?;
        ids.check("ids")?;
        let (mut rows, mut indexes) = (Vec::new(), Vec::new());
        for (index, id) in ids.iter().enumerate() {
            if let Some(row) = snapshot.find(id)? {
                rows.push(row);
                indexes.push(u32::try_from(index).map_err(|_| RvfError::input("too many ids"))?);
            }
        }
        let page = page(&snapshot, &rows, indexes, with_vectors, None)?;
        self.count_access(&snapshot, &page.ids)?;
        Ok(page)
    }

    /// For each id whether it is stored.
    pub fn has(&self, ids: &PackedStrings) -> Result<Vec<bool>> {
        let snapshot = self.current()?;
        ids.check("ids")?;
        ids.iter().map(|id| Ok(snapshot.find(id)?.is_some())).collect()
    }

    /// Number of vectors.
    pub fn count(&self) -> Result<u64> {
        Ok(self.current()?.vector_count)
    }

    /// Number of vectors whose metadata fits.
    pub fn count_where(&self, filter: &Expression, timeout_ms: u64, control: Option<&Control>) -> Result<u64> {
        let snapshot = self.current()?;
        let deadline = self.deadline(timeout_ms, control);
        Matching::new(&snapshot, filter, &deadline)?.count()
    }

    /// Rows that fit in insertion order; `generation` is that of the page the cursor comes from, `None` for the first.
    pub fn list_where(
        &self,
        filter: Option<&Expression>,
        request: PageRequest,
        generation: Option<u64>,
        timeout_ms: u64,
        control: Option<&Control>,
    ) -> Result<FilteredPage> {
        let snapshot = self.current()?;
        let now = snapshot.manifest.compaction.count;
        if generation.is_some_and(|generation| generation != now) {
            return Err(RvfError::input(
                "the cursor is from before a compaction, which gave the entries new places; list from the start",
            ));
        }
        let page = rows_of(&snapshot, request, filter, &self.deadline(timeout_ms, control))?;
        Ok(FilteredPage { page, generation: now })
    }

    /// How a filter is answered, and how many entries fit.
    pub fn explain(&self, filter: &Expression) -> Result<FilterPlan> {
        let snapshot = self.current()?;
        let deadline = self.deadline(0, None);
        let matching = Matching::new(&snapshot, filter, &deadline)?;
        let candidates = matching.candidates()?;
        FilterPlan::of(&snapshot, &matching, filter, candidates)
    }
}
