//! Filters that break a rule are refused at once, with the place.

mod common;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use rvf_filter::{
    Expression, FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_VALUES_MAX, FieldType, Schema, SchemaError, SchemaField,
    matches,
};
use serde_json::json;

fn refusal(filter: &str) -> String {
    let start = Instant::now();
    let error = Expression::parse(filter.as_bytes(), &Schema::default()).expect_err(filter).to_string();
    assert!(start.elapsed() < Duration::from_millis(500), "{error}");
    error
}

fn nested(depth: usize) -> String {
    let leaf = r#"{"op":"exists","field":"a"}"#;
    r#"{"op":"not","expr":"#.repeat(depth - 1) + leaf + &"}".repeat(depth - 1)
}

#[test]
fn depth_nodes_and_values_have_limits() {
    let parse = |filter: &str| Expression::parse(filter.as_bytes(), &Schema::default());
    assert!(parse(&nested(FILTER_DEPTH_MAX)).is_ok());
    assert!(refusal(&nested(FILTER_DEPTH_MAX + 1)).contains("at most 64 deep"));
    assert!(refusal(&nested(10_000)).contains("at most 64 deep"));
    assert!(refusal(&r#"{"op":"and","exprs":["#.repeat(10_000)).contains("at most 64 deep"));
    assert!(refusal(&("[".repeat(1_000_000))).contains("must be an expression object"));
    let deep_value = format!(r#"{{"op":"eq","field":"a","value":{}}}"#, "[".repeat(1_000_000));
    assert!(refusal(&deep_value).starts_with("filter.value: must be"));

    let many = |count: usize| {
        let leaf = r#"{"op":"exists","field":"a"}"#;
        format!(r#"{{"op":"or","exprs":[{}]}}"#, vec![leaf; count].join(","))
    };
    assert!(parse(&many(FILTER_NODES_MAX - 1)).is_ok());
    assert!(refusal(&many(FILTER_NODES_MAX)).contains("at most 1024 expressions"));
    assert!(refusal(&many(100_000)).starts_with("filter.exprs[1023]: "));

    let values = |count: usize| format!(r#"{{"op":"in","field":"a","values":[{}]}}"#, vec!["1"; count].join(","));
    assert!(parse(&values(FILTER_VALUES_MAX)).is_ok());
    assert!(refusal(&values(FILTER_VALUES_MAX + 1)).contains("more than 100000 values"));
    assert!(refusal(&values(1_000_000)).starts_with("filter.values: "));
}

#[test]
fn wrong_filters_are_refused_with_the_place() {
    let cases = [
        (r#"{"op":"like","field":"a","value":1}"#, r#"filter.op: unknown operator "like"; known: eq, ne"#),
        (r#"{"field":"a","value":1}"#, "filter: has no op"),
        (r#"{"op":"eq","value":1}"#, "filter: has no field"),
        (r#"{"op":"eq","field":"a"}"#, "filter: has no value"),
        (r#"{"op":"in","field":"a","value":1}"#, "filter: has no values"),
        (r#"{"op":"in","field":"a","values":1}"#, "filter.values: must be an array"),
        (r#"{"op":"in","field":"a","values":[1,[2]]}"#, "filter.values[1]: must be a string, number"),
        (
            r#"{"op":"eq","field":"a","value":{"$gt":1}}"#,
            "filter.value: must be a string, number, boolean or null, not an object",
        ),
        (r#"{"op":"eq","field":"a","value":1e999}"#, "filter.value: must be finite"),
        (r#"{"op":"eq","field":1,"value":1}"#, "filter.field: must be a string"),
        (r#"{"op":"eq","field":"a","value":1,"extra":1}"#, r#"filter: unknown key "extra""#),
        (r#"{"op":"eq","field":"a","value":1,"values":[1]}"#, "filter.values: is no operand of eq"),
        (r#"{"op":"exists","field":"a","value":1}"#, "filter.value: is no operand of exists"),
        (r#"{"op":"lt","field":"a","value":true}"#, "filter.value: must be a number or a string; booleans"),
        (r#"{"op":"ge","field":"a","value":null}"#, "filter.value: must be a number or a string; booleans"),
        (r#"{"op":"startsWith","field":"a","value":1}"#, "filter.value: must be a string"),
        (r#"{"op":"range","field":"a","low":1}"#, "filter: has no high"),
        (r#"{"op":"range","field":"a","low":1,"high":"b"}"#, "filter: low and high must be two numbers or two strings"),
        (r#"{"op":"and","expr":{"op":"exists","field":"a"}}"#, "filter: has no exprs"),
        (
            r#"{"op":"and","exprs":[{"op":"exists","field":"a"},{"op":"eq","field":"b","value":[]}]}"#,
            "filter.exprs[1].value: ",
        ),
        (r#"{"op":"not","expr":{"op":"or","exprs":[5]}}"#, "filter.expr.exprs[0]: must be an expression object"),
        (r#"{"op":"eq","field":"a","fieldId":1,"value":1}"#, "filter"),
        (r#"{"op":"eq","fieldId":-1,"value":1}"#, "filter.fieldId: must be a whole number"),
        (
            r#"{"op":"eq","fieldId":3,"value":1}"#,
            "filter.fieldId: no field has the number 3; name the field with `field`",
        ),
        (r#"{"op":"exists","field":"a"} x"#, "the filter is no valid JSON: text behind the value at byte 28"),
        (r#"{"op":"exists","field":"a""#, "the filter is no valid JSON: "),
        ("", "the filter is no valid JSON: the text ends too early at byte 0"),
        ("null", "filter: must be an expression object"),
    ];
    for (filter, expected) in cases {
        let error = refusal(filter);
        assert!(error.starts_with(expected), "{filter}\n{error}");
    }
    assert!(Expression::parse(b"{\"op\":\"exists\",\"field\":\"\xFF\"}", &Schema::default()).is_err());
}

#[test]
fn a_field_id_stands_for_its_field() {
    let schema = Schema::parse(br#"[{"field":"year","type":"number","fieldId":4}]"#).unwrap();
    let by_id = Expression::parse(br#"{"op":"eq","fieldId":4,"value":2026}"#, &schema).unwrap();
    let by_name = Expression::parse(br#"{"op":"eq","field":"year","value":2026}"#, &schema).unwrap();
    assert_eq!(by_id, by_name);
}

#[test]
fn documents_are_read_as_json_parse_reads_them() {
    let is_match = |filter: serde_json::Value, json: &str| matches(&common::parse(&filter), json.as_bytes()).unwrap();
    let eq = |value: serde_json::Value| json!({"op": "eq", "field": "a", "value": value});
    assert!(is_match(eq(json!(2)), r#"{"a":1,"b":0,"a":2}"#));
    assert!(!is_match(eq(json!(1)), r#"{"a":1,"a":[1]}"#));
    assert!(is_match(eq(json!("é😀")), r#" { "\u0061" : "\u00e9\ud83d\ude00" } "#));
    assert!(is_match(eq(json!(0)), r#"{"a":-0.0e5}"#));
    assert!(is_match(eq(json!(9007199254740992_u64)), r#"{"a":9007199254740993}"#));
    assert!(is_match(json!({"op": "gt", "field": "a", "value": f64::MAX}), r#"{"a":1e400}"#));
    assert!(!is_match(eq(json!(0.1)), r#"{"a":0.10000000000000002}"#));
    assert!(!is_match(json!({"op": "exists", "field": "a"}), ""));
    assert!(!is_match(json!({"op": "exists", "field": "a"}), r#"["a"]"#));
    assert!(is_match(json!({"op": "exists", "field": "__proto__"}), r#"{"__proto__":null}"#));
    let lone = Expression::parse(br#"{"op":"eq","field":"a","value":"\ud800"}"#, &Schema::default()).unwrap();
    assert!(matches(&lone, br#"{"a":"\uD800"}"#).unwrap());
    assert!(!matches(&lone, br#"{"a":"\uDC00"}"#).unwrap());
    let broken =
        ["{", "{\"a\"", "{\"a\":01}", "{\"a\":1,}", "{\"a\":\"\\x\"}", "{\"a\":tru}", "[1", "{\"a\":1} 2", "{\"a\":-}"];
    for json in broken {
        assert!(matches(&common::parse(&eq(json!(1))), json.as_bytes()).is_err(), "{json}");
    }
    let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
    assert!(matches(&common::parse(&eq(json!(1))), deep.as_bytes()).is_err());
}

#[test]
fn schemas_are_checked_and_check_documents() {
    let text = br#"[{"field":"year","type":"number","fieldId":1},{"field":"t\"\u0001","type":"string[]"},{"field":"ok","type":"boolean"}]"#;
    let schema = Schema::parse(text).unwrap();
    assert_eq!(Schema::parse(&schema.to_json()).unwrap(), schema);
    assert_eq!(schema.field_by_id(1).map(|field| field.field_type), Some(FieldType::Number));
    assert_eq!(schema.fields().len(), 3);
    let error = |json: &str| schema.check_document(json.as_bytes()).unwrap_err().to_string();
    assert_eq!(error(r#"{"year":"x"}"#), r#"field "year" is declared as number, and this document has a string"#);
    assert_eq!(error(r#"{"year":null}"#), r#"field "year" is declared as number, and this document has null"#);
    assert!(
        error(r#"{"t\"\u0001":["a",1]}"#)
            .ends_with("declared as string[], and this document has an array with a number at [1]")
    );
    assert!(error(r#"{"t\"\u0001":"a"}"#).ends_with("has a string"));
    assert!(error(r#"{"ok":[true]}"#).ends_with("has an array"));
    for json in ["", "{}", r#"{"year":1,"ok":true,"t\"\u0001":[],"more":[{}]}"#, r#"{"year":"x","year":2}"#] {
        assert_eq!(schema.check_document(json.as_bytes()), Ok(()), "{json}");
    }
    let refused = |text: &str| Schema::parse(text.as_bytes()).unwrap_err().to_string();
    assert!(refused(r#"[{"field":"a","type":"date"}]"#).starts_with("schema[0].type: must be one of string, number"));
    assert!(
        refused(r#"[{"field":"a","type":"number"},{"field":"a","type":"string"}]"#)
            .starts_with("schema[1].field: is declared twice")
    );
    assert!(
        refused(r#"[{"field":"a","type":"number","fieldId":1},{"field":"b","type":"string","fieldId":1}]"#)
            .starts_with("schema[1].fieldId")
    );
    assert!(refused(r#"[{"field":"a"}]"#).contains("has no type"));
    assert!(refused(r#"[{"field":"a","type":"number","fieldId":1.5}]"#).starts_with("schema[0].fieldId"));
    assert!(refused(r#"{"fields":[]}"#).starts_with("schema: must be an array"));
    let field = SchemaField { name: "a".into(), field_type: FieldType::String, field_id: None };
    assert!(matches!(Schema::new(vec![field.clone(), field]), Err(SchemaError::Invalid { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_filter(bytes in prop::collection::vec(prop::sample::select(br#"{}[]:,"\u0e1-.atnopqf "#.to_vec()), 0..60)) {
        let schema = Schema::default();
        let _ = Expression::parse(&bytes, &schema);
        let _ = Schema::parse(&bytes);
        let _ = matches(&common::parse(&json!({"op": "contains", "field": "a", "value": 1})), &bytes);
    }
}
