//! Real processes: this test program again, with a role to play.
//!
//! A role is played by the test [`ROLE_TEST`] of the same program, which does nothing where no role is set. It tells the
//! parent what it does in lines that start with `@`, and stops when its standard input ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const ROLE: &str = "RVF_TEST_ROLE";
const ARGUMENTS: &str = "RVF_TEST_ARGUMENTS";
/// The test that plays roles.
pub const ROLE_TEST: &str = "a_child_process_plays_its_role";

/// The role this process has to play, with its arguments.
pub fn role() -> Option<(String, Vec<String>)> {
    let role = std::env::var(ROLE).ok()?;
    let arguments = std::env::var(ARGUMENTS).unwrap();
    Some((role, arguments.split('\t').map(str::to_owned).collect()))
}

/// Tells the parent something. The line starts anew, since the test harness has written to this one.
pub fn tell(what: &str) {
    println!("\n@{what}");
    std::io::stdout().flush().unwrap();
}

/// Waits for a line from the parent; false at the end of the input.
pub fn wait_for_parent() -> bool {
    std::io::stdin().read_line(&mut String::new()).unwrap() > 0
}

/// A process that plays a role, killed at the latest when this is dropped.
pub struct Actor {
    process: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Actor {
    pub fn start(role: &str, arguments: &[&str]) -> Actor {
        Actor::start_with(role, arguments, &[])
    }

    /// Starts with more environment variables.
    pub fn start_with(role: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Actor {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", ROLE_TEST, "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(ARGUMENTS, arguments.join("\t"))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Actor { input: process.stdin.take(), process, lines }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next thing the process tells; `None` once it has ended.
    pub fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(told) = line.trim_end().strip_prefix('@') {
                return Some(told.to_owned());
            }
        }
    }

    /// Everything the process still tells until it ends, which must be by itself and well.
    pub fn hear_all(mut self) -> Vec<String> {
        let told = std::iter::from_fn(|| self.hear()).collect();
        assert!(self.process.wait().unwrap().success(), "the process failed");
        told
    }

    /// Sends a line.
    pub fn nudge(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Ends the input, which tells the process to stop.
    pub fn stop(&mut self) {
        self.input = None;
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// Kills the process without any warning, and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
