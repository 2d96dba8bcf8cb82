//! Services: on hosts that exist, on ports used once, with pages that can be sent.
use super::{Check, is_dns_name};
use crate::scenario::model::{Certificate, Flaw, NamedCertificate, Page, ServiceKind};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Longest body that is filled up, bytes: it is made before it is sent.
const FILLED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Header lines that the service writes itself.
const OWN_HEADERS: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

pub(super) fn check(check: &mut Check<'_>) {
    let scenario = check.scenario;
    let mut taken = BTreeMap::new();
    for (index, service) in scenario.services.iter().enumerate() {
        let path = format!("service[{index}]");
        check.host_exists(&format!("{path}.host"), &service.host);
        for (transport, port) in ports(&service.kind) {
            let Some(other) = taken.insert((&service.host, transport, port), index) else {
                continue;
            };
            check.say(
                format!("{path}.port"),
                format!(
                    "{transport} port {port} of {} is already taken by service[{other}]: give one \
                     of them another port, or another host",
                    service.host
                ),
            );
        }
        kind(check, &path, &service.kind);
    }
}

fn ports(kind: &ServiceKind) -> Vec<(&'static str, u16)> {
    match kind {
        ServiceKind::Dns { port, .. } => {
            let port = port.unwrap_or(53);
            vec![("UDP", port), ("TCP", port)]
        }
        ServiceKind::Doh { port, .. } | ServiceKind::Https { port, .. } => {
            vec![("TCP", port.unwrap_or(443))]
        }
        ServiceKind::Dot { port, .. } => vec![("TCP", port.unwrap_or(853))],
        ServiceKind::Http { port, .. } => vec![("TCP", port.unwrap_or(80))],
        ServiceKind::Proxy {
            http_port,
            tls_port,
            ..
        } => vec![
            ("TCP", http_port.unwrap_or(80)),
            ("TCP", tls_port.unwrap_or(443)),
        ],
        ServiceKind::Tcp { port, .. } => vec![("TCP", *port)],
        ServiceKind::Quic { port, .. } => vec![("UDP", port.unwrap_or(443))],
        ServiceKind::UdpEcho { port } => vec![("UDP", *port)],
        ServiceKind::Command { ready_port, .. } => {
            ready_port.iter().map(|port| ("TCP", *port)).collect()
        }
    }
}

fn kind(check: &mut Check<'_>, path: &str, kind: &ServiceKind) {
    match kind {
        ServiceKind::Http { page, .. } => pages(check, path, page),
        ServiceKind::Https {
            certificate: shown,
            sni,
            page,
            ..
        } => {
            certificate(check, path, shown);
            by_name(check, path, sni);
            pages(check, path, page);
        }
        ServiceKind::Proxy { headers, .. } => {
            for (name, value) in headers {
                header(check, &format!("{path}.headers.{name}"), name, value);
            }
        }
        ServiceKind::Doh {
            certificate: shown, ..
        }
        | ServiceKind::Dot {
            certificate: shown, ..
        }
        | ServiceKind::Quic {
            certificate: shown, ..
        } => certificate(check, path, shown),
        ServiceKind::Command { command, env, .. } => {
            let has_program = command.first().is_some_and(|program| !program.is_empty());
            if !has_program {
                check.say(
                    format!("{path}.command"),
                    "is empty: the program and its arguments are wanted",
                );
            }
            let texts = command.iter().chain(env.keys()).chain(env.values());
            if texts.into_iter().any(|text| text.contains('\0')) {
                check.say(path, "a command and its environment hold no zero bytes");
            }
            for name in env.keys().filter(|name| !is_variable(name)) {
                check.say(
                    format!("{path}.env.{name}"),
                    "is not the name of a variable: no = and not empty",
                );
            }
        }
        ServiceKind::Dns { .. } | ServiceKind::Tcp { .. } | ServiceKind::UdpEcho { .. } => {}
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains('=')
}

fn certificate(check: &mut Check<'_>, path: &str, certificate: &Certificate) {
    let path = format!("{path}.certificate");
    for (index, name) in certificate.names.iter().enumerate() {
        let plain = name.strip_prefix("*.").unwrap_or(name);
        if !is_dns_name(plain) && name.parse::<IpAddr>().is_err() {
            check.say(
                format!("{path}.names[{index}]"),
                format!("{name:?} is neither a name, a name after *. nor an address"),
            );
        }
    }
    if certificate.flaw == Some(Flaw::WrongName) && !certificate.names.is_empty() {
        check.say(
            format!("{path}.names"),
            "stands beside flaw = \"wrong_name\", which chooses the names: leave one of them out",
        );
    }
}

fn by_name(check: &mut Check<'_>, path: &str, sni: &[NamedCertificate]) {
    for (index, named) in sni.iter().enumerate() {
        let path = format!("{path}.sni[{index}]");
        check.dns_name(&format!("{path}.name"), &named.name);
        certificate(check, &path, &named.certificate);
        let same = |other: &NamedCertificate| other.name.eq_ignore_ascii_case(&named.name);
        if sni[..index].iter().any(same) {
            let what = format!("{} has a certificate already", named.name);
            check.say(format!("{path}.name"), what);
        }
    }
}

fn pages(check: &mut Check<'_>, path: &str, pages: &[Page]) {
    for (index, page) in pages.iter().enumerate() {
        self::page(check, &format!("{path}.page[{index}]"), page);
    }
}

fn page(check: &mut Check<'_>, path: &str, page: &Page) {
    if page
        .path
        .as_ref()
        .is_some_and(|path| !path.starts_with('/'))
    {
        check.say(format!("{path}.path"), "begins with / when it is given");
    }
    let own_bytes = page.body.len() as u64;
    let filled = !page.body.is_empty();
    if filled
        && page
            .body_bytes
            .is_some_and(|bytes| !(own_bytes..=FILLED_BYTES_MAX).contains(&bytes))
    {
        check.say(
            format!("{path}.body_bytes"),
            format!(
                "cannot be filled up to: the body has {own_bytes} bytes, so that to \
                 {FILLED_BYTES_MAX} is wanted"
            ),
        );
    }
    let length = page.body_bytes.unwrap_or(own_bytes);
    if page.cut_after_bytes.is_some_and(|cut| cut >= length) {
        check.say(
            format!("{path}.cut_after_bytes"),
            format!("cuts nothing: the body has {length} bytes, so less than that is wanted"),
        );
    }
    for (name, value) in &page.headers {
        header(check, &format!("{path}.headers.{name}"), name, value);
    }
}

fn header(check: &mut Check<'_>, key: &str, name: &str, value: &str) {
    if hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        check.say(key, "is not the name of a header line");
    }
    if hyper::header::HeaderValue::from_str(value).is_err() {
        check.say(key, "is not the value of a header line: visible ASCII is");
    }
    if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        check.say(key, "is written by the service itself: leave it out");
    }
}
