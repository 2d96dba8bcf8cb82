//! The services of a host while they run, and how they end.
use super::command::Program;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A host's services. Dropping it ends them without waiting for anything.
#[derive(Debug, Default)]
pub struct Running {
    tasks: Tasks,
    programs: Vec<Program>,
}

impl Running {
    /// Ends everything: servers at once; programs are asked first and killed two seconds later.
    pub async fn stop(mut self) {
        self.tasks.cancel.cancel();
        for program in &mut self.programs {
            program.stop().await;
        }
        self.tasks.tracker.close();
        self.tasks.tracker.wait().await;
    }

    /// The end of what each command wrote, under its name: for the message of a failure.
    #[must_use]
    pub fn outputs(&self) -> Vec<(String, String)> {
        let programs = self.programs.iter();
        programs
            .map(|program| (program.service().to_owned(), program.output()))
            .collect()
    }

    /// The commands that have ended by themselves, each with how.
    pub fn ended(&mut self) -> Vec<(String, std::process::ExitStatus)> {
        let programs = self.programs.iter_mut();
        programs
            .filter_map(|program| {
                let status = program.ended()?;
                Some((program.service().to_owned(), status))
            })
            .collect()
    }

    pub(super) fn add(&mut self, program: Program) {
        self.programs.push(program);
    }

    pub(super) fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.cancel.cancel();
    }
}

/// Where tasks of a host's services are started, so that they end with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Tasks {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move {
            cancel.run_until_cancelled(task).await;
        });
    }
}
