use std::path::Path;

use rvf_types::{Metric, Row};

use super::Rows;

/// The sentence embeddings that the project is measured with.
pub struct RealData {
    pub rows: Rows,
    pub queries: Vec<f32>,
    /// The 100 nearest rows of each query, by cosine.
    pub truth: Vec<Row>,
}

/// Elements of each vector.
pub const DIMENSION: usize = 384;
/// True neighbours of each query that the data has.
pub const TRUTH: usize = 100;

impl RealData {
    /// The data in the folder `RVF_DATA`, or in `shared/data/debian` beside the repository; `None`, said aloud, where
    /// there is none. Ids are as long as those of the packages that the data describes, 17 bytes in the mean.
    pub fn load() -> Option<RealData> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/debian");
        let folder = std::env::var("RVF_DATA").unwrap_or(beside.to_owned());
        let folder = Path::new(&folder);
        let Ok(base) = std::fs::read(folder.join("base.f16")) else {
            println!("SKIPPED: no data in {}", folder.display());
            return None;
        };
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let base: Vec<f32> =
            base.as_chunks::<2>().0.iter().map(|bytes| float_of_half(u16::from_le_bytes(*bytes))).collect();
        let queries = read("queries.f32").as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let truth = read("groundtruth.i32").as_chunks::<4>().0.iter().map(|bytes| Row::from_le_bytes(*bytes)).collect();
        let mut rows = Rows::of_floats(Metric::Cosine, DIMENSION as u32, &base);
        rows.id = Box::new(package_like_id);
        Some(RealData { rows, queries, truth })
    }

    /// Queries with their true neighbours, nearest first.
    pub fn queries(&self) -> impl Iterator<Item = (&[f32], &[Row])> {
        self.queries.chunks_exact(DIMENSION).zip(self.truth.chunks_exact(TRUTH))
    }
}

/// 17 bytes that have nothing in common with those of the next row.
fn package_like_id(row: Row) -> Vec<u8> {
    format!("{:08x}-{row:08}", row.wrapping_mul(0x9E37_79B9)).into_bytes()
}

/// Decodes IEEE half precision: the exponent is 112 smaller, which a product makes good, for subnormals too.
fn float_of_half(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
    if half >> 15 == 1 { -magnitude } else { magnitude }
}
