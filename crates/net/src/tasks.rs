//! The tasks of one connection of HTTP/2: a library starts them, and none outlives the connection.
//! One that did would go on moving bytes that nobody counts any more.
use hyper::rt::Executor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Where the tasks of one connection run.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    end: CancellationToken,
    begun: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
}

impl Tasks {
    /// Ends every task when what this returns is dropped.
    #[must_use]
    pub fn end_on_drop(&self) -> DropGuard {
        self.end.clone().drop_guard()
    }

    /// How many ever began; on a server one for each request.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

/// Counts a task while it lives.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&self.running));
        let end = self.end.clone();
        tokio::spawn(async move {
            let _counted = counted;
            tokio::select! {
                () = end.cancelled() => {}
                _ = task => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_task_outlives_its_connection() {
        let tasks = Tasks::default();
        let guard = tasks.end_on_drop();
        tasks.execute(std::future::pending::<()>());
        tasks.execute(async {});
        tokio::task::yield_now().await;
        assert_eq!((tasks.begun(), tasks.running()), (2, 1));
        drop(guard);
        while tasks.running() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
