//! Links: what their settings say of each other and of the host's addresses.
use super::Check;
use crate::scenario::model::{Host, Link, Loss};

/// Smallest MTU of IPv6 (RFC 8200, section 5).
const MTU_V6_MIN: u16 = 1280;
/// MTU of a link without a setting.
const MTU_DEFAULT: u16 = 1500;

pub(super) fn check(check: &mut Check<'_>) {
    let scenario = check.scenario;
    for (index, host) in scenario.hosts.iter().enumerate() {
        let path = format!("host[{index}]");
        link(check, &format!("{path}.up"), host, &host.up);
        link(check, &format!("{path}.down"), host, &host.down);
        changes(check, &path, host);
    }
}

fn link(check: &mut Check<'_>, path: &str, host: &Host, link: &Link) {
    let has_v6 = host.addresses.iter().any(std::net::IpAddr::is_ipv6);
    if let Some(mtu) = link.mtu.filter(|mtu| has_v6 && *mtu < MTU_V6_MIN) {
        check.say(
            format!("{path}.mtu"),
            format!(
                "{mtu} is too small for IPv6: at least {MTU_V6_MIN}, or a host without IPv6 addresses"
            ),
        );
    }
    if link.mtu_silent && link.mtu.is_none() {
        check.say(
            format!("{path}.mtu_silent"),
            "has no meaning without mtu beside it",
        );
    }
    queue(check, path, host, link);
    if let Some(Loss::Packets(packets)) = &link.loss
        && packets.is_empty()
    {
        check.say(
            format!("{path}.loss.packets"),
            "is empty: leave loss out, or name packets counted from 1",
        );
    }
}

fn queue(check: &mut Check<'_>, path: &str, host: &Host, link: &Link) {
    let Some(bytes) = link.queue_bytes else {
        return;
    };
    let key = format!("{path}.queue_bytes");
    let rate_comes_later = host.changes.iter().any(|change| change.rate_kbit.is_some());
    if link.rate_kbit.is_none() && !rate_comes_later {
        check.say(
            &key,
            "has no meaning without rate_kbit beside it: only a rate makes a queue",
        );
    }
    let mtu = link.mtu.unwrap_or(MTU_DEFAULT).min(MTU_DEFAULT);
    if bytes < u64::from(mtu) {
        check.say(
            &key,
            format!("{bytes} is less than one packet: at least {mtu} is wanted"),
        );
    }
}

fn changes(check: &mut Check<'_>, path: &str, host: &Host) {
    for (index, change) in host.changes.iter().enumerate() {
        let changes_something =
            change.rate_kbit.is_some() || change.delay_ms.is_some() || change.outage.is_some();
        if !changes_something {
            check.say(
                format!("{path}.change[{index}]"),
                "changes nothing: one of rate_kbit, delay_ms, outage is wanted",
            );
        }
    }
}
