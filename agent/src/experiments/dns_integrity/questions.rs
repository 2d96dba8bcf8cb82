//! One round of questions to every resolver, all at once: each resolver gets about ten.
use super::servers::Server;
use super::{Label, QUESTION_BYTES, Trial};
use crate::whoami::identity_of;
use futures_util::future::join_all;
use std::net::IpAddr;
use std::sync::PoisonError;
use tonle_evidence::observation::Observation;
use tonle_net::dns::{Asked, Patience, QueryType, chaos, query, signed};

/// Texts that servers have about themselves: RFC 4892, and those of BIND that it grew from.
const ABOUT_THE_SERVER: [&str; 3] = ["id.server", "hostname.bind", "version.bind"];
/// Addresses of one answer that are looked at: the first ones, as programs do.
const ADDRESSES_MAX: usize = 2;

/// Asks everybody; the addresses that were answered for the target, the device's own resolvers'
/// first.
pub(super) async fn ask_all(trial: &Trial<'_>, servers: &[Server], round: u32) -> Vec<IpAddr> {
    let asked = servers.iter().map(|server| ask(trial, server, round));
    join_all(asked).await.concat()
}

async fn ask(trial: &Trial<'_>, server: &Server, round: u32) -> Vec<IpAddr> {
    let names = &trial.names;
    let a = |question, name| plain(trial, server, (question, round), (name, QueryType::A));
    let once = async {
        if round == 0 {
            tokio::join!(identity(trial, server), about_itself(trial, server));
        }
    };
    let no_data = async {
        if let Some(name) = &names.no_data {
            a("no_data", name).await;
        }
    };
    let with_signatures = async {
        for (question, name) in [("signed", &names.signed), ("bogus", &names.bogus)] {
            if let Some(name) = name {
                checked(trial, server, (question, round), name).await;
            }
        }
    };
    let (v4, v6, _, _, (), (), ()) = tokio::join!(
        a("target", &names.target),
        plain(
            trial,
            server,
            ("target", round),
            (&names.target, QueryType::Aaaa)
        ),
        a("neutral", &names.neutral),
        a("absent", &names.absent),
        no_data,
        with_signatures,
        once,
    );
    [v4, v6].concat()
}

/// Asks for addresses; those of the first answers that may be contacted.
pub(super) async fn plain(
    trial: &Trial<'_>,
    server: &Server,
    (question, round): (&'static str, u32),
    asked_for: (&str, QueryType),
) -> Vec<IpAddr> {
    if !trial.may_spend(QUESTION_BYTES) {
        return Vec::new();
    }
    let run = trial.run;
    let patience = match server.asked {
        "silent" => Patience::SILENCE,
        _ => Patience::FULL,
    };
    let asked = query(
        &run.net,
        &run.clock,
        &run.meter,
        server.address,
        asked_for,
        patience,
    );
    let Asked {
        observation,
        addresses,
    } = asked.await;
    let late = late_addresses(&observation);
    note(trial, server, (question, round), observation);
    let first = addresses.into_iter().take(ADDRESSES_MAX);
    let late = late.into_iter().filter(|one| run.net.may_contact(*one));
    first.chain(late.take(ADDRESSES_MAX)).collect()
}

/// The addresses of answers that came after the first, as they are written.
fn late_addresses(seen: &Observation) -> Vec<IpAddr> {
    let answers = seen
        .detail
        .get("late_addresses")
        .and_then(|all| all.as_array());
    let texts = answers.into_iter().flatten().filter_map(|one| one.as_str());
    texts
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.parse().ok())
        .collect()
}

async fn checked(trial: &Trial<'_>, server: &Server, asked: (&'static str, u32), name: &str) {
    if !trial.may_spend(QUESTION_BYTES) {
        return;
    }
    let run = trial.run;
    let patience = Patience::FIRST_ANSWER;
    let said = signed::query(
        &run.net,
        &run.clock,
        &run.meter,
        server.address,
        name,
        patience,
    );
    note(trial, server, asked, said.await.observation);
}

/// From where it asks on our behalf.
async fn identity(trial: &Trial<'_>, server: &Server) {
    let run = trial.run;
    let Some(name) = &run.openness.whoami else {
        return;
    };
    if !trial.may_spend(QUESTION_BYTES) {
        return;
    }
    let asked = query(
        &run.net,
        &run.clock,
        &run.meter,
        server.address,
        (name, QueryType::A),
        Patience::FIRST_ANSWER,
    );
    let asked = asked.await;
    let written = asked.observation.detail.get("resolver");
    let written = written.and_then(|one| one.as_str()).unwrap_or_default();
    let written = written.to_owned();
    let said = identity_of(name, &written, &[asked]);
    note(trial, server, ("identity", 0), said);
}

/// Who it says it is. Texts are told from each other by the order in which they came (`says`, from 0 in
/// each run) and not written: see [`chaos`].
async fn about_itself(trial: &Trial<'_>, server: &Server) {
    let run = trial.run;
    for name in ABOUT_THE_SERVER {
        if !trial.may_spend(QUESTION_BYTES) {
            return;
        }
        let asked = chaos::query(
            &run.net,
            &run.clock,
            &run.meter,
            server.address,
            name,
            Patience::FIRST_ANSWER,
        );
        let (mut seen, texts) = asked.await;
        if let Some(text) = texts.and_then(|texts| texts.into_iter().next()) {
            let says = number_of(trial, text);
            seen.detail.insert("says".to_owned(), says.into());
        }
        note(trial, server, ("server", 0), seen);
    }
}

fn number_of(trial: &Trial<'_>, text: Vec<u8>) -> usize {
    // A push or nothing happens under the lock: a poisoned one is still good.
    let mut texts = trial.texts.lock().unwrap_or_else(PoisonError::into_inner);
    let known = texts.iter().position(|one| *one == text);
    known.unwrap_or_else(|| {
        texts.push(text);
        texts.len() - 1
    })
}

fn note(
    trial: &Trial<'_>,
    server: &Server,
    (question, round): (&'static str, u32),
    mut seen: Observation,
) {
    let label = Label {
        asked: server.asked,
        which: server.which,
        question,
        round,
    };
    label.put_on(&mut seen);
    if server.asked == "configured" && server.is_public {
        seen.detail.insert("known_public".to_owned(), true.into());
    }
    trial.run.observe(seen);
}
