//! Probes in the lab: the agent's real program on a line that meddles and on its clean twin, and the
//! verdict of the collector's real program on the record.
pub(crate) mod bench;
mod echo;
mod localise;
mod resolvers;

use crate::Check;
use bench::Bench;
use libtest_mimic::Failed;
use serde_json::Value;

/// Where Telegram's programs connect.
const TELEGRAM: &str = r#"
[[host]]
name = "telegram"
addresses = ["149.154.175.50", "149.154.167.51", "149.154.175.100", "149.154.167.91", "149.154.171.5", "95.161.76.100"]
names = ["web.telegram.org"]

[[service]]
host = "telegram"
kind = "https"

[[service]]
host = "telegram"
kind = "http"
"#;
const TELEGRAM_CUT: &str = r#"
[[middlebox]]
action = "sni"
names = ["telegram.org"]
does = { reset = "both" }
"#;
const TELEGRAM_KEPT_OFF: &str = r#"
[[middlebox]]
action = "endpoint"
addresses = ["149.154.175.50", "149.154.167.51", "149.154.175.100", "149.154.167.91", "149.154.171.5", "95.161.76.100"]
does = { reset = "both" }
"#;
/// On the server's own line, so that the control meets it as well.
const TELEGRAM_DOWN: &str = r#"
[[middlebox]]
on = "telegram"
action = "endpoint"
addresses = ["149.154.175.50", "149.154.167.51", "149.154.175.100", "149.154.167.91", "149.154.171.5", "95.161.76.100"]
does = { reset = "both" }
"#;
const SITE_DOWN: &str = r#"
[[middlebox]]
on = "blocked"
action = "sni"
names = ["blocked.test"]
does = { reset = "both" }
"#;

/// What is to be said, a row each: experiment, scenario of the lab, what is added to it, state, mechanism or
/// reason, and the rule by which a control is named. `-` is none.
const EXPECTED: &str = "
sni         blocked-sni-reset              -         likely_blocked  tls.reset.sni    sni.elsewhere
sni         blocked-sni-drop               -         likely_blocked  tls.timeout      sni.elsewhere
sni         clean                          -         ok              -                -
sni         clean                          site_down down            -                sni.down
ech         openness/ech-reset             -         likely_blocked  tls.ech          -
ech         openness/ech-dropped           -         likely_blocked  tls.ech          -
ech         openness/ech-dropped-by-name   -         likely_blocked  tls.ech          -
ech         openness/ech-clean             -         ok              -                -
ech         openness/ech-intolerant        -         insufficient    below_floor      -
ech         blocked-sni-reset              -         insufficient    below_floor      -
throttling  throttled-sni                  -         impaired        throttle         -
throttling  clean                          -         ok              -                -
throttling  blocked-sni-reset              -         insufficient    below_floor      -
services    clean                          -         ok              -                -
services    clean                          cut       likely_blocked  tls.reset.other  -
services    clean                          kept_off  likely_blocked  tcp.refused      services.kept_off
services    clean                          down      down            -                services.down
quic        openness/quic-clean            -         ok              -                -
quic        openness/quic-dropped-to-all   -         impaired        quic.dropped     quic.elsewhere
quic        openness/quic-dropped-by-name  -         likely_blocked  quic.sni         quic.elsewhere
quic        clean                          -         down            -                quic.down
";

/// What a row adds to its scenario.
fn added(word: &str) -> &'static str {
    match word {
        "site_down" => SITE_DOWN,
        "cut" => TELEGRAM_CUT,
        "kept_off" => TELEGRAM_KEPT_OFF,
        "down" => TELEGRAM_DOWN,
        _ => "",
    }
}

/// A situation and what is to be said of it.
struct Case {
    experiment: &'static str,
    scenario: &'static str,
    with: &'static str,
    state: &'static str,
    why: &'static str,
    control: &'static str,
}

impl Case {
    fn read(row: &'static str) -> Self {
        let words: Vec<&str> = row.split_whitespace().collect();
        let [experiment, scenario, with, state, why, control] = words[..] else {
            panic!("a row has six words: {row}");
        };
        Self {
            experiment,
            scenario,
            with,
            state,
            why,
            control,
        }
    }

    fn name(&self) -> String {
        let Self {
            experiment,
            scenario,
            with,
            state,
            ..
        } = self;
        let with = if *with == NONE {
            String::new()
        } else {
            format!("_with_{with}")
        };
        format!("{experiment}_says_of_{scenario}{with}_that_it_is_{state}")
    }
}

const NONE: &str = "-";

pub(crate) fn checks() -> Vec<Check> {
    let rows = EXPECTED.lines().filter(|row| !row.is_empty());
    let checks = rows.map(|row| {
        let case = Case::read(row);
        (case.name(), Box::new(move || case.is_judged()) as Box<_>)
    });
    checks
        .chain(resolvers::checks())
        .chain(echo::checks())
        .chain(localise::checks())
        .collect()
}

impl Case {
    fn is_judged(&self) -> Result<(), Failed> {
        let target = match self.experiment {
            "throttling" => "https://blocked.test/large",
            "services" => "telegram",
            _ => "blocked.test",
        };
        let mut more = added(self.with).to_owned();
        if self.experiment == "services" {
            more.insert_str(0, TELEGRAM);
        }
        let bench = Bench::start(self.scenario, &more)?;
        let said = bench.judged(self.experiment, target)?;
        let overall = &said["tonle"]["overall"];
        let word = |key: &str| overall[key].as_str().unwrap_or_default().to_owned();
        let given = word("mechanism") + &word("reason");
        let why = if self.why == NONE { "" } else { self.why };
        if word("state") != self.state || given != why {
            return Err(format!("not {} {}: {said:#}", self.state, self.why).into());
        }
        if matches!(self.with, "kept_off" | "down") {
            let fates = said["tonle"]["effect"].as_object();
            let is_so = fates.is_some_and(|fates| fates.values().all(|fate| fate == self.with));
            if !is_so {
                return Err(format!("not every part is {}: {said:#}", self.with).into());
            }
        }
        self.names_the_control(overall)?;
        names_its_evidence(overall)
    }

    /// The control server of the same scenario says what the verdict rests on.
    fn names_the_control(&self, overall: &Value) -> Result<(), Failed> {
        let rules = overall["rules"].as_array();
        let mut rules = rules.into_iter().flatten();
        if self.control == NONE || rules.any(|fired| fired["rule"] == self.control) {
            return Ok(());
        }
        Err(format!("no {}: {overall:#}", self.control).into())
    }
}

fn names_its_evidence(overall: &Value) -> Result<(), Failed> {
    let fired = &overall["rules"][0]["observations"];
    let is_named = fired
        .as_array()
        .is_some_and(|pointers| !pointers.is_empty());
    if is_named || overall["state"] == "insufficient" {
        return Ok(());
    }
    Err(format!("no evidence: {overall:#}").into())
}
