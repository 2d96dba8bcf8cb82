//! The Tonle layer: per layer and overall a state with mechanism, the rules that fired with their
//! versions, the observations that fired them, and what would change the verdict.
//!
//! 1. Rules stand in one ordered list ([`rules::ALL`]). Those of the run are asked first: a run that
//!    cannot be believed gives no verdict at all.
//! 2. What one resolver said of one name is judged by the first rule of DNS that speaks; so are the
//!    connections, handshakes and requests of one page on the way (one redirect further each).
//! 3. A layer's verdict is the strongest of its findings ([`State::strength`]), the page's the
//!    strongest of its layers; of equals the earlier layer, because it is the cause.
//! 4. Addresses of false answers are judged no further: whatever answers there is not the page.
//! 5. Interference is what is judged, not whether somebody got round it: a false answer stays one
//!    when the page is then reached at another address.
//! 6. The order of observations does not matter, and one that has nothing to do with the page
//!    changes nothing.
mod case;
mod finding;
#[cfg(test)]
mod innocent;
#[cfg(test)]
mod invalid_runs;
#[cfg(test)]
mod properties;
pub mod rules;
#[cfg(test)]
mod tests;

use super::facts::Facts;
use super::fingerprints::Fingerprints;
use case::Case;
use finding::Judged;
use rules::{ALL, Judge, Rule};
use std::borrow::Borrow;
use tonle_evidence::verdict::{Layer, PageVerdict, Reason, State, Verdict};

/// Judges a visit.
#[must_use]
pub fn verdict(facts: &Facts, fingerprints: &Fingerprints) -> PageVerdict {
    let mut case = Case::new(facts, fingerprints);
    if let Some(invalid) = first(|judge| match judge {
        Judge::Run(ask) => ask(&case),
        _ => None,
    }) {
        return PageVerdict {
            overall: invalid.verdict(),
            dns: None,
            tcp: None,
            tls: None,
            http: None,
        };
    }
    let dns = judge_answers(&mut case);
    let layer = |layer| {
        strongest(
            case.pages()
                .iter()
                .filter_map(|page| judge_page(&case, layer, page)),
        )
    };
    let (tcp, tls, http) = (layer(Layer::Tcp), layer(Layer::Tls), layer(Layer::Http));
    let notes = notes(&case);
    let overall = overall(facts, [&dns, &tcp, &tls, &http]);
    let mut dns = dns.as_ref().map(Judged::verdict);
    if let Some(dns) = &mut dns {
        dns.rules.extend(notes);
    }
    PageVerdict {
        overall,
        dns,
        tcp: tcp.as_ref().map(Judged::verdict),
        tls: tls.as_ref().map(Judged::verdict),
        http: http.as_ref().map(Judged::verdict),
    }
}

/// The first rule that speaks.
fn first(ask: impl Fn(&Judge) -> Option<finding::Finding>) -> Option<Judged> {
    ALL.iter().find_map(|rule| {
        let finding = ask(&rule.judge)?;
        Some(Judged { rule, finding })
    })
}

/// Judges what every resolver said, and tells the case which addresses not to trust.
fn judge_answers(case: &mut Case<'_>) -> Option<Judged> {
    let mut judged = Vec::new();
    for (index, asked) in case.asked().iter().enumerate() {
        let found = first(|judge| match judge {
            Judge::Answer(ask) => ask(case, asked),
            _ => None,
        });
        judged.extend(found.map(|found| (index, found)));
    }
    for (index, found) in &judged {
        case.trust(*index, found.finding.state);
    }
    strongest(judged.into_iter().map(|(_, found)| found))
}

fn judge_page(case: &Case<'_>, layer: Layer, page: &case::Page<'_>) -> Option<Judged> {
    first(|judge| match (judge, layer) {
        (Judge::Connection(ask), Layer::Tcp)
        | (Judge::Handshake(ask), Layer::Tls)
        | (Judge::Request(ask), Layer::Http) => ask(case, page),
        _ => None,
    })
}

/// Rules that tell something of the way and decide nothing.
fn notes(case: &Case<'_>) -> Vec<tonle_evidence::verdict::Fired> {
    let noted = ALL.iter().filter_map(|rule| match rule.judge {
        Judge::Note(ask) => ask(case).map(|observations| rule.fired(observations)),
        _ => None,
    });
    noted.collect()
}

/// The strongest finding; of equals the first, so that the order of rules and pages decides.
fn strongest<J: Borrow<Judged>>(findings: impl Iterator<Item = J>) -> Option<J> {
    let strength = |judged: &J| judged.borrow().finding.state.strength();
    findings.reduce(|best, next| {
        if strength(&next) > strength(&best) {
            next
        } else {
            best
        }
    })
}

/// Rule 3. Success is success of the request; failure everywhere is that of the last step that
/// failed; a handshake beside a page in clear counts only when somebody interferes with it.
fn overall(facts: &Facts, layers: [&Option<Judged>; 4]) -> Verdict {
    let [dns, tcp, tls, http] = layers.map(Option::as_ref);
    let counted = tls.filter(|tls| facts.is_https() || tls.finding.state.is_blocking());
    let in_order: Vec<&Judged> = [dns, tcp, counted, http].into_iter().flatten().collect();
    let of = |state: State| move |judged: &&Judged| judged.finding.state == state;
    let worse = |judged: &&Judged| judged.finding.state.strength() >= State::Impaired.strength();
    let interference = strongest(in_order.iter().copied().filter(worse));
    let reached = http.filter(of(State::Ok));
    let mut from_last = in_order.iter().rev().copied();
    let down = from_last.clone().find(of(State::Down));
    let unknown = from_last.find(of(State::Insufficient));
    let decisive = interference.or(reached).or(down).or(unknown);
    decisive.map_or_else(nothing_said, Judged::verdict)
}

/// No rule spoke: the visit ended before anything could be judged.
fn nothing_said() -> Verdict {
    Verdict {
        state: State::Insufficient,
        reason: Some(Reason::BelowFloor),
        mechanism: None,
        server_side: false,
        rules: Vec::new(),
        would_change: vec!["a visit that goes as far as the page".to_owned()],
    }
}

impl Rule {
    fn fired(&self, mut observations: Vec<String>) -> tonle_evidence::verdict::Fired {
        observations.sort();
        observations.dedup();
        tonle_evidence::verdict::Fired {
            rule: self.id.to_owned(),
            version: self.version,
            observations,
        }
    }
}
