//! What the child processes of the process tests do. Each plays one role, named by its first argument's test.

use std::fs::OpenOptions as FileOptions;
use std::time::Duration;

use rvf_runtime::types::Metric;
use rvf_runtime::{Control, CreateOptions, Host, OnDuplicate, OpenOptions, RvfStore};

use crate::kit::child::{tell, wait_for_parent};
use crate::kit::{NewEntry, Rng, WAIT, batch_of, floats, stamped};

/// Longer than any turn of any writer takes.
const BUSY_TIMEOUT_MS: u64 = 120_000;

pub fn play(role: &str, arguments: &[String]) {
    let path = arguments[0].as_str();
    match role {
        "write" => write(path, arguments[1].parse().unwrap()),
        "read" => read(path, arguments[1].parse().unwrap()),
        "contend" => contend(path, &arguments[1], arguments[2].parse().unwrap()),
        "hold" => hold(path),
        "hold with a child" => hold_with_child(path),
        "compact for ever" => compact_for_ever(path),
        "create in turns" => create_in_turns(path, arguments[1].parse().unwrap()),
        "create for ever" => create_for_ever(path),
        "try" => attempt(path),
        other => panic!("no role {other}"),
    }
}

/// Commits, checkpoints and compacts, with pauses in which readers can look.
fn write(path: &str, commits: u64) {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default()).unwrap();
    tell("open");
    wait_for_parent();
    for epoch in 1..=commits {
        stamped::commit(&store, epoch).unwrap();
        if epoch % 7 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if epoch % 40 == 0 {
            store.checkpoint().unwrap();
        }
        if epoch % 90 == 0 {
            store.compact(&Control::default()).unwrap();
        }
    }
    store.close().unwrap();
}

/// Refreshes until the last commit has come.
fn read(path: &str, last_epoch: u64) {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::read_only()).unwrap();
    tell("open");
    let (mut epoch, mut states) = (0, 1);
    while epoch < last_epoch {
        let is_new = store.refresh().unwrap();
        let now = stamped::epoch_of(&store.snapshot().unwrap());
        assert!(now >= epoch, "epoch {now} came after {epoch}");
        assert!(is_new || now == epoch, "a new state without a refresh");
        assert_eq!(store.status().unwrap().epoch, now);
        let stamp = stamped::query(&store).unwrap();
        assert!(stamp == now || stamp + 1 == now, "stamp {stamp} at epoch {now}");
        states += u64::from(now > epoch);
        epoch = now;
    }
    tell(&format!("{states}"));
}

/// Takes the lock in turn with others, and stores one row each time.
fn contend(path: &str, name: &str, turns: u64) {
    let options = OpenOptions { busy_timeout_ms: BUSY_TIMEOUT_MS, ..OpenOptions::default() };
    let mut rng = Rng::new(name.bytes().map(u64::from).sum());
    let inside = format!("{path}.inside");
    tell("ready");
    wait_for_parent();
    for turn in 0..turns {
        let store = RvfStore::open(&Host::native(), path, &options).unwrap();
        // Fails where another process stands here at the same time.
        FileOptions::new().write(true).create_new(true).open(&inside).unwrap();
        let before = store.count().unwrap();
        for part in 0..1 + rng.below(3) {
            let id = format!("{name}-{turn}-{part}");
            let entry = NewEntry { id: id.clone(), vector: floats([0.0; 3]), metadata: None };
            store.ingest(batch_of(&[entry]), OnDuplicate::Error, WAIT).unwrap();
            tell(&id);
        }
        assert!(store.count().unwrap() > before);
        std::fs::remove_file(&inside).unwrap();
        if rng.chance(50) {
            store.close().unwrap();
        }
    }
}

fn hold(path: &str) {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default()).unwrap();
    let epoch = store.status().unwrap().epoch;
    stamped::commit(&store, epoch + 1).unwrap();
    tell(&format!("holds {}", epoch + 1));
    wait_for_parent();
    store.close().unwrap();
    tell("closed");
    wait_for_parent();
}

/// Holds the lock and starts a process that outlives it.
fn hold_with_child(path: &str) {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default()).unwrap();
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    tell(&child.id().to_string());
    wait_for_parent();
    drop(store);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn compact_for_ever(path: &str) {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default()).unwrap();
    tell("open");
    for round in 0u64.. {
        store.compact(&Control::default()).unwrap();
        if round == 0 {
            tell("compacting");
        }
    }
}

/// Creates one store after another, each when the parent says so, in competition with another process.
fn create_in_turns(directory: &str, dimension: u32) {
    tell("ready");
    for round in 0u64.. {
        if !wait_for_parent() {
            return;
        }
        let path = format!("{directory}/{round}.rvf");
        match RvfStore::create(&Host::native(), &path, &CreateOptions::new(dimension, Metric::L2)) {
            Ok(store) => {
                store.close().unwrap();
                tell("created");
            }
            Err(error) => tell(error.code.name()),
        }
    }
}

fn create_for_ever(path: &str) {
    loop {
        RvfStore::create(&Host::native(), path, &stamped::options()).unwrap();
        std::fs::remove_file(path).unwrap();
    }
}

/// Opens the store in every way and tells how that ends.
fn attempt(path: &str) {
    let host = Host::native();
    let outcome = |result: rvf_runtime::Result<RvfStore>| match result {
        Ok(store) => format!("Ok {}", store.count().unwrap()),
        Err(error) => format!("{} {}", error.code.name(), error.message),
    };
    tell(&outcome(RvfStore::open(&host, path, &OpenOptions::default())));
    tell(&outcome(RvfStore::open(&host, path, &OpenOptions::read_only())));
    tell(&outcome(RvfStore::create(&host, &format!("{path}.new"), &stamped::options())));
}
