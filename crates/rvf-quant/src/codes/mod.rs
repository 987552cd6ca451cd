//! Codes: vectors in a quarter of their bytes, near enough to find one's way by. Whoever answers a query compares the
//! best of what codes found with the vectors themselves.
//!
//! A **coded row** of a vector of numbers (`F32`, `F16`, `I8`), `row_bytes` = 8 + dimension rounded up to a multiple of 16, little-endian:
//!
//! | at | type | what |
//! |---|---|---|
//! | 0 | `f32` | scale `s`: element `i` of the vector is about `s * (byte - 128)` |
//! | 4 | `f32` | bias `b`: what the row alone adds to a distance |
//! | 8 | `u8` each | the elements, `1..=255`; 128 from the dimension on |
//!
//! With [`CodePrecision::Int4`] half as many bytes follow scale and bias: `e` = dimension / 2 rounded up to a multiple of
//! 16. The lower half of byte `i` is element `i`, the upper half element `e + i`, each about `s * (half - 8)` and in
//! `1..=15`; 8 from the dimension on. Queries are coded in whole bytes either way.
//!
//! | metric | coded vector | bias | distance from a query `q`, coded as `t * (byte - 128)` |
//! |---|---|---|---|
//! | `l2` | as it is | squared norm of the decoded vector, `s * s` times the sum of squared codes | that of `q` likewise, `+ b - 2 * s * t * dot` |
//! | `cosine` | at length 1 | 0 | `1 - s * t * dot` |
//! | `dotproduct` | as it is | 0 | `-s * t * dot` |
//!
//! A coded row of a `Binary` vector is the vector: `dimension / 8` bytes, rounded up.
//!
//! A table of coded rows is one after the other, without gaps, at any alignment. The rows depend on nothing but their
//! vectors, so tables can be joined, cut and reordered by copying bytes.
//!
//! Squared distances do not change when the same vector is taken off both sides, but codes get finer where that makes
//! vectors shorter. Vectors that lie far from the origin and near each other are best coded less their mean.
//!
//! Scalar quantisation with a scale for each vector, as the first level of LVQ has it (Aguerrebere et al., "Similarity
//! search in the blink of an eye with compressed indices", VLDB 2023, <https://arxiv.org/abs/2304.04759>), but symmetric
//! about 0 and without taking off the mean. `docs/codes.md` has how near the codes come, and what else was tried.

mod decode;
mod encode;
mod layout;
mod scorer;
mod table;

pub(crate) use layout::ELEMENTS_START;
pub use layout::{CodeLayout, CodePrecision};
pub use scorer::CodeScorer;
pub use table::CodeTable;
