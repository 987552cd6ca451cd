use std::sync::Arc;

use rvf_types::Row;

use crate::read::query::{metadata_array, vector_bytes};
use crate::snapshot::Snapshot;
use crate::store::RvfStore;
use crate::write::PackedStrings;
use crate::{Result, RvfError};

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
    /// Where the next page starts, `None` at the end.
    pub next: Option<u32>,
}

/// A state of the store that stays as it is while others write.
#[derive(Clone)]
pub struct StoreSnapshot {
    snapshot: Arc<Snapshot>,
}

impl StoreSnapshot {
    /// Number of vectors.
    pub fn count(&self) -> u64 {
        self.snapshot.vector_count
    }

    /// At most `limit` rows in insertion order, from `cursor` on: 0, or what the page before named as the next.
    pub fn rows(&self, cursor: u32, limit: usize, with_vectors: bool) -> Result<RowPage> {
        let snapshot = &*self.snapshot;
        let mut rows: Vec<Row> = (cursor..snapshot.next_row)
            .filter(|row| !snapshot.dead.contains(*row))
            .take(limit.saturating_add(1))
            .collect();
        let next = if rows.len() > limit { rows.pop() } else { None };
        page(snapshot, &rows, Vec::new(), with_vectors, next)
    }
}

fn page(
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
        next,
    })
}

impl RvfStore {
    /// The newest state, to be read page by page.
    pub fn snapshot(&self) -> Result<StoreSnapshot> {
        Ok(StoreSnapshot { snapshot: self.current()? })
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
        page(&snapshot, &rows, indexes, with_vectors, None)
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
}
