//! The Tonle layer on every situation, and its guards against false positives.
use super::rules::ALL;
use super::verdict;
use crate::analysis::web::Facts;
use crate::analysis::web::fingerprints::tests::shipped;
use crate::analysis::web::ooni::tests::facts;
use crate::analysis::web::scenarios::{self, Build, Helper, Page, Via};
use serde_json::json;
use std::collections::BTreeSet;
use tonle_evidence::verdict::{Mechanism, PageVerdict, State, Verdict};

const HTTP: &str = "http://www.example.com/";
const HTTPS: &str = "https://www.example.com/";
const NAME: &str = "www.example.com";
const SITE: &str = "93.184.216.34";
const CLEAR: &str = "93.184.216.34:80";
const SECURE: &str = "93.184.216.34:443";
const PAGE: Page = Page {
    status: 200,
    title: "Default Web Page",
    bytes: 1_533,
    headers: &["Alt-Svc", "Date"],
    truncated: false,
};

pub(super) fn judged(build: &Build) -> PageVerdict {
    verdict(&facts(&build.json()), &shipped())
}

fn overall(build: &Build) -> (State, Option<Mechanism>) {
    let overall = judged(build).overall;
    (overall.state, overall.mechanism)
}

/// State, and mechanism or reason or what else there is to say.
pub(super) fn in_words(verdict: &Verdict) -> (String, String) {
    let why = match (verdict.mechanism, verdict.reason, verdict.server_side) {
        (Some(mechanism), _, _) => mechanism.to_string(),
        (_, Some(reason), _) => reason.to_string(),
        (_, _, true) => "server_side".to_owned(),
        _ => "-".to_owned(),
    };
    (verdict.state.to_string(), why)
}

pub(super) fn layers(verdict: &PageVerdict) -> Vec<&Verdict> {
    let layers = [&verdict.dns, &verdict.tcp, &verdict.tls, &verdict.http];
    layers.into_iter().flatten().collect()
}

#[test]
fn every_situation_gives_its_verdict() {
    for row in scenarios::expected() {
        let verdict = judged(&scenarios::measurement(row.name));
        let (state, why) = in_words(&verdict.overall);
        assert_eq!((state.as_str(), why.as_str()), row.tonle, "{}", row.name);
    }
}

#[test]
fn every_verdict_names_its_rule_and_where_its_evidence_stands() {
    for row in scenarios::expected() {
        let json = scenarios::measurement(row.name).json();
        let verdict = verdict(&facts(&json), &shipped());
        for one in layers(&verdict).into_iter().chain([&verdict.overall]) {
            assert!(
                !one.rules.is_empty() && !one.would_change.is_empty(),
                "{}",
                row.name
            );
            let witnesses = one.rules.iter().flat_map(|fired| &fired.observations);
            for pointer in witnesses {
                assert!(json.pointer(pointer).is_some(), "{}: {pointer}", row.name);
            }
            let deciding = &one.rules[0];
            assert!(
                !deciding.observations.is_empty(),
                "{}: {deciding:?}",
                row.name
            );
        }
    }
}

#[test]
fn rules_have_distinct_ids_and_say_what_they_do() {
    let ids: BTreeSet<&str> = ALL.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), ALL.len());
    for rule in ALL {
        assert!(rule.version > 0 && rule.about.len() > 20, "{}", rule.id);
    }
}

#[test]
fn the_documentation_lists_every_rule_in_order() {
    let page = include_str!("../../../../../docs/openness.md");
    let listed: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let rows: Vec<String> = ALL
        .iter()
        .map(|rule| format!("| `{}` | {} | {} |", rule.id, rule.version, rule.about))
        .collect();
    let ours: Vec<&str> = listed
        .into_iter()
        .filter(|line| {
            ALL.iter()
                .any(|rule| line.starts_with(&format!("| `{}`", rule.id)))
        })
        .collect();
    assert_eq!(ours, rows, "docs/openness.md");
}

/// A page in clear at the site's address.
fn clear(page: &Page) -> Build {
    Build::new(HTTP)
        .resolves(0, NAME, &[SITE])
        .tcp(0, CLEAR, None)
        .get(HTTP, page)
        .check(0, SECURE, None)
        .tls(NAME, None)
        .control(Helper::of_site())
}

#[test]
fn a_content_network_that_answers_every_country_differently_is_ok() {
    let cache = "36.37.1.1";
    let build = Build::new(HTTPS)
        .resolves(0, NAME, &[cache])
        .tcp(0, "36.37.1.1:443", None)
        .tls(NAME, None)
        .get(HTTPS, &PAGE)
        .control(Helper::of_site());
    let verdict = judged(&build);
    assert_eq!(verdict.overall.state, State::Ok);
    assert_eq!(verdict.dns.unwrap().rules[0].rule, "dns.certificate");
}

#[test]
fn another_address_alone_is_no_verdict() {
    let build = Build::new(HTTP)
        .dns(0, Via::System, NAME, Ok(&["36.37.1.1"]))
        .tcp(0, "36.37.1.1:80", None)
        .control(Helper::of_site());
    let verdict = judged(&build);
    assert_eq!(in_words(&verdict.dns.unwrap()).1, "below_floor");
    assert_eq!(verdict.overall.state, State::Insufficient);
}

#[test]
fn a_page_that_only_refuses_is_the_sites_own() {
    let challenge = Page {
        status: 403,
        title: "Just a moment...",
        bytes: 9_000,
        headers: &["Date", "CF-Mitigated"],
        truncated: false,
    };
    let verdict = judged(&clear(&challenge));
    assert!(verdict.overall.server_side);
    assert_eq!(verdict.overall.state, State::Ok);
    for status in [403, 451, 503] {
        let refusal = Page {
            status,
            title: "Not available in your country",
            ..PAGE
        };
        let build = Build::new(HTTPS)
            .resolves(0, NAME, &[SITE])
            .tcp(0, SECURE, None)
            .tls(NAME, None)
            .get(HTTPS, &refusal)
            .control(Helper::of_site());
        let verdict = judged(&build).overall;
        assert_eq!(
            (verdict.state, verdict.server_side),
            (State::Ok, true),
            "{status}"
        );
    }
}

#[test]
fn a_refusal_in_clear_that_nobody_knows_is_no_verdict() {
    let refusal = Page {
        status: 403,
        title: "Forbidden",
        bytes: 150,
        headers: &["Date"],
        truncated: false,
    };
    let overall = judged(&clear(&refusal)).overall;
    assert_eq!(in_words(&overall).1, "below_floor");
}

#[test]
fn two_refusals_that_differ_are_no_block_page() {
    let refusal = |title, bytes, headers| Page {
        status: 403,
        title,
        bytes,
        headers,
        ..PAGE
    };
    let theirs = Helper::of_site().page(&refusal("Elsewhere", 9_000, &["Date"]));
    let build = clear(&refusal("Not available", 120, &["X-Ours"])).control(theirs);
    assert_eq!(overall(&build).0, State::Insufficient);
}

#[test]
fn another_edition_from_the_same_servers_is_the_page() {
    let edition = Page {
        title: "ទំព័រដើម Khmer Edition",
        bytes: 40_000,
        ..PAGE
    };
    assert_eq!(overall(&clear(&edition)).0, State::Ok);
}

#[test]
fn a_known_block_page_is_one_by_its_title_in_its_country() {
    let block = Page {
        status: 403,
        title: "ERROR: Forbidden",
        bytes: 500,
        headers: &["Date"],
        truncated: false,
    };
    let blocked = (State::Blocked, Some(Mechanism::HttpBlockpage));
    assert_eq!(overall(&clear(&block)), blocked);
    let mut elsewhere = clear(&block).json();
    elsewhere["probe_cc"] = "FR".into();
    let elsewhere = verdict(&facts(&elsewhere), &shipped()).overall;
    assert_eq!(elsewhere.state, State::Insufficient);
    let own = clear(&block).control(Helper::of_site().page(&block));
    assert_eq!(overall(&own).0, State::Ok);
}

#[test]
fn a_sinkhole_in_the_network_of_the_site_is_one() {
    let sinkhole = "36.37.242.94";
    let mut json = Build::new(HTTP)
        .dns(0, Via::System, NAME, Ok(&[sinkhole]))
        .control(Helper::of_site())
        .json();
    json["test_keys"]["queries"][0]["answers"][0]["asn"] = 15_133.into();
    let facts = facts(&json);
    assert_eq!(
        crate::analysis::web::ooni::keys(&facts).x_dns_flags,
        Some(0)
    );
    let overall = verdict(&facts, &shipped()).overall;
    assert_eq!(overall.mechanism, Some(Mechanism::DnsInjectionBlockpage));
    let without = Build::new(HTTP)
        .dns(0, Via::System, NAME, Ok(&[sinkhole]))
        .no_control("connection_reset");
    assert_eq!(in_words(&judged(&without).overall).1, "no_control");
}

#[test]
fn two_answers_that_cannot_both_be_honest_are_an_injection_and_copies_are_not() {
    let raced = |first: &str, second: &str| {
        Build::new(HTTPS)
            .dns(0, Via::Udp, NAME, Ok(&[first]))
            .late(&[second])
            .control(Helper::of_site())
    };
    let dns = |build: &Build| judged(build).dns.unwrap();
    assert_eq!(dns(&raced("31.13.94.37", SITE)).rules[0].rule, "dns.race");
    assert_eq!(dns(&raced(SITE, SITE)).state, State::Ok);
    assert_eq!(dns(&raced(SITE, "31.13.94.37")).state, State::Ok);
    assert!(
        !dns(&raced("31.13.94.37", "31.13.94.38"))
            .state
            .is_blocking()
    );
}

#[test]
fn silence_and_servfail_never_count_as_a_denial() {
    for failure in [
        "generic_timeout_error",
        "dns_servfail_error",
        "dns_temporary_failure",
    ] {
        let build = Build::new(HTTPS)
            .dns(0, Via::System, NAME, Err(failure))
            .control(Helper::of_site());
        let dns = judged(&build).dns.unwrap();
        assert_eq!(in_words(&dns).1, "below_floor", "{failure}");
    }
}

#[test]
fn an_empty_answer_counts_like_a_denial() {
    for (failure, mechanism) in [
        ("dns_nxdomain_error", Mechanism::DnsNxdomain),
        ("dns_no_answer", Mechanism::DnsNoAnswer),
    ] {
        let build = Build::new(HTTPS)
            .dns(0, Via::System, NAME, Err(failure))
            .control(Helper::of_site());
        assert_eq!(overall(&build), (State::LikelyBlocked, Some(mechanism)));
    }
}

#[test]
fn a_resolver_that_filters_by_its_own_policy_says_nothing_of_the_network() {
    let mut json = Build::new(HTTPS)
        .dns(0, Via::Udp, NAME, Err("dns_nxdomain_error"))
        .control(Helper::of_site())
        .json();
    for query in json["test_keys"]["queries"].as_array_mut().unwrap() {
        query["resolver_address"] = "9.9.9.9:53".into();
    }
    let dns = verdict(&facts(&json), &shipped()).dns.unwrap();
    assert_eq!(dns.state, State::Insufficient);
}

#[test]
fn a_line_without_ipv6_is_ok() {
    let peer = "[2606:2800:220:1::1]:443";
    let build = Build::new(HTTPS)
        .resolves(0, NAME, &[SITE])
        .tcp(0, peer, Some("network_unreachable"))
        .tcp(0, SECURE, None)
        .tls(NAME, None)
        .get(HTTPS, &PAGE)
        .control(Helper::of_site().tcp(peer, None));
    assert_eq!(overall(&build).0, State::Ok);
}

#[test]
fn silence_on_a_line_that_is_silent_elsewhere_says_nothing() {
    let build = Build::new(HTTPS)
        .dns(0, Via::System, NAME, Err("generic_timeout_error"))
        .dns(0, Via::Udp, NAME, Ok(&[SITE]))
        .tcp(0, SECURE, Some("generic_timeout_error"))
        .control(Helper::of_site());
    assert_eq!(overall(&build).0, State::Insufficient);
}

#[test]
fn a_certificate_that_nobody_trusts_at_the_sites_address_is_an_interception() {
    let build = |failure| {
        Build::new(HTTPS)
            .resolves(0, NAME, &[SITE])
            .tcp(0, SECURE, None)
            .tls(NAME, Some(failure))
            .control(Helper::of_site())
    };
    let mitm = Some(Mechanism::TlsMitmCaSigned);
    assert_eq!(
        overall(&build("ssl_unknown_authority")),
        (State::Blocked, mitm)
    );
    assert_eq!(
        overall(&build("ssl_invalid_hostname")),
        (State::LikelyBlocked, mitm)
    );
    assert_eq!(
        overall(&build("ssl_invalid_certificate")).0,
        State::Insufficient
    );
}

#[test]
fn a_certificate_out_of_date_by_the_devices_clock_only_is_an_invalid_run() {
    use base64::Engine;
    let mut made = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    made.not_before = rcgen::date_time_ymd(2027, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let der = made.self_signed(&key).unwrap().der().to_vec();
    let mut json = Build::new(HTTPS)
        .resolves(0, NAME, &[SITE])
        .tcp(0, SECURE, None)
        .tls(NAME, Some("ssl_invalid_certificate"))
        .control(Helper::of_site())
        .json();
    let data = base64::engine::general_purpose::STANDARD.encode(der);
    let chain = json!([{ "format": "base64", "data": data }]);
    json["test_keys"]["tls_handshakes"][0]["peer_certificates"] = chain;
    let tls = verdict(&facts(&json), &shipped()).tls.unwrap();
    assert_eq!(
        in_words(&tls),
        ("insufficient".into(), "invalid_run".into())
    );
    assert_eq!(tls.rules[0].rule, "tls.clock");
}

#[test]
fn a_server_name_is_blamed_only_where_another_passes_at_the_same_address() {
    let build = Build::new(HTTPS)
        .resolves(0, NAME, &[SITE])
        .tcp(0, SECURE, None)
        .tls(NAME, Some("connection_reset"))
        .control(Helper::of_site());
    assert_eq!(overall(&build).1, Some(Mechanism::TlsResetOther));
    let followed = build.check(7, SECURE, None).tls("neutral.example", None);
    assert_eq!(overall(&followed).1, Some(Mechanism::TlsResetSni));
}

#[test]
fn a_false_answer_stays_one_when_the_page_is_reached_elsewhere() {
    let verdict = judged(&scenarios::measurement("dnsBlockingBOGON"));
    assert_eq!(verdict.http.unwrap().state, State::Ok);
    assert_eq!(verdict.overall.state, State::Blocked);
}

#[test]
fn an_answer_that_leads_to_a_foreign_page_is_no_other_edition() {
    let foreign = Page {
        title: "Access Denied",
        bytes: 188,
        headers: &["Date"],
        ..PAGE
    };
    let build = Build::new(HTTP)
        .dns(0, Via::System, NAME, Ok(&["36.37.1.1"]))
        .dns(0, Via::Doh, NAME, Ok(&[SITE]))
        .tcp(0, "36.37.1.1:80", None)
        .get(HTTP, &foreign)
        .tcp(0, CLEAR, None)
        .control(Helper::of_site());
    let verdict = judged(&build);
    assert_eq!(verdict.dns.unwrap().rules[0].rule, "dns.elsewhere");
    assert_eq!(verdict.overall.state, State::LikelyBlocked);
}

#[test]
fn a_certificate_for_nobody_at_a_foreign_address_is_a_false_answer() {
    let build = Build::new(HTTPS)
        .dns(0, Via::System, NAME, Ok(&["36.37.1.1"]))
        .tcp(0, "36.37.1.1:443", None)
        .tls(NAME, Some("ssl_invalid_hostname"))
        .control(Helper::of_site());
    let dns = judged(&build).dns.unwrap();
    assert_eq!(
        (dns.state, dns.rules[0].rule.as_str()),
        (State::LikelyBlocked, "dns.wrong_certificate")
    );
}

#[test]
fn a_run_through_a_vpn_gives_no_verdict() {
    let mut json = scenarios::measurement("dnsBlockingBOGON").json();
    json["annotations"]["network_type"] = "vpn".into();
    let verdict = verdict(&facts(&json), &shipped());
    assert_eq!(in_words(&verdict.overall).1, "invalid_run");
    assert!(layers(&verdict).is_empty());
}

#[test]
fn an_offline_device_gives_no_verdict() {
    let build = Build::new(HTTPS)
        .dns(0, Via::System, NAME, Err("network_unreachable"))
        .no_control("network_unreachable");
    assert_eq!(in_words(&judged(&build).overall).1, "invalid_run");
}

#[test]
fn one_control_that_works_is_enough_against_one_that_is_refused() {
    let mut facts = facts(&scenarios::measurement("tcpBlockingConnectTimeout").json());
    let mut refused = facts.controls[0].clone();
    for (_, failure) in &mut refused.tcp {
        *failure = Some(tonle_evidence::failure::Failure::ConnectionRefused);
    }
    facts.controls.insert(0, refused.clone());
    assert_eq!(
        verdict(&facts, &shipped()).overall.state,
        State::LikelyBlocked
    );
    facts.controls = vec![refused];
    assert_eq!(verdict(&facts, &shipped()).overall.state, State::Down);
}

#[test]
fn a_public_resolver_that_was_not_the_one_to_answer_is_noted() {
    let mut json = scenarios::measurement("successWithHTTPS").json();
    json["test_keys"]["x_dns_whoami"] = json!({
        "system_v4": [{ "address": "130.192.3.21" }],
        "udp_v4": { "8.8.8.8:53": [{ "address": "130.192.3.21" }] },
    });
    let verdict = verdict(&facts(&json), &shipped());
    let dns = verdict.dns.unwrap();
    assert_eq!(dns.state, State::Ok);
    assert_eq!(dns.rules[1].rule, "dns.proxy");
}

#[test]
fn what_is_no_visit_gives_no_verdict() {
    let verdict = verdict(&Facts::default(), &shipped());
    assert_eq!(
        in_words(&verdict.overall),
        ("insufficient".into(), "below_floor".into())
    );
}
