//! What the examples about codes share: the data, and how recall is counted.

use half::f16;
use std::path::{Path, PathBuf};

/// Elements of a vector.
pub const DIMENSION: usize = 384;

/// True neighbours that the data gives for each query.
const TRUTH: usize = 100;

/// The embeddings of `shared/data/debian`: rows and queries as they are, and the 100 nearest rows of each query by cosine.
pub struct Data {
    pub rows: Vec<f32>,
    pub queries: Vec<f32>,
    pub truth: Vec<Vec<u32>>,
}

impl Data {
    /// Reads the folder that `RVF_DATA` names, or else the one beside this checkout.
    pub fn read() -> Data {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/debian");
        let folder = std::env::var_os("RVF_DATA").map_or(beside, PathBuf::from);
        let bytes = |name: &str| std::fs::read(folder.join(name)).expect("the data is there");
        let rows = bytes("base.f16").as_chunks::<2>().0.iter().map(|half| f16::from_le_bytes(*half).to_f32()).collect();
        let queries = bytes("queries.f32").as_chunks::<4>().0.iter().map(|float| f32::from_le_bytes(*float)).collect();
        let truth: Vec<u32> =
            bytes("groundtruth.i32").as_chunks::<4>().0.iter().map(|row| u32::from_le_bytes(*row)).collect();
        Data { rows, queries, truth: truth.chunks(TRUTH).map(<[u32]>::to_vec).collect() }
    }
}

/// The floats as the bytes a file would hold.
pub fn bytes_of(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

/// How many of the true neighbours an estimate finds, as shares.
#[derive(Default)]
pub struct Recall {
    shares: [f64; COLUMNS.len()],
    queries: f64,
}

/// (true neighbours asked for, rows kept by the estimate): rows kept beyond those asked for are re-ranked exactly.
const COLUMNS: [(usize, usize); 8] =
    [(10, 10), (10, 24), (10, 48), (10, 100), (100, 100), (100, 150), (100, 240), (1, 1)];

/// Rows that [`Recall::add`] wants.
pub const KEPT: usize = 240;

impl Recall {
    /// Counts one query: `nearest` are the [`KEPT`] rows nearest by the estimate, in order.
    pub fn add(&mut self, truth: &[u32], nearest: &[(f32, u32)]) {
        for (share, (wanted, kept)) in self.shares.iter_mut().zip(COLUMNS) {
            let found = |row: &&u32| nearest[..kept.min(nearest.len())].iter().any(|(_, other)| other == *row);
            *share += truth[..wanted].iter().filter(found).count() as f64 / wanted as f64;
        }
        self.queries += 1.0;
    }

    /// The head of the table that [`Recall::print`] fills.
    pub fn print_head(title: &str) {
        let columns = COLUMNS.map(|(wanted, kept)| format!("{wanted} in {kept}")).join(" | ");
        println!("\n| {title} | {columns} |\n|---{}|", "|---".repeat(COLUMNS.len()));
    }

    /// A row of the table.
    pub fn print(&self, name: &str) {
        println!("| {name} | {} |", self.shares.map(|share| format!("{:.4}", share / self.queries)).join(" | "));
    }
}
