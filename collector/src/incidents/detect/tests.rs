//! Situations replayed: what must be found of each, and what must not.
use super::group::{Incident, reconcile};
use super::world::{LINE_DAYS, NOW, Said, World, as_of, judged, line, of_visits, quiet};
use super::{CONTACT_HISTORY_H, Hour, Inputs, JUDGED_H, detect};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use std::sync::Arc;
use tonle_evidence::incident::{Event, Kind, Level};
use tonle_evidence::verdict::State;

const NETWORKS: [&str; 4] = ["as100", "as200", "as300", "as400"];
const BEGAN: Hour = NOW - 24;

/// What comes of a window in a new log.
fn incidents(inputs: &Inputs) -> Vec<Incident> {
    let changes = reconcile(&[], &detect(inputs));
    assert!(changes.iter().all(|change| change.event == Event::Opened));
    changes.into_iter().map(|change| change.incident).collect()
}

/// Visits with a block at one target in some networks since [`BEGAN`].
fn blocked_in(networks: &'static [(&'static str, &'static str)]) -> Inputs {
    let mut world = World::new(
        7,
        &NETWORKS,
        6,
        &["https://a.example/", "https://b.example/"],
    );
    let visits = world.visits(judged(), |random, agent, target, hour| -> Said {
        let print = networks
            .iter()
            .find(|(network, _)| **network == *agent.network);
        match print {
            Some((_, print)) if hour >= BEGAN && target.contains("a.example") => {
                (State::Blocked, print)
            }
            _ => quiet(random),
        }
    });
    of_visits(visits)
}

/// How many hours after it began it was first found.
fn delay_h(inputs: &Inputs, began: Hour, kind: Kind) -> Option<Hour> {
    (began..=NOW).find_map(|now| {
        let found = incidents(&as_of(inputs, now));
        let is_it = found.iter().any(|incident| incident.kind == kind);
        is_it.then_some(now - began)
    })
}

#[test]
fn a_gateway_block_in_three_networks_is_one_incident_with_its_hypothesis() {
    let inputs = blocked_in(&[
        ("as100", "http.blockpage p"),
        ("as200", "http.blockpage p"),
        ("as300", "http.blockpage p"),
    ]);
    let found = incidents(&inputs);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].level, Level::GatewayHypothesis);
    assert_eq!(found[0].scope.networks.len(), 3);
    assert_eq!(found[0].scope.targets.len(), 1);
    assert!((found[0].onset - BEGAN).abs() <= 3, "{}", found[0].onset);
    let delay = delay_h(&inputs, BEGAN, Kind::Blocking).unwrap();
    assert!(delay <= 12, "found after {delay} h");
}

#[test]
fn three_fingerprints_are_three_incidents_without_a_hypothesis() {
    let inputs = blocked_in(&[
        ("as100", "dns.injection.other 10.1.1.1"),
        ("as200", "tls.reset.other"),
        ("as300", "http.blockpage p"),
    ]);
    let found = incidents(&inputs);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|one| one.level == Level::NetworkWide));
}

#[test]
fn a_site_that_is_down_everywhere_is_no_blocking() {
    let mut world = World::new(
        8,
        &NETWORKS,
        6,
        &["https://a.example/", "https://b.example/"],
    );
    let visits = world.visits(judged(), |random, _, target, hour| {
        if hour >= BEGAN && target.contains("a.example") {
            (State::Down, "")
        } else {
            quiet(random)
        }
    });
    let inputs = of_visits(visits);
    let found = incidents(&inputs);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, Kind::SiteDown);
    let delay = delay_h(&inputs, BEGAN, Kind::SiteDown).unwrap();
    assert!(delay <= 12, "found after {delay} h");
}

#[test]
fn a_faulty_release_of_the_agent_is_a_defect_of_the_instrument() {
    let mut world = World::new(
        9,
        &NETWORKS,
        6,
        &["https://a.example/", "https://b.example/"],
    );
    for agent in world.agents.iter_mut().filter(|agent| agent.unit % 3 != 0) {
        agent.software = Arc::from("tonle-agent/0.2.0");
    }
    let visits = world.visits(judged(), |random, agent, _, hour| {
        if hour >= BEGAN && &*agent.software == "tonle-agent/0.2.0" {
            (State::Blocked, "tls.mitm.ca_signed")
        } else {
            quiet(random)
        }
    });
    let inputs = of_visits(visits);
    let found = incidents(&inputs);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, Kind::InstrumentDefect);
    let delay = delay_h(&inputs, BEGAN, Kind::InstrumentDefect).unwrap();
    assert!(delay <= 12, "found after {delay} h");
}

#[test]
fn a_block_is_no_defect_where_several_releases_see_it() {
    let mut world = World::new(10, &NETWORKS, 6, &["https://a.example/"]);
    for agent in world.agents.iter_mut().filter(|agent| agent.unit % 2 == 0) {
        agent.software = Arc::from("tonle-agent/0.2.0");
    }
    let visits = world.visits(judged(), |random, agent, _, hour| {
        if hour >= BEGAN && &*agent.network == "as100" {
            (State::Blocked, "http.blockpage p")
        } else {
            quiet(random)
        }
    });
    let found = incidents(&of_visits(visits));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, Kind::Blocking);
}

#[test]
fn one_agent_or_one_forged_row_opens_nothing() {
    let mut world = World::new(11, &NETWORKS, 6, &["https://a.example/"]);
    let visits = world.visits(judged(), |random, agent, _, hour| {
        if hour >= BEGAN && agent.unit == 2 {
            (State::Blocked, "http.blockpage p")
        } else {
            quiet(random)
        }
    });
    let mut inputs = of_visits(visits);
    assert_eq!(incidents(&inputs), []);
    inputs.visits[0].state = State::Blocked;
    assert_eq!(incidents(&inputs), []);
}

#[test]
fn agents_that_say_nothing_for_a_control_open_and_close_nothing() {
    let mut inputs = blocked_in(&[("as100", "http.blockpage p")]);
    let opened = incidents(&inputs);
    for visit in inputs
        .visits
        .iter_mut()
        .filter(|visit| visit.hour >= NOW - 6)
    {
        visit.state = State::Insufficient;
    }
    assert_eq!(incidents(&inputs).len(), 1);
    let later = as_of(&inputs, NOW - 6);
    let after = Inputs { now: NOW, ..later };
    let changes = reconcile(&opened, &detect(&after));
    assert!(
        changes.iter().all(|one| one.incident.end.is_none()),
        "{changes:#?}"
    );
}

#[test]
fn a_shutdown_is_a_silence_and_unblocks_nothing() {
    let mut world = World::new(12, &NETWORKS, 6, &["https://a.example/"]);
    let history = NOW - JUDGED_H - CONTACT_HISTORY_H..NOW;
    let cut = NOW - 12;
    let contacts = world.contacts(history.clone(), |agent, hour| {
        hour >= cut && &*agent.network == "as100"
    });
    // Blocked for three days before, and from the cut on nothing is seen at all.
    let visits = world.visits(judged(), |random, agent, _, hour| {
        if hour >= NOW - 72 && &*agent.network == "as100" {
            (State::Blocked, "http.blockpage p")
        } else {
            quiet(random)
        }
    });
    let mut inputs = Inputs {
        now: NOW,
        visits,
        contacts,
        awake: history.collect(),
        lines: Vec::new(),
    };
    inputs
        .visits
        .retain(|visit| visit.hour < cut || &*visit.network != "as100");
    let found = incidents(&inputs);
    let kinds: Vec<Kind> = found.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::Blocking, Kind::Outage], "{found:#?}");
    assert!(found.iter().all(|one| one.end.is_none()));
    assert_eq!(found[1].scope.networks, ["as100".to_owned()].into());
    let delay = delay_h(&inputs, cut, Kind::Outage).unwrap();
    assert!(delay <= 9, "found after {delay} h");
}

#[test]
fn a_shutdown_of_the_whole_country_is_found_by_the_clock_alone() {
    let mut world = World::new(13, &NETWORKS, 6, &[]);
    let history = NOW - JUDGED_H - CONTACT_HISTORY_H..NOW;
    let contacts = world.contacts(history.clone(), |_, hour| hour >= NOW - 9);
    let mut inputs = Inputs {
        now: NOW,
        contacts,
        awake: history.collect(),
        ..Inputs::default()
    };
    let found = incidents(&inputs);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].scope.networks.len(), 4);
    // The same hours while the collector itself was off say nothing.
    inputs.awake.retain(|hour| *hour < NOW - 9);
    assert_eq!(incidents(&inputs), []);
}

#[test]
fn a_silence_ends_when_agents_are_heard_again() {
    let mut world = World::new(14, &["as100"], 6, &[]);
    let history = NOW - JUDGED_H - CONTACT_HISTORY_H..NOW;
    let contacts = world.contacts(history.clone(), |_, hour| {
        (NOW - 48..NOW - 24).contains(&hour)
    });
    let inputs = Inputs {
        now: NOW,
        contacts,
        awake: history.collect(),
        ..Inputs::default()
    };
    let known = incidents(&as_of(&inputs, NOW - 30));
    assert!(known[0].end.is_none());
    let changes = reconcile(&known, &detect(&inputs));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].event, Event::Closed);
    assert_eq!(changes[0].incident.end, Some(NOW - 24));
    assert_eq!(changes[0].incident.id, known[0].id);
}

#[test]
fn a_slow_evening_every_evening_is_usual_and_a_slow_day_is_not() {
    let mut random = ChaCha8Rng::seed_from_u64(15);
    let usual = line(&mut random, LINE_DAYS, |_| 1.0);
    let inputs = |line| Inputs {
        now: NOW,
        lines: vec![line],
        ..Inputs::default()
    };
    assert_eq!(incidents(&inputs(usual)), []);
    let slow = line(&mut random, LINE_DAYS, |hour| {
        if hour >= BEGAN { 2.5 } else { 1.0 }
    });
    let slow = inputs(slow);
    let found = incidents(&slow);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, Kind::Degradation);
    let delay = delay_h(&slow, BEGAN, Kind::Degradation).unwrap();
    assert!(delay <= 8, "found after {delay} h");
    let member = found[0].members.values().next().unwrap();
    assert!((2_000..3_000).contains(&member.worse_permille.unwrap()));
}

#[test]
fn the_same_cells_give_the_same_incidents_and_no_second_entry() {
    let inputs = blocked_in(&[("as100", "http.blockpage p"), ("as200", "tls.reset.other")]);
    let once = incidents(&inputs);
    let mut shuffled = inputs.clone();
    shuffled.visits.reverse();
    for visit in &mut shuffled.visits {
        visit.unit = 1_000 - visit.unit;
    }
    assert_eq!(incidents(&shuffled), once);
    assert_eq!(reconcile(&once, &detect(&inputs)), []);
}

#[test]
fn an_incident_stays_the_same_while_its_window_slides_past_its_onset() {
    let mut world = World::new(16, &["as100"], 6, &["https://a.example/"]);
    let began = NOW - 20 * 24;
    let visits = world.visits(NOW - 2 * JUDGED_H..NOW, |random, _, _, hour| {
        if hour >= began {
            (State::Blocked, "http.blockpage p")
        } else {
            quiet(random)
        }
    });
    let all = of_visits(visits);
    let mut known: Vec<Incident> = Vec::new();
    let mut entries = 0;
    for day in (0..=20).rev() {
        let changes = reconcile(&known, &detect(&as_of(&all, NOW - day * 24)));
        entries += changes.len();
        for change in changes {
            known.retain(|one| one.id != change.incident.id);
            known.push(change.incident);
        }
    }
    assert_eq!(known.len(), 1);
    assert!((known[0].onset - began).abs() <= 3);
    assert!(entries <= 2, "{entries} entries");
}
