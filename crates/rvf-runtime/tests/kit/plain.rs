//! Metadata by the plainest means: a filter and a merge patch looked at value by value, on parsed JSON, and random
//! documents, filters and patches. Knows nothing of the engine's own evaluation.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use super::Rng;

/// True where a document, `None` for an entry without metadata, fits a filter.
pub fn fits(filter: &Value, document: Option<&str>) -> bool {
    let document = document.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    value_fits(filter, &document)
}

fn value_fits(filter: &Value, document: &Value) -> bool {
    let field = filter["field"].as_str().and_then(|name| document.as_object()?.get(name));
    let list = |key: &str| filter[key].as_array().unwrap().clone();
    let is_one_of = |value: &Value| list("values").iter().any(|wanted| is_same(value, wanted));
    let has =
        |wanted: &Value| field.and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| is_same(one, wanted)));
    let compared = |key: &str| field.and_then(|value| compare(value, &filter[key]));
    match filter["op"].as_str().unwrap() {
        "and" => list("exprs").iter().all(|inner| value_fits(inner, document)),
        "or" => list("exprs").iter().any(|inner| value_fits(inner, document)),
        "not" => !value_fits(&filter["expr"], document),
        "exists" => field.is_some(),
        "eq" => field.is_some_and(|value| is_same(value, &filter["value"])),
        "ne" => !field.is_some_and(|value| is_same(value, &filter["value"])),
        "in" => field.is_some_and(is_one_of),
        "nin" => !field.is_some_and(is_one_of),
        "lt" => compared("value").is_some_and(Ordering::is_lt),
        "le" => compared("value").is_some_and(Ordering::is_le),
        "gt" => compared("value").is_some_and(Ordering::is_gt),
        "ge" => compared("value").is_some_and(Ordering::is_ge),
        "range" => compared("low").is_some_and(Ordering::is_ge) && compared("high").is_some_and(Ordering::is_lt),
        "contains" => has(&filter["value"]),
        "containsAny" => list("values").iter().any(has),
        "containsAll" => field.is_some_and(Value::is_array) && list("values").iter().all(has),
        "startsWith" => {
            field.and_then(Value::as_str).is_some_and(|text| text.starts_with(filter["value"].as_str().unwrap()))
        }
        other => panic!("no operator {other}"),
    }
}

fn is_same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(_) | Value::Object(_), _) => false,
        (left, right) => left == right,
    }
}

fn compare(value: &Value, wanted: &Value) -> Option<Ordering> {
    match (value, wanted) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        _ => None,
    }
}

/// A JSON value whose objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Scalar(Value),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A document with a merge patch applied (RFC 7386): the same text where the patch changes nothing; else its fields in
/// their order and new ones behind. For documents that are written as `serde_json` writes them.
pub fn patched(document: Option<&str>, patch: &str) -> Option<String> {
    let parsed = document.map(|text| serde_json::from_str(text).unwrap());
    let before = match parsed {
        Some(Json::Object(members)) => members,
        _ => Vec::new(),
    };
    let Json::Object(patch) = serde_json::from_str(patch).unwrap() else { panic!("a patch is an object") };
    let after = merged(before.clone(), patch);
    if after == before { document.map(str::to_owned) } else { Some(Json::Object(after).to_string()) }
}

fn merged(mut members: Vec<(String, Json)>, patch: Vec<(String, Json)>) -> Vec<(String, Json)> {
    for (key, new) in patch {
        let place = members.iter().position(|(name, _)| *name == key);
        match (new, place) {
            (Json::Scalar(Value::Null), Some(at)) => drop(members.remove(at)),
            (Json::Scalar(Value::Null), None) => {}
            (Json::Object(inner), place) => {
                let old = place.map(|at| members[at].1.clone());
                let old = if let Some(Json::Object(old)) = old { old } else { Vec::new() };
                set(&mut members, place, key, Json::Object(merged(old, inner)));
            }
            (new, place) => set(&mut members, place, key, new),
        }
    }
    members
}

fn set(members: &mut Vec<(String, Json)>, place: Option<usize>, key: String, value: Json) {
    match place {
        Some(at) => members[at].1 = value,
        None => members.push((key, value)),
    }
}

impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Scalar(value) => write!(out, "{value}"),
            Json::Array(elements) => {
                let texts: Vec<String> = elements.iter().map(Json::to_string).collect();
                write!(out, "[{}]", texts.join(","))
            }
            Json::Object(members) => {
                let texts: Vec<String> =
                    members.iter().map(|(key, value)| format!("{}:{value}", Value::from(key.as_str()))).collect();
                write!(out, "{{{}}}", texts.join(","))
            }
        }
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            all.push(element);
        }
        Ok(Json::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = members.next_entry()? {
            all.push(member);
        }
        Ok(Json::Object(all))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

const FIELDS: [&str; 6] = ["n", "tag", "on", "list", "__proto__", "wide"];
const TEXTS: [&str; 9] = ["", "a", "ab", "b", "red", "grün", "\u{FFFF}", "🦀", "\"\\\n"];

fn text(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => format!("key {:02}", rng.below(40)),
        // Longer than what an index keeps of a text.
        1 => "x".repeat(60 + rng.below(8)) + *rng.pick(&TEXTS),
        _ => (*rng.pick(&TEXTS)).to_owned(),
    }
}

/// A number that `serde_json` reads and writes exactly.
fn number(rng: &mut Rng) -> Value {
    match rng.below(4) {
        0 => json!(rng.below(100_000)),
        1 => json!(rng.below(9) as f64 - 4.5),
        _ => json!(rng.below(12) as i64 - 3),
    }
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.below(7) {
        0..3 => number(rng),
        3..5 => json!(text(rng)),
        5 => json!(rng.chance(50)),
        _ => Value::Null,
    }
}

fn scalars(rng: &mut Rng) -> Value {
    (0..rng.below(5)).map(|_| scalar(rng)).collect()
}

fn field(rng: &mut Rng) -> &'static str {
    FIELDS[rng.below(FIELDS.len())]
}

/// The text of one entry's metadata, or none.
pub fn document(rng: &mut Rng) -> Option<String> {
    match rng.below(12) {
        0 => return None,
        1 => return Some((*rng.pick(&["{}", "null", "[1,2]", " 7 ", "\"red\""])).to_owned()),
        _ => {}
    }
    let members: Vec<(String, Json)> = FIELDS
        .into_iter()
        .filter(|_| rng.chance(60))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|name| {
            let value = match (name, rng.below(10)) {
                (_, 0) => scalar(rng),
                ("n", _) => json!(rng.below(20)),
                ("tag", _) => json!(text(rng)),
                ("on", _) => json!(rng.chance(50)),
                ("list", _) => scalars(rng),
                ("wide", 1) => json!({"x": rng.below(3), "y": [rng.below(3)]}),
                _ => scalar(rng),
            };
            (name.to_owned(), serde_json::from_value(value).unwrap())
        })
        .collect();
    Some(Json::Object(members).to_string())
}

/// A filter on the fields that documents have.
pub fn filter(rng: &mut Rng) -> Value {
    filter_of_depth(rng, 3)
}

fn filter_of_depth(rng: &mut Rng, depth: usize) -> Value {
    if depth > 0 && rng.chance(35) {
        return match rng.below(3) {
            0 => json!({"op": "not", "expr": filter_of_depth(rng, depth - 1)}),
            kind => {
                let exprs: Value = (0..rng.below(4)).map(|_| filter_of_depth(rng, depth - 1)).collect();
                json!({"op": if kind == 1 { "and" } else { "or" }, "exprs": exprs})
            }
        };
    }
    let field = field(rng);
    match rng.below(6) {
        0 => json!({"op": "exists", "field": field}),
        1 => json!({"op": *rng.pick(&["eq", "ne", "contains"]), "field": field, "value": scalar(rng)}),
        2 => {
            json!({"op": *rng.pick(&["in", "nin", "containsAny", "containsAll"]), "field": field, "values": scalars(rng)})
        }
        3 => json!({"op": "startsWith", "field": "tag", "value": text(rng)}),
        4 => {
            let value = if rng.chance(60) { number(rng) } else { json!(text(rng)) };
            json!({"op": *rng.pick(&["lt", "le", "gt", "ge"]), "field": field, "value": value})
        }
        _ if rng.chance(60) => json!({"op": "range", "field": field, "low": number(rng), "high": number(rng)}),
        _ => json!({"op": "range", "field": "tag", "low": text(rng), "high": text(rng)}),
    }
}

/// A filter that fits few entries.
pub fn narrow_filter(rng: &mut Rng) -> Value {
    json!({"op": "and", "exprs": [{"op": "eq", "field": "n", "value": rng.below(20)}, filter_of_depth(rng, 1)]})
}

/// A merge patch; some of them change nothing.
pub fn patch(rng: &mut Rng) -> String {
    let count = *rng.pick(&[0, 1, 1, 2, 3]);
    let mut members: Vec<(String, Json)> = Vec::new();
    for _ in 0..count {
        let name = if rng.chance(50) { field(rng) } else { "new" };
        if members.iter().any(|(taken, _)| taken == name) {
            continue;
        }
        let value = match rng.below(5) {
            0 => Value::Null,
            1 => scalars(rng),
            2 => json!({"x": scalar(rng), "z": rng.below(2)}),
            _ => scalar(rng),
        };
        members.push((name.to_owned(), serde_json::from_value(value).unwrap()));
    }
    Json::Object(members).to_string()
}
