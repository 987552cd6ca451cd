use crate::columns::{Class, Columns, Field};
use crate::evaluate::leaf::{Leaf, numbers, rows_of, values};
use crate::evaluate::{Estimate, texts};
use crate::expression::{Node, Test};
use crate::scalar::ScalarSet;
use crate::{ColumnError, ColumnSource, Expression};

/// An expression whose values have been looked up in the columns of one run.
pub(super) struct Plan<'s, S> {
    pub(super) step: Step<'s, S>,
    pub(super) estimate: Estimate,
}

pub(super) enum Step<'s, S> {
    Leaf(Leaf<'s, S>),
    And(Vec<Plan<'s, S>>),
    Or(Vec<Plan<'s, S>>),
    Not(Box<Plan<'s, S>>),
}

type Result<T, S> = std::result::Result<T, ColumnError<<S as ColumnSource>::Error>>;

/// Looks up every value of an expression and orders its parts: fewest possible rows first under `and`.
pub(super) fn plan<'s, S: ColumnSource>(expression: &Expression, columns: &Columns<'s, S>) -> Result<Plan<'s, S>, S> {
    plan_node(expression, expression.root(), columns)
}

fn plan_node<'s, S: ColumnSource>(
    expression: &Expression,
    node: &Node,
    columns: &Columns<'s, S>,
) -> Result<Plan<'s, S>, S> {
    let row_count = u64::from(columns.bytes.row_count);
    let plan_all = |nodes: &[Node]| -> Result<Vec<_>, S> {
        nodes.iter().map(|node| plan_node(expression, node, columns)).collect()
    };
    match node {
        Node::And(nodes) => Ok(all_of(plan_all(nodes)?, row_count)),
        Node::Or(nodes) => Ok(any_of(plan_all(nodes)?, row_count)),
        Node::Not { node, .. } => {
            let inner = plan_node(expression, node, columns)?;
            let Estimate { low, high } = inner.estimate;
            let estimate = Estimate { low: row_count - high, high: row_count - low };
            Ok(Plan { step: Step::Not(Box::new(inner)), estimate })
        }
        Node::Test(field, test) => plan_test(expression.field(*field), test, columns),
    }
}

fn all_of<S>(mut plans: Vec<Plan<'_, S>>, row_count: u64) -> Plan<'_, S> {
    plans.sort_by_key(|plan| plan.estimate.high);
    let high = plans.first().map_or(row_count, |plan| plan.estimate.high);
    let missing = plans.iter().fold(0_u64, |sum, plan| sum.saturating_add(row_count - plan.estimate.low));
    let estimate = Estimate { low: row_count.saturating_sub(missing), high };
    Plan { step: Step::And(plans), estimate }
}

fn any_of<S>(plans: Vec<Plan<'_, S>>, row_count: u64) -> Plan<'_, S> {
    let low = plans.iter().map(|plan| plan.estimate.low).max().unwrap_or(0);
    let high = plans.iter().fold(0_u64, |sum, plan| sum.saturating_add(plan.estimate.high)).min(row_count);
    Plan { step: Step::Or(plans), estimate: Estimate { low, high } }
}

fn of_leaf<S>(leaf: Leaf<'_, S>, row_count: u64) -> Plan<'_, S> {
    let estimate = leaf.estimate(row_count);
    Plan { step: Step::Leaf(leaf), estimate }
}

fn plan_test<'s, S: ColumnSource>(name: &[u8], test: &Test, columns: &Columns<'s, S>) -> Result<Plan<'s, S>, S> {
    let (bytes, row_count) = (columns.bytes, u64::from(columns.bytes.row_count));
    let Some(field) = columns.field(name)? else {
        let leaf = if columns.unlisted.row_count == 0 { Leaf::None } else { Leaf::Open(columns.unlisted) };
        return Ok(of_leaf(leaf, row_count));
    };
    let leaf = match test {
        Test::Exists => rows_of(&field, Class::Exists),
        Test::Numbers(interval) => numbers(bytes, &field, interval)?,
        Test::Texts((low, high)) => {
            texts::interval(bytes, &field, low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice))?
        }
        Test::Prefix(prefix) => texts::prefix(bytes, &field, prefix)?,
        Test::In(set) => return any_value(columns, &field, set, false),
        Test::ContainsAny(set) => return any_value(columns, &field, set, true),
        Test::ContainsAll(set) => return all_values(columns, &field, set),
    };
    Ok(of_leaf(leaf, row_count))
}

/// Rows with one of the values as their scalar, or among the elements of their array.
fn any_value<'s, S: ColumnSource>(
    columns: &Columns<'s, S>,
    field: &Field,
    set: &ScalarSet,
    is_element: bool,
) -> Result<Plan<'s, S>, S> {
    let row_count = u64::from(columns.bytes.row_count);
    let leaves = values(columns.bytes, field, set, is_element)?;
    let mut plan = any_of(leaves.into_iter().map(|leaf| of_leaf(leaf, row_count)).collect(), row_count);
    if let (Step::Or(plans), false) = (&plan.step, is_element) {
        // A scalar has one type, so no row is counted twice.
        plan.estimate.low = plans.iter().map(|plan| plan.estimate.low).sum::<u64>().min(row_count);
    }
    Ok(plan)
}

/// Rows whose arrays have every value; without values, all arrays.
fn all_values<'s, S: ColumnSource>(columns: &Columns<'s, S>, field: &Field, set: &ScalarSet) -> Result<Plan<'s, S>, S> {
    let row_count = u64::from(columns.bytes.row_count);
    let mut plans = vec![of_leaf(rows_of(field, Class::Arrays), row_count)];
    for single in set.singles() {
        plans.push(any_value(columns, field, &single, true)?);
    }
    Ok(all_of(plans, row_count))
}
