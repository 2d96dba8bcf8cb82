//! Middleboxes: on hosts that exist, with something to look for and something to do.
use super::Check;
use crate::scenario::model::{Middlebox, Rule};
use std::net::IpAddr;

pub(super) fn check(check: &mut Check<'_>) {
    let scenario = check.scenario;
    for (index, middlebox) in scenario.middleboxes.iter().enumerate() {
        let path = format!("middlebox[{index}]");
        check.host_exists(&format!("{path}.on"), &middlebox.on);
        stands_on_the_path(check, &path, middlebox);
        rule(check, &path, &middlebox.rule);
    }
}

fn stands_on_the_path(check: &mut Check<'_>, path: &str, middlebox: &Middlebox) {
    let scenario = check.scenario;
    let mut hosts = scenario.hosts.iter();
    let Some(host) = hosts.find(|host| host.name == middlebox.on) else {
        return;
    };
    if usize::from(middlebox.after_routers) > host.routers.len() {
        check.say(
            format!("{path}.after_routers"),
            format!(
                "{} has only {} routers on its path",
                host.name,
                host.routers.len()
            ),
        );
    }
}

fn rule(check: &mut Check<'_>, path: &str, rule: &Rule) {
    let names_key = format!("{path}.names");
    match rule {
        Rule::DnsSpoof {
            names,
            addresses,
            failure,
            ..
        } => {
            check.dns_names(&names_key, names);
            if failure.is_some() && !addresses.is_empty() {
                check.say(
                    format!("{path}.failure"),
                    "stands beside addresses: a forged answer has only one of them",
                );
            }
        }
        Rule::DnsDrop { names }
        | Rule::Sni { names, .. }
        | Rule::Ech { names, .. }
        | Rule::QuicDrop { names, .. } => {
            check.dns_names(&names_key, names);
        }
        Rule::DnsRedirect { to, .. } => somebody(check, path, *to, "a service of kind dns"),
        Rule::Divert { to, .. } => somebody(check, path, *to, "services on the ports diverted"),
        Rule::Keyword { keyword, .. } if keyword.is_empty() => {
            check.say(
                format!("{path}.keyword"),
                "is empty: it would match nothing",
            );
        }
        Rule::Endpoint { addresses, .. } if addresses.is_empty() => {
            check.say(
                format!("{path}.addresses"),
                "is empty: the addresses that it acts on are wanted",
            );
        }
        Rule::Keyword { .. } | Rule::Endpoint { .. } => {}
    }
}

/// Complains when what is sent to `to` would get nowhere.
fn somebody(check: &mut Check<'_>, path: &str, to: IpAddr, with: &str) {
    let mut hosts = check.scenario.hosts.iter();
    if !hosts.any(|host| host.addresses.contains(&to)) {
        check.say(
            format!("{path}.to"),
            format!("{to} is no host's address: give it to a host with {with}"),
        );
    }
}
