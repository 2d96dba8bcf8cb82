//! What controls say of the address that a probe asked: whether the target's name fares alike there when
//! it is asked from elsewhere.
use super::attempts::{self, Outcome};
use crate::analysis::web::Facts;
use crate::analysis::web::facts::Control;
use std::collections::BTreeSet;
use tonle_evidence::observation::Observation;

/// What controls came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// What each control that tried the address came to, and where its answer stands.
    seen: Vec<(Outcome, String)>,
}

/// What every control of a record came to at the addresses that the probe connected to.
pub(super) fn read(observations: &[Observation]) -> Elsewhere {
    read_by(observations, "connect", came_to)
}

/// The same of the addresses that the probe sent Initials of QUIC to.
pub(super) fn read_quic(observations: &[Observation]) -> Elsewhere {
    read_by(observations, "quic_initial", quic_came_to)
}

fn read_by(
    observations: &[Observation],
    attempt: &str,
    came_to: fn(&Control, &str) -> Option<Outcome>,
) -> Elsewhere {
    let attempted = observations.iter().filter(|seen| {
        let is_attempt = seen.operation == attempt;
        is_attempt && attempts::shown(seen).is_some()
    });
    let peers: BTreeSet<&str> = attempted
        .filter_map(|seen| seen.subject.as_deref())
        .collect();
    let mut elsewhere = Elsewhere::default();
    for control in Facts::controls_in(observations) {
        let outcomes = peers.iter().filter_map(|peer| came_to(&control, peer));
        let found = outcomes.map(|outcome| (outcome, control.at.clone()));
        elsewhere.seen.extend(found);
    }
    elsewhere
}

/// A handshake of the control's tells more than its connection; a connection alone says nothing of a name.
fn came_to(control: &Control, peer: &str) -> Option<Outcome> {
    let mut handshakes = control.tls.iter();
    if let Some((_, _, failure)) = handshakes.find(|(at, _, _)| at == peer) {
        // A control holds certificates against the name, and only one that came can be wrong.
        return Some(attempts::came_to(failure.as_ref(), true));
    }
    let (_, failure) = control.tcp.iter().find(|(at, _)| at == peer)?;
    failure.as_ref().map(|_| Outcome::Other)
}

fn quic_came_to(control: &Control, peer: &str) -> Option<Outcome> {
    let (_, failure) = control.quic.iter().find(|(at, _)| at == peer)?;
    Some(match failure {
        None => Outcome::Answered,
        Some(_) => Outcome::Silent,
    })
}

impl Elsewhere {
    /// Where answers stand by which the target fares no better elsewhere, as every control says; none
    /// where one says otherwise, or none could try.
    pub(super) fn agrees(&self, here: Outcome) -> Option<Vec<String>> {
        let is_broken = |one| matches!(one, Outcome::Cut | Outcome::Silent | Outcome::Other);
        let is_alike = |there| there == here || is_broken(there) && is_broken(here);
        let is_known = !self.seen.is_empty();
        let agree = is_known && self.seen.iter().all(|(there, _)| is_alike(*there));
        agree.then(|| self.seen.iter().map(|(_, at)| at.clone()).collect())
    }

    /// Where answers stand of controls that were answered under the target's name.
    pub(super) fn answered(&self) -> Vec<String> {
        let answered = self.seen.iter();
        answered
            .filter(|(there, _)| *there == Outcome::Answered)
            .map(|(_, at)| at.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::step;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tonle_evidence::failure::Failure;

    const PEER: &str = "192.0.2.1:443";

    /// A connection to the address under the target's name, and what controls answered.
    fn seen(answers: &[Value]) -> Vec<Observation> {
        let mut connected = step(
            "connect",
            None,
            json!({ "presented": "target", "round": 0 }),
        );
        connected.subject = Some(PEER.to_owned());
        let controls = answers.iter().map(|answer| {
            let detail = json!({ "answer": answer.to_string() });
            step("control", None, detail)
        });
        std::iter::once(connected).chain(controls).collect()
    }

    fn handshake(failure: Option<&str>) -> Value {
        handshake_at(PEER, failure)
    }

    fn handshake_at(peer: &str, failure: Option<&str>) -> Value {
        let seen =
            json!({ "server_name": "a.example", "status": failure.is_none(), "failure": failure });
        json!({ "tls_handshake": { peer: seen } })
    }

    #[test]
    fn only_what_every_control_says_is_no_better_elsewhere() {
        let reset = || handshake(Some("connection_reset"));
        let late = || handshake(Some("generic_timeout_error"));
        let closed = json!({ "tcp_connect": { PEER: { "status": false, "failure": "connection_refused_error" } } });
        let agrees = |answers: &[Value], here| read(&seen(answers)).agrees(here).is_some();
        for here in [Outcome::Cut, Outcome::Silent, Outcome::Other] {
            assert!(agrees(&[reset()], here));
            assert!(agrees(&[reset(), late(), closed.clone()], here));
            assert!(!agrees(&[reset(), handshake(None)], here));
            assert!(!agrees(&[handshake(Some("ssl_failed_handshake"))], here));
            assert!(!agrees(&[handshake(Some("ssl_invalid_hostname"))], here));
        }
        let alert = || handshake(Some("ssl_failed_handshake"));
        assert!(agrees(&[alert()], Outcome::Refused));
        assert!(!agrees(&[alert(), reset()], Outcome::Refused));
        assert!(agrees(
            &[handshake(Some("ssl_invalid_hostname"))],
            Outcome::Foreign
        ));
        assert!(!agrees(&[handshake(None)], Outcome::Foreign));
    }

    #[test]
    fn a_control_that_did_not_try_the_address_says_nothing() {
        let connected = json!({ "tcp_connect": { PEER: { "status": true, "failure": null } } });
        let other = handshake_at("192.0.2.2:443", Some("connection_reset"));
        for answers in [vec![], vec![json!({})], vec![connected], vec![other]] {
            assert_eq!(read(&seen(&answers)), Elsewhere::default(), "{answers:?}");
        }
        let mut failed = seen(&[handshake(Some("connection_reset"))]);
        failed[1].failure = Some(Failure::GenericTimeout);
        assert_eq!(read(&failed), Elsewhere::default());
    }

    #[test]
    fn a_handshake_elsewhere_is_pointed_at_where_it_stands() {
        let said = read(&seen(&[
            handshake(Some("connection_reset")),
            handshake(None),
        ]));
        assert_eq!(said.answered(), ["/observations/2/detail/answer"]);
    }

    proptest! {
        #[test]
        fn any_answer_is_read(answer in "\\PC{0,80}", peer in "\\PC{0,20}") {
            let _ = read(&seen(&[json!(answer)]));
            let said = read(&seen(&[handshake_at(&peer, None)]));
            prop_assert!(said.answered().is_empty() || peer == PEER);
        }
    }
}
