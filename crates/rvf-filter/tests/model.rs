//! Random documents and filters: columns plus the JSON check, the JSON check alone, and a plain evaluator over
//! `serde_json::Value` written here agree on every row.

mod common;

use common::{naive_matches, rows_by_columns};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rvf_filter::{Expression, Schema, estimate, matches};
use serde_json::{Value, json};

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c"]),
        1 => prop::sample::select(vec!["__proto__", "constructor", "", "a.b", "käse", "\u{0}", "\"quoted\\"]),
    ]
    .prop_map(String::from)
}

fn text() -> impl Strategy<Value = String> {
    let long = prop::sample::select(vec![62, 63, 64, 65, 66, 130, 1_023, 1_024, 1_030]);
    let ending = prop::sample::select(vec!["", "a", "b", "ä", "\u{10FFFF}"]);
    prop_oneof![
        4 => prop::sample::select(vec!["", "a", "ab", "abc", "b", "ä", "z", "\u{FFFF}", "\u{1F600}", "\n\"\\"])
            .prop_map(String::from),
        1 => (0..60_u32).prop_map(|number| format!("key {number:03}")),
        2 => (long, ending).prop_map(|(bytes, ending)| "x".repeat(bytes) + ending),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (-3..6).prop_map(|number| json!(number)),
        2 => (0..70_000_u32).prop_map(|number| json!(number)),
        1 => prop::sample::select(vec![
            0.0, -0.0, 0.5, 1e300, -1e300, 5e-324, 9007199254740993.0, 4294967295.0, 4294967296.0, f64::MAX, 0.1, 0.3,
        ]).prop_map(|number| json!(number)),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX]).prop_map(|number| json!(number)),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => number(),
        3 => text().prop_map(|text| json!(text)),
        1 => any::<bool>().prop_map(|boolean| json!(boolean)),
        1 => Just(Value::Null),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => scalar(),
        3 => vec(prop_oneof![8 => scalar(), 1 => Just(json!([1, "a"])), 1 => Just(json!({"a": 1}))], 0..5)
            .prop_map(Value::Array),
        1 => Just(json!({"a": {"b": [1, 2]}})),
    ]
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(Vec::new()),
        12 => btree_map(field(), value(), 0..5)
            .prop_map(|fields| json!(fields).to_string().into_bytes()),
    ]
}

/// Few shapes over many rows, so that heavy postings and several text blocks occur.
fn documents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![
        4 => vec(document(), 0..60),
        1 => (vec(document(), 1..6), 70..400_usize).prop_map(|(shapes, count)| {
            (0..count).map(|row| shapes[row * row % shapes.len()].clone()).collect()
        }),
        1 => vec((0..300_u32, text()), 100..400).prop_map(|rows| {
            let document = |(number, text): (u32, String)| json!({"a": number, "b": format!("{text}{number}"), "c": [number, text]});
            rows.into_iter().map(|row| document(row).to_string().into_bytes()).collect()
        }),
    ]
}

fn test() -> impl Strategy<Value = Value> {
    let ordered = || prop_oneof![number(), text().prop_map(|text| json!(text))];
    let bounds = prop_oneof![(number(), number()), (text(), text()).prop_map(|(low, high)| (json!(low), json!(high)))];
    prop_oneof![
        (prop::sample::select(vec!["eq", "ne", "contains"]), field(), scalar())
            .prop_map(|(op, field, value)| json!({"op": op, "field": field, "value": value})),
        (prop::sample::select(vec!["lt", "le", "gt", "ge"]), field(), ordered())
            .prop_map(|(op, field, value)| json!({"value": value, "op": op, "field": field})),
        (prop::sample::select(vec!["in", "nin", "containsAny", "containsAll"]), field(), vec(scalar(), 0..5))
            .prop_map(|(op, field, values)| json!({"values": values, "op": op, "field": field})),
        (field(), bounds)
            .prop_map(|(field, (low, high))| json!({"op": "range", "field": field, "low": low, "high": high})),
        field().prop_map(|field| json!({"op": "exists", "field": field})),
        (field(), text()).prop_map(|(field, value)| json!({"op": "startsWith", "field": field, "value": value})),
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    test().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (prop::sample::select(vec!["and", "or"]), vec(inner.clone(), 0..4))
                .prop_map(|(op, exprs)| json!({"op": op, "exprs": exprs})),
            inner.prop_map(|expr| json!({"op": "not", "expr": expr})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_json_and_the_plain_evaluator_agree(documents in documents(), filters in vec(filter(), 1..12)) {
        let payload = common::payload(&documents);
        for filter in filters {
            let expression = Expression::parse(filter.to_string().as_bytes(), &Schema::default()).unwrap();
            let mut expected = Vec::new();
            for (row, json) in documents.iter().enumerate() {
                let value: Value = if json.is_empty() { json!({}) } else { serde_json::from_slice(json).unwrap() };
                let is_match = naive_matches(&filter, &value);
                prop_assert_eq!(matches(&expression, json).unwrap(), is_match, "{} on {}", filter, value);
                if is_match {
                    expected.push(row as u32);
                }
            }
            let found = rows_by_columns(&expression, &payload, &documents);
            prop_assert_eq!(&found, &expected, "{}", filter);
            let estimate = estimate(&expression, &payload.as_slice(), documents.len() as u32).unwrap();
            prop_assert!((estimate.low..=estimate.high).contains(&(found.len() as u64)), "{} {:?}", filter, estimate);
        }
    }
}
