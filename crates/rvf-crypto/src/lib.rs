//! Hashes and the witness chain of the RVF store: thin over the audited RustCrypto crates, no I/O, no allocation.
#![no_std]

mod action;
mod hash;
mod kind;
mod witness;

pub use action::{ActionSummary, action_hash};
pub use hash::{shake256_16, shake256_32};
pub use kind::WitnessKind;
pub use witness::{BrokenLink, GENESIS_HASH, WITNESS_ENTRY_BYTES, WitnessEntry, WitnessError, verify_links};
