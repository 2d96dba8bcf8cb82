//! What the parts of a scenario say of each other: hosts that exist, addresses used once, and so on.
mod hosts;
mod links;
mod middleboxes;
mod names;
mod services;

use super::model::Scenario;
use super::places::Places;
use super::problem::{Problem, nearest};

/// Finds what is wrong with a scenario whose keys and forms are right.
pub(super) fn check(scenario: &Scenario, places: &Places, problems: &mut Vec<Problem>) {
    let mut check = Check {
        scenario,
        places,
        problems,
    };
    hosts::check(&mut check);
    links::check(&mut check);
    names::check(&mut check);
    services::check(&mut check);
    middleboxes::check(&mut check);
}

struct Check<'a> {
    scenario: &'a Scenario,
    places: &'a Places,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn say(&mut self, key: impl Into<String>, what: impl Into<String>) {
        let key = key.into();
        let place = self.places.of(&key);
        self.problems.push(Problem::new(place, key, what.into()));
    }

    /// Complains when no host has this name.
    fn host_exists(&mut self, key: &str, name: &str) {
        let names = || self.scenario.hosts.iter().map(|host| host.name.as_str());
        if names().any(|known| known == name) {
            return;
        }
        let known: Vec<&str> = names().collect();
        let known = known.join(", ");
        let what = match nearest(name, names()) {
            Some(meant) => {
                format!("no host is called {name:?}; {meant} is probably meant (known: {known})")
            }
            None => format!("no host is called {name:?}; known: {known}"),
        };
        self.say(key, what);
    }

    /// Complains about names that DNS cannot carry.
    fn dns_names(&mut self, key: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            self.dns_name(&format!("{key}[{index}]"), name);
        }
    }

    fn dns_name(&mut self, key: &str, name: &str) {
        if !is_dns_name(name) {
            let what = format!(
                "{name:?} is not a name: labels of 1 to 63 letters, digits, - or _, with dots \
                 between them and none at the end, at most 253 in all"
            );
            self.say(key, what);
        }
    }
}

/// Whether DNS can carry a name, and people write it so.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}
