//! A host in which a compaction waits in its middle until the test lets it go on.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rvf_runtime::{Clock, Host};

/// A compaction rests after each step of its copy; here it rests until the gate opens.
pub struct Gate {
    arrived: Receiver<()>,
    open: Sender<()>,
}

struct GateClock {
    inner: Arc<dyn Clock>,
    /// Taken by the first rest: only that one waits.
    once: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Clock for GateClock {
    fn now_ns(&self) -> u64 {
        self.inner.now_ns()
    }

    fn monotonic_ns(&self) -> u64 {
        self.inner.monotonic_ns()
    }

    fn sleep_ms(&self, milliseconds: u64) {
        // The thread that indexes rests, too, and is not waited for.
        let is_indexing = std::thread::current().name() == Some("rvf-index");
        let waiting = if is_indexing { None } else { self.once.lock().unwrap().take() };
        match waiting {
            Some((arrived, open)) => {
                arrived.send(()).unwrap();
                open.recv().unwrap();
            }
            None => self.inner.sleep_ms(milliseconds),
        }
    }
}

impl Gate {
    /// The host with a gate in it.
    pub fn in_host(host: &Host) -> (Host, Gate) {
        let ((arrive, arrived), (open, opened)) = (channel(), channel());
        let clock = GateClock { inner: Arc::clone(&host.clock), once: Mutex::new(Some((arrive, opened))) };
        (Host { clock: Arc::new(clock), ..host.clone() }, Gate { arrived, open })
    }

    /// Waits until a compaction stands at the gate.
    pub fn wait(&self) {
        self.arrived.recv().unwrap();
    }

    pub fn open(self) {
        self.open.send(()).unwrap();
    }
}
