//! Packed vectors: all that a store with `compression` keeps of its vectors.
//!
//! Unlike [`crate::codes`], which only lead to rows that are then compared by their vectors, packed rows are what
//! answers are ranked by and what is handed out. So a row can be decoded, for `cosine` at the vector's own length, and there
//! are two distances: a quick estimate from integers, for walks ([`PackedScorer::distances`]), and the distance of the query,
//! as it is, from what the row stands for ([`PackedScorer::distances_of`]).
//!
//! **Scalar** rows are [coded rows](crate::codes), with one difference: for `cosine`, whose coded rows have no bias, its place
//! has the scale of the vector as it was, so that element `i` is `bias * (byte - 128)`, or
//! with four bits `bias * (half - 8)`.
//!
//! **Product and binary** rows are gain and shape. Of a vector `x`, for `cosine` at length 1, the mean `m` of the vectors
//! trained with is taken off. What is left has a direction `u` of length 1, which is coded, and is decoded to `l`. The row
//! stands for `d = m + s * l`, where `s` is such that `d` is nearest to `x`. Little-endian:
//!
//! | at | type | what |
//! |---|---|---|
//! | 0 | `f32` | scale `s` |
//! | 4 | `u16` | `l * l` in steps of 1/32,768 |
//! | 6 | `u16` | `cosine`: length of the vector, the upper half of an `f32`, rounded; 0 for the zero vector. `dotproduct`: likewise `a`, the part of `x - d` along the mean, `(x - d) * m / (m * m)`. `l2`: 0 |
//! | 8 | `u8` each | product: for each part of `u` the number of its nearest centroid; part `i` of `n` starts at element `i * dimension / n`. Binary: for each element of the rotated `u`, lowest bits first, whether it is not negative |
//!
//! | metric | decoded | distance from a query `q` |
//! |---|---|---|
//! | `l2` | `d` | `(q - d)²`, as `(q - m)² + s² (l * l) - 2 s (q - m) * l` |
//! | `cosine` | `d` at the vector's length | half of that, with `q` at length 1; 1 from and of the zero vector |
//! | `dotproduct` | `d + a * m` | `-(1 + a) q * m - s q * l` |
//!
//! **A trained quantiser** is the mean, an `f32` for each element, and for product packing part by part and centroid by
//! centroid each element's upper half of an `f32`. The rotation is the same in every store: rounds of signs and a
//! Walsh-Hadamard transform, in as many dimensions as there are bits, the power of two that the dimension fits into, 64 at
//! least. Binary rows of that rotated form are decoded to `1 / sqrt(bits)` and the negative of it.
//!
//! Rows can be read only with the quantiser that they were packed with. Vectors with NaN or infinity are packed as the zero
//! vector.
//!
//! `docs/packed.md` has what each packing reaches, and what else was tried.

mod binary;
mod centre;
mod header;
mod layout;
mod product;
mod quantiser;
mod scalar;
mod scorer;
mod table;
mod trained;

pub use layout::{PackedLayout, Packing};
pub use quantiser::Quantiser;
pub use scorer::PackedScorer;
pub use table::PackedTable;
