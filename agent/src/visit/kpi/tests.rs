//! Each figure over tables of visits, failed ones among them.
use super::*;
use serde_json::json;

fn step(operation: &str, t_start_us: i64, t_end_us: i64, failure: Option<Failure>) -> Observation {
    Observation {
        t_start_us,
        t_end_us,
        operation: operation.to_owned(),
        subject: None,
        failure,
        detail: std::collections::BTreeMap::new(),
    }
}

/// A request from 100 ms to 1.1 s whose first byte came after 200 ms.
fn request(body_bytes: i64, failure: Option<Failure>) -> Observation {
    let mut step = step("http_request", 100_000, 1_100_000, failure);
    step.detail.insert("status".into(), json!(200));
    step.detail.insert("first_byte_us".into(), json!(200_000));
    step.detail.insert("body_bytes".into(), json!(body_bytes));
    step
}

/// Both questions side by side, 5 ms together, a pause of ours, then connect and TLS.
fn way() -> Vec<Observation> {
    vec![
        step("resolve", 0, 3_000, None),
        step("resolve", 1_000, 5_000, None),
        step("connect", 50_000, 60_000, None),
        step("tls_handshake", 60_000, 90_000, None),
    ]
}

fn visit(last: Observation) -> Vec<Observation> {
    way().into_iter().chain([last]).collect()
}

type Figures = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);

fn figures(steps: &[Observation]) -> Figures {
    (
        nonaccess_ppm(steps),
        setup_us(steps),
        cutoff_ppm(steps),
        mean_rate_bps(steps),
    )
}

const SETUP_US: Option<i64> = Some(5_000 + 10_000 + 30_000 + 200_000);
const NONE: Figures = (None, None, None, None);
const NO_ACCESS: Figures = (Some(1_000_000), None, None, None);

#[test]
fn a_whole_page_has_every_figure() {
    // 100,000 bytes in the 0.8 s after the first.
    let seen = figures(&visit(request(100_000, None)));
    assert_eq!(seen, (Some(0), SETUP_US, Some(0), Some(1_000_000)));
}

#[test]
fn a_short_page_has_no_rate_and_an_empty_one_was_reached() {
    for bytes in [0, RATE_MIN_BYTES - 1] {
        let seen = figures(&visit(request(bytes, None)));
        assert_eq!(seen, (Some(0), SETUP_US, Some(0), None), "{bytes}");
    }
}

#[test]
fn a_transfer_that_breaks_is_cut_off_and_has_no_rate() {
    for failure in [
        Failure::Eof,
        Failure::ConnectionReset,
        Failure::GenericTimeout,
    ] {
        let seen = figures(&visit(request(100_000, Some(failure))));
        assert_eq!(seen, (Some(0), SETUP_US, Some(1_000_000), None));
    }
}

#[test]
fn without_first_content_there_is_no_access_and_nothing_else_to_say() {
    let failed = |operation| step(operation, 0, 1, Some(Failure::ConnectionReset));
    for last in [
        failed("connect"),
        failed("tls_handshake"),
        failed("http_request"),
        request(0, Some(Failure::GenericTimeout)),
        step("redirect", 0, 0, Some(Failure::unknown("redirect loop"))),
    ] {
        assert_eq!(figures(&visit(last.clone())), NO_ACCESS, "{last:?}");
    }
    let unknown_name = step("resolve", 0, 9, Some(Failure::DnsNxdomain));
    assert_eq!(figures(&[unknown_name]), NO_ACCESS);
}

#[test]
fn a_device_that_is_offline_and_a_visit_that_we_stopped_say_nothing() {
    let mut offline = step("resolve", 0, 0, Some(Failure::NetworkUnreachable));
    offline.detail.insert("sent".into(), json!(false));
    assert_eq!(figures(&[offline]), NONE);
    assert_eq!(figures(&[]), NONE);
    let mut redirect = request(10, None);
    redirect
        .detail
        .insert("location".into(), json!("https://b.example/"));
    assert_eq!(figures(&visit(redirect)), NONE, "the byte cap came first");
}

#[test]
fn set_up_counts_every_page_on_the_way() {
    let mut redirect = request(10, None);
    redirect
        .detail
        .insert("location".into(), json!("https://b.example/"));
    let steps: Vec<Observation> = visit(redirect)
        .into_iter()
        .chain(visit(request(100_000, None)))
        .collect();
    assert_eq!(setup_us(&steps), SETUP_US.map(|us| 2 * us));
}

#[test]
fn a_redirect_to_nowhere_that_arrived_whole_is_not_cut_off() {
    let nowhere = Some(Failure::HttpInvalidRedirectLocationHost);
    let seen = figures(&visit(request(100_000, nowhere)));
    assert_eq!(seen.2, Some(0));
}
