/// Runs the parts of a step at once, on whatever threads the caller has. A build has no threads of its own.
pub trait Executor {
    /// How many parts a step is cut into.
    fn parts(&self) -> usize;

    /// Calls `task` once with each worker, in any order or at once, and returns when all calls have.
    fn run<W: Send>(&self, workers: &mut [W], task: impl Fn(&mut W) + Sync);
}

/// Runs everything in the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Executor for Inline {
    fn parts(&self) -> usize {
        1
    }

    fn run<W: Send>(&self, workers: &mut [W], task: impl Fn(&mut W) + Sync) {
        workers.iter_mut().for_each(task);
    }
}
