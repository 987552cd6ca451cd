//! What the tests about damaged and hostile files share: stores that come out the same in every run, what must be read
//! back from them, and a forger who knows the file's salt and every checksum.

// Each test program uses a part of this.
#![allow(dead_code)]

pub mod child;
pub mod expected;
pub mod fixed_host;
pub mod forger;
pub mod numbers;
pub mod patience;
pub mod peak_memory;
pub mod samples;

use std::sync::Arc;
use std::time::Duration;

use rvf_runtime::storage::{AlignedBytes, MemoryStorage};
use rvf_runtime::{Host, OpenOptions, PageRequest, Result, RvfStore};

/// Where the samples are in their own storage.
pub const PATH: &str = "/sample.rvf";
/// Longer than anything here waits.
pub const WAIT: Duration = Duration::from_secs(60);

/// True in the long run (`RVF_LONG=1`), which looks at everything instead of at a sample.
pub fn is_long_run() -> bool {
    std::env::var_os("RVF_LONG").is_some_and(|value| value == "1")
}

/// A host over a storage that holds these bytes as its only file.
pub fn host_with(bytes: &[u8]) -> Host {
    fixed_host::over(Arc::new(MemoryStorage::with_file(PATH, bytes)))
}

/// Opens these bytes for reading.
pub fn open_to_read(bytes: &[u8]) -> Result<RvfStore> {
    RvfStore::open_bytes(&fixed_host::in_memory(), AlignedBytes::from(bytes), &OpenOptions::read_only())
}

/// Opens these bytes for writing; what becomes of them is in the host's storage.
pub fn open_to_write(bytes: &[u8]) -> (Host, Result<RvfStore>) {
    let host = host_with(bytes);
    let opened = RvfStore::open(&host, PATH, &OpenOptions::default());
    (host, opened)
}

/// A page of rows with their vectors.
pub fn page_at(cursor: u32, limit: usize) -> PageRequest {
    PageRequest { cursor, limit, with_vectors: true }
}

/// All bytes of the sample in a host's storage.
pub fn file_bytes(host: &Host) -> Vec<u8> {
    let file = host.storage.open(PATH, rvf_runtime::storage::OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}
