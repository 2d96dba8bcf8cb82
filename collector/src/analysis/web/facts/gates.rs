//! What the checks around a run saw: operations `portal_check` and `known_good` of a record.
//!
//! 1. The empty page answers 204. A page of content (2xx), a redirect to another host and 511 (RFC
//!    6585, section 6) are a portal's. Anything else is none: a proxy before the collector that
//!    refuses the request, a redirect of that host to TLS, no answer at all.
//! 2. One known site can be down; all of them at once cannot, while the line is as it should be.
use super::Witness;
use serde_json::Value;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Public;
use url::Url;

const PORTAL_CHECK: &str = "portal_check";
const KNOWN_GOOD: &str = "known_good";

/// Whether an observation is a check and no step of the visit.
pub(super) fn is_check(seen: &Observation) -> bool {
    matches!(seen.operation.as_str(), PORTAL_CHECK | KNOWN_GOOD)
}

/// Where a portal answered, before or after the run.
pub(super) fn portal(public: &Public) -> Option<Witness> {
    let mut seen = public.observations.iter();
    let index = seen.position(|one| one.operation == PORTAL_CHECK && is_portal(one))?;
    Some(at(index))
}

/// Every known site, where there were some and none was reached.
pub(super) fn known_good_failed(public: &Public) -> Vec<Witness> {
    let seen = public.observations.iter().enumerate();
    let sites = seen.filter(|(_, one)| one.operation == KNOWN_GOOD);
    if sites.clone().any(|(_, one)| one.failure.is_none()) {
        return Vec::new();
    }
    sites.map(|(index, _)| at(index)).collect()
}

fn at(index: usize) -> Witness {
    format!("/observations/{index}")
}

/// Rule 1.
fn is_portal(seen: &Observation) -> bool {
    let status = seen.detail.get("status").and_then(Value::as_i64);
    match status {
        Some(204) | None => false,
        Some(200..=299 | 511) => true,
        Some(300..=399) => leads_elsewhere(seen),
        Some(_) => false,
    }
}

fn leads_elsewhere(seen: &Observation) -> bool {
    let host = |text: &str| {
        let url = Url::parse(text).ok()?;
        url.host_str().map(str::to_owned)
    };
    let asked = seen.subject.as_deref().and_then(host);
    let location = seen.detail.get("location").and_then(Value::as_str);
    let to = location.and_then(host);
    to.is_some() && to != asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn look(status: i64, location: &str) -> Observation {
        serde_json::from_value(json!({
            "t_start_us": 0, "t_end_us": 1, "operation": PORTAL_CHECK,
            "subject": "http://collector.example:8081/generate_204",
            "detail": { "status": status, "location": location },
        }))
        .unwrap()
    }

    #[test]
    fn only_what_portals_do_is_a_portal() {
        for (status, location, expected) in [
            (204, "", false),
            (200, "", true),
            (511, "", true),
            (302, "http://portal.example/login", true),
            (302, "https://collector.example/generate_204", false),
            (302, "not a url", false),
            (400, "", false),
            (502, "", false),
        ] {
            let seen = look(status, location);
            assert_eq!(is_portal(&seen), expected, "{status} {location}");
        }
    }

    proptest! {
        #[test]
        fn any_look_is_read_without_panic(status: i64, location in "\\PC{0,60}") {
            let _ = is_portal(&look(status, &location));
        }
    }
}
