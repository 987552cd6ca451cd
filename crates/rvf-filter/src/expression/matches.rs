use std::ops::RangeBounds;

use crate::JsonError;
use crate::document::{Value, for_each_element, for_each_field};
use crate::expression::{Expression, Node, Test};
use crate::scalar::{Scalar, ScalarSet};

/// True where the document with this JSON text matches. An empty text is a document without fields, as is one that is no
/// object. Only the fields that the expression names are decoded; of a key that occurs twice the last one counts.
pub fn matches(expression: &Expression, json: &[u8]) -> Result<bool, JsonError> {
    let mut values = vec![None; expression.fields.len()];
    for_each_field::<JsonError>(json, |key, scanner| {
        match expression.fields.binary_search_by(|field| field.as_slice().cmp(&key)) {
            Ok(index) => values[index] = Some(Value::scan(scanner)?),
            Err(_) => {
                scanner.skip()?;
            }
        }
        Ok(())
    })?;
    node_matches(&expression.root, &values)
}

fn node_matches(node: &Node, values: &[Option<Value<'_>>]) -> Result<bool, JsonError> {
    match node {
        Node::And(nodes) => {
            for node in nodes {
                if !node_matches(node, values)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Node::Or(nodes) => {
            for node in nodes {
                if node_matches(node, values)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Node::Not { node, .. } => Ok(!node_matches(node, values)?),
        Node::Test(field, test) => values[*field].as_ref().map_or(Ok(false), |value| test_matches(test, value)),
    }
}

fn test_matches(test: &Test, value: &Value<'_>) -> Result<bool, JsonError> {
    Ok(match (test, value) {
        (Test::Exists, _) => true,
        (Test::In(set), value) => set.contains(value),
        (Test::Numbers(interval), Value::Number(number)) => interval.contains(number),
        (Test::Texts(interval), Value::Text(text)) => {
            let (low, high) = interval;
            (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice)).contains(text.as_ref())
        }
        (Test::Prefix(prefix), Value::Text(text)) => text.starts_with(prefix),
        (Test::ContainsAny(set), Value::Array(elements)) => {
            let mut is_found = false;
            for_each_element(elements, |element| {
                is_found = set.contains(&element);
                !is_found
            })?;
            is_found
        }
        (Test::ContainsAll(set), Value::Array(elements)) => scalars_of(elements)?.contains_all(set),
        _ => false,
    })
}

fn scalars_of(elements: &[u8]) -> Result<ScalarSet, JsonError> {
    let mut set = ScalarSet::default();
    for_each_element(elements, |element| {
        match element {
            Value::Null => set.add(Scalar::Null),
            Value::Boolean(boolean) => set.add(Scalar::Boolean(boolean)),
            Value::Number(number) => set.add(Scalar::Number(number)),
            Value::Text(text) => set.add(Scalar::Text(text.into_owned())),
            Value::Array(_) | Value::Object => {}
        }
        true
    })?;
    set.arrange();
    Ok(set)
}
