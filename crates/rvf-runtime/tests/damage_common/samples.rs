//! Stores whose bytes are the same in every run: one for each way in which a file can have ended up on a disk.

use rvf_runtime::types::Metric;
use rvf_runtime::{
    Control, CreateOptions, Durability, Host, OnDuplicate, OpenOptions, PackedStrings, RvfStore, Target,
};

use super::expected::{Entry, Expected, batch};
use super::numbers::Numbers;
use super::{PATH, WAIT, file_bytes, fixed_host};

/// A store file with what it holds.
pub struct Sample {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// What is held by a file that ends at each of these offsets: first the state of the last checkpoint, then one for
    /// each commit after it.
    pub states: Vec<(u64, Expected)>,
    /// Where the last append starts; the file's length where it was closed.
    pub last_append_start: u64,
}

impl Sample {
    /// Of so many bytes one is as good as another, where there is no time for each.
    pub fn coarseness(&self) -> usize {
        if self.bytes.len() > 32_768 { 12 } else { 1 }
    }

    /// What the whole file holds.
    pub fn expected(&self) -> &Expected {
        &self.states[self.states.len() - 1].1
    }
}

/// Every sample that is small enough to be looked at byte by byte.
pub fn small() -> Vec<Sample> {
    vec![closed(), unclosed(), unsynced(), compacted(), updated()]
}

/// Closed: base, replaced and deleted rows, rows with metadata and without.
pub fn closed() -> Sample {
    let mut author = Author::create(&CreateOptions::new(6, Metric::Cosine), 1);
    let entries = author.entries(0..12, true);
    author.ingest(&entries);
    let entries = author.entries(12..20, false);
    author.ingest(&entries);
    author.checkpoint();
    let entries = author.entries(5..9, true);
    author.ingest(&entries);
    author.delete(&["id-1", "id-6", "absent", "id-14"]);
    author.close();
    author.into_sample("closed")
}

/// Not closed: four commits behind the last checkpoint, each of them an append of its own.
pub fn unclosed() -> Sample {
    let mut author = Author::create(&CreateOptions::new(4, Metric::L2), 2);
    author.build_small_base();
    author.reopen(Durability::Commit);
    author.write_small_tail();
    author.into_sample("unclosed")
}

/// Not closed, and written without a sync between commits: the whole tail is one append.
pub fn unsynced() -> Sample {
    let mut author = Author::create(&CreateOptions::new(4, Metric::DotProduct), 3);
    author.build_small_base();
    author.reopen(Durability::None);
    let start = author.states[0].0;
    author.write_small_tail();
    Sample { last_append_start: start, ..author.into_sample("unsynced") }
}

/// Compacted, so that old witness entries are packed, then written to once more and closed.
pub fn compacted() -> Sample {
    let mut author = Author::create(&CreateOptions::new(20, Metric::Hamming), 4);
    author.build_small_base();
    author.reopen(Durability::Commit);
    author.store.compact(&Control::default()).unwrap();
    let entries = author.entries(30..34, true);
    author.ingest(&entries);
    author.close();
    author.into_sample("compacted")
}

/// With a schema; compacted, so that the metadata has columns and the numbering of rows is its second; then, behind that,
/// overlays in the base, one with columns and one without, and two in the tail; not closed.
pub fn updated() -> Sample {
    let mut options = CreateOptions::new(2, Metric::L2);
    options.store.schema = Some(r#"[{"field":"n","type":"number","fieldId":1}]"#.to_owned());
    let mut author = Author::create(&options, 8);
    let entries = author.entries(0..90, true);
    author.ingest(&entries);
    author.delete(&["id-4", "id-80"]);
    author.store.compact(&Control::default()).unwrap();
    author.start_again();
    author.update(|text| text.starts_with("{\"n\""), EVERYTHING, r#"{"seen":1}"#, &|text| {
        text.replace('}', r#","seen":1}"#)
    });
    author.checkpoint();
    author.update(is_red, RED, r#"{"tag":"blue"}"#, &|text| text.replace(r#""tag":"red""#, r#""tag":"blue""#));
    author.checkpoint();
    author.update(is_green, GREEN, r#"{"tag":"red"}"#, &|text| text.replace(r#""tag":"grün""#, r#""tag":"red""#));
    author.delete(&["id-1", "id-5"]);
    author.update(is_red, RED, r#"{"seen":null}"#, &|text| text.replace(r#","seen":1"#, ""));
    author.into_sample("updated")
}

const EVERYTHING: &str = r#"{"op":"exists","field":"n"}"#;
/// The filter that [`is_red`] tells of.
pub const RED: &str = r#"{"op":"eq","field":"tag","value":"red"}"#;
const GREEN: &str = r#"{"op":"eq","field":"tag","value":"grün"}"#;

/// True where a sample's metadata fits [`RED`].
pub fn is_red(text: &str) -> bool {
    text.contains(r#""tag":"red""#)
}

fn is_green(text: &str) -> bool {
    text.contains(r#""tag":"grün""#)
}

/// Closed, with vectors that have a block table.
pub fn large_closed() -> Sample {
    let mut author = Author::create(&CreateOptions::new(256, Metric::L2), 5);
    let entries = author.entries(0..70, true);
    author.ingest(&entries);
    author.store.compact(&Control::default()).unwrap();
    author.close();
    author.into_sample("large-closed")
}

/// Not closed: a batch in final form behind the last checkpoint, and a small commit behind that.
pub fn large_unclosed() -> Sample {
    let mut author = Author::create(&CreateOptions::new(256, Metric::L2), 6);
    author.build_small_base();
    author.reopen(Durability::Commit);
    let entries = author.entries(8..270, true);
    author.ingest(&entries);
    let entries = author.entries(300..301, true);
    author.ingest(&entries);
    author.into_sample("large-unclosed")
}

/// Closed, ten megabytes.
pub fn ten_megabytes() -> Sample {
    let mut author = Author::create(&CreateOptions::new(256, Metric::L2), 7);
    let entries = author.entries(0..9_600, true);
    author.ingest(&entries);
    author.close();
    author.into_sample("ten-megabytes")
}

/// An entry that no sample has.
pub fn other_entry(store: &RvfStore) -> Entry {
    let row_bytes = store.options().data_type.row_bytes(store.options().dimension);
    let vector = if store.options().metric == Metric::Hamming {
        vec![1; row_bytes]
    } else {
        0.25f32.to_le_bytes().repeat(row_bytes / 4)
    };
    Entry { id: "other".to_owned(), vector, metadata: Some("{\"other\":true}".to_owned()) }
}

/// Writes a store and keeps account of what it must hold.
struct Author {
    host: Host,
    store: RvfStore,
    numbers: Numbers,
    expected: Expected,
    states: Vec<(u64, Expected)>,
    last_append_start: u64,
}

impl Author {
    fn create(options: &CreateOptions, seed: u64) -> Author {
        let host = fixed_host::in_memory();
        let store = RvfStore::create(&host, PATH, options).unwrap();
        let mut author = Author {
            host,
            store,
            numbers: Numbers::new(seed),
            expected: Expected::default(),
            states: Vec::new(),
            last_append_start: 0,
        };
        author.start_again();
        author
    }

    fn entries(&mut self, numbers: std::ops::Range<u32>, with_metadata: bool) -> Vec<Entry> {
        let options = self.store.options();
        numbers
            .map(|number| Entry {
                id: format!("id-{number}"),
                vector: self.vector(options.metric, options.dimension),
                metadata: (with_metadata && number % 4 != 3).then(|| self.metadata(number)),
            })
            .collect()
    }

    fn vector(&mut self, metric: Metric, dimension: u32) -> Vec<u8> {
        if metric == Metric::Hamming {
            let mut bits = self.numbers.bytes(dimension.div_ceil(8) as usize);
            *bits.last_mut().unwrap() &= 0xFF >> (8 - (dimension - 1) % 8 - 1);
            return bits;
        }
        (0..dimension).flat_map(|_| self.numbers.component().to_le_bytes()).collect()
    }

    fn metadata(&mut self, number: u32) -> String {
        let tag = ["red", "grün", "__proto__"][number as usize % 3];
        format!(r#"{{"n":{number},"tag":"{tag}","score":{}}}"#, self.numbers.component())
    }

    fn ingest(&mut self, entries: &[Entry]) {
        self.store.ingest(batch(entries), OnDuplicate::Replace, WAIT).unwrap();
        self.expected.put(entries);
        self.note_commit();
    }

    fn delete(&mut self, ids: &[&str]) {
        self.store.delete(PackedStrings::from_strings(ids.iter().copied()), WAIT).unwrap();
        self.expected.delete(ids);
        self.note_commit();
    }

    /// Patches the metadata of what fits a filter; `fits` and `patched` say the same of a text.
    fn update(&mut self, fits: fn(&str) -> bool, filter: &str, patch: &str, patched: &dyn Fn(&str) -> String) {
        let target = Target::Where(self.store.filter(filter).unwrap());
        let outcome = self.store.update_metadata(target, patch.into(), WAIT).unwrap();
        let texts = self.expected.entries.iter_mut().filter_map(|entry| entry.metadata.as_mut());
        let fitting: Vec<&mut String> = texts.filter(|text| fits(text)).collect();
        assert_eq!(outcome.updated, fitting.len() as u64, "{patch} where {filter}");
        fitting.into_iter().for_each(|text| *text = patched(text));
        self.note_commit();
    }

    fn note_commit(&mut self) {
        self.last_append_start = self.states[self.states.len() - 1].0;
        self.states.push((self.store.status().unwrap().file_bytes, self.expected.clone()));
    }

    fn checkpoint(&mut self) {
        self.store.checkpoint().unwrap();
        self.start_again();
    }

    fn close(&mut self) {
        self.store.close().unwrap();
        self.start_again();
    }

    fn start_again(&mut self) {
        let len = file_bytes(&self.host).len() as u64;
        self.states = vec![(len, self.expected.clone())];
        self.last_append_start = len;
    }

    fn reopen(&mut self, durability: Durability) {
        self.close();
        let options = OpenOptions { durability, ..OpenOptions::default() };
        self.store = RvfStore::open(&self.host, PATH, &options).unwrap();
    }

    fn build_small_base(&mut self) {
        let entries = self.entries(0..10, true);
        self.ingest(&entries);
        self.delete(&["id-4"]);
    }

    fn write_small_tail(&mut self) {
        let entries = self.entries(10..15, false);
        self.ingest(&entries);
        self.delete(&["id-2", "id-11"]);
        let entries = self.entries(7..10, true);
        self.ingest(&entries);
        let entries = self.entries(20..21, true);
        self.ingest(&entries);
    }

    fn into_sample(self, name: &'static str) -> Sample {
        // Not closed here: a sample that is to be closed has been.
        Sample { name, bytes: file_bytes(&self.host), states: self.states, last_append_start: self.last_append_start }
    }
}
