use roaring::RoaringBitmap;

use crate::columns::Bytes;
use crate::evaluate::leaf::Leaf;
use crate::evaluate::plan::{Plan, Step};
use crate::{ColumnError, ColumnSource};

/// Rows that match and rows that may; the two have no row in common.
pub(super) struct Answer {
    pub(super) sure: RoaringBitmap,
    pub(super) open: RoaringBitmap,
}

type Result<T, S> = std::result::Result<T, ColumnError<<S as ColumnSource>::Error>>;

/// All rows of a run.
pub(super) fn all_rows(row_count: u32) -> RoaringBitmap {
    let mut rows = RoaringBitmap::new();
    rows.insert_range(0..row_count);
    rows
}

/// Reads the postings of a plan and combines them.
pub(super) fn answer<S: ColumnSource>(plan: &Plan<'_, S>, bytes: Bytes<'_, S>) -> Result<Answer, S> {
    match &plan.step {
        Step::Leaf(leaf) => leaf_answer(leaf, bytes),
        Step::And(plans) => all_of(plans, bytes),
        Step::Or(plans) => any_of(plans, bytes),
        Step::Not(inner) => {
            let Answer { sure, open } = answer(inner, bytes)?;
            Ok(Answer { sure: all_rows(bytes.row_count) - sure - &open, open })
        }
    }
}

fn leaf_answer<S: ColumnSource>(leaf: &Leaf<'_, S>, bytes: Bytes<'_, S>) -> Result<Answer, S> {
    let none = RoaringBitmap::new;
    Ok(match leaf {
        Leaf::None => Answer { sure: none(), open: none() },
        Leaf::Rows(section) => Answer { sure: bytes.rows(*section)?, open: none() },
        Leaf::Open(section) => Answer { sure: none(), open: bytes.rows(*section)? },
        Leaf::OpenAll => Answer { sure: none(), open: all_rows(bytes.row_count) },
        Leaf::Keys(keys) => {
            let sure = keys.dictionary.rows(&keys.sure)?;
            let open = keys.dictionary.rows(&keys.open)? - &sure;
            Answer { sure, open }
        }
    })
}

/// Rows of every plan, in the order of their estimates, which is how they are sorted. What is negated is taken away from
/// the rest, so that no complement of a whole run is made.
fn all_of<S: ColumnSource>(plans: &[Plan<'_, S>], bytes: Bytes<'_, S>) -> Result<Answer, S> {
    let (negated, plain): (Vec<_>, Vec<_>) = plans.iter().partition(|plan| matches!(plan.step, Step::Not(_)));
    let mut plain = plain.into_iter();
    let mut rows = match plain.next() {
        Some(first) => answer(first, bytes)?,
        None => Answer { sure: all_rows(bytes.row_count), open: RoaringBitmap::new() },
    };
    for plan in plain {
        if rows.is_empty() {
            return Ok(rows);
        }
        let Answer { sure, open } = answer(plan, bytes)?;
        if rows.open.is_empty() && open.is_empty() {
            rows.sure &= sure;
            continue;
        }
        let possible = (&rows.sure | rows.open) & (&sure | open);
        rows.sure &= sure;
        rows.open = possible - &rows.sure;
    }
    for plan in negated {
        let Step::Not(inner) = &plan.step else { continue };
        if rows.is_empty() {
            return Ok(rows);
        }
        let Answer { sure, open } = answer(inner, bytes)?;
        rows.open = (rows.open | (&rows.sure & &open)) - &sure;
        rows.sure = rows.sure - sure - open;
    }
    Ok(rows)
}

fn any_of<S: ColumnSource>(plans: &[Plan<'_, S>], bytes: Bytes<'_, S>) -> Result<Answer, S> {
    let mut rows = Answer { sure: RoaringBitmap::new(), open: RoaringBitmap::new() };
    for plan in plans {
        let Answer { sure, open } = answer(plan, bytes)?;
        rows.sure |= sure;
        rows.open |= open;
    }
    rows.open -= &rows.sure;
    Ok(rows)
}

impl Answer {
    fn is_empty(&self) -> bool {
        self.sure.is_empty() && self.open.is_empty()
    }
}
