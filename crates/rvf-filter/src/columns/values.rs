use std::collections::BTreeMap;

use crate::columns::layout::TEXT_KEY_LONG_BYTES;
use crate::document::Value;

/// Rows by scalar value, as they are collected. The rows of each value ascend and are distinct.
#[derive(Default)]
pub(crate) struct ScalarRows {
    pub(crate) nulls: Vec<u32>,
    pub(crate) falses: Vec<u32>,
    pub(crate) trues: Vec<u32>,
    numbers: Vec<(f64, u32)>,
    texts: BTreeMap<Vec<u8>, Vec<u32>>,
}

/// The rows of key 0, then those of key 1 and so on; key `i` has rows `ends[i - 1]..ends[i]`.
#[derive(Default)]
pub(crate) struct Postings {
    pub(crate) ends: Vec<u32>,
    pub(crate) rows: Vec<u32>,
}

impl Postings {
    fn push_key(&mut self, rows: impl IntoIterator<Item = u32>) {
        self.rows.extend(rows);
        self.ends.push(self.rows.len() as u32);
    }
}

impl ScalarRows {
    /// Adds a value of a row, which is not below earlier ones. Values that are no scalars are passed over.
    pub(crate) fn add(&mut self, row: u32, value: Value<'_>) {
        match value {
            Value::Null => push_distinct(&mut self.nulls, row),
            Value::Boolean(false) => push_distinct(&mut self.falses, row),
            Value::Boolean(true) => push_distinct(&mut self.trues, row),
            Value::Number(number) => self.numbers.push((number, row)),
            Value::Text(text) => self.add_text(row, &text),
            Value::Array(_) | Value::Object => {}
        }
    }

    fn add_text(&mut self, row: u32, text: &[u8]) {
        let key = &text[..text.len().min(TEXT_KEY_LONG_BYTES)];
        match self.texts.get_mut(key) {
            Some(rows) => push_distinct(rows, row),
            None => {
                self.texts.insert(key.to_vec(), vec![row]);
            }
        }
    }

    /// Distinct numbers in ascending order, with their rows.
    pub(crate) fn take_numbers(&mut self) -> (Vec<f64>, Postings) {
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        numbers.dedup();
        let (mut keys, mut postings) = (Vec::new(), Postings::default());
        for group in numbers.chunk_by(|a, b| a.0 == b.0) {
            keys.push(group[0].0);
            postings.push_key(group.iter().map(|(_, row)| *row));
        }
        (keys, postings)
    }

    /// Distinct texts in ascending order, with their rows.
    pub(crate) fn take_texts(&mut self) -> BTreeMap<Vec<u8>, Vec<u32>> {
        std::mem::take(&mut self.texts)
    }
}

fn push_distinct(rows: &mut Vec<u32>, row: u32) {
    if rows.last() != Some(&row) {
        rows.push(row);
    }
}

/// Cuts texts to `key_bytes_max` and joins those that become one.
pub(crate) fn cut_texts(texts: BTreeMap<Vec<u8>, Vec<u32>>, key_bytes_max: usize) -> (Vec<Vec<u8>>, Postings) {
    let (mut keys, mut postings): (Vec<Vec<u8>>, _) = (Vec::new(), Postings::default());
    let mut joined: Vec<u32> = Vec::new();
    for (mut key, rows) in texts {
        key.truncate(key_bytes_max);
        if keys.last() == Some(&key) {
            joined.extend(rows);
            continue;
        }
        flush(&mut postings, &mut joined);
        keys.push(key);
        joined = rows;
    }
    flush(&mut postings, &mut joined);
    (keys, postings)
}

fn flush(postings: &mut Postings, joined: &mut Vec<u32>) {
    if !joined.is_empty() {
        joined.sort_unstable();
        joined.dedup();
        postings.push_key(joined.drain(..));
    }
}
