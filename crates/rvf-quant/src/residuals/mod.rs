//! Residual codes: vectors in two bits an element, as what is left of them beside a centre that many rows share. They
//! are what a reader has who fetches few bytes and answers roughly.
//!
//! A vector is **prepared** first: `cosine` brings it to length 1, bits become the numbers 0 and 1, and a vector with
//! NaN or infinity, as only a damaged file has, becomes zero. The residual `r` is the prepared vector less its centre
//! `c`. A coded row of a vector of numbers, `row_bytes` = 8 + `quarter`, where `quarter` is a fourth of the dimension,
//! rounded up; little-endian:
//!
//! | at | type | what |
//! |---|---|---|
//! | 0 | `f32` | scale `s`: element `i` of the residual is about `s * level` |
//! | 4 | `f32` | bias `b`: what the row alone adds to a distance |
//! | 8 | `u8` each | byte `j` has the elements `j`, `j + quarter`, `j + 2 * quarter` and `j + 3 * quarter`, lowest bits first: 0 to 3 are the levels -3, -1, 1 and 3; those past the dimension are 0 |
//!
//! | metric | bias | distance from a prepared query `q` |
//! |---|---|---|
//! | `l2` | `r · r` | `(q - c)² + b - 2 * s * (q - c) · levels` |
//! | `cosine` | `c · r` | `1 - q · c - a * b - s * (q - a * c) · levels`, where `a = q · c / c · c` |
//! | `dotproduct` | `c · r` | the same without the 1 |
//!
//! The known part of a residual, along the centre, thus adds no error, and the error of the rest grows only with how far
//! the query is from the centre. A coded row of a `Binary` vector is the vector: `dimension / 8` bytes, rounded up.
//!
//! The scale is `r · r / (r · levels)`, which makes the estimate of a dot product unbiased; the least squares that one
//! takes for the smallest error of the vector pull all distances towards that of the centre, and order rows worse. It
//! is the estimator of RaBitQ (Gao and Long, "RaBitQ: Quantizing high-dimensional vectors with a theoretical error
//! bound", SIGMOD 2024, <https://arxiv.org/abs/2405.12497>), here with two bits and without its rotation.
//! `docs/progressive-layer.md` has what else was tried.

mod encoder;
mod layout;
mod scorer;

pub use encoder::ResidualEncoder;
pub use layout::ResidualLayout;
pub use scorer::ResidualScorer;
