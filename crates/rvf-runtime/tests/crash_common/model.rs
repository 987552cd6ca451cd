//! What a store must hold after each of its commits.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rvf_filter::Schema;
use rvf_runtime::{Batch, Expression, OnDuplicate, PackedStrings, Target, Write};
use serde_json::Value;

use crate::kit::plain::{fits, patched};

/// What is stored under an id.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    pub vector: Vec<u8>,
    pub metadata: Option<String>,
}

/// A committed state.
pub type State = BTreeMap<String, Arc<Entry>>;

/// One commit's change.
#[derive(Clone)]
pub enum Change {
    Put(Vec<(String, Arc<Entry>)>),
    Delete(Vec<String>),
    DeleteWhere(Value),
    /// What fits the filter goes, and these come.
    Replace(Value, Vec<(String, Arc<Entry>)>),
    /// A merge patch of the metadata of these ids.
    Update(Vec<String>, String),
    /// A merge patch of the metadata of what fits.
    UpdateWhere(Value, String),
}

fn batch_of(entries: &[(String, Arc<Entry>)]) -> Arc<Batch> {
    let vectors: Vec<&[u8]> = entries.iter().map(|(_, entry)| &entry.vector[..]).collect();
    let texts = entries.iter().map(|(_, entry)| entry.metadata.as_deref().unwrap_or_default());
    Arc::new(Batch {
        ids: PackedStrings::from_strings(entries.iter().map(|(id, _)| id.as_str())),
        vectors: vectors.concat()[..].into(),
        metadata: Some(PackedStrings::from_strings(texts)),
    })
}

fn expression(filter: &Value) -> Arc<Expression> {
    Arc::new(Expression::parse(filter.to_string().as_bytes(), &Schema::default()).unwrap())
}

fn patch_entry(entry: &mut Arc<Entry>, patch: &str) -> bool {
    let metadata = patched(entry.metadata.as_deref(), patch);
    let is_other = metadata != entry.metadata;
    if is_other {
        *entry = Arc::new(Entry { vector: entry.vector.clone(), metadata });
    }
    is_other
}

impl Change {
    /// The change as the engine takes it.
    pub fn to_write(&self) -> Write {
        match self {
            Change::Put(entries) => {
                Write::Ingest { batch: batch_of(entries), on_duplicate: OnDuplicate::Replace, control: None }
            }
            Change::Replace(filter, entries) => Write::Replace {
                filter: expression(filter),
                batch: batch_of(entries),
                on_duplicate: OnDuplicate::Replace,
                control: None,
            },
            Change::DeleteWhere(filter) => Write::DeleteWhere { filter: expression(filter), control: None },
            Change::Update(ids, patch) => {
                let ids = PackedStrings::from_strings(ids.iter().map(String::as_str));
                Write::Update { target: Target::Ids(ids), patch: patch.clone().into_bytes(), control: None }
            }
            Change::UpdateWhere(filter, patch) => Write::Update {
                target: Target::Where(expression(filter)),
                patch: patch.clone().into_bytes(),
                control: None,
            },
            Change::Delete(ids) => Write::Delete(PackedStrings::from_strings(ids.iter().map(String::as_str))),
        }
    }

    /// The state behind the change; `None` where it changes nothing, and makes no commit.
    pub fn apply(&self, state: &State) -> Option<State> {
        let mut changed = state.clone();
        let is_changed = match self {
            Change::Put(entries) => {
                changed.extend(entries.iter().cloned());
                true
            }
            Change::Delete(ids) => ids.iter().filter(|id| changed.remove(*id).is_some()).count() > 0,
            Change::DeleteWhere(filter) => {
                changed.retain(|_, entry| !fits(filter, entry.metadata.as_deref()));
                changed.len() < state.len()
            }
            Change::Replace(filter, entries) => {
                changed.retain(|_, entry| !fits(filter, entry.metadata.as_deref()));
                changed.extend(entries.iter().cloned());
                changed.len() < state.len() || !entries.is_empty()
            }
            Change::Update(ids, patch) => {
                let mut patched = |id: &String| changed.get_mut(id).is_some_and(|entry| patch_entry(entry, patch));
                ids.iter().filter(|id| patched(id)).count() > 0
            }
            Change::UpdateWhere(filter, patch) => {
                let fitting = changed.values_mut().filter(|entry| fits(filter, entry.metadata.as_deref()));
                fitting.map(|entry| patch_entry(entry, patch)).filter(|is_other| *is_other).count() > 0
            }
        };
        is_changed.then_some(changed)
    }
}

/// All states of a store by epoch, and which of them a crash at a position of the write log may leave.
#[derive(Clone, Default)]
pub struct History {
    states: Vec<Arc<State>>,
    /// From this many logged operations on, the epoch may be found.
    begun: Vec<(usize, u64)>,
    /// From this many logged operations on, the epoch, or a later one, must be found.
    durable: Vec<(usize, u64)>,
    /// Epochs that were acknowledged without a promise, and when.
    acknowledged: Vec<(u64, u64)>,
}

impl History {
    /// The history of a store that was found in this state.
    pub fn starting_with(states: Vec<Arc<State>>) -> History {
        let epoch = states.len() as u64 - 1;
        History { states, begun: vec![(0, epoch)], durable: vec![(0, epoch)], acknowledged: Vec::new() }
    }

    /// The history of a store that does not exist yet: whatever is found of it must be empty.
    pub fn before_creation() -> History {
        History { states: vec![Arc::default()], begun: vec![(0, 0)], ..History::default() }
    }

    pub fn epoch(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    pub fn newest(&self) -> &State {
        &self.states[self.states.len() - 1]
    }

    pub fn states(&self) -> &[Arc<State>] {
        &self.states
    }

    /// Adds the state behind a change whose first byte may be written from `position` on; answers its epoch.
    pub fn begin(&mut self, change: &Change, position: usize) -> u64 {
        if let Some(state) = change.apply(self.newest()) {
            self.states.push(Arc::new(state));
            self.begun.push((position, self.epoch()));
        }
        self.epoch()
    }

    /// Notes that the store promised, `position` operations into the log, to keep this epoch.
    pub fn promise(&mut self, epoch: u64, position: usize) {
        self.durable.push((position, epoch));
    }

    /// Notes that an epoch was acknowledged at a time, and may be lost for a while.
    pub fn acknowledge(&mut self, epoch: u64, now_ns: u64) {
        self.acknowledged.push((epoch, now_ns));
    }

    /// Notes that the store promised to keep what it acknowledged up to a time.
    pub fn promise_older(&mut self, up_to_ns: u64, position: usize) {
        let older = self.acknowledged.iter().filter(|(_, at_ns)| *at_ns <= up_to_ns).map(|(epoch, _)| *epoch).max();
        self.durable.extend(older.map(|epoch| (position, epoch)));
    }

    /// The epochs that a crash behind the first `position` operations may leave; `None` where there need be no store.
    pub fn allowed_at(&self, position: usize) -> Option<RangeInclusive<u64>> {
        let durable = self.durable.iter().filter(|(at, _)| *at <= position).map(|(_, epoch)| *epoch).max()?;
        let begun = self.begun.iter().filter(|(at, _)| *at < position).map(|(_, epoch)| *epoch).max();
        Some(durable..=begun.unwrap_or(0).max(durable))
    }

    /// The states up to this epoch: what goes on after a crash that left it.
    pub fn states_up_to(&self, epoch: u64) -> Vec<Arc<State>> {
        self.states[..=epoch as usize].to_vec()
    }
}
