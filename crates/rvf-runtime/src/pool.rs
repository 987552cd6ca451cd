//! The store's own threads for work that is cut into parts: building the graph, and queries in batches.

use rvf_index::Executor;

use crate::host::Host;

/// Most threads that one store computes with.
const POOL_THREADS_MAX: usize = 16;

/// Threads that are started with the first work and end with the store.
pub(crate) struct Pool {
    threads: usize,
    #[cfg(not(target_family = "wasm"))]
    started: std::sync::OnceLock<Option<rayon::ThreadPool>>,
    #[cfg(not(target_family = "wasm"))]
    host: Host,
}

/// A number of parts to cut work into, and the threads that do them.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    pool: &'p Pool,
    count: usize,
}

impl Pool {
    pub(crate) fn new(host: &Host) -> Pool {
        let threads = host.threads.as_ref().map_or(1, |threads| threads.parallelism()).clamp(1, POOL_THREADS_MAX);
        Pool {
            threads,
            #[cfg(not(target_family = "wasm"))]
            started: std::sync::OnceLock::new(),
            #[cfg(not(target_family = "wasm"))]
            host: host.clone(),
        }
    }

    /// As many parts as there are threads.
    pub(crate) fn all(&self) -> Parts<'_> {
        Parts { pool: self, count: self.threads }
    }

    /// One part fewer, so that queries have a core to themselves where there are several.
    pub(crate) fn most(&self) -> Parts<'_> {
        Parts { pool: self, count: (self.threads - 1).max(1) }
    }

    #[cfg(not(target_family = "wasm"))]
    fn threads(&self) -> Option<&rayon::ThreadPool> {
        let start = || {
            let threads = self.host.threads.as_ref()?;
            rayon::ThreadPoolBuilder::new()
                .num_threads(self.threads)
                .spawn_handler(|thread| threads.spawn("rvf-pool", Box::new(move || thread.run())))
                .build()
                .ok()
        };
        self.started.get_or_init(start).as_ref()
    }
}

impl Executor for Parts<'_> {
    fn parts(&self) -> usize {
        self.count
    }

    fn run<W: Send>(&self, workers: &mut [W], task: impl Fn(&mut W) + Sync) {
        #[cfg(not(target_family = "wasm"))]
        if workers.len() > 1
            && let Some(pool) = self.pool.threads()
        {
            return pool.scope(|scope| {
                for worker in workers {
                    scope.spawn(|_| task(worker));
                }
            });
        }
        workers.iter_mut().for_each(task);
    }
}
