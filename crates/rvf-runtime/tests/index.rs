//! The index of a store: what is promised of answers that the graph leads to, and of the graph's own life in the file.
//!
//! A failure of a random life prints its seed: `RVF_SEED=<seed>` repeats that life alone. `RVF_LONG=1` takes the long forms.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "index/access_counts.rs"]
mod access_counts;
#[path = "index/closing.rs"]
mod closing;
#[path = "index/damage.rs"]
mod damage;
mod damage_common;
#[path = "index/filtered.rs"]
mod filtered;
#[path = "index/forged.rs"]
mod forged;
#[path = "index/full_disk.rs"]
mod full_disk;
#[path = "index/hosts.rs"]
mod hosts;
mod kit;
#[path = "index/lives.rs"]
mod lives;
#[path = "index/model.rs"]
mod model;
#[path = "index/packed.rs"]
mod packed;
#[path = "index/packed_damage.rs"]
mod packed_damage;
#[path = "index/points.rs"]
mod points;
#[path = "index/precision.rs"]
mod precision;
#[path = "index/reopening.rs"]
mod reopening;
#[path = "index/replaced.rs"]
mod replaced;
#[path = "index/shapes.rs"]
mod shapes;
#[path = "index/stopping.rs"]
mod stopping;
#[path = "index/temperature.rs"]
mod temperature;
#[path = "index/temperature_damage.rs"]
mod temperature_damage;
#[path = "index/waiting.rs"]
mod waiting;
