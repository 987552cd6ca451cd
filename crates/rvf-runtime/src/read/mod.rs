//! Answers from a snapshot.

mod changes;
mod coarse;
mod exact;
mod explain;
mod fitting;
mod matching;
mod page;
mod quality;
mod query;
mod question;
mod rank;
mod scorer;
mod walk;
mod way;

pub use changes::{Changes, ChangesPosition};
pub use coarse::CoarseBudget;
pub use explain::{ConditionBounds, FilterPlan, QueryPlan, Strategy};
pub use page::{FilteredPage, PageRequest, RowPage, StoreSnapshot};
pub use quality::Quality;
pub use query::{Hits, QueryOptions};

pub(crate) use changes::patched_rows;
pub(crate) use fitting::KeptFilters;
pub(crate) use matching::Matching;
pub(crate) use scorer::RowScorer;
