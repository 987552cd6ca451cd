//! Several small ingests in one call: each is a commit of its own, and all of them share an fsync and a promise.

use std::sync::Arc;

use parking_lot::Mutex;
use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::{Batch, Done, OnDuplicate, Outcome, PackedStrings, Result, Write};

use crate::answers::EngineIngestGroup;
use crate::error::message_of;

/// Collects what the ingests of a group answered; the last one hands it on.
struct Gather<F: FnOnce(EngineIngestGroup)> {
    epochs: Vec<f64>,
    errors: Option<Vec<String>>,
    open: usize,
    finish: Option<F>,
}

impl<F: FnOnce(EngineIngestGroup)> Gather<F> {
    fn note(&mut self, index: usize, result: Result<Outcome>) {
        let count = self.epochs.len();
        match result {
            Ok(Outcome::Ingest(outcome)) => self.epochs[index] = outcome.epoch as f64,
            Ok(_) => {}
            Err(error) => self.errors.get_or_insert_with(|| vec![String::new(); count])[index] = message_of(&error),
        }
        self.open -= 1;
        if self.open > 0 {
            return;
        }
        if let Some(finish) = self.finish.take() {
            finish(EngineIngestGroup { epochs: std::mem::take(&mut self.epochs), errors: self.errors.take() });
        }
    }
}

/// The writes of a group whose ingests have `counts` entries each, one behind the other in `all`.
pub(crate) fn split(
    all: &Batch,
    counts: &[u32],
    finish: impl FnOnce(EngineIngestGroup) + Send + 'static,
) -> Vec<(Write, Done)> {
    let gather = Arc::new(Mutex::new(Gather {
        epochs: vec![0.0; counts.len()],
        errors: None,
        open: counts.len(),
        finish: Some(finish),
    }));
    let row_bytes = all.vectors.len() / all.len().max(1);
    let mut first = 0;
    let mut writes = Vec::with_capacity(counts.len());
    for (index, count) in counts.iter().enumerate() {
        let end = (first + *count as usize).min(all.len());
        let batch = Arc::new(Batch {
            ids: part(&all.ids, first, end),
            vectors: AlignedBytes::from(&all.vectors[first * row_bytes..end * row_bytes]),
            metadata: all.metadata.as_ref().map(|texts| part(texts, first, end)),
        });
        let gather = Arc::clone(&gather);
        let done: Done = Box::new(move |result| gather.lock().note(index, result));
        writes.push((Write::Ingest { batch, on_duplicate: OnDuplicate::Replace, control: None }, done));
        first = end;
    }
    writes
}

fn part(strings: &PackedStrings, first: usize, end: usize) -> PackedStrings {
    let offsets = &strings.offsets[first..=end];
    let start = offsets[0];
    PackedStrings {
        bytes: strings.bytes[start as usize..offsets[end - first] as usize].to_vec(),
        offsets: offsets.iter().map(|offset| offset - start).collect(),
    }
}
