//! The names of a storage, and which of their changes a power cut may undo.

use std::collections::BTreeMap;

use super::choice::Chooser;

/// Names by path, as the processes see them and as the disk has them.
pub(super) struct Names {
    durable: BTreeMap<String, u64>,
    current: BTreeMap<String, u64>,
    pending: BTreeMap<String, Vec<NameChange>>,
}

#[derive(Clone)]
enum NameChange {
    Link { name: String, file: u64 },
    Unlink { name: String },
    Move { from: String, to: String, file: u64 },
}

impl Names {
    pub fn new(durable: BTreeMap<String, u64>) -> Names {
        Names { current: durable.clone(), durable, pending: BTreeMap::new() }
    }

    pub fn create(&mut self, name: &str, file: u64) {
        let name = name.to_owned();
        self.change(NameChange::Link { name, file });
    }

    /// Two steps, as on file systems where the new name is a link and the old one goes after it.
    pub fn publish(&mut self, from: &str, to: &str) {
        if let Some(file) = self.current.get(from).copied() {
            let name = to.to_owned();
            self.change(NameChange::Link { name, file });
            self.remove(from);
        }
    }

    pub fn replace(&mut self, from: &str, to: &str) {
        if let Some(file) = self.current.get(from).copied() {
            let (from, to) = (from.to_owned(), to.to_owned());
            self.change(NameChange::Move { from, to, file });
        }
    }

    pub fn remove(&mut self, name: &str) {
        let name = name.to_owned();
        self.change(NameChange::Unlink { name });
    }

    pub fn sync_directory(&mut self, name: &str) {
        for change in self.pending.remove(directory_of(name)).unwrap_or_default() {
            apply(&mut self.durable, change);
        }
    }

    /// The names after a power cut: in each directory, some first ones of the pending changes survive.
    pub fn cut(self, chooser: &mut Chooser<'_>) -> BTreeMap<String, u64> {
        let mut names = self.durable;
        for changes in self.pending.into_values() {
            let surviving = chooser.surviving_names(changes.len());
            for change in changes.into_iter().take(surviving) {
                apply(&mut names, change);
            }
        }
        names
    }

    fn change(&mut self, change: NameChange) {
        let (NameChange::Link { name, .. } | NameChange::Unlink { name } | NameChange::Move { to: name, .. }) = &change;
        let directory = directory_of(name).to_owned();
        self.pending.entry(directory).or_default().push(change.clone());
        apply(&mut self.current, change);
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: NameChange) {
    match change {
        NameChange::Link { name, file } => {
            names.insert(name, file);
        }
        NameChange::Unlink { name } => {
            names.remove(&name);
        }
        NameChange::Move { from, to, file } => {
            names.remove(&from);
            names.insert(to, file);
        }
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}
