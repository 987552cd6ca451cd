//! Goes through a log and keeps apart what is durable and what a power cut may take.

use std::collections::BTreeMap;

use super::super::memory::{Extent, Extents, Image};
use super::choice::{Chooser, Fate, LengthFate};
use super::log::Operation;
use super::names::Names;

/// The state of all files and names at one point of a log.
pub(super) struct Replay {
    files: BTreeMap<u64, File>,
    names: Names,
}

#[derive(Default)]
struct File {
    content: Extents,
    /// What was cut off, or never became part of the file: it may show again where the file grows without data.
    stale: Extents,
    pending: Vec<(usize, Change)>,
}

enum Change {
    Write {
        offset: u64,
        bytes: Extent,
    },
    SetLen(u64),
    /// What remains of a write whose sync failed: the file is that long, the bytes are gone.
    GrowTo(u64),
}

impl Replay {
    pub fn new(base: &Image) -> Replay {
        let files = base.files.iter().map(|(number, content)| {
            let file = File { content: content.clone(), ..File::default() };
            (*number, file)
        });
        Replay { files: files.collect(), names: Names::new(base.names.clone()) }
    }

    pub fn apply(&mut self, position: usize, operation: &Operation, chooser: &mut Chooser<'_>) {
        match operation {
            Operation::Write { file, offset, bytes } => {
                let change = Change::Write { offset: *offset, bytes: bytes.clone() };
                self.file(*file).pending.push((position, change));
            }
            Operation::SetLen { file, len } => {
                let change = Change::SetLen(*len);
                self.file(*file).pending.push((position, change));
            }
            Operation::Sync { file } => self.file(*file).make_durable(),
            Operation::SyncFailed { file } => self.file(*file).lose_pending(chooser),
            Operation::Create { file, name } => {
                self.file(*file);
                self.names.create(name, *file);
            }
            Operation::Publish { from, to } => self.names.publish(from, to),
            Operation::Replace { from, to } => self.names.replace(from, to),
            Operation::Remove { name } => self.names.remove(name),
            Operation::SyncDirectory { name } => self.names.sync_directory(name),
        }
    }

    pub fn pending_changes(&self) -> usize {
        self.files.values().map(|file| file.pending.len()).sum()
    }

    /// What is there after the power comes back.
    pub fn cut(mut self, chooser: &mut Chooser<'_>) -> Image {
        let mut pending: Vec<(usize, u64, Change)> = Vec::new();
        for (number, file) in &mut self.files {
            let changes = file.pending.drain(..);
            pending.extend(changes.map(|(position, change)| (position, *number, change)));
        }
        pending.sort_by_key(|(position, ..)| *position);
        for (_, number, change) in pending {
            self.file(number).settle(change, chooser);
        }
        let names = self.names.cut(chooser);
        let mut files = BTreeMap::new();
        for number in names.values() {
            if let Some(file) = self.files.get(number) {
                files.insert(*number, file.content.clone());
            }
        }
        Image { names, files }
    }

    fn file(&mut self, number: u64) -> &mut File {
        self.files.entry(number).or_default()
    }
}

impl File {
    fn make_durable(&mut self) {
        for (_, change) in std::mem::take(&mut self.pending) {
            match change {
                Change::Write { offset, bytes } => {
                    let whole = Fate::keep(bytes.len());
                    self.write(offset, &bytes, &whole);
                }
                Change::SetLen(len) => self.set_len(len),
                Change::GrowTo(len) => self.grow(len, false),
            }
        }
    }

    /// After a failed sync the system counts the pages as clean: no later sync writes them. The lengths, which the
    /// file system keeps elsewhere, still become durable.
    fn lose_pending(&mut self, chooser: &mut Chooser<'_>) {
        for (position, change) in std::mem::take(&mut self.pending) {
            let remainder = match change {
                Change::Write { offset, bytes } => {
                    let fate = chooser.lost_write(offset, bytes.len());
                    self.write(offset, &bytes, &fate);
                    Change::GrowTo(offset + bytes.len() as u64)
                }
                length => length,
            };
            self.pending.push((position, remainder));
        }
    }

    fn settle(&mut self, change: Change, chooser: &mut Chooser<'_>) {
        match change {
            Change::Write { offset, bytes } => {
                let fate = chooser.pending_write(offset, bytes.len());
                self.write(offset, &bytes, &fate);
            }
            Change::SetLen(len) => {
                if chooser.pending_length().0 {
                    self.set_len(len);
                }
            }
            Change::GrowTo(len) => {
                let (kept, stale) = chooser.pending_length();
                if kept {
                    self.grow(len, stale);
                }
            }
        }
    }

    fn write(&mut self, offset: u64, bytes: &Extent, fate: &Fate) {
        let data_end = fate.kept.iter().map(|part| part.end).max().unwrap_or(0);
        let len = match fate.length {
            LengthFate::Whole => self.content.len().max(offset + bytes.len() as u64),
            LengthFate::AsFarAsData if data_end > 0 => self.content.len().max(offset + data_end as u64),
            LengthFate::AsFarAsData | LengthFate::Unchanged => self.content.len(),
        };
        self.grow(len, fate.stale);
        for part in &fate.kept {
            let at = offset + part.start as u64;
            self.content.write(at, bytes.slice(part.clone()));
        }
        self.set_len(len);
    }

    fn grow(&mut self, len: u64, stale: bool) {
        let old_len = self.content.len();
        if len <= old_len {
            return;
        }
        self.content.set_len(len);
        if stale {
            for (at, bytes) in self.stale.pieces(old_len..len) {
                self.content.write(at, bytes);
            }
        }
    }

    fn set_len(&mut self, len: u64) {
        for (at, bytes) in self.content.set_len(len) {
            self.stale.write(at, bytes);
        }
    }
}
