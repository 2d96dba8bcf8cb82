//! Controls: the same request made from elsewhere, by servers that speak the protocol of OONI's test
//! helper ([`tonle_wire::ooni::ControlResponse`]).
//!
//! Every one that is configured is asked, side by side. Operation `control`, subject its URL. Detail:
//! `request` (the JSON text as sent), `status`, `answer` (the JSON text as received, without
//! addresses that nobody asked about), `scrubbed: true` where there were such, `failed_at` (the
//! operation that broke off). A control that cannot be had is an observation like any other, so the
//! steps of `tonle_net` ask it and not the client of uploads, which knows no names of failures.
use super::Every;
use super::endpoints::{Candidate, Endpoint, Origin, plan};
use super::lookups::Looked;
use crate::openness::Control;
use crate::visit::page::Page;
use futures_util::future::join_all;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_evidence::pass::{self, PASS_HEADER};
use tonle_net::clock::wall_us;
use tonle_net::http::channel::{self, HeaderMap, HeaderValue, header};
use tonle_net::http::reach::{Broken, reach};
use tonle_net::http::{ACCEPT, ACCEPT_LANGUAGE, USER_AGENT};
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_wire::ooni::{CONTROL_ANSWER_MAX_BYTES, ControlRequest, ControlResponse};
use url::Url;

/// Longest wait for a control, the way to it included (OONI Web Connectivity 0.5).
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most addresses that only controls know and that are measured.
const FOUND_MAX: usize = 8;
/// What asking a control costs on the line, at most.
const CONTROL_BYTES: u64 = CONTROL_ANSWER_MAX_BYTES as u64 + (24 << 10);
/// Who asks a control.
const PROGRAM: &str = concat!("tonle-agent/", env!("CARGO_PKG_VERSION"));

impl Every<'_> {
    /// Asks every control. Gives the endpoints at addresses that nobody else knows.
    pub(super) async fn ask_controls(
        &self,
        page: &Page,
        looked: &Looked,
        endpoints: &[Endpoint],
    ) -> Vec<Endpoint> {
        let controls = &self.visitor.run.openness.controls;
        let request = request(&page.url, endpoints);
        let asked = controls
            .iter()
            .map(|control| self.ask_control(page, control, &request, endpoints));
        let mut found: Vec<Candidate> = Vec::new();
        for address in join_all(asked).await.into_iter().flatten() {
            let is_known = |known: &Candidate| known.address == address;
            if looked.candidates.iter().chain(&found).any(is_known) {
                continue;
            }
            found.push(Candidate {
                address,
                origin: Some(Origin::Control),
            });
        }
        if found.len() > FOUND_MAX {
            self.capped(page, "endpoints", found.len() - FOUND_MAX);
            found.truncate(FOUND_MAX);
        }
        plan(page, &found).0
    }

    /// The addresses that one control found for the page's name and that may be contacted.
    async fn ask_control(
        &self,
        page: &Page,
        control: &Control,
        request: &str,
        endpoints: &[Endpoint],
    ) -> Vec<IpAddr> {
        let run = self.visitor.run;
        if run.bytes_used() + CONTROL_BYTES > run.max_bytes {
            self.capped(page, "controls", 1);
            return Vec::new();
        }
        let mut step = Step::start(&run.clock, "control", scrub::url(&control.url));
        step.fact("request", request);
        let until = Instant::now() + TIMEOUT;
        let answered = timeout_at(until, self.exchange(&mut step, control, request)).await;
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
        known.extend(endpoints.iter().map(|endpoint| endpoint.peer.ip()));
        let scrubbed = scrub::text(&text, &known);
        if matches!(scrubbed, Cow::Owned(_)) {
            step.fact("scrubbed", true);
        }
        step.fact("answer", &*scrubbed);
        run.observe(step.succeed());
        let may_contact = |address: &IpAddr| run.net.may_contact(*address);
        found.into_iter().filter(may_contact).collect()
    }

    async fn exchange(
        &self,
        step: &mut Step,
        control: &Control,
        request: &str,
    ) -> Result<Vec<u8>, Broken> {
        let run = self.visitor.run;
        let url = &control.url;
        let net = if control.may_be_near {
            run.net.for_named_server()
        } else {
            run.net.clone()
        };
        let whereabouts = self.whereabouts(url).await;
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
        let headers = self.headers(control, request);
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
}

impl Every<'_> {
    /// The collector's own control is shown who asks; any other is not told.
    fn headers(&self, control: &Control, request: &str) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let identity = self.visitor.run.openness.identity.as_ref();
        if let Some(identity) = identity.filter(|_| control.knows_agents) {
            let now_s = wall_us() / 1_000_000;
            let shown = pass::show(identity.key(), now_s, request.as_bytes());
            let shown =
                HeaderValue::try_from(shown).expect("digits, letters and marks of a header");
            headers.insert(PASS_HEADER, shown);
        }
        headers
    }
}

/// What a control is asked.
fn request(url: &Url, endpoints: &[Endpoint]) -> String {
    let headers = [
        ("Accept", ACCEPT),
        ("Accept-Language", ACCEPT_LANGUAGE),
        ("User-Agent", USER_AGENT),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    let request = ControlRequest {
        http_request: Some(url.to_string()),
        http_request_headers: BTreeMap::from(headers),
        tcp_connect: endpoints.iter().map(|one| one.peer.to_string()).collect(),
        x_quic_enabled: Some(false),
    };
    serde_json::to_string(&request).expect("texts and lists of texts are always JSON")
}

/// An answer and its text; anything but a JSON object in UTF-8 is none.
fn read(bytes: &[u8]) -> Result<(ControlResponse, String), Broken> {
    let no_answer = || ("http_request", Failure::JsonParse);
    let text = std::str::from_utf8(bytes).map_err(|_| no_answer())?;
    let answer = ControlResponse::parse(bytes).map_err(|_| no_answer())?;
    Ok((answer, text.to_owned()))
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

    proptest! {
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
