//! Where somebody interferes, in the lab: boxes behind one router and another of a row, and the twin in
//! which there is none. The agent's real program finds the hop at which the box stands.
use super::bench::Bench;
use crate::Check;
use libtest_mimic::Failed;
use serde_json::{Value, json};

/// A row of four routers before the client's line, and what is at its far end. In IPv4 and IPv6.
const V4: &str = r#"
description = "a row of routers"
seed = 11

[[host]]
name = "client"
addresses = ["203.189.140.2"]
resolvers = ["8.8.8.8"]
routers = [
    { addresses = ["192.168.1.1"], silent = SILENT },
    { addresses = ["203.189.141.1"], silent = SILENT },
    { addresses = ["203.189.141.2"], silent = SILENT },
    { addresses = ["203.189.141.3"], silent = SILENT },
]
up = { delay_ms = 5 }
down = { delay_ms = 5 }

[[host]]
name = "resolver"
addresses = ["8.8.8.8"]

[[host]]
name = "blocked"
addresses = ["203.189.129.9"]
names = ["blocked.test"]

[[host]]
name = "open"
addresses = ["203.189.129.10"]
names = ["open.test"]

[[service]]
host = "resolver"
kind = "dns"

[[service]]
host = "blocked"
kind = "https"

[[service]]
host = "open"
kind = "https"
"#;
/// How the addresses of [`V4`] are in IPv6; the collector and the resolver stay as they are.
const V6: [(&str, &str); 5] = [
    ("\"203.189.140.2\"", "\"203.189.140.2\", \"2400:1:1::2\""),
    ("\"192.168.1.1\"", "\"192.168.1.1\", \"fd00::1\""),
    ("\"203.189.141.1\"", "\"203.189.141.1\", \"2400:1:2::1\""),
    ("\"203.189.141.2\"", "\"203.189.141.2\", \"2400:1:3::1\""),
    ("\"203.189.129.9\"", "\"2400:1:9::9\""),
];

struct World {
    called: &'static str,
    /// Behind which router the box stands, and what it does; none: nobody interferes.
    meddles: Option<(u8, &'static str)>,
    are_silent: bool,
    is_v6: bool,
    rule: &'static str,
    state: &'static str,
    /// `first_hop`, `last_hop`, `position`.
    place: Option<(u8, u8, &'static str)>,
}

const RESET: &str = r#"{ reset = "both" }"#;
const DROP: &str = r#""drop""#;
const LOCATED: World = World {
    called: "",
    meddles: None,
    are_silent: false,
    is_v6: false,
    rule: "located",
    state: "likely_blocked",
    place: None,
};

const WORLDS: &[World] = &[
    World {
        called: "a_reset_behind_router_2",
        meddles: Some((2, RESET)),
        place: Some((3, 3, "unknown")),
        ..LOCATED
    },
    World {
        called: "a_reset_behind_router_3",
        meddles: Some((3, RESET)),
        place: Some((4, 4, "unknown")),
        ..LOCATED
    },
    World {
        called: "a_reset_among_silent_routers",
        meddles: Some((3, RESET)),
        are_silent: true,
        place: Some((4, 4, "unknown")),
        ..LOCATED
    },
    World {
        called: "a_drop_behind_router_2",
        meddles: Some((2, DROP)),
        place: Some((3, 3, "in_path")),
        ..LOCATED
    },
    World {
        called: "a_drop_behind_router_3",
        meddles: Some((3, DROP)),
        place: Some((4, 4, "in_path")),
        ..LOCATED
    },
    World {
        called: "a_drop_among_silent_routers",
        meddles: Some((2, DROP)),
        are_silent: true,
        rule: "unanswered",
        state: "insufficient",
        ..LOCATED
    },
    World {
        called: "a_reset_by_the_first_router",
        meddles: Some((1, RESET)),
        rule: "at_home",
        state: "insufficient",
        place: Some((2, 2, "unknown")),
        ..LOCATED
    },
    World {
        called: "a_reset_in_ipv6",
        meddles: Some((3, RESET)),
        is_v6: true,
        place: Some((4, 4, "unknown")),
        ..LOCATED
    },
    World {
        called: "a_drop_in_ipv6",
        meddles: Some((2, DROP)),
        is_v6: true,
        place: Some((3, 3, "in_path")),
        ..LOCATED
    },
    World {
        called: "nobody",
        rule: "nothing",
        state: "insufficient",
        ..LOCATED
    },
];

pub(crate) fn checks() -> Vec<Check> {
    let checks = WORLDS.iter().map(|world| {
        let name = format!("localisation_says_of_{} {}", world.called, world.rule);
        let check = move || is_located(world);
        (name.replace(' ', "_that_it_is_"), Box::new(check) as Box<_>)
    });
    checks.collect()
}

fn is_located(world: &World) -> Result<(), Failed> {
    let mut text = V4.replace("SILENT", if world.are_silent { "true" } else { "false" });
    if world.is_v6 {
        for (v4, v6) in V6 {
            text = text.replace(v4, v6);
        }
    }
    let meddles = world.meddles.map(|(behind, does)| {
        let rule = "[[middlebox]]\naction = 'sni'\nnames = ['blocked.test']";
        format!("{rule}\nafter_routers = {behind}\ndoes = {does}\n")
    });
    let text = text + &meddles.unwrap_or_default();
    let bench = Bench::start_of(&text, None)?;
    let refused = bench.judged("localisation", "blocked.test");
    let Err(refused) = refused else {
        return Err("it ran without an agreement of its own".into());
    };
    let why = refused.message().unwrap_or_default().to_owned();
    if !why.contains("--accept-localisation") {
        return Err(format!("refused for another reason: {why}").into());
    }
    bench.agent("consent", &["--accept-localisation", "l1"])?;
    let said = bench.judged("localisation", "blocked.test")?;
    let (overall, effect) = (&said["tonle"]["overall"], &said["tonle"]["effect"]);
    let place = json!([effect["first_hop"], effect["last_hop"], effect["position"]]);
    let expected = match world.place {
        Some((first, last, position)) => json!([first, last, position]),
        None => json!([Value::Null, Value::Null, Value::Null]),
    };
    let rule = format!("localisation.{}", world.rule);
    if overall["state"] != world.state || overall["rules"][0]["rule"] != rule || place != expected {
        return Err(format!("not {rule} at {expected}: {said:#}").into());
    }
    // Routers beyond the first may be written, and the one that a box stands behind is named.
    let before = world
        .place
        .map(|(first, ..)| first)
        .filter(|_| !world.are_silent && !world.is_v6);
    let named = before
        .filter(|first| *first > 2)
        .map(|first| format!("203.189.141.{}", first - 2));
    if let Some(router) = named
        && effect["router_before"] != router
    {
        return Err(format!("not behind {router}: {said:#}").into());
    }
    super::names_its_evidence(overall)
}
