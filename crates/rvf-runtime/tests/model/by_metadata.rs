//! Operations that go by metadata, and the changes since an earlier state.

use std::sync::Arc;

use rvf_runtime::types::ErrorCode;
use rvf_runtime::{Expression, OnDuplicate, Target};
use serde_json::Value;

use crate::checks::{right_filtered_hits, same_matches};
use crate::kit::{WAIT, batch_of, plain, ready, strings};
use crate::replica::{Replica, refuses_future, refuses_stale};
use crate::{Run, inputs};

const PAST_STATES_MAX: usize = 4;

impl Run {
    fn filter(&mut self) -> (Value, Arc<Expression>) {
        let filter =
            if self.rng.chance(40) { plain::narrow_filter(&mut self.rng) } else { plain::filter(&mut self.rng) };
        let expression = ready(|| self.store.filter(&filter.to_string())).unwrap();
        (filter, expression)
    }

    pub fn update(&mut self) {
        let patch = plain::patch(&mut self.rng);
        let (target, ids): (Box<dyn Fn() -> Target>, _) = if self.rng.chance(50) {
            let (filter, expression) = self.filter();
            self.note(format!("update where {filter} with {patch}"));
            (Box::new(move || Target::Where(Arc::clone(&expression))), self.oracle.matching(&filter))
        } else {
            let ids: Vec<String> = (0..self.rng.below(8)).map(|_| self.rng.pick(&self.ids).clone()).collect();
            self.note(format!("update {} ids with {patch}", ids.len()));
            let packed = strings(&ids);
            (Box::new(move || Target::Ids(packed.clone())), ids)
        };
        let outcome = ready(|| self.store.update_metadata(target(), patch.clone().into_bytes(), WAIT)).unwrap();
        assert_eq!(outcome.updated, self.oracle.update(&ids, &patch));
        assert_eq!(outcome.epoch, self.oracle.epoch);
        self.is_reader_current &= outcome.updated == 0;
    }

    pub fn delete_where(&mut self) {
        let filter = plain::narrow_filter(&mut self.rng);
        self.note(format!("delete where {filter}"));
        let expression = ready(|| self.store.filter(&filter.to_string())).unwrap();
        let outcome = ready(|| self.store.delete_where(Arc::clone(&expression), WAIT)).unwrap();
        let ids = self.oracle.matching(&filter);
        assert_eq!(outcome.deleted, self.oracle.delete(&ids));
        assert_eq!(outcome.epoch, self.oracle.epoch);
        self.is_reader_current &= outcome.deleted == 0;
    }

    pub fn replace(&mut self) {
        let (filter, expression) = self.filter();
        let batch = if self.rng.chance(90) {
            inputs::small_batch(&mut self.rng, &self.oracle.shape, &self.ids)
        } else {
            inputs::large_batch(&mut self.rng, &self.oracle.shape, &self.ids)
        };
        let on_duplicate = *self.rng.pick(&[OnDuplicate::Replace, OnDuplicate::Skip, OnDuplicate::Error]);
        self.note(format!("replace what fits {filter} by {} entries, {on_duplicate:?}", batch.len()));
        let expected = self.oracle.replace(&filter, &batch, on_duplicate);
        let answer = ready(|| self.store.replace_where(Arc::clone(&expression), batch_of(&batch), on_duplicate, WAIT));
        match (answer, expected) {
            (Ok(outcome), Some((deleted, ingested))) => {
                assert_eq!(outcome.deleted, deleted);
                let stored = outcome.ingest;
                assert_eq!((stored.accepted, stored.skipped), (ingested.accepted, ingested.skipped));
                assert_eq!(stored.epoch, self.oracle.epoch);
                self.is_reader_current &= deleted == 0 && ingested.accepted == 0;
            }
            (Err(error), None) => assert_eq!(error.code, ErrorCode::AlreadyExists),
            (answer, expected) => panic!("{answer:?} where {expected:?} was expected"),
        }
    }

    pub fn look_by_filter(&mut self) {
        let (filter, _) = self.filter();
        self.note(format!("look for {filter}"));
        same_matches(&self.store, &self.oracle, &filter, &mut self.rng);
    }

    pub fn query_by_filter(&mut self) {
        let query = inputs::query(&mut self.rng, &self.oracle);
        let (filter, expression) = self.filter();
        let mut options = self.query_options(&query);
        options.filter = Some(expression);
        options.with_plan = self.rng.chance(30);
        self.note(format!("query where {filter}, k {}, {:?}", options.k, options.distance_max));
        let hits = ready(|| self.store.query(&query, &options, None)).unwrap();
        right_filtered_hits(&self.oracle, &query, &filter, &options, &hits);
    }

    /// Brings an earlier state up to date, and keeps this one to be brought up to date later.
    pub fn follow_changes(&mut self) {
        self.note("follow the changes since an earlier state".to_owned());
        let mut replica = if self.past.is_empty() || self.rng.chance(20) {
            Replica::default()
        } else {
            let index = self.rng.below(self.past.len());
            self.past.swap_remove(index)
        };
        replica.follow(&self.store, &self.oracle.shape, &mut self.rng);
        let now = Replica::of(&self.oracle);
        assert!(replica == now, "the changes lead to {replica:?} instead of {now:?}");
        refuses_future(&self.store, self.oracle.epoch);
        if self.stale_below > 1 {
            let epoch = 1 + self.rng.below(self.stale_below as usize - 1) as u64;
            refuses_stale(&self.store, epoch);
        }
        if self.past.len() == PAST_STATES_MAX {
            self.past.swap_remove(0);
        }
        self.past.push(now);
    }
}
