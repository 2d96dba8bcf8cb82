//! What is named beside the verdict, and blocks nothing.
use super::*;

#[test]
fn names_that_must_fail_or_be_empty_are_noted_and_block_nothing() {
    for (question, rule) in [
        ("absent", "nxdomain_hijacked"),
        ("no_data", "nodata_replaced"),
    ] {
        let lies = answers("configured", 0, question, FALSE);
        is(
            &with(line(TRUE, TRUE, TRUE), &[lies]),
            OK,
            &["certificate", rule],
            "",
        );
        let once_only = vec![
            once("configured", 0, question, (0, FALSE)),
            once("configured", 0, question, (1, "dns_no_answer")),
        ];
        is(
            &with(line(TRUE, TRUE, TRUE), &[once_only]),
            OK,
            &["certificate"],
            "",
        );
    }
}

fn signed(asked: &str, signatures: i64) -> Vec<Observation> {
    let mut all = answers(asked, 0, "signed", TRUE);
    for seen in &mut all {
        seen.detail
            .insert("signatures".to_owned(), json!(signatures));
    }
    all
}

#[test]
fn signatures_are_missed_only_where_another_resolver_gives_them() {
    let fine = || line(TRUE, TRUE, TRUE);
    let judged = |own, public| {
        with(
            fine(),
            &[signed("configured", own), signed("public", public)],
        )
    };
    is(&judged(0, 1), OK, &["certificate", "dnssec_stripped"], "");
    is(&judged(0, 0), OK, &["certificate"], "");
    is(&judged(1, 1), OK, &["certificate"], "");
    let bogus = |own, public| {
        let own = answers("configured", 0, "bogus", own);
        with(fine(), &[own, answers("public", 0, "bogus", public)])
    };
    is(
        &bogus(TRUE, "dns_servfail_error"),
        OK,
        &["certificate", "not_validating"],
        "",
    );
    is(&bogus(TRUE, TRUE), OK, &["certificate"], "");
    is(
        &bogus("dns_servfail_error", "dns_servfail_error"),
        OK,
        &["certificate"],
        "",
    );
}

/// Two attempts at each of two resolvers over an encrypted way, which break off here.
fn closed(asked: &str, at: &str) -> Vec<Observation> {
    let one = |which, round| {
        let mut seen = once(asked, which, "target", (round, "connection_reset"));
        seen.detail.insert("failed_at".to_owned(), json!(at));
        seen
    };
    vec![one(0, 0), one(0, 1), one(1, 0), one(1, 1)]
}

#[test]
fn an_encrypted_way_is_blocked_only_where_every_resolver_is_and_they_answer_in_clear() {
    let fine = || line(TRUE, TRUE, TRUE);
    let in_clear = || {
        [
            answers("public", 0, "neutral", TRUE),
            answers("public", 1, "neutral", TRUE),
        ]
        .concat()
    };
    let shut = closed("dot", "tls_handshake");
    let rules = ["certificate", "dot_blocked"];
    is(&with(fine(), &[shut.clone(), in_clear()]), OK, &rules, "");
    is(
        &with(fine(), std::slice::from_ref(&shut)),
        OK,
        &["certificate"],
        "",
    );
    let one_open = answers("dot", 1, "target", TRUE);
    is(
        &with(fine(), &[shut, in_clear(), one_open]),
        OK,
        &["certificate"],
        "",
    );
    let rules = ["certificate", "doh_blocked"];
    is(&with(fine(), &[closed("doh", "connect")]), OK, &rules, "");
    is(
        &with(fine(), &[closed("doh", "http_request")]),
        OK,
        &["certificate"],
        "",
    );
}

#[test]
fn the_network_of_the_devices_resolver_is_a_key_of_its_own() {
    let identity_of = |asked: &str, which: i64, network: &str| {
        let detail = json!({
            "asked": asked, "which": which, "question": "identity", "round": 0, "addresses": [network],
        });
        vec![step("resolver_identity", None, detail)]
    };
    let identity = |asked: &str, network: &str| identity_of(asked, 0, network);
    let fine = || line(TRUE, TRUE, TRUE);
    let apart = [
        identity("configured", "203.0.113.0"),
        identity("public", "8.8.8.0"),
    ];
    let said = judge(&with(fine(), &apart)).effect.unwrap();
    assert_eq!(said["resolver"], json!(["203.0.113.0"]));
    assert_eq!(said["servers"][1]["networks"], json!(["8.8.8.0"]));
    assert_eq!(said["servers"][0]["target"], "certified");
    is(&with(fine(), &apart), OK, &["certificate"], "");
    // It may forward to one of them, and to no two.
    let own = identity("configured", "203.0.113.0");
    let first = identity("public", "203.0.113.0");
    is(
        &with(fine(), &[own.clone(), first.clone()]),
        OK,
        &["certificate"],
        "",
    );
    let second = identity_of("public", 1, "203.0.113.0");
    is(
        &with(fine(), &[own, first, second]),
        OK,
        &["certificate", "proxied"],
        "",
    );
}

#[test]
fn several_servers_that_call_themselves_alike_are_one() {
    let calls = |asked: &str, which: i64, name: &str, says: i64| {
        let detail = json!({
            "asked": asked, "which": which, "question": "server", "round": 0, "says": says,
        });
        let mut seen = step("server_identity", None, detail);
        seen.subject = Some(name.to_owned());
        seen
    };
    let judged = |name: &str, says: [i64; 3]| {
        let [own, first, second] = says;
        let named = vec![
            calls("configured", 0, name, own),
            calls("public", 0, name, first),
            calls("public", 1, name, second),
        ];
        words(&with(line(TRUE, TRUE, TRUE), &[named])).1
    };
    assert_eq!(judged("id.server", [0, 0, 0]), ["certificate", "proxied"]);
    assert_eq!(judged("id.server", [0, 0, 1]), ["certificate"]);
    assert_eq!(judged("id.server", [0, 1, 1]), ["certificate"]);
    assert_eq!(judged("version.bind", [0, 0, 0]), ["certificate"]);
}
