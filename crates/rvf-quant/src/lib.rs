//! Distances between vectors, and the k smallest of them.
//!
//! [`Scorer`] holds one query and scores rows of packed little-endian bytes against it, with the fastest kernel this
//! CPU can run. [`CodeScorer`] does the same with [`codes`] a quarter as large, picked by row number, to find the way
//! through a graph, and [`ResidualScorer`] with [`residuals`] of a fifteenth, to answer roughly. [`PackedScorer`] compares
//! [`packed`] rows, which stand for vectors that are not kept. [`TopK`] keeps the best.
//! None ever sees a file.
//!
//! | metric | distance | rows |
//! |---|---|---|
//! | `l2` | sum of squared differences | `F32`, `F16`, `I8` |
//! | `cosine` | `1 - cos`, in `[0, 2]`; 1 where either side is the zero vector | `F32`, `F16`, `I8` |
//! | `dotproduct` | `-dot` | `F32`, `F16`, `I8` |
//! | `hamming` | differing bits | `Binary` |

pub mod codes;
pub mod element;
mod error;
mod finish;
mod kernels;
pub mod packed;
mod query;
pub mod reference;
pub mod residuals;
mod scorer;
mod topk;
mod wide;

pub use codes::{CodeLayout, CodePrecision, CodeScorer, CodeTable};
pub use error::QuantError;
pub use kernels::{CodeIsa, CodeKernel, Isa, Kernel, PackedKernel};
pub use packed::{PackedLayout, PackedScorer, PackedTable, Packing, Quantiser};
pub use residuals::{ResidualEncoder, ResidualLayout, ResidualScorer};
pub use scorer::Scorer;
pub use topk::TopK;
