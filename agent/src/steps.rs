//! What experiments do alike around the steps of `tonle_net`.
use crate::experiments::{CannotRun, Run};
use std::future::Future;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Outcome;
use tonle_net::dns::{Patience, Resolved, resolve_host};

/// Resolves `host` on the run's account; what each question saw is recorded.
pub async fn resolve(run: &Run, host: &str, patience: Patience) -> Resolved {
    let resolved = resolve_host(&run.net, &run.clock, &run.meter, host, patience).await;
    for observation in &resolved.observations {
        run.observe(observation.clone());
    }
    resolved
}

/// Whether anything of this step left the device. A step that did not, for want of a route or an
/// interface, says something of the device and nothing of the line: it enters no loss or failure
/// ratio.
#[must_use]
pub fn left_device(observation: &Observation) -> bool {
    observation.detail.get("sent") != Some(&false.into())
}

/// Does `work` until it is done or the run is cancelled; what was recorded until then stands.
pub async fn until_cancelled(
    run: &Run,
    work: impl Future<Output = Result<(), CannotRun>>,
) -> Result<(), CannotRun> {
    tokio::select! {
        () = run.cancel.cancelled() => {
            run.ended(Outcome::Cancelled);
            Ok(())
        }
        done = work => done,
    }
}

/// Refuses a target whose literal address may not be contacted.
pub fn check_literal(run: &Run, target: &str, host: &str) -> Result<(), CannotRun> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) if !run.net.may_contact(address) => Err(CannotRun::Target {
            target: target.to_owned(),
            reason: "its address is not on the Internet; `allow_loopback` is for laboratories"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}
