//! What an insert costs the processor, without a disk: alone, and in groups that share an append.
//! `cargo run --release -p rvf-runtime --example insert_cost [rows] [rows a group]`.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rvf_runtime::types::Metric;
use rvf_runtime::{Batch, CreateOptions, Done, Host, OnDuplicate, PackedStrings, RvfStore, Write};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u32>().expect("arguments are numbers"));
    let rows = arguments.next().unwrap_or(3_000);
    let group = arguments.next().unwrap_or(1);
    let store = RvfStore::create(&Host::native(), ":memory:", &CreateOptions::new(384, Metric::Cosine))
        .expect("a store in memory can be created");
    let started = Instant::now();
    for first in (0..rows).step_by(group as usize) {
        if group == 1 {
            store.ingest(entry(first), OnDuplicate::Replace, Duration::ZERO).expect("an insert into memory succeeds");
        } else {
            insert_group(&store, first, group);
        }
    }
    println!("{:.2} us an insert", started.elapsed().as_secs_f64() * 1e6 / f64::from(rows));
}

fn entry(row: u32) -> Batch {
    let vector: Vec<u8> = (0..384u32).flat_map(|index| ((row + index) as f32).to_le_bytes()).collect();
    Batch {
        ids: PackedStrings::from_strings([format!("id-{row}").as_str()]),
        vectors: vector[..].into(),
        metadata: Some(PackedStrings::from_strings(["{\"a\":1}"])),
    }
}

fn insert_group(store: &RvfStore, first: u32, group: u32) {
    let (sender, receiver) = mpsc::channel();
    let write = |row| {
        let sender = sender.clone();
        let done: Done = Box::new(move |result| sender.send(result).expect("the answer is waited for"));
        (Write::Ingest { batch: Arc::new(entry(row)), on_duplicate: OnDuplicate::Replace, control: None }, done)
    };
    store.submit_all((first..first + group).map(write).collect());
    for _ in 0..group {
        receiver.recv().expect("every write is answered").expect("an insert into memory succeeds");
    }
}
