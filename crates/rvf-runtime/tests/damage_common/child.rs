//! Tests that change the process they run in run in a process of their own: this program, started again for that one
//! test.

use std::io::Write;
use std::path::Path;
use std::process::Command;

const CHILD_FOLDER: &str = "RVF_DAMAGE_CHILD_FOLDER";
const SKIPPED: &str = "@skipped:";

/// Runs `body` in a process of its own, with a folder that is gone afterwards; `test` is the calling test's name.
pub fn in_child(test: &str, body: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        body(Path::new(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_FOLDER, folder.path())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} ended with {} in its own process:\n{said}", output.status);
    // A name that matches nothing would pass without having run.
    assert!(said.contains("1 passed"), "{test} did not run in its own process:\n{said}");
    for line in said.lines().filter(|line| line.contains(SKIPPED)) {
        // Past the capture of the test harness: a test that was left out must be seen.
        #[allow(clippy::explicit_write)] // eprintln! would be captured
        writeln!(std::io::stderr(), "{test}: {line}").unwrap();
    }
}

/// Tells the parent that this system does not let the test run.
pub fn skip(why: &str) {
    println!("\n{SKIPPED} {why}");
}
