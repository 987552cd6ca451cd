//! Column payloads: what a look-up touches, damage, index kinds of a later version, fields beyond the limit.

mod common;

use std::borrow::Cow;
use std::cell::Cell;
use std::convert::Infallible;

use common::{parse, payload, rows_by_columns};
use proptest::prelude::*;
use rvf_filter::{ColumnBuilder, ColumnSource, Expression, Schema, estimate, evaluate, matches};
use serde_json::json;

/// Counts what it is asked for.
struct Counting<'a> {
    bytes: &'a [u8],
    touched_bytes: Cell<usize>,
    touches: Cell<usize>,
}

impl ColumnSource for Counting<'_> {
    type Error = Infallible;

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Infallible> {
        self.touches.set(self.touches.get() + 1);
        self.touched_bytes.set(self.touched_bytes.get() + len);
        Ok(Cow::Borrowed(&self.bytes[start as usize..][..len]))
    }
}

const MANY: u32 = 63_666;

fn many() -> Vec<String> {
    let document = |row: u32| {
        json!({
            "id": format!("package-{:05}", row.wrapping_mul(48_271) % MANY),
            "section": format!("section {}", row * row % 61),
            "size": u64::from(row) * 7_919 % 1_000_003,
            "tags": [row % 7, format!("tag {}", row % 900)],
        })
        .to_string()
    };
    (0..MANY).map(document).collect()
}

#[test]
fn a_look_up_touches_few_bytes() {
    let payload = payload(&many());
    let touched = |filter: serde_json::Value, byte_limit: usize, expected: std::ops::Range<u64>| {
        let source = Counting { bytes: &payload, touched_bytes: Cell::new(0), touches: Cell::new(0) };
        let count = evaluate(&parse(&filter), &source, MANY).unwrap().matches.len();
        assert!(expected.contains(&count), "{filter}: {count} rows");
        assert!(source.touched_bytes.get() < byte_limit, "{filter}: {} bytes", source.touched_bytes.get());
        assert!(source.touches.get() < 100, "{filter}: {} touches", source.touches.get());
    };
    touched(json!({"op": "eq", "field": "id", "value": "package-00007"}), 2_000, 1..2);
    touched(json!({"op": "eq", "field": "id", "value": "nobody"}), 2_000, 0..1);
    touched(json!({"op": "eq", "field": "section", "value": "section 4"}), 6_000, 900..3_000);
    touched(json!({"op": "eq", "field": "size", "value": 7_919}), 2_000, 1..2);
    touched(json!({"op": "range", "field": "size", "low": 5_000, "high": 6_000}), 2_000, 40..100);
    touched(json!({"op": "contains", "field": "tags", "value": "tag 5"}), 2_000, 60..80);
    touched(json!({"op": "eq", "field": "no such field", "value": 1}), 500, 0..1);

    let source = Counting { bytes: &payload, touched_bytes: Cell::new(0), touches: Cell::new(0) };
    let wide = estimate(&parse(&json!({"op": "ge", "field": "size", "value": 500_000})), &source, MANY).unwrap();
    assert!(wide.low == wide.high && wide.low > 30_000 && source.touched_bytes.get() < 2_000);
}

#[test]
fn and_stops_where_nothing_is_left() {
    let payload = payload(&many());
    let filter = json!({"op": "and", "exprs": [
        {"op": "ge", "field": "size", "value": 0},
        {"op": "eq", "field": "id", "value": "nobody"},
        {"op": "ne", "field": "section", "value": "section 4"},
    ]});
    let source = Counting { bytes: &payload, touched_bytes: Cell::new(0), touches: Cell::new(0) };
    assert!(evaluate(&parse(&filter), &source, MANY).unwrap().matches.is_empty());
    assert!(source.touched_bytes.get() < 6_000, "{}", source.touched_bytes.get());
}

fn some_documents() -> Vec<String> {
    let long = "y".repeat(70);
    let document = |row: u32| match row % 5 {
        0 => json!({"a": row, "b": ["x", 1, true, null], "c": "text"}).to_string(),
        1 => json!({"a": format!("{long}{row}"), "b": row % 3 != 2}).to_string(),
        2 => json!({"a": null, "c": "text", "d": row % 40}).to_string(),
        3 => json!({"a": f64::from(row) + 0.5, "b": [format!("e{}", row % 30)]}).to_string(),
        _ => String::new(),
    };
    (0..300).map(document).collect()
}

fn some_filters() -> Vec<Expression> {
    [
        json!({"op": "eq", "field": "c", "value": "text"}),
        json!({"op": "in", "field": "a", "values": [5, 10, "y", null, "y".repeat(70) + "1"]}),
        json!({"op": "range", "field": "a", "low": 3, "high": 100.5}),
        json!({"op": "startsWith", "field": "a", "value": "yyy"}),
        json!({"op": "lt", "field": "a", "value": "yz"}),
        json!({"op": "not", "expr": {"op": "exists", "field": "b"}}),
        json!({"op": "containsAll", "field": "b", "values": ["x", 1, true]}),
        json!({"op": "and", "exprs": [{"op": "ne", "field": "d", "value": 2}, {"op": "containsAny", "field": "b", "values": ["e3", "x"]}]}),
    ]
    .iter()
    .map(parse)
    .collect()
}

#[test]
fn an_unknown_index_kind_or_version_leaves_rows_to_json() {
    const FIELD_ENTRY_BYTES: usize = 12;
    const SECTION_ENTRY_BYTES: usize = 16;
    let documents = some_documents();
    let payload = payload(&documents);
    let number = |at: usize| u32::from_le_bytes(payload[at..at + 4].try_into().unwrap()) as usize;
    let mut open_rows = 0;
    for field in 0..number(12) {
        let entry = number(16) + field * FIELD_ENTRY_BYTES;
        let section_count = number(entry + 4) >> 16;
        for section in 0..section_count {
            let mut changed = payload.clone();
            changed[number(entry + 8) + section * SECTION_ENTRY_BYTES + 1] = 99;
            for expression in some_filters() {
                assert_eq!(
                    rows_by_columns(&expression, &changed, &documents),
                    rows_by_columns(&expression, &payload, &documents)
                );
                open_rows += evaluate(&expression, &changed.as_slice(), 300).unwrap().unknown.len();
            }
        }
    }
    assert!(open_rows > 1_000);
    let mut newer = payload.clone();
    newer[0] = 2;
    let outcome = evaluate(&some_filters()[0], &newer.as_slice(), 300).unwrap();
    assert_eq!((outcome.matches.len(), outcome.unknown.len()), (0, 300));
}

#[test]
fn fields_beyond_the_limit_are_answered_by_json() {
    let mut documents: Vec<String> =
        (0..50).map(|row| json!({"common": row % 2, "key 3 5": "again", "k".repeat(2_000): 1}).to_string()).collect();
    // More distinct fields than a builder follows, and these more than get columns.
    documents.extend((0..20).map(|row| {
        let fields: serde_json::Map<String, serde_json::Value> =
            (0..700).map(|field| (format!("key {row} {field}"), json!(field))).collect();
        json!(fields).to_string()
    }));
    let payload = payload(&documents);
    let filters = [
        json!({"op": "eq", "field": "common", "value": 1}),
        json!({"op": "eq", "field": "key 3 5", "value": 5}),
        json!({"op": "eq", "field": "key 13 699", "value": 699}),
        json!({"op": "ne", "field": "key 19 699", "value": 699}),
        json!({"op": "exists", "field": "k".repeat(2_000)}),
        json!({"op": "exists", "field": "nowhere"}),
    ];
    for filter in filters {
        let expression = parse(&filter);
        let expected: Vec<u32> = (0..documents.len() as u32)
            .filter(|row| matches(&expression, documents[*row as usize].as_bytes()).unwrap())
            .collect();
        assert_eq!(rows_by_columns(&expression, &payload, &documents), expected, "{filter}");
    }
    let common = parse(&json!({"op": "eq", "field": "common", "value": 1}));
    let outcome = evaluate(&common, &payload.as_slice(), documents.len() as u32).unwrap();
    assert_eq!((outcome.matches.len(), outcome.unknown.len()), (25, 0));
}

#[test]
fn every_truncation_is_an_error_or_an_answer() {
    let payload = payload(&some_documents());
    for length in 0..payload.len() {
        for expression in some_filters() {
            let source = &payload[..length];
            let _ = evaluate(&expression, &source, 300);
            let _ = estimate(&expression, &source, 300);
        }
    }
    assert!(evaluate(&some_filters()[0], &payload.as_slice(), 299).is_err());
    assert!(evaluate(&some_filters()[0], &[].as_slice(), 0).is_err());
}

#[test]
fn an_empty_run_and_bad_json() {
    let builder = ColumnBuilder::new(0);
    assert_eq!(builder.row_count(), 0);
    let empty = builder.finish().unwrap();
    let all = Expression::parse(br#"{"op":"and","exprs":[]}"#, &Schema::default()).unwrap();
    assert!(evaluate(&all, &empty.as_slice(), 0).unwrap().matches.is_empty());
    for json in ["{", "{\"a\":}", "{\"a\":[\"\\q\"]}", "{\"a\":1}}"] {
        assert!(ColumnBuilder::new(0).push(json.as_bytes()).is_err(), "{json}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_payloads_are_an_error_or_an_answer(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        row_count in prop_oneof![4 => Just(300_u32), 1 => 0..70_000_u32],
    ) {
        let mut payload = damaged_base().to_vec();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        payload[8..12].copy_from_slice(&row_count.to_le_bytes());
        for expression in some_filters() {
            if let Ok(outcome) = evaluate(&expression, &payload.as_slice(), row_count) {
                prop_assert!(outcome.matches.max().is_none_or(|row| row < row_count));
                prop_assert!(outcome.unknown.max().is_none_or(|row| row < row_count));
                prop_assert!(outcome.matches.is_disjoint(&outcome.unknown));
            }
            let _ = estimate(&expression, &payload.as_slice(), row_count);
        }
    }
}

fn damaged_base() -> &'static [u8] {
    static PAYLOAD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    PAYLOAD.get_or_init(|| payload(&some_documents()))
}
