//! Merge patches against RFC 7386, and what they leave as it is.

use proptest::prelude::*;
use rvf_filter::{MERGE_DEPTH_MAX, MergeError, merge_patch};
use serde_json::{Map, Value, json};

fn merged(document: &str, patch: &str) -> String {
    String::from_utf8(merge_patch(document.as_bytes(), patch.as_bytes()).expect(patch)).expect("UTF-8")
}

/// The algorithm as the RFC gives it.
fn merge_by_the_rfc(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        let fields = target.as_object_mut().expect("an object");
        if value.is_null() {
            fields.remove(key);
        } else {
            merge_by_the_rfc(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[test]
fn the_examples_of_the_rfc_come_out_as_it_says() {
    let examples = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ];
    for (document, patch, expected) in examples {
        assert_eq!(merged(document, patch), expected, "{document} {patch}");
    }
    for patch in [r#"["c","d"]"#, r#""bar""#, "null", "1", "true"] {
        let error = merge_patch(b"{}", patch.as_bytes()).unwrap_err();
        assert!(matches!(error, MergeError::NoObject { .. }), "{error}");
    }
}

#[test]
fn what_the_patch_does_not_touch_keeps_its_bytes_and_its_place() {
    let document =
        r#" { "big" : 12345678901234567890.50 , "lone":"\ud800", "list" :[ 1,2 ],"inner":{"x" :1e2,"y":2} } "#;
    let cases = [
        (r#"{"list":null}"#, r#"{ "big" : 12345678901234567890.50, "lone":"\ud800","inner":{"x" :1e2,"y":2}}"#),
        (
            r#"{"inner":{"y":"\uDC00"}, "new" : [null] , "newer":-0}"#,
            concat!(
                r#"{ "big" : 12345678901234567890.50, "lone":"\ud800", "list" :[ 1,2 ],"#,
                r#""inner":{"x" :1e2,"y":"\uDC00"},"new" :[null],"newer":-0}"#
            ),
        ),
        (
            r#"{"big":12345678901234567890.5,"inner":{"x":null}}"#,
            r#"{ "big" : 12345678901234567890.5, "lone":"\ud800", "list" :[ 1,2 ],"inner":{"y":2}}"#,
        ),
    ];
    for (patch, expected) in cases {
        assert_eq!(merged(document, patch), expected);
    }
    assert_eq!(merged("{}", r#"{"z":1,"a":2,"z":3}"#), r#"{"z":3,"a":2}"#);
    assert_eq!(
        merged(r#"{"__proto__":1}"#, r#"{"__proto__":{"a":null},"constructor":2}"#),
        r#"{"__proto__":{},"constructor":2}"#
    );
}

#[test]
fn a_patch_that_changes_nothing_gives_the_same_bytes() {
    let document = r#" {"a": [1, {"x":"é", "y":null}], "n": 1.0, "a\u0062":"\ud83d\ude00", "o":{ "p":{}}, "n":2} "#;
    let patches = [
        "{}",
        r#"{"none":null}"#,
        r#"{"n":2}"#,
        r#"{"n":2.0}"#,
        r#"{"n":20e-1}"#,
        r#"{"ab":"😀"}"#,
        r#"{"a":[1,{"y":null,"x":"\u00E9"}]}"#,
        r#"{"o":{"p":{"q":null}}}"#,
        r#"{"o":{},"n":5,"n":2}"#,
    ];
    for patch in patches {
        assert_eq!(merged(document, patch), document, "{patch}");
    }
    for document in ["", "3", "[1]", "null", "{ }"] {
        assert_eq!(merged(document, "{}"), document);
        assert_eq!(merged(document, r#"{"a":null}"#), document);
        assert_eq!(merged(document, r#"{"a":{"b":null}}"#), r#"{"a":{}}"#);
    }
    let changes = [
        ("1", "1e1"),
        ("9007199254740993", "9007199254740992"),
        ("0", "-0"),
        ("[1]", "[1,1]"),
        ("[{}]", "[{\"a\":1}]"),
    ];
    for (old, new) in changes {
        assert_eq!(merged(&format!("{{\"a\":{old}}}"), &format!("{{\"a\":{new}}}")), format!("{{\"a\":{new}}}"));
    }
}

#[test]
fn of_a_key_that_occurs_twice_the_last_one_counts() {
    let document = r#"{"a":1,"b":2,"\u0061":{"x":1},"c":3,"b":4}"#;
    assert_eq!(merged(document, r#"{"a":{"y":2}}"#), r#"{"b":2,"\u0061":{"x":1,"y":2},"c":3,"b":4}"#);
    assert_eq!(merged(document, r#"{"a":null}"#), r#"{"b":2,"c":3,"b":4}"#);
    assert_eq!(merged(document, r#"{"b":2}"#), r#"{"a":1,"\u0061":{"x":1},"c":3,"b":2}"#);
    assert_eq!(merged(document, r#"{"b":4,"c":9}"#), r#"{"a":1,"b":2,"\u0061":{"x":1},"c":9,"b":4}"#);
}

#[test]
fn bad_texts_and_deep_ones_are_errors() {
    for text in ["{", "{\"a\":}", "{\"a\":1}}", "{\"\\q\":1}", "{\"a\":01}", "nul"] {
        assert!(matches!(merge_patch(text.as_bytes(), b"{}"), Err(MergeError::Document(_))), "{text}");
        assert!(matches!(merge_patch(b"{}", text.as_bytes()), Err(MergeError::Patch(_))), "{text}");
    }
    assert!(matches!(merge_patch(b"", b""), Err(MergeError::Patch(_))));
    assert!(matches!(merge_patch(b"{\"a\":\"\xFF\"}", b"{}"), Err(MergeError::Document(_))));
    let nested = |depth: usize| r#"{"a":"#.repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
    let (deepest, too_deep) = (nested(MERGE_DEPTH_MAX), nested(MERGE_DEPTH_MAX + 1));
    for document in ["", &deepest, &too_deep] {
        assert!(merge_patch(document.as_bytes(), deepest.as_bytes()).is_ok());
        assert_eq!(merge_patch(document.as_bytes(), too_deep.as_bytes()), Err(MergeError::TooDeep));
    }
    for hostile in [r#"{"a":"#.repeat(1_000_000), r#"{"a":["#.to_owned() + &"[".repeat(1_000_000)] {
        assert!(merge_patch(b"{}", hostile.as_bytes()).is_err());
        assert!(merge_patch(hostile.as_bytes(), b"{\"a\":{\"a\":1}}").is_err());
    }
}

/// JSON texts of objects with spaces, escaped keys and keys that occur twice.
fn object_text() -> impl Strategy<Value = String> {
    let key =
        prop::sample::select(vec![r#""a""#, r#""b""#, r#""\u0061""#, r#""__proto__""#, r#""""#, r#""\n\"""#, r#""é""#]);
    let scalar = prop::sample::select(vec![
        "null",
        "null",
        "true",
        "1",
        "1.0",
        "-2.5e3",
        r#""x""#,
        r#""\u0078""#,
        r#""""#,
        "[]",
        "{}",
    ]);
    let space = prop::sample::select(vec!["", "", " ", "\n\t"]);
    let value = scalar.prop_map(str::to_owned).prop_recursive(4, 40, 5, move |inner| {
        let field = (space.clone(), key.clone(), space.clone(), inner.clone());
        let field =
            field.prop_map(|(before, key, behind, value)| format!("{before}{key}{behind}:{before}{value}{behind}"));
        prop_oneof![
            3 => prop::collection::vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(","))),
            1 => prop::collection::vec(inner, 0..3).prop_map(|values| format!("[{}]", values.join(", "))),
        ]
    });
    value.prop_filter("an object", |text| text.starts_with('{'))
}

/// The value as `JSON.parse` sees it: numbers are `f64`, and of a key that occurs twice the last one counts.
fn parsed(text: &str) -> Value {
    fn with_floats(value: Value) -> Value {
        match value {
            Value::Number(number) => json!(number.as_f64()),
            Value::Array(values) => values.into_iter().map(with_floats).collect(),
            Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, with_floats(value))).collect(),
            other => other,
        }
    }
    with_floats(serde_json::from_str(text).expect(text))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn results_are_those_of_the_rfc_and_no_change_keeps_the_bytes(document in object_text(), patch in object_text()) {
        let result = merged(&document, &patch);
        let (before, mut expected) = (parsed(&document), parsed(&document));
        merge_by_the_rfc(&mut expected, &parsed(&patch));
        prop_assert_eq!(parsed(&result), expected.clone(), "{} + {}", document, patch);
        prop_assert_eq!(result == document, expected == before, "{} + {}", document, patch);
        prop_assert_eq!(merged(&result, &patch), result, "twice");
    }

    #[test]
    fn any_bytes_are_an_error_or_merged(
        document in prop::collection::vec(prop::sample::select(br#"{}[]:,"\u0e1-.abn "#.to_vec()), 0..40),
        patch in prop::collection::vec(prop::sample::select(br#"{}[]:,"\u0e1-.abn "#.to_vec()), 0..40),
    ) {
        let _ = merge_patch(&document, &patch);
        let _ = merge_patch(&document, br#"{"a":{"b":1},"b":null}"#);
        let _ = merge_patch(br#"{"a":{"b":1},"b":null}"#, &patch);
    }
}
