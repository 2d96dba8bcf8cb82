//! One step in progress: its clock, its facts, and how it becomes an observation.
use crate::clock::Stopwatch;
use serde_json::Value;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::{Detail, Observation};

/// What a step saw, and the useful thing it made when it succeeded.
pub type Seen<T> = (Observation, Option<T>);

/// A step that has begun. It ends by [`Step::succeed`] or [`Step::fail`]; the moment of the end is
/// the moment the result was known, not the moment somebody looked at it.
#[derive(Debug)]
pub struct Step {
    clock: Stopwatch,
    t_start_us: i64,
    t_end_us: Option<i64>,
    operation: &'static str,
    subject: Option<String>,
    detail: Detail,
}

impl Step {
    /// Begins now. `subject` must already be fit for a record (see [`crate::scrub`]).
    #[must_use]
    pub fn start(clock: &Stopwatch, operation: &'static str, subject: impl Into<String>) -> Self {
        Self {
            clock: *clock,
            t_start_us: clock.elapsed_us(),
            t_end_us: None,
            operation,
            subject: Some(subject.into()),
            detail: Detail::new(),
        }
    }

    /// Microseconds since the step began.
    #[must_use]
    pub fn elapsed_us(&self) -> i64 {
        self.clock.elapsed_us() - self.t_start_us
    }

    /// Notes a fact for the observation's detail.
    pub fn fact(&mut self, key: &str, value: impl Into<Value>) {
        self.detail.insert(key.to_owned(), value.into());
    }

    /// Says that the result is known now, though the step goes on watching. Only the first call
    /// counts.
    pub fn result_known(&mut self) {
        let now_us = self.clock.elapsed_us();
        self.t_end_us.get_or_insert(now_us);
    }

    /// Ends well.
    #[must_use]
    pub fn succeed(self) -> Observation {
        self.end(None)
    }

    /// Ends in a failure.
    #[must_use]
    pub fn fail(self, failure: Failure) -> Observation {
        self.end(Some(failure))
    }

    fn end(mut self, failure: Option<Failure>) -> Observation {
        self.result_known();
        Observation {
            t_start_us: self.t_start_us,
            t_end_us: self.t_end_us.unwrap_or(self.t_start_us),
            operation: self.operation.to_owned(),
            subject: self.subject,
            failure,
            detail: self.detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_the_moment_the_result_was_known() {
        let mut step = Step::start(&Stopwatch::start(), "resolve", "example.org");
        step.result_known();
        let known_us = step.t_end_us.unwrap();
        while step.clock.elapsed_us() == known_us {
            std::hint::spin_loop();
        }
        step.result_known();
        assert_eq!(step.fail(Failure::DnsNxdomain).t_end_us, known_us);
    }
}
