//! The checked filter expression.

mod conditions;
mod matches;
mod parse;

use std::ops::Bound;

use crate::scalar::ScalarSet;
use crate::{FilterError, Schema};

pub use matches::matches;

/// Deepest nesting of a filter, the outermost expression being at depth 1.
pub const FILTER_DEPTH_MAX: usize = 64;
/// Most expressions in a filter, counting `and`, `or` and `not`.
pub const FILTER_NODES_MAX: usize = 1_024;
/// Most values of one `in`, `nin`, `containsAny` or `containsAll`.
pub const FILTER_VALUES_MAX: usize = 100_000;

/// A filter that has been checked once and can be applied to any number of documents and columns.
///
/// | operator | operands | matches |
/// |---|---|---|
/// | `eq`, `ne` | `value` | the field is that scalar; is not, or is missing |
/// | `lt`, `le`, `gt`, `ge` | `value`: number or string | the field is of that type and so ordered |
/// | `range` | `low`, `high`: both numbers or both strings | low <= field < high |
/// | `in`, `nin` | `values` | the field is one of them; is none of them, or is missing |
/// | `and`, `or` | `exprs` | all of them; any of them (an empty `and` matches all, an empty `or` none) |
/// | `not` | `expr` | all that `expr` does not match |
/// | `exists` | none | the field is there, null included |
/// | `contains` | `value` | the field is an array with that scalar among its elements |
/// | `containsAny`, `containsAll` | `values` | an array with one of them (with all of them; no values: any array) |
/// | `startsWith` | `value`: string | the field is a string with that beginning |
///
/// All but `and`, `or` and `not` take `field`, a literal top-level key, or `fieldId`, its number in the schema. Values are
/// strings, finite numbers, booleans and null. Null equals null alone, never a missing field; MongoDB's `{field: null}` is
/// `or` of `eq` null and `not exists`. Types never mix: a comparison with another type, an array or an object does not
/// match. Strings compare by their UTF-8 bytes, -0 is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Node,
    /// The distinct fields, in ascending order; tests name them by index.
    fields: Vec<Vec<u8>>,
}

impl Expression {
    /// Reads and checks a filter, an object such as `{"op":"eq","field":"section","value":"games"}`.
    pub fn parse(json: &[u8], schema: &Schema) -> Result<Expression, FilterError> {
        parse::parse(json, schema)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    pub(crate) fn field(&self, index: usize) -> &[u8] {
        &self.fields[index]
    }
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not {
        node: Box<Node>,
        /// False for `ne` and `nin`, which are one condition with the test they negate.
        is_operator: bool,
    },
    /// A test of the field with this index.
    Test(usize, Test),
}

impl Node {
    /// Calls `visit` with the index of each test's field.
    fn for_each_field(&mut self, visit: &mut impl FnMut(&mut usize)) {
        match self {
            Node::And(nodes) | Node::Or(nodes) => nodes.iter_mut().for_each(|node| node.for_each_field(visit)),
            Node::Not { node, .. } => node.for_each_field(visit),
            Node::Test(field, _) => visit(field),
        }
    }
}

/// What is asked of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Exists,
    In(ScalarSet),
    Numbers(Interval<f64>),
    Texts(Interval<Vec<u8>>),
    Prefix(Vec<u8>),
    ContainsAny(ScalarSet),
    ContainsAll(ScalarSet),
}

/// An interval between two bounds; it may be empty.
pub(crate) type Interval<T> = (Bound<T>, Bound<T>);
