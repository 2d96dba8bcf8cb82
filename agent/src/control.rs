//! Controls: the same request made from elsewhere, by servers that speak the protocol of OONI's test
//! helper ([`tonle_wire::ooni::ControlResponse`]).
//!
//! Operation `control`, subject its URL. Detail: `request` (the JSON text as sent), `status`, `answer`
//! (the JSON text as received, without the values of the page's headers, which say when it was asked, and
//! without addresses that nobody asked about), `scrubbed: true` where there
//! were such, `failed_at` (the operation that broke off). A control that cannot be had is an observation
//! like any other, so the steps of `tonle_net` ask it and not the client of uploads, which knows no
//! names of failures.
use crate::experiments::Run;
use crate::openness::Control;
use crate::whereabouts;
use futures_util::future::join_all;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_evidence::pass::{self, PASS_HEADER};
use tonle_evidence::record::Outcome;
use tonle_evidence::targets::CONTROLS_MAX;
use tonle_net::clock::wall_us;
use tonle_net::dns::Patience;
use tonle_net::http::channel::{self, HeaderMap, HeaderValue, header};
use tonle_net::http::reach::{Broken, reach};
use tonle_net::http::{ACCEPT, ACCEPT_LANGUAGE, USER_AGENT};
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_wire::ooni::{CONTROL_ANSWER_MAX_BYTES, ControlRequest, ControlResponse};
use url::Url;

/// Longest wait for a control, the way to it included (OONI Web Connectivity 0.5).
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// What asking a control costs on the line, at most.
pub const CONTROL_BYTES: u64 = CONTROL_ANSWER_MAX_BYTES as u64 + (24 << 10);
/// What asking all controls one question costs on the line, at most.
pub const CONTROLS_BYTES: u64 = CONTROLS_MAX as u64 * CONTROL_BYTES;
/// Who asks a control.
const PROGRAM: &str = concat!("tonle-agent/", env!("CARGO_PKG_VERSION"));

/// What controls are asked: a page, and the addresses that it was looked for at.
#[derive(Debug)]
pub struct Question {
    peers: Vec<SocketAddr>,
    request: ControlRequest,
}

impl Question {
    /// About this page at these addresses.
    #[must_use]
    pub fn about(url: &Url, peers: Vec<SocketAddr>) -> Self {
        let headers = [
            ("Accept", ACCEPT),
            ("Accept-Language", ACCEPT_LANGUAGE),
            ("User-Agent", USER_AGENT),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
        let request = ControlRequest {
            http_request: Some(url.to_string()),
            http_request_headers: BTreeMap::from(headers),
            tcp_connect: peers.iter().map(SocketAddr::to_string).collect(),
            x_quic_enabled: Some(false),
        };
        Self { peers, request }
    }

    /// The same, over QUIC as well; controls that do not offer that leave it out of their answer.
    #[must_use]
    pub fn over_quic(mut self) -> Self {
        self.request.x_quic_enabled = Some(true);
        self
    }

    fn text(&self) -> String {
        serde_json::to_string(&self.request).expect("texts and lists of texts are always JSON")
    }
}

/// Asks every control side by side, as many as the run has bytes for.
pub async fn ask_all(run: &Run, question: &Question) {
    let controls = &run.openness.controls;
    let left_bytes = run.max_bytes.saturating_sub(run.bytes_used());
    let room = usize::try_from(left_bytes / CONTROL_BYTES).unwrap_or(usize::MAX);
    if room < controls.len() {
        run.ended(Outcome::Capped);
    }
    let asked = controls
        .iter()
        .take(room)
        .map(|control| ask(run, control, question, Patience::FIRST_ANSWER));
    join_all(asked).await;
}

/// Asks one control, which is recorded; the addresses that it found for the page's name. Whoever asks has
/// seen to it that the run has [`CONTROL_BYTES`] left.
pub async fn ask(
    run: &Run,
    control: &Control,
    question: &Question,
    patience: Patience,
) -> Vec<IpAddr> {
    let mut step = Step::start(&run.clock, "control", scrub::url(&control.url));
    let request = question.text();
    step.fact("request", request.as_str());
    let until = Instant::now() + TIMEOUT;
    let exchange = exchange(run, &mut step, control, &request, patience);
    let answered = timeout_at(until, exchange).await;
    step.result_known();
    let late = Err(("http_request", Failure::GenericTimeout));
    let answer = answered.unwrap_or(late).and_then(|text| read(&text));
    let (answer, text) = match answer {
        Ok(answer) => answer,
        Err((at, failure)) => {
            step.fact("failed_at", at);
            run.observe(step.fail(failure));
            return Vec::new();
        }
    };
    let found: Vec<IpAddr> = addresses(&answer).collect();
    let mut known = found.clone();
    // What a control says of the volunteer's own network is no address of the far side.
    known.retain(|address| scrub::is_far_side(*address));
    known.extend(question.peers.iter().map(SocketAddr::ip));
    let text = without_values(&text);
    let scrubbed = scrub::text(&text, &known);
    if matches!(scrubbed, Cow::Owned(_)) {
        step.fact("scrubbed", true);
    }
    step.fact("answer", &*scrubbed);
    run.observe(step.succeed());
    found
}

async fn exchange(
    run: &Run,
    step: &mut Step,
    control: &Control,
    request: &str,
    patience: Patience,
) -> Result<Vec<u8>, Broken> {
    let url = &control.url;
    let net = if control.may_be_near {
        run.net.for_named_server()
    } else {
        run.net.clone()
    };
    let whereabouts = whereabouts::of(run, url, patience).await;
    if whereabouts.is_out_of_reach {
        step.fact("sent", false);
    }
    let addresses = whereabouts
        .addresses
        .map_err(|failure| ("resolve", failure))?;
    let to = (url, addresses.as_slice());
    let opened = reach(&net, &run.clock, &run.meter, to, PROGRAM).await?;
    let broken = |failure| ("http_request", failure);
    let content = channel::whole(request.to_owned());
    let headers = headers(run, control, request);
    let posted = opened.post_with(url, headers, content).await;
    let received = posted.map_err(broken)?;
    step.fact("status", received.status);
    if received.status != 200 {
        return Err(broken(Failure::HttpRequestFailed));
    }
    received
        .whole(CONTROL_ANSWER_MAX_BYTES)
        .await
        .map_err(broken)
}

/// The collector's own control is shown who asks; any other is not told.
fn headers(run: &Run, control: &Control, request: &str) -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
    let identity = run.openness.identity.as_ref();
    if let Some(identity) = identity.filter(|_| control.knows_agents) {
        let now_s = wall_us() / 1_000_000;
        let shown = pass::show(identity.key(), now_s, request.as_bytes());
        let shown = HeaderValue::try_from(shown).expect("digits, letters and marks of a header");
        headers.insert(PASS_HEADER, shown);
    }
    headers
}

/// An answer and its text; anything but a JSON object in UTF-8 is none.
fn read(bytes: &[u8]) -> Result<(ControlResponse, String), Broken> {
    let no_answer = || ("http_request", Failure::JsonParse);
    let text = std::str::from_utf8(bytes).map_err(|_| no_answer())?;
    let answer = ControlResponse::parse(bytes).map_err(|_| no_answer())?;
    Ok((answer, text.to_owned()))
}

/// An answer without the values of headers: `Date` and others of their kind tell the second of the run, which no
/// published half says. What is compared are names.
fn without_values(text: &str) -> Cow<'_, str> {
    let Ok(mut answer) = serde_json::from_str::<Value>(text) else {
        return Cow::Borrowed(text);
    };
    let mut is_changed = false;
    for request in ["http_request", "http3_request"] {
        let headers = answer.get_mut(request).and_then(|it| it.get_mut("headers"));
        let headers = headers.and_then(Value::as_object_mut);
        for value in headers.into_iter().flat_map(|headers| headers.values_mut()) {
            is_changed |= *value != "";
            *value = Value::String(String::new());
        }
    }
    if is_changed {
        return Cow::Owned(answer.to_string());
    }
    Cow::Borrowed(text)
}

fn addresses(answer: &ControlResponse) -> impl Iterator<Item = IpAddr> {
    let found = answer.dns.iter().flat_map(|dns| &dns.addrs);
    found.filter_map(|address| address.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_json_object_is_no_answer() {
        assert!(read(b"{}").is_ok());
        for bytes in [&b"<html>"[..], b"", b"\xff", b"\"text\""] {
            assert_eq!(read(bytes).unwrap_err().1, Failure::JsonParse);
        }
    }

    #[test]
    fn the_headers_of_a_page_stay_by_name_and_their_values_go() {
        let date = "Fri, 27 Nov 2026 18:40:01 GMT";
        let text = serde_json::json!({
            "http_request": {"headers": {"Date": date, "Server": "x"}, "title": "t", "status_code": 200},
            "http3_request": {"headers": {"Date": date}},
            "dns": {"addrs": ["192.0.2.1"]},
        });
        let text = text.to_string();
        let kept = without_values(&text);
        assert!(!kept.contains("18:40"), "{kept}");
        let (read, _) = read(kept.as_bytes()).unwrap();
        let page = read.http_request.unwrap();
        assert_eq!(page.headers.keys().collect::<Vec<_>>(), ["Date", "Server"]);
        assert_eq!(
            (page.title.as_deref(), page.status_code),
            (Some("t"), Some(200))
        );
        let plain = r#"{"z": 1, "http_request": {"headers": {}}, "a": 1.50}"#;
        assert_eq!(
            without_values(plain),
            plain,
            "an answer without values stays as it came"
        );
    }

    proptest! {
        #[test]
        fn any_json_loses_its_headers_without_panic(text in "\\PC{0,60}") {
            let _ = without_values(&text);
            let _ = without_values(&format!("{{\"http_request\":{text}}}"));
        }

        #[test]
        fn any_answer_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_list_of_addresses_is_read_without_panic(texts in proptest::collection::vec("\\PC{0,20}", 0..5)) {
            let text = serde_json::json!({"dns": {"addrs": texts}}).to_string();
            let (answer, _) = read(text.as_bytes()).unwrap();
            prop_assert!(addresses(&answer).count() <= texts.len());
        }
    }
}
