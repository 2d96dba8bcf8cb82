//! The keys that are decided by one walk through the classic part: the first entry that a rule
//! matches ends it.
use super::diff::compare;
use super::observe::{ControlStep, Entry, Observed};
use super::sets::Sets;
use super::{Blocking, Consistency};
use crate::analysis::web::facts::{Address, Endpoint, Lookup, Response};
use tonle_evidence::failure::Failure;

/// What the walk decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked {
    pub(super) blocking: Blocking,
    pub(super) accessible: Option<bool>,
    pub(super) failure: Option<Failure>,
}

impl Walked {
    const UNKNOWN: Self = Self {
        blocking: Blocking::Unknown,
        accessible: None,
        failure: None,
    };
    const REACHED: Self = Self {
        blocking: Blocking::Nothing,
        accessible: Some(true),
        failure: None,
    };
    /// It fails for the control too.
    const DOWN: Self = Self {
        blocking: Blocking::Nothing,
        accessible: Some(false),
        failure: None,
    };

    fn blocked(blocking: Blocking) -> Self {
        Self {
            blocking,
            accessible: Some(false),
            failure: None,
        }
    }

    fn with(self, failure: &Failure) -> Self {
        Self {
            failure: Some(failure.clone()),
            ..self
        }
    }
}

/// Whether the system's answers are what the control saw.
pub(super) fn consistency(observed: &Observed<'_>, sets: &Sets) -> Option<Consistency> {
    let none_wrong = sets.dns.unexpected.is_empty() && sets.dns_invalid.is_empty();
    let some_right = !sets.dns_valid.is_empty() || !sets.dns.expected.is_empty();
    if none_wrong && some_right {
        return Some(Consistency::Consistent);
    }
    let out_of_nothing =
        sets.dns_success && observed.has_control() && observed.control_found_nothing();
    if !none_wrong || out_of_nothing {
        return Some(Consistency::Inconsistent);
    }
    None
}

/// What blocks the page. An inconsistent lookup is blamed for whatever else was found, but for a
/// page that was reached.
pub(super) fn verdict(observed: &Observed<'_>, consistency: Option<Consistency>) -> Walked {
    let entries = observed.walk();
    let matched = entries.into_iter().find_map(|entry| match entry {
        Entry::Endpoint(endpoint) => of_endpoint(observed, endpoint),
        Entry::Lookup(lookup) => of_lookup(observed, lookup),
    });
    let walked = matched.unwrap_or(Walked::UNKNOWN);
    let reached = walked.accessible == Some(true);
    if consistency == Some(Consistency::Inconsistent) && !reached {
        return Walked {
            failure: walked.failure,
            ..Walked::blocked(Blocking::Dns)
        };
    }
    walked
}

fn of_endpoint(observed: &Observed<'_>, endpoint: &Endpoint) -> Option<Walked> {
    if let Some(http) = &endpoint.http {
        if let Some(response) = http.last_response() {
            return Some(if endpoint.tls.is_some() {
                Walked::REACHED
            } else {
                of_clear_response(observed, response)
            });
        }
        let failure = http.step.failure.as_ref()?;
        return Some(of_request(observed).with(failure));
    }
    let failure = endpoint.failure()?;
    let (control, blocking) = match endpoint.tls {
        Some(_) => (observed.control_tls(endpoint), Blocking::HttpFailure),
        None => (observed.control_tcp(endpoint), Blocking::TcpIp),
    };
    let walked = match control {
        ControlStep::Untried => without_control(observed, Walked::UNKNOWN, Blocking::HttpFailure),
        ControlStep::Failed => Walked::DOWN,
        ControlStep::Succeeded => Walked::blocked(blocking),
    };
    Some(walked.with(failure))
}

fn of_clear_response(observed: &Observed<'_>, response: &Response) -> Walked {
    if observed.control_http().is_none() {
        return Walked::UNKNOWN;
    }
    if compare(response, observed.control()).differs() {
        return Walked::blocked(Blocking::HttpDiff);
    }
    Walked::REACHED
}

fn of_request(observed: &Observed<'_>) -> Walked {
    match observed.control_http() {
        None => Walked::UNKNOWN,
        Some(control) if control.failure.is_some() => Walked::DOWN,
        Some(_) => Walked::blocked(Blocking::HttpFailure),
    }
}

/// The control says nothing of this step; whether it says anything at all decides.
fn without_control(observed: &Observed<'_>, nothing: Walked, blocking: Blocking) -> Walked {
    match observed.control_http() {
        None => nothing,
        Some(_) => Walked::blocked(blocking),
    }
}

fn of_lookup(observed: &Observed<'_>, lookup: &Lookup) -> Option<Walked> {
    let control = observed.control_dns(lookup);
    let Some(failure) = &lookup.failure else {
        let only_loopback = all_loopback(&lookup.addresses);
        let known = control.filter(|dns| dns.failure.is_none())?;
        if !only_loopback || known.addresses.is_empty() {
            return None;
        }
        return Some(if all_loopback(&known.addresses) {
            Walked::DOWN
        } else {
            Walked::blocked(Blocking::Dns)
        });
    };
    let Some(dns) = control else {
        // Without any control a failed lookup counts as reached: OONI's rule as it is.
        return Some(without_control(observed, Walked::REACHED, Blocking::Dns).with(failure));
    };
    if dns.failure.is_some() {
        return Some(Walked::DOWN.with(failure));
    }
    if *failure == Failure::DnsNoAnswer && dns.addresses.is_empty() {
        return Some(Walked::DOWN);
    }
    Some(Walked::blocked(Blocking::Dns).with(failure))
}

fn all_loopback(addresses: &[Address]) -> bool {
    !addresses.is_empty() && addresses.iter().all(Address::is_loopback)
}
