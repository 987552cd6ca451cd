use std::sync::Arc;

use crate::Result;
use crate::open::{is_same, load_for_reader, open_reader};
use crate::store::{RvfStore, closed};

impl RvfStore {
    /// Rolls a reader forward to the newest commit, also onto the file that a compaction put in the place of the one it has
    /// open. True where there was something new. A writer has the newest state always.
    pub fn refresh(&self) -> Result<bool> {
        if !self.shared.options.read_only {
            return self.current().map(|_| false);
        }
        // One refresh at a time, and none that ends after the store was closed; a reader has no writer to hold up.
        let _turn = self.shared.writer.lock();
        let current = self.shared.snapshot.load_full().ok_or_else(closed)?;
        let named = self.shared.host.storage.identity_at(&self.shared.path)?;
        let is_same_file = is_same(&named, &current.file.identity()?);
        if is_same_file && current.file.len()? == current.committed_end {
            return Ok(false);
        }
        let opened = if is_same_file {
            load_for_reader(&self.shared.host, &current.file, Some(&current))?
        } else {
            open_reader(&self.shared.host, &self.shared.path, &self.shared.options)?
        };
        let is_new = !is_same_file || opened.snapshot.committed_end > current.committed_end;
        if is_new {
            self.shared.snapshot.store(Some(Arc::new(opened.snapshot)));
        }
        Ok(is_new)
    }
}
