//! A cold reader answers roughly from a few ranges of the file. The storage here maps nothing and counts what is read.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rvf_runtime::storage::{
    AlignedBytes, FileIdentity, FileStorage, LockOutcome, MappedBytes, OpenMode, Storage, StorageFile, StorageResult,
};
use rvf_runtime::types::Metric;
use rvf_runtime::{
    Batch, CoarseBudget, Control, CreateOptions, Durability, Host, OnDuplicate, OpenOptions, PackedStrings, RvfStore,
};

const DIMENSION: usize = 384;
const ROW_BYTES: usize = DIMENSION * 4;
const K: usize = 10;

/// What was read from the files of a storage.
#[derive(Default)]
struct Counted {
    requests: AtomicU64,
    bytes: AtomicU64,
}

struct CountingStorage {
    files: FileStorage,
    counted: Arc<Counted>,
}

struct CountingFile {
    file: Arc<dyn StorageFile>,
    counted: Arc<Counted>,
}

impl Storage for CountingStorage {
    fn resolve(&self, path: &str) -> StorageResult<String> {
        self.files.resolve(path)
    }

    fn open(&self, path: &str, mode: OpenMode) -> StorageResult<Arc<dyn StorageFile>> {
        let file = self.files.open(path, mode)?;
        Ok(Arc::new(CountingFile { file, counted: Arc::clone(&self.counted) }))
    }

    fn create_exclusive(&self, path: &str) -> StorageResult<Arc<dyn StorageFile>> {
        self.files.create_exclusive(path)
    }

    fn publish(&self, from: &str, to: &str) -> StorageResult<()> {
        self.files.publish(from, to)
    }

    fn replace(&self, from: &str, to: &str) -> StorageResult<()> {
        self.files.replace(from, to)
    }

    fn remove(&self, path: &str) -> StorageResult<()> {
        self.files.remove(path)
    }

    fn sync_directory(&self, path: &str) -> StorageResult<()> {
        self.files.sync_directory(path)
    }

    fn identity_at(&self, path: &str) -> StorageResult<FileIdentity> {
        self.files.identity_at(path)
    }
}

impl StorageFile for CountingFile {
    fn len(&self) -> StorageResult<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> StorageResult<()> {
        self.counted.requests.fetch_add(1, Ordering::Relaxed);
        self.counted.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, parts: &[&[u8]]) -> StorageResult<()> {
        self.file.write_at(offset, parts)
    }

    fn sync(&self) -> StorageResult<()> {
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> StorageResult<()> {
        self.file.set_len(len)
    }

    fn try_lock(&self) -> StorageResult<LockOutcome> {
        self.file.try_lock()
    }

    fn identity(&self) -> StorageResult<FileIdentity> {
        self.file.identity()
    }

    fn map(&self, _offset: u64, _len: usize) -> Option<MappedBytes> {
        None
    }
}

fn float_of_half(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
    if half >> 15 == 1 { -magnitude } else { magnitude }
}

/// Vectors, queries, and the numbers of the nearest rows of each query.
struct RealData {
    vectors: Vec<u8>,
    queries: Vec<u8>,
    nearest: Vec<u32>,
}

fn real_data() -> Option<RealData> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/debian");
    let folder = std::env::var("RVF_DATA").map_or(PathBuf::from(beside), PathBuf::from);
    let Ok(halves) = std::fs::read(folder.join("base.f16")) else {
        eprintln!("SKIPPED: no embeddings; RVF_DATA names the folder that has base.f16");
        return None;
    };
    let float = |bytes: &[u8; 2]| float_of_half(u16::from_le_bytes(*bytes)).to_le_bytes();
    let truth = std::fs::read(folder.join("groundtruth.i32")).unwrap();
    Some(RealData {
        vectors: halves.as_chunks::<2>().0.iter().flat_map(float).collect(),
        queries: std::fs::read(folder.join("queries.f32")).unwrap(),
        nearest: truth.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect(),
    })
}

fn fill(store: &RvfStore, vectors: &[u8]) {
    for (index, vectors) in vectors.chunks(4_000 * ROW_BYTES).enumerate() {
        let mut ids = PackedStrings { bytes: Vec::new(), offsets: vec![0] };
        for row in 0..vectors.len() / ROW_BYTES {
            ids.bytes.extend_from_slice(format!("package-{}", index * 4_000 + row).as_bytes());
            ids.offsets.push(ids.bytes.len() as u32);
        }
        let batch = Batch { ids, vectors: AlignedBytes::from(vectors), metadata: None };
        store.ingest(batch, OnDuplicate::Error, Duration::MAX).unwrap();
    }
}

#[test]
fn a_cold_reader_answers_from_twelve_reads_and_a_megabyte_and_a_half() {
    let Some(data) = real_data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
    // The layer does not depend on the graph, so that is made as quickly as can be.
    let mut options = CreateOptions::new(DIMENSION as u32, Metric::Cosine);
    (options.store.m, options.store.ef_construction, options.durability) = (8, 20, Durability::None);
    let store = RvfStore::create(&Host::native(), &path, &options).unwrap();
    fill(&store, &data.vectors);
    store.wait_for_index(&Control::default()).unwrap();
    store.close().unwrap();

    let (mut found, mut asked) = (0, 0);
    let (mut most_requests, mut most_bytes) = (0, 0);
    for (query, nearest) in data.queries.chunks(ROW_BYTES).zip(data.nearest.chunks(100)).step_by(10) {
        let counted = Arc::new(Counted::default());
        let files = FileStorage::new();
        let host = Host::native_over(Arc::new(CountingStorage { files, counted: Arc::clone(&counted) }));
        let store = RvfStore::open(&host, &path, &OpenOptions::read_only()).unwrap();
        let opened = counted.requests.load(Ordering::Relaxed);
        let left = CoarseBudget { requests_max: 12 - opened as u32 - 3, bytes_max: 1_300_000 };
        let hits = store.query_coarse(query, K, left).unwrap().unwrap();
        let truth: Vec<String> = nearest[..K].iter().map(|row| format!("package-{row}")).collect();
        found += hits.ids.iter().filter(|id| truth.contains(id)).count();
        asked += K;
        most_requests = most_requests.max(counted.requests.load(Ordering::Relaxed));
        most_bytes = most_bytes.max(counted.bytes.load(Ordering::Relaxed));
    }
    let recall = found as f64 / asked as f64;
    println!("recall {recall}, at most {most_requests} reads of {most_bytes} bytes");
    assert!(most_requests <= 12, "{most_requests} reads");
    assert!(most_bytes <= 1_500_000, "{most_bytes} bytes");
    assert!(recall >= 0.70, "recall {recall}");
}
