//! Read-only mappings of files that grow.

use std::fs::File;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};
use parking_lot::RwLock;

use super::super::MappedBytes;

/// How much room beyond the end of the file a mapping gets at least, so that appends seldom need a new one.
#[cfg(unix)]
const RESERVE_BYTES_MIN: u64 = 64 << 20;

/// One mapping that all views of a file share, until the file outgrows it.
#[derive(Default)]
pub(super) struct GrowingMap {
    current: RwLock<Option<Arc<MmapRaw>>>,
}

impl GrowingMap {
    /// A view of the range; nothing where the file does not reach that far or the system gives no mapping.
    pub fn view(&self, file: &File, file_len: u64, offset: u64, len: usize) -> Option<MappedBytes> {
        let end = offset.checked_add(len as u64)?;
        if end > file_len || len == 0 {
            return None;
        }
        let end = usize::try_from(end).ok()?;
        let map = self.reaching(file, file_len, end)?;
        // SAFETY: start and end lie in the mapping, and in the file, which is never cut before its committed end while
        // somebody reads it. The bytes are not written again while the view lives, as `StorageFile::map` demands.
        let bytes = unsafe { std::slice::from_raw_parts(map.as_ptr().add(end - len), len) };
        // SAFETY: the mapping stays where it is for as long as the view has its share of it; for the rest as above.
        Some(unsafe { MappedBytes::new(map.clone(), bytes) })
    }

    fn reaching(&self, file: &File, file_len: u64, end: usize) -> Option<Arc<MmapRaw>> {
        let fits = |map: &&Arc<MmapRaw>| map.len() >= end;
        if let Some(map) = self.current.read().as_ref().filter(fits) {
            return Some(map.clone());
        }
        let mut current = self.current.write();
        if let Some(map) = current.as_ref().filter(fits) {
            return Some(map.clone());
        }
        let wanted = [reserved_len(file_len), Some(end)];
        let made =
            wanted.into_iter().flatten().find_map(|len| MmapOptions::new().len(len).map_raw_read_only(file).ok())?;
        let made = Arc::new(made);
        *current = Some(made.clone());
        Some(made)
    }
}

/// Twice the file, so that a growing file is mapped a logarithmic number of times. Pages behind its end become readable
/// as the file gets there.
#[cfg(unix)]
fn reserved_len(file_len: u64) -> Option<usize> {
    let len = file_len.checked_mul(2)?.max(file_len + RESERVE_BYTES_MIN);
    usize::try_from(len).ok()
}

/// Windows maps no more than there is.
#[cfg(not(unix))]
fn reserved_len(file_len: u64) -> Option<usize> {
    usize::try_from(file_len).ok()
}
