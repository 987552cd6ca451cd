//! Answers from a snapshot.

mod exact;
mod page;
mod query;

pub use page::{RowPage, StoreSnapshot};
pub use query::{Hits, QueryOptions};
