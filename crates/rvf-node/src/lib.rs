//! The native addon: converts arguments and answers, and runs calls off the event loop. No logic of the store is here.
//!
//! What it exports is `EngineModule` of `src-ts/engine.ts`. Arguments are copied before a call returns, so a caller may
//! reuse its buffers. Errors carry their code at the start of the message, as in `[0305] ...`.
#![allow(clippy::needless_pass_by_value)]
// Without the macros that register it with Node, which a test build leaves out, everything here looks unused.
#![cfg_attr(test, allow(dead_code))]

mod answers;
mod by_filter;
mod control;
mod error;
mod ingest_group;
mod lifecycle;
mod options;
mod promises;
mod snapshot;
mod store;
mod tasks;
