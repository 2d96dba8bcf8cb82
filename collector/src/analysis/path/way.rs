//! A way as its record tells it: the routers that answered, in their order.
use serde_json::Value;
use std::net::IpAddr;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{PathClass, Public};

/// The experiment whose records these are.
pub const EXPERIMENT: &str = "path";

/// A router that answered, outside the volunteer's own network, or the target itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Router {
    /// TTL at which it answered.
    pub ttl: i64,
    /// Its address.
    pub address: IpAddr,
    /// Smallest round trip, microseconds.
    pub rtt_us: i64,
}

/// A step of the round-trip time that the device took for the border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Range of the router before it, or `hidden`.
    pub before: String,
    /// Range of the router behind it.
    pub after: String,
}

/// A way to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Where the target's list says that it lies.
    pub declared: PathClass,
    /// The target.
    pub target: String,
    /// Whether the target answered.
    pub reached: bool,
    /// Who answered, by rising TTL.
    pub routers: Vec<Router>,
    /// The step that the device saw, where there is one.
    pub step: Option<Step>,
}

impl Way {
    /// The way of a record: by the method that reached the target, else by the one that heard the
    /// most. `None` for a record of another experiment, and for one without any trace.
    #[must_use]
    pub fn of(public: &Public) -> Option<Self> {
        if public.method.id != EXPERIMENT {
            return None;
        }
        let ends = public
            .observations
            .iter()
            .filter(|one| one.operation == "path");
        let ways = ends.map(|end| Self::by_one_method(public, end));
        // Of equals the first: methods stand in the order in which they are preferred.
        ways.reduce(|best, other| {
            let rank = |way: &Self| (way.reached, way.routers.len());
            if rank(&other) > rank(&best) {
                other
            } else {
                best
            }
        })
    }

    fn by_one_method(public: &Public, end: &Observation) -> Self {
        let method = end.detail.get("method");
        let hops = public
            .observations
            .iter()
            .filter(|one| one.operation == "trace_hop" && one.detail.get("method") == method);
        let mut routers: Vec<Router> = hops.filter_map(router).collect();
        routers.sort_by_key(|router| router.ttl);
        let text = |name: &str| end.detail.get(name)?.as_str().map(str::to_owned);
        let step = text("gateway_before").zip(text("gateway_after"));
        Self {
            declared: public.target.path_class,
            target: public.target.value.clone(),
            reached: end.failure.is_none() && text("end").as_deref() == Some("reached"),
            routers,
            step: step.map(|(before, after)| Step { before, after }),
        }
    }
}

fn router(hop: &Observation) -> Option<Router> {
    let round_trips = hop.detail.get("rtts_us")?.as_array()?;
    Some(Router {
        ttl: hop.detail.get("ttl")?.as_i64()?,
        address: hop.subject.as_deref()?.parse().ok()?,
        rtt_us: round_trips.iter().filter_map(Value::as_i64).min()?,
    })
}
