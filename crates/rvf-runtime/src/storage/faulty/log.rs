//! The record of everything that changed a storage, and what a power cut at any point of it leaves.

use super::super::MemoryStorage;
use super::super::memory::{Extent, Image};
use super::choice::{Chooser, CrashChoice};
use super::replay::Replay;

/// One operation that changed a storage. Files go by number, names by path.
#[derive(Clone)]
pub(super) enum Operation {
    Write { file: u64, offset: u64, bytes: Extent },
    SetLen { file: u64, len: u64 },
    Sync { file: u64 },
    SyncFailed { file: u64 },
    Create { file: u64, name: String },
    Publish { from: String, to: String },
    Replace { from: String, to: String },
    Remove { name: String },
    SyncDirectory { name: String },
}

/// All that changed a storage, in order, from what it held (durably) at first.
#[derive(Clone, Default)]
pub struct WriteLog {
    base: Image,
    operations: Vec<Operation>,
}

impl WriteLog {
    pub(super) fn new(base: Image) -> WriteLog {
        WriteLog { base, operations: Vec::new() }
    }

    pub(super) fn push(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// How many operations were recorded.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// True where nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// One line for each operation, for messages of failing tests.
    pub fn describe(&self) -> Vec<String> {
        self.operations.iter().map(describe).collect()
    }

    /// What the storage may hold after a power cut right behind the first `at` operations.
    pub fn crash_image(&self, at: usize, choice: &CrashChoice) -> MemoryStorage {
        let mut chooser = Chooser::new(choice);
        let replay = self.replay(at, &mut chooser);
        MemoryStorage::from_image(&replay.cut(&mut chooser))
    }

    /// How many writes and length changes a power cut behind the first `at` operations would find unsynced: the
    /// number of answers in a [`CrashChoice::Subset`].
    pub fn pending_changes(&self, at: usize) -> usize {
        self.replay(at, &mut Chooser::new(&CrashChoice::DropAll)).pending_changes()
    }

    fn replay(&self, at: usize, chooser: &mut Chooser<'_>) -> Replay {
        let mut replay = Replay::new(&self.base);
        for (position, operation) in self.operations.iter().take(at).enumerate() {
            replay.apply(position, operation, chooser);
        }
        replay
    }
}

fn describe(operation: &Operation) -> String {
    match operation {
        Operation::Write { file, offset, bytes } => format!("write {} bytes at {offset} of file {file}", bytes.len()),
        Operation::SetLen { file, len } => format!("set length {len} of file {file}"),
        Operation::Sync { file } => format!("sync file {file}"),
        Operation::SyncFailed { file } => format!("sync of file {file} failed"),
        Operation::Create { file, name } => format!("create {name} as file {file}"),
        Operation::Publish { from, to } => format!("publish {from} as {to}"),
        Operation::Replace { from, to } => format!("replace {to} by {from}"),
        Operation::Remove { name } => format!("remove {name}"),
        Operation::SyncDirectory { name } => format!("sync the directory of {name}"),
    }
}
