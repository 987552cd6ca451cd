//! What a store must hold, kept beside it by the simplest means, and the comparison with what the store answers.

use rvf_runtime::types::limits::COUNTER_MAX;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Batch, PackedStrings, QueryOptions, Result, RowPage, RvfError, RvfStore};

use super::{page_at, samples};

/// One stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub vector: Vec<u8>,
    pub metadata: Option<String>,
}

/// The entries of a store in the order of their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub entries: Vec<Entry>,
}

/// What reading a store came to.
#[derive(Debug, Default)]
pub struct Findings {
    /// Errors, each of them an honest answer about a damaged file.
    pub errors: Vec<RvfError>,
    /// Answers that are not what was stored.
    pub wrong: Vec<String>,
}

impl Findings {
    pub fn is_right(&self) -> bool {
        self.errors.is_empty() && self.wrong.is_empty()
    }
}

impl Expected {
    pub fn put(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.entries.retain(|stored| stored.id != entry.id);
            self.entries.push(entry.clone());
        }
    }

    pub fn delete(&mut self, ids: &[&str]) {
        self.entries.retain(|entry| !ids.contains(&entry.id.as_str()));
    }

    /// All entries as one page of rows.
    fn page(&self) -> RowPage {
        let has_any = self.entries.iter().any(|entry| entry.metadata.is_some());
        let texts: Vec<&str> = self.entries.iter().map(|entry| entry.metadata.as_deref().unwrap_or("null")).collect();
        let without = (0u32..).zip(&self.entries).filter(|(_, entry)| entry.metadata.is_none());
        RowPage {
            ids: self.entries.iter().map(|entry| entry.id.clone()).collect(),
            indexes: Vec::new(),
            metadata: has_any.then(|| format!("[{}]", texts.join(","))),
            without_metadata: if has_any { without.map(|(index, _)| index).collect() } else { Vec::new() },
            vectors: Some(self.entries.iter().flat_map(|entry| entry.vector.iter().copied()).collect()),
            lossy: Vec::new(),
            next: None,
        }
    }

    /// Reads the store in every way there is and compares.
    pub fn compare(&self, store: &RvfStore) -> Findings {
        let mut findings = Findings::default();
        let page = self.page();
        note(&mut findings, "count", store.count(), |count| *count == self.entries.len() as u64);
        note(&mut findings, "rows", store.snapshot().and_then(|all| all.rows(page_at(0, usize::MAX), None)), |rows| {
            *rows == page
        });
        let ids = PackedStrings::from_strings(self.entries.iter().map(|entry| entry.id.as_str()).chain(["absent"]));
        note(&mut findings, "get", store.get(&ids, true), |got| {
            let indexes: Vec<u32> = (0..self.entries.len() as u32).collect();
            *got == RowPage { indexes, ..page.clone() }
        });
        note(&mut findings, "has", store.has(&ids), |has| {
            has.iter().enumerate().all(|(index, found)| *found == (index < self.entries.len()))
        });
        if let Some(first) = self.entries.first() {
            self.compare_query(store, &first.vector, &mut findings);
            self.compare_filtered(store, &first.vector, &mut findings);
        }
        self.compare_changes(store, &mut findings);
        findings
    }

    /// What goes by metadata: the entries that are red.
    fn compare_filtered(&self, store: &RvfStore, vector: &[u8], findings: &mut Findings) {
        let is_red = |entry: &&Entry| entry.metadata.as_deref().is_some_and(samples::is_red);
        let red = Expected { entries: self.entries.iter().filter(is_red).cloned().collect() };
        let count = red.entries.len() as u64;
        let Ok(filter) = store.filter(samples::RED) else {
            return findings.wrong.push("a filter was not understood".to_owned());
        };
        note(findings, "count where", store.count_where(&filter, 0, None), |found| *found == count);
        let listed = store.list_where(Some(&filter), page_at(0, usize::MAX), None, 0, None);
        note(findings, "list where", listed, |found| found.page == red.page());
        note(findings, "explain", store.explain(&filter), |plan| plan.matched == count);
        let k = self.entries.len();
        let options = QueryOptions { k, filter: Some(filter), with_metadata: true, ..QueryOptions::default() };
        note(findings, "query where", store.query(vector, &options, None), |hits| {
            let mut found: Vec<&str> = hits.ids.iter().map(String::as_str).collect();
            let mut expected: Vec<&str> = red.entries.iter().map(|entry| entry.id.as_str()).collect();
            found.sort_unstable();
            expected.sort_unstable();
            found == expected && hits.distances.is_sorted() && hits.without_metadata.is_empty()
        });
    }

    /// The way from nothing, and from the commit before.
    fn compare_changes(&self, store: &RvfStore, findings: &mut Findings) {
        let all = store.changes(0, None, usize::MAX, true);
        let epoch = all.as_ref().map_or(0, |changes| changes.epoch);
        note(findings, "changes", all, |changes| {
            let mut found = Expected::default();
            for id in &changes.page.ids {
                let Some(entry) = self.entries.iter().find(|entry| entry.id == *id) else { return false };
                found.entries.push(entry.clone());
            }
            found.entries.len() == self.entries.len() && found.page() == changes.page && changes.deleted.is_empty()
        });
        if epoch >= COUNTER_MAX - 1 {
            return; // Forged: no commits lead there.
        }
        match store.changes(epoch.saturating_sub(1), None, 1_000, true) {
            Err(error) if error.code == ErrorCode::GenerationStale => {}
            answer => note(findings, "changes", answer, |changes| {
                changes.page.ids.iter().all(|id| self.entries.iter().any(|entry| entry.id == *id))
            }),
        }
    }

    fn compare_query(&self, store: &RvfStore, vector: &[u8], findings: &mut Findings) {
        let metric = store.options().metric;
        let options = QueryOptions {
            k: self.entries.len() + 1,
            with_metadata: true,
            with_vectors: true,
            ..QueryOptions::default()
        };
        note(findings, "query", store.query(vector, &options, None), |hits| {
            let mut found = Expected::default();
            let vectors = hits.vectors.clone().unwrap_or_default();
            for (index, id) in hits.ids.iter().enumerate() {
                let Some(entry) = self.entries.iter().find(|entry| entry.id == *id) else { return false };
                let distance = distance(metric, vector, &entry.vector);
                if (f64::from(hits.distances[index]) - distance).abs() > 1e-4 * (1.0 + distance.abs()) {
                    return false;
                }
                found.entries.push(entry.clone());
            }
            let page = found.page();
            let is_all = found.entries.len() == self.entries.len();
            is_all && page.metadata == hits.metadata && page.vectors == Some(vectors) && hits.distances.is_sorted()
        });
    }
}

/// Files an answer as right, wrong or refused. A bug of the engine's own is never an honest answer.
fn note<T: std::fmt::Debug>(findings: &mut Findings, what: &str, answer: Result<T>, is_right: impl FnOnce(&T) -> bool) {
    match answer {
        Ok(answer) if is_right(&answer) => {}
        Ok(answer) => findings.wrong.push(format!("{what} answered {answer:?}")),
        Err(error) if is_about_damage(&error) => findings.errors.push(error),
        Err(error) => findings.wrong.push(format!("{what} failed with {error}")),
    }
}

/// True where an error tells of damage, as opposed to trouble of another kind or a bug.
pub fn is_about_damage(error: &RvfError) -> bool {
    matches!(
        error.code,
        ErrorCode::InvalidMagic
            | ErrorCode::InvalidVersion
            | ErrorCode::InvalidChecksum
            | ErrorCode::TruncatedSegment
            | ErrorCode::InvalidManifest
            | ErrorCode::ManifestNotFound
            | ErrorCode::SegmentTooLarge
            | ErrorCode::AlgoUnsupported
    )
}

fn distance(metric: Metric, left: &[u8], right: &[u8]) -> f64 {
    if metric == Metric::Hamming {
        return left.iter().zip(right).map(|(left, right)| f64::from((left ^ right).count_ones())).sum();
    }
    let floats = |bytes: &[u8]| -> Vec<f64> {
        bytes.chunks_exact(4).map(|word| f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]]))).collect()
    };
    let (left, right) = (floats(left), floats(right));
    let dot = |left: &[f64], right: &[f64]| -> f64 { left.iter().zip(right).map(|(left, right)| left * right).sum() };
    match metric {
        Metric::L2 => left.iter().zip(&right).map(|(left, right)| (left - right).powi(2)).sum(),
        Metric::Cosine => 1.0 - dot(&left, &right) / (dot(&left, &left) * dot(&right, &right)).sqrt(),
        _ => -dot(&left, &right),
    }
}

/// The batch that stores these entries.
pub fn batch(entries: &[Entry]) -> Batch {
    let has_metadata = entries.iter().any(|entry| entry.metadata.is_some());
    let texts = entries.iter().map(|entry| entry.metadata.as_deref().unwrap_or_default());
    let vectors: Vec<u8> = entries.iter().flat_map(|entry| entry.vector.iter().copied()).collect();
    Batch {
        ids: PackedStrings::from_strings(entries.iter().map(|entry| entry.id.as_str())),
        vectors: vectors[..].into(),
        metadata: has_metadata.then(|| PackedStrings::from_strings(texts)),
    }
}
