use crate::BuildError;
use crate::columns::interned::Interned;
use crate::columns::layout::TEXT_KEY_LONG_BYTES;
use crate::document::Value;

/// Stands for no row: no builder has so many.
const NO_ROW: u32 = u32::MAX;

/// Rows by scalar value, as they are collected. The rows of each value ascend and are distinct.
#[derive(Default)]
pub(crate) struct ScalarRows {
    pub(crate) nulls: Vec<u32>,
    pub(crate) falses: Vec<u32>,
    pub(crate) trues: Vec<u32>,
    numbers: Vec<(f64, u32)>,
    pub(crate) texts: TextRows,
}

/// Rows by text. The texts are cut at [`TEXT_KEY_LONG_BYTES`].
#[derive(Default)]
pub(crate) struct TextRows {
    texts: Interned,
    /// The last row of each text.
    last_rows: Vec<u32>,
    /// Numbers of texts with their rows, in the order of the rows. A text whose row was removed has none.
    postings: Vec<(u32, u32)>,
}

/// The rows of key 0, then those of key 1 and so on; key `i` has rows `ends[i - 1]..ends[i]`.
#[derive(Default)]
pub(crate) struct Postings {
    pub(crate) ends: Vec<u32>,
    pub(crate) rows: Vec<u32>,
}

impl ScalarRows {
    /// Adds a value of a row, which is not below earlier ones. Values that are no scalars are passed over.
    pub(crate) fn add(&mut self, row: u32, value: Value<'_>) -> Result<(), BuildError> {
        match value {
            Value::Null => push_distinct(&mut self.nulls, row),
            Value::Boolean(false) => push_distinct(&mut self.falses, row),
            Value::Boolean(true) => push_distinct(&mut self.trues, row),
            Value::Number(number) => self.numbers.push((number, row)),
            Value::Text(text) => self.texts.add(row, &text)?,
            Value::Array(_) | Value::Object => {}
        }
        Ok(())
    }

    /// Takes back what was added of a row, the last one.
    pub(crate) fn remove(&mut self, row: u32) {
        for rows in [&mut self.nulls, &mut self.falses, &mut self.trues] {
            rows.pop_if(|last| *last == row);
        }
        while self.numbers.pop_if(|(_, last)| *last == row).is_some() {}
        self.texts.remove(row);
    }

    /// Distinct numbers in ascending order, with their rows.
    pub(crate) fn take_numbers(&mut self) -> (Vec<f64>, Postings) {
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        numbers.dedup();
        let (mut keys, mut postings) = (Vec::new(), Postings::default());
        for group in numbers.chunk_by(|a, b| a.0 == b.0) {
            keys.push(group[0].0);
            postings.rows.extend(group.iter().map(|(_, row)| *row));
            postings.ends.push(postings.rows.len() as u32);
        }
        (keys, postings)
    }
}

impl TextRows {
    /// Number of pairs of a distinct text and a row.
    pub(crate) fn posting_count(&self) -> usize {
        self.postings.len()
    }

    fn add(&mut self, row: u32, text: &[u8]) -> Result<(), BuildError> {
        let number = self.texts.find_or_add(&text[..text.len().min(TEXT_KEY_LONG_BYTES)])?;
        if number as usize == self.last_rows.len() {
            self.last_rows.push(NO_ROW);
        }
        let last_row = &mut self.last_rows[number as usize];
        if *last_row != row {
            *last_row = row;
            self.postings.push((number, row));
        }
        Ok(())
    }

    fn remove(&mut self, row: u32) {
        while let Some((number, _)) = self.postings.pop_if(|(_, last)| *last == row) {
            self.last_rows[number as usize] = NO_ROW;
        }
    }

    /// The texts that have rows, in ascending order, by number.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        let mut has_rows = vec![false; self.texts.len()];
        self.postings.iter().for_each(|(number, _)| has_rows[*number as usize] = true);
        // Most comparisons end within the first eight bytes, which lie here beside the numbers.
        let mut sorted: Vec<(u64, u32)> = self
            .texts
            .texts()
            .zip(0..)
            .filter(|(_, number)| has_rows[*number as usize])
            .map(|(text, number)| (first_bytes(text), number))
            .collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.text(a.1).cmp(self.text(b.1))));
        sorted.into_iter().map(|(_, number)| number).collect()
    }

    pub(crate) fn text(&self, number: u32) -> &[u8] {
        self.texts.text(number as usize)
    }

    /// Cuts the sorted texts to `key_bytes_max`, joins those that become one, and gives the keys with their rows.
    pub(crate) fn keys(&self, sorted: &[u32], key_bytes_max: usize) -> (Vec<&[u8]>, Postings) {
        let mut keys: Vec<&[u8]> = Vec::new();
        let mut key_of_text = vec![0; self.texts.len()];
        for number in sorted {
            let text = self.text(*number);
            let key = &text[..text.len().min(key_bytes_max)];
            if keys.last() != Some(&key) {
                keys.push(key);
            }
            key_of_text[*number as usize] = keys.len() - 1;
        }
        let postings = self.postings.iter().map(|(number, row)| (key_of_text[*number as usize], *row));
        let postings = Postings::distribute(keys.len(), postings);
        (keys, postings)
    }
}

impl Postings {
    /// Gives each key its rows, which come in ascending order; a row that comes twice for a key is there once.
    fn distribute(key_count: usize, postings: impl Iterator<Item = (usize, u32)> + Clone) -> Postings {
        let mut ends: Vec<u32> = vec![0; key_count];
        let mut last_rows = vec![NO_ROW; key_count];
        for (key, row) in postings.clone() {
            ends[key] += u32::from(std::mem::replace(&mut last_rows[key], row) != row);
        }
        let mut count = 0;
        for end in &mut ends {
            count += std::mem::replace(end, count);
        }
        // Each end is where the key's next row goes until the key has all of them.
        let mut rows = vec![0; count as usize];
        last_rows.fill(NO_ROW);
        for (key, row) in postings {
            if std::mem::replace(&mut last_rows[key], row) != row {
                rows[ends[key] as usize] = row;
                ends[key] += 1;
            }
        }
        Postings { ends, rows }
    }
}

fn push_distinct(rows: &mut Vec<u32>, row: u32) {
    if rows.last() != Some(&row) {
        rows.push(row);
    }
}

/// The first eight bytes as a number that orders as they do, zeros behind a shorter text.
fn first_bytes(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text[..len]);
    u64::from_be_bytes(bytes)
}
