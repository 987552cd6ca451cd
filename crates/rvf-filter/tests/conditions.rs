//! The conditions of a filter, one by one.

mod common;

use common::{parse, payload};
use rvf_filter::estimate;
use serde_json::json;

#[test]
fn each_condition_has_its_place_and_is_an_expression_of_its_own() {
    let conditions = [
        json!({"op": "eq", "field": "b", "value": 1}),
        json!({"op": "ne", "field": "a", "value": "x"}),
        json!({"op": "exists", "field": "c"}),
        json!({"op": "nin", "field": "b", "values": [1, 2]}),
        json!({"op": "lt", "field": "a", "value": "x"}),
    ];
    let [equal, unequal, exists, none_of, below] = &conditions;
    let filter = json!({"op": "and", "exprs": [
        equal,
        {"op": "not", "expr": unequal},
        {"op": "or", "exprs": [exists, {"op": "not", "expr": {"op": "and", "exprs": [none_of]}}, {"op": "and", "exprs": []}]},
        below,
    ]});
    let paths = [
        "filter.exprs[0]",
        "filter.exprs[1].expr",
        "filter.exprs[2].exprs[0]",
        "filter.exprs[2].exprs[1].expr.exprs[0]",
        "filter.exprs[3]",
    ];
    let expected: Vec<_> = paths.iter().map(|path| path.to_string()).zip(conditions.iter().map(parse)).collect();
    assert_eq!(parse(&filter).conditions(), expected);
    for condition in &conditions {
        assert_eq!(parse(condition).conditions(), [("filter".to_owned(), parse(condition))]);
    }
    assert_eq!(parse(&json!({"op": "or", "exprs": []})).conditions(), []);
}

#[test]
fn each_condition_has_its_own_estimate() {
    let payload = payload(&[r#"{"a":1,"b":2}"#, r#"{"a":1}"#, r#"{"b":3}"#]);
    let filter = json!({"op": "and", "exprs": [
        {"op": "ne", "field": "b", "value": 2},
        {"op": "eq", "field": "a", "value": 1},
        {"op": "gt", "field": "b", "value": 2},
    ]});
    let count = |(_, condition)| estimate(&condition, &payload.as_slice(), 3).unwrap().high;
    assert_eq!(parse(&filter).conditions().into_iter().map(count).collect::<Vec<_>>(), [2, 2, 1]);
}
