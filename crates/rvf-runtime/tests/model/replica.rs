//! A copy of a store that is kept up to date by `changes()` alone.

use std::collections::BTreeMap;

use rvf_runtime::types::{Epoch, ErrorCode};
use rvf_runtime::{Changes, ChangesPosition, RvfStore};
use serde_json::Value;

use crate::kit::{Rng, ready, strings};
use crate::oracle::{Oracle, Shape};

/// The contents of a store at an epoch: vector and metadata by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    pub epoch: Epoch,
    entries: BTreeMap<String, (Vec<u8>, Option<String>)>,
}

impl Replica {
    pub fn of(oracle: &Oracle) -> Replica {
        let entries = oracle.in_order().into_iter();
        let entries = entries.map(|(id, entry)| (id.to_owned(), (entry.vector.clone(), entry.metadata.clone())));
        Replica { epoch: oracle.epoch, entries: entries.collect() }
    }

    /// Follows the store page by page, with no commit between the pages.
    pub fn follow(&mut self, store: &RvfStore, shape: &Shape, rng: &mut Rng) {
        let limit = *rng.pick(&[1, 3, 50, usize::MAX]).max(&(store.count().unwrap() as usize / 20));
        let mut after = None;
        loop {
            let (changes, unknown) = self.follow_page(store, shape, after, limit);
            assert_eq!(unknown, 0, "some of {:?} were not there before", changes.deleted);
            let Some(next) = changes.next else { return };
            after = Some(next);
        }
    }

    /// Takes over one page. The entries come in the order of their changes, each once; on the last page the copy has
    /// reached the state of the first one, but for what changed since. Answers also how many ids were deleted that the
    /// copy did not have.
    pub fn follow_page(
        &mut self,
        store: &RvfStore,
        shape: &Shape,
        after: Option<ChangesPosition>,
        limit: usize,
    ) -> (Changes, usize) {
        let changes = ready(|| store.changes(self.epoch, after, limit, true)).unwrap();
        let vectors = changes.page.vectors.as_deref().unwrap().chunks_exact(shape.row_bytes());
        let texts = metadata_texts(changes.page.metadata.as_deref(), &changes.page.without_metadata, vectors.len());
        for ((id, vector), metadata) in changes.page.ids.iter().zip(vectors).zip(texts) {
            self.entries.insert(id.clone(), (vector.to_vec(), metadata));
        }
        assert_eq!(changes.epochs.len(), changes.page.ids.len());
        assert!(changes.epochs.is_sorted(), "changes come in the order of their epochs");
        let is_after = |epoch: &Epoch| (self.epoch + 1..=changes.epoch).contains(epoch);
        assert!(changes.epochs.iter().all(is_after), "{:?} since {}", changes.epochs, self.epoch);
        if changes.next.is_some() {
            assert_eq!((changes.page.ids.len(), changes.deleted.len()), (limit, 0), "a page in the middle");
            return (changes, 0);
        }
        let still_there = ready(|| store.has(&strings(&changes.deleted))).unwrap();
        assert!(!still_there.contains(&true), "of {:?} some are stored", changes.deleted);
        let unknown = changes.deleted.iter().filter(|id| self.entries.remove(*id).is_none()).count();
        self.epoch = changes.epoch;
        (changes, unknown)
    }
}

/// The texts of a page's metadata, cut out of its array as they are.
fn metadata_texts(array: Option<&str>, without: &[u32], count: usize) -> Vec<Option<String>> {
    let Some(array) = array else { return vec![None; count] };
    let mut rest = &array[1..];
    (0..count as u32)
        .map(|index| {
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            values.next().unwrap().unwrap();
            let (text, behind) = rest.split_at(values.byte_offset());
            // Spaces behind a value are its own; the next sign is the comma or the end of the array.
            let spaces = behind.len() - behind.trim_start().len();
            let (more, behind) = behind.split_at(spaces);
            rest = &behind[1..];
            (!without.contains(&index)).then(|| format!("{text}{more}"))
        })
        .collect()
}

/// A state before a compaction cannot be told from; the state without entries can.
pub fn refuses_stale(store: &RvfStore, epoch: Epoch) {
    let error = ready(|| store.changes(epoch, None, 10, false)).unwrap_err();
    assert_eq!(error.code, ErrorCode::GenerationStale, "{error}");
}

/// An epoch that is not there yet is a mistake of the caller's.
pub fn refuses_future(store: &RvfStore, epoch: Epoch) {
    let error = ready(|| store.changes(epoch + 1, None, 10, false)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
}
