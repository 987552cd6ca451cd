//! Dependencies between the crates run one way.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each crate depends on in this workspace, for its own code: nothing more, and nothing less. A crate may only name
/// crates listed before it.
const DEPENDENCIES: [(&str, &[&str]); 10] = [
    ("rvf-types", &[]),
    ("rvf-wire", &["rvf-types"]),
    ("rvf-crypto", &[]),
    ("rvf-manifest", &["rvf-crypto", "rvf-types", "rvf-wire"]),
    ("rvf-quant", &["rvf-types"]),
    ("rvf-filter", &["rvf-types"]),
    ("rvf-index", &["rvf-types"]),
    ("rvf-layer", &["rvf-quant", "rvf-types"]),
    (
        "rvf-runtime",
        &["rvf-crypto", "rvf-filter", "rvf-index", "rvf-layer", "rvf-manifest", "rvf-quant", "rvf-types", "rvf-wire"],
    ),
    ("rvf-node", &["rvf-runtime"]),
];

/// Members of the workspace that only test the others: they may depend on all, and nothing on them.
const ON_TOP: [&str; 1] = ["rvf-fuzz-targets"];

/// Dependencies for tests that run against the direction: the runtime's on itself switches its test storages on.
const TEST_DEPENDENCIES: [(&str, &str); 1] = [("rvf-runtime", "rvf-runtime")];

/// Crates that must not depend on the standard library's I/O, told by their first attribute.
const WITHOUT_STD: [&str; 4] = ["rvf-types", "rvf-wire", "rvf-crypto", "rvf-manifest"];

/// Whether a dependency is one for tests alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Code,
    Tests,
}

/// The dependencies that `cargo metadata` tells of, those of each crate by name.
fn dependencies() -> BTreeMap<String, BTreeSet<(Use, String)>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let of = |package: &Value| {
        let entries = package["dependencies"].as_array().unwrap().iter();
        entries
            .map(|entry| {
                let is_for_tests = entry["kind"] == "dev";
                (if is_for_tests { Use::Tests } else { Use::Code }, entry["name"].as_str().unwrap().to_owned())
            })
            .collect()
    };
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), of(package))).collect()
}

#[test]
fn each_crate_depends_on_the_crates_that_the_architecture_says() {
    let found = dependencies();
    let names: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let known = DEPENDENCIES.iter().map(|(name, _)| *name).chain(ON_TOP);
    assert_eq!(names, known.collect(), "a crate came or went");
    for (name, expected) in DEPENDENCIES {
        let inside: BTreeSet<&str> = found[name]
            .iter()
            .filter(|(why, other)| *why == Use::Code && names.contains(other.as_str()))
            .map(|(_, other)| other.as_str())
            .collect();
        assert_eq!(inside, expected.iter().copied().collect(), "{name}");
    }
}

#[test]
fn no_crate_depends_on_one_above_it_not_even_for_its_tests() {
    let found = dependencies();
    let order: Vec<&str> = DEPENDENCIES.iter().map(|(name, _)| *name).collect();
    for (index, (name, expected)) in DEPENDENCIES.iter().enumerate() {
        assert!(expected.iter().all(|other| order[..index].contains(other)), "{name} in DEPENDENCIES");
        for (_, other) in &found[*name] {
            let is_above = order[index..].contains(&other.as_str()) || ON_TOP.contains(&other.as_str());
            let is_allowed = TEST_DEPENDENCIES.contains(&(name, other.as_str()));
            assert!(!is_above || is_allowed, "{name} depends on {other}");
        }
    }
}

#[test]
fn crates_that_only_know_bytes_are_without_the_standard_library() {
    for name in WITHOUT_STD {
        let path = format!("{}/../{name}/src/lib.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(path).unwrap();
        assert!(source.lines().any(|line| line == "#![no_std]"), "{name}");
    }
}

#[test]
fn only_the_runtimes_storage_and_host_open_files() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
    let mut folders: Vec<_> = DEPENDENCIES.iter().map(|(name, _)| format!("{root}{name}/src").into()).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = path.to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/");
            if path.is_dir() {
                folders.push(path);
            } else if !text.contains("/storage/") && !text.ends_with("/rvf-runtime/src/native.rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                assert!(!source.contains("std::fs") && !source.contains("std::net"), "{text}");
            }
        }
    }
}
