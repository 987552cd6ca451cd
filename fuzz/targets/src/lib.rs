//! What the fuzzer runs: functions that take any bytes and must come back, without a panic, in little time and memory.
//!
//! They are plain functions so that a normal test can run them too, on a committed corpus and on mutations of it.

mod host;
mod open;
mod reseal;
mod script;
mod segment;

pub use open::open;
pub use segment::segment;
