//! When to upload: on a new record, after a failure with backoff, and never two at a time.
use super::backoff;
use super::{Stop, UploadReport};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::future::Future;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// After a new record, time for the others of its round to join it in one batch.
const GATHER: Duration = Duration::from_secs(5);

/// How long to wait before the next drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Until a record is kept.
    ForARecord,
    /// This long.
    For(Duration),
}

/// What to wait for after a drain; `failures` counts the drains in a row that left records behind.
fn next_wait(report: &UploadReport, failures: &mut u32, random: u64) -> Wait {
    if report.left == 0 && report.stop.is_none() {
        *failures = 0;
        return Wait::ForARecord;
    }
    *failures = failures.saturating_add(1);
    let backoff = backoff::full_jitter(*failures, random);
    match report.stop {
        Some(Stop::Busy {
            retry_after_s: Some(asked_s),
            ..
        }) => Wait::For(backoff::asked_for(asked_s, random).max(backoff)),
        _ => Wait::For(backoff),
    }
}

/// Drains now, and again whenever there is reason to, until cancelled.
pub(super) async fn repeat<D, R>(
    mut drain: D,
    wake: &Notify,
    mut random: StdRng,
    cancel: &CancellationToken,
) where
    D: FnMut() -> R,
    R: Future<Output = UploadReport>,
{
    let mut failures = 0;
    while !cancel.is_cancelled() {
        let report = drain().await;
        let wait = next_wait(&report, &mut failures, random.random());
        let waited = async {
            match wait {
                Wait::For(time) => tokio::time::sleep(time).await,
                Wait::ForARecord => {
                    wake.notified().await;
                    tokio::time::sleep(GATHER).await;
                }
            }
        };
        tokio::select! {
            () = waited => {}
            () = cancel.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use std::sync::{Arc, Mutex};
    use tokio::time::Instant;

    fn busy(retry_after_s: u64) -> UploadReport {
        UploadReport {
            left: 3,
            stop: Some(Stop::Busy {
                retry_after_s: Some(retry_after_s),
                detail: String::new(),
            }),
            ..UploadReport::default()
        }
    }

    fn left_behind() -> UploadReport {
        UploadReport {
            left: 3,
            ..UploadReport::default()
        }
    }

    /// Drains with these reports, then cancels; returns when each drain began, seconds.
    async fn drains(reports: Vec<UploadReport>) -> Vec<u64> {
        let cancel = CancellationToken::new();
        let wake = Notify::new();
        let began = Instant::now();
        let times: Arc<Mutex<Vec<u64>>> = Arc::default();
        let mut reports = reports.into_iter();
        let drain = || {
            times.lock().unwrap().push(began.elapsed().as_secs());
            let report = reports.next();
            if report.is_none() {
                cancel.cancel();
            }
            std::future::ready(report.unwrap_or_default())
        };
        repeat(drain, &wake, StdRng::seed_from_u64(5), &cancel).await;
        Arc::into_inner(times).unwrap().into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_collector_is_asked_ever_more_rarely() {
        let times = drains(vec![left_behind(); 40]).await;
        let early = times[10] - times[0];
        let late = times[40] - times[30];
        assert!(late > early, "{times:?}");
        assert!(late <= 10 * backoff::CAP_MS / 1_000, "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_collector_asks_for_is_waited_but_not_for_ever() {
        let times = drains(vec![busy(700), busy(u64::MAX)]).await;
        assert!(times[1] - times[0] >= 700, "{times:?}");
        let second = times[2] - times[1];
        let most = backoff::RETRY_AFTER_MAX_S + backoff::BASE_MS / 1_000;
        assert!(
            (backoff::RETRY_AFTER_MAX_S..=most).contains(&second),
            "{times:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn with_nothing_left_it_waits_for_a_record() {
        let cancel = CancellationToken::new();
        let wake = Notify::new();
        let count = Mutex::new(0);
        let drain = || {
            *count.lock().unwrap() += 1;
            std::future::ready(UploadReport::default())
        };
        let records = async {
            tokio::time::sleep(Duration::from_hours(24)).await;
            assert_eq!(*count.lock().unwrap(), 1, "nothing to send, nothing sent");
            wake.notify_one();
            tokio::time::sleep(Duration::from_hours(24)).await;
            cancel.cancel();
        };
        tokio::join!(
            repeat(drain, &wake, StdRng::seed_from_u64(1), &cancel),
            records
        );
        assert_eq!(*count.lock().unwrap(), 2);
    }
}
