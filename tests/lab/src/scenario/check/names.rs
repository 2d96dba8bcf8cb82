//! `[[name]]` entries: one meaning each, once for each DNS service.
use super::Check;
use crate::scenario::model::{Name, ServiceKind};
use std::collections::BTreeSet;

pub(super) fn check(check: &mut Check<'_>) {
    let scenario = check.scenario;
    let mut seen = BTreeSet::new();
    for (index, name) in scenario.names.iter().enumerate() {
        let path = format!("name[{index}]");
        check.dns_name(&format!("{path}.name"), &name.name);
        if let Some(cname) = &name.cname {
            check.dns_name(&format!("{path}.cname"), cname);
        }
        one_meaning(check, &path, name);
        if let Some(on) = &name.on {
            answers_dns(check, &format!("{path}.on"), on);
        }
        if !seen.insert((name.name.to_ascii_lowercase(), &name.on)) {
            check.say(
                format!("{path}.name"),
                format!("{} stands here a second time with the same on", name.name),
            );
        }
    }
}

fn one_meaning(check: &mut Check<'_>, path: &str, name: &Name) {
    let meanings = [
        !name.addresses.is_empty(),
        name.cname.is_some(),
        name.failure.is_some(),
    ];
    if meanings.into_iter().filter(|given| *given).count() > 1 {
        check.say(
            path,
            "only one of addresses, cname and failure can be given for a name",
        );
    }
}

fn answers_dns(check: &mut Check<'_>, key: &str, host: &str) {
    let before = check.problems.len();
    check.host_exists(key, host);
    if check.problems.len() > before {
        return;
    }
    let answers = check.scenario.services.iter().any(|service| {
        service.host == host
            && matches!(
                service.kind,
                ServiceKind::Dns { .. } | ServiceKind::Doh { .. } | ServiceKind::Dot { .. }
            )
    });
    if !answers {
        check.say(
            key,
            format!("{host} has no service of kind dns, doh or dot that could answer"),
        );
    }
}
