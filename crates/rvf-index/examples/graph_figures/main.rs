//! Figures of graphs over the real data, 63,666 sentence embeddings: `cargo run --release -p rvf-index --example
//! graph_figures -- TABLE`, where TABLE is `choice`, `parameters`, `order`, `filters`, `replace`, `threads`, `dot`,
//! `layers`, `growth` or `compaction`.
//!
//! The data lies in the folder `RVF_DATA`, or in `shared/data/debian` beside the repository. `docs/graph-choice.md` has
//! what this printed.

#[path = "../../tests/common/mod.rs"]
mod common;
mod dot;
mod growth;
mod measure;
mod rivals;
mod tables;

use std::error::Error;

use common::RealData;
use measure::Bench;

fn main() -> Result<(), Box<dyn Error>> {
    let table = std::env::args().nth(1).unwrap_or_default();
    let bench = Bench::new(RealData::load().ok_or("no data")?);
    match table.as_str() {
        "choice" => tables::choice(&bench),
        "parameters" => tables::parameters(&bench),
        "order" => tables::order(&bench),
        "filters" => tables::filters(&bench),
        "replace" => tables::replace(&bench),
        "threads" => tables::threads(&bench),
        "dot" => dot::table(&bench),
        "layers" => growth::layers(&bench),
        "compaction" => growth::compaction(&bench),
        "growth" => growth::growth(&bench),
        _ => Err("say which table, as this example's documentation lists them".into()),
    }
}
