//! What several test files share.
#![allow(dead_code)] // Not every test file uses all of it.

use std::cmp::Ordering;

use rvf_filter::{ColumnBuilder, Expression, Schema, evaluate, matches};
use serde_json::Value;

/// A filter of valid JSON.
pub fn parse(filter: &Value) -> Expression {
    Expression::parse(filter.to_string().as_bytes(), &Schema::default()).expect("a valid filter")
}

/// The column payload of some documents.
pub fn payload(documents: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut builder = ColumnBuilder::new(7);
    for json in documents {
        builder.push(json.as_ref()).expect("valid JSON");
    }
    builder.finish().expect("short columns")
}

/// Rows that the columns are sure of, and of those left open the ones that match by JSON.
pub fn rows_by_columns(expression: &Expression, payload: &[u8], documents: &[impl AsRef<[u8]>]) -> Vec<u32> {
    let outcome = evaluate(expression, &payload, documents.len() as u32).expect("sound columns");
    assert!(outcome.matches.is_disjoint(&outcome.unknown));
    let is_match = |row: &u32| matches(expression, documents[*row as usize].as_ref()).expect("valid JSON");
    let mut rows = outcome.matches;
    rows.extend(outcome.unknown.iter().filter(is_match));
    rows.iter().collect()
}

/// An evaluator as plain as the rules: looks every field up in a parsed tree.
pub fn naive_matches(filter: &Value, document: &Value) -> bool {
    let of = |key: &str| &filter[key];
    let inner = |key: &str| filter[key].as_array().expect("an array").iter();
    let field = filter["field"].as_str().and_then(|field| document.get(field));
    let elements = || field.and_then(Value::as_array);
    let is_in = |value: &Value| inner("values").any(|wanted| same(value, wanted));
    match filter["op"].as_str().expect("a string") {
        "and" => inner("exprs").all(|expr| naive_matches(expr, document)),
        "or" => inner("exprs").any(|expr| naive_matches(expr, document)),
        "not" => !naive_matches(of("expr"), document),
        "exists" => field.is_some(),
        "eq" => field.is_some_and(|value| same(value, of("value"))),
        "ne" => !field.is_some_and(|value| same(value, of("value"))),
        "in" => field.is_some_and(is_in),
        "nin" => !field.is_some_and(is_in),
        "lt" => order(field, of("value")).is_some_and(Ordering::is_lt),
        "le" => order(field, of("value")).is_some_and(Ordering::is_le),
        "gt" => order(field, of("value")).is_some_and(Ordering::is_gt),
        "ge" => order(field, of("value")).is_some_and(Ordering::is_ge),
        "range" => {
            order(field, of("low")).is_some_and(Ordering::is_ge)
                && order(field, of("high")).is_some_and(Ordering::is_lt)
        }
        "contains" => elements().is_some_and(|array| array.iter().any(|element| same(element, of("value")))),
        "containsAny" => elements().is_some_and(|array| array.iter().any(is_in)),
        "containsAll" => elements()
            .is_some_and(|array| inner("values").all(|wanted| array.iter().any(|element| same(element, wanted)))),
        "startsWith" => {
            field.and_then(Value::as_str).is_some_and(|text| text.starts_with(of("value").as_str().expect("a string")))
        }
        other => panic!("no operator {other}"),
    }
}

fn same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => a == b,
        _ => false,
    }
}

fn order(value: Option<&Value>, wanted: &Value) -> Option<Ordering> {
    match (value?, wanted) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        _ => None,
    }
}
