//! Pages over real stores: what a reader gets, and with which headers.
use super::*;
use crate::admin::{Admin, AdminSettings, InviteOptions};
use crate::analysis::NoCell;
use crate::cells::{Cells, Progress};
use crate::country::Nation;
use crate::incidents::IncidentLog;
use crate::journal::{Journal, NewEntry};
use crate::metrics::Metrics;
use crate::testing::key;
use crate::web::{Parts, SignedTargets, router};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;
use tonle_dashboards::text;
use tonle_evidence::enrolment::EnrolmentRequest;
use tonle_evidence::entry::Tier;
use tonle_evidence::envelope::Envelope;
use tonle_net::clock;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

struct House {
    _dir: TempDir,
    state: AppState,
    cells: Cells,
    progress: watch::Sender<Progress>,
}

fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let nation = Nation::read(None, None).unwrap();
    let ground = Arc::new(nation.ground);
    let settings = AdminSettings {
        public_url: "http://127.0.0.1:8080/".parse().unwrap(),
        country: ground.country.clone(),
        ndt7_url: None,
        streams: tonle_evidence::record::Stream::ALL.to_vec(),
    };
    let admin = Arc::new(Admin::open(dir.path(), settings).unwrap());
    let journal = Journal::open(dir.path(), admin.signing_key().clone()).unwrap();
    let reader = journal.reader().unwrap();
    let cells = Cells::open(dir.path(), Arc::clone(&ground), &reader).unwrap();
    let (progress, watched) = watch::channel(Progress {
        processed_to: 0,
        failing: false,
    });
    let parts = Parts {
        ground,
        standards: nation.standards,
        use_cases: nation.use_cases,
        strata: Arc::new(nation.strata),
        shapes: nation.shapes,
        targets: SignedTargets::sign(&nation.targets, admin.signing_key()).unwrap(),
        admin,
        journal,
        cells: cells.reader(),
        incidents: Arc::new(IncidentLog::open(dir.path()).unwrap()),
        progress: watched,
        metrics: Arc::new(Metrics::new()),
        base_path: String::new(),
    };
    House {
        _dir: dir,
        state: AppState::new(parts),
        cells,
        progress,
    }
}

impl House {
    fn router(&self) -> Router {
        router(self.state.clone(), OpenApiRouter::new())
    }
}

async fn get_with(house: &House, address: &str, accept_language: &str) -> (Response, String) {
    let request = Request::get(address)
        .header(header::ACCEPT_LANGUAGE, accept_language)
        .body(Body::empty())
        .unwrap();
    let answer = house.router().oneshot(request).await;
    let (head, body) = answer.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (Response::from_parts(head, Body::empty()), text)
}

async fn page(house: &House, address: &str) -> (StatusCode, String) {
    let (response, body) = get_with(house, address, "en").await;
    (response.status(), body)
}

/// Joins one agent; the secret path of its page.
fn join_one(house: &House, agent: u8) -> String {
    let now_us = clock::wall_us();
    let invitation = house
        .state
        .admin
        .create_invitation(&InviteOptions::default(), now_us)
        .unwrap();
    let request = EnrolmentRequest::new(&invitation.token, &key(agent), "1");
    house
        .state
        .admin
        .enrol(&request, now_us)
        .unwrap()
        .device_link
}

/// A record of now in the journal and in the cells.
async fn measure(house: &mut House, agent: u8, target: &str) {
    let now_us = clock::wall_us();
    let mut opened = crate::testing::opened(now_us - 60_000_000, 23_400);
    target.clone_into(&mut opened.public.target.value);
    let sealed = tonle_evidence::record::seal(&opened.public, &opened.private, &key(agent));
    let envelope = Envelope::new(sealed.unwrap());
    let entry = NewEntry::record(&envelope, Tier::Unvetted, now_us);
    house.state.journal.append(vec![entry]).await.unwrap();
    let reader = house.state.journal.reader().unwrap();
    house.cells.catch_up(&reader).unwrap();
    let processed_to = house.cells.processed_to().unwrap();
    house
        .progress
        .send_modify(|progress| progress.processed_to = processed_to);
}

#[tokio::test]
async fn an_empty_collector_has_every_page() {
    let house = house();
    let (status, home) = page(&house, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(home.contains("no data"));
    let code = &house.state.ground.country.provinces[11].code;
    let (status, _) = page(&house, &format!("/provinces/{code}")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn one_agent_is_suppressed_on_every_page_without_any_count() {
    let mut house = house();
    join_one(&house, 1);
    measure(&mut house, 1, "www.example.org").await;
    for address in ["/", "/provinces/KH-12", "/provinces/KH-12/trend"] {
        let (_, html) = page(&house, address).await;
        let cells = html.matches("class=\"state suppressed\"").count();
        assert_eq!(cells, 1, "{address}");
        assert!(
            !html.contains("1 agents") && !html.contains("23.4"),
            "{address}"
        );
    }
}

#[tokio::test]
async fn six_agents_make_an_estimate_with_its_interval() {
    let mut house = house();
    for agent in 1..=6 {
        join_one(&house, agent);
        let journal = house.state.journal.clone();
        house.state.admin.drain_outbox(&journal).await.unwrap();
        measure(&mut house, agent, "www.example.org").await;
    }
    let (_, html) = page(&house, "/provinces/KH-12").await;
    assert!(html.contains("class=\"state estimate\""));
    assert!(html.contains("23.4\u{a0}ms") && html.contains("<svg class=\"strip\""));
    let (_, html) = page(&house, "/provinces/KH-12/trend").await;
    assert!(html.contains("23.4\u{a0}ms") && html.contains("<circle class=\"median\""));
}

#[tokio::test]
async fn the_device_page_is_found_by_its_link_only_and_leaves_no_copy() {
    let mut house = house();
    let link = join_one(&house, 1);
    measure(&mut house, 1, "www.example.org/<script>").await;
    let (response, html) = get_with(&house, &format!("/device/{link}"), "en").await;
    assert_eq!(response.status(), StatusCode::OK);
    let value = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(value("cache-control"), "no-store");
    assert_eq!(value("referrer-policy"), "no-referrer");
    assert_eq!(value("x-robots-tag"), "noindex, nofollow");
    assert!(html.contains("23.4\u{a0}ms") && html.contains("www.example.org"));
    assert!(!html.contains("<script"));
    let (status, _) = page(&house, "/device/AAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn opening_an_invitation_does_not_use_it_up() {
    let house = house();
    let now_us = clock::wall_us();
    let options = InviteOptions::default();
    let invitation = house
        .state
        .admin
        .create_invitation(&options, now_us)
        .unwrap();
    let address = format!("/join/{}", invitation.token);
    let (response, html) = get_with(&house, &address, "en").await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert!(html.contains("tonle-agent join"));
    let request = EnrolmentRequest::new(&invitation.token, &key(1), "1");
    assert!(house.state.admin.enrol(&request, now_us).is_ok());
}

#[tokio::test]
async fn the_language_is_that_of_the_url_then_of_the_browser() {
    let house = house();
    let (response, html) = get_with(&house, "/", "km-KH,en;q=0.5").await;
    assert_eq!(response.headers()["content-language"], "km");
    assert_eq!(response.headers()["vary"], "accept-language");
    assert!(html.contains("<html lang=\"km\">"));
    let (_, html) = get_with(&house, "/?lang=en", "km").await;
    assert!(html.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn addresses_that_name_nothing_are_told_apart_from_ones_that_do_not_exist() {
    let house = house();
    for address in [
        "/?metric=x",
        "/?access=x",
        "/?period=x",
        "/?period=9000-01",
        "/provinces/KH-12/trend?metric=x",
        "/?lang=a&lang=b",
    ] {
        assert_eq!(
            page(&house, address).await.0,
            StatusCode::BAD_REQUEST,
            "{address}"
        );
    }
    for address in [
        "/provinces/XX-1",
        "/provinces/XX-1/trend",
        "/assets/style.css",
    ] {
        assert_eq!(
            page(&house, address).await.0,
            StatusCode::NOT_FOUND,
            "{address}"
        );
    }
    assert_eq!(
        page(&house, "/?metric=&access=&period=").await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_stylesheet_of_a_page_is_cached_for_ever_and_allowed_by_its_policy() {
    let house = house();
    let (response, html) = get_with(&house, "/", "en").await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'self'"));
    let address = format!("/assets/{}", assets::stylesheet().name);
    assert!(html.contains(&address));
    let (response, css) = get_with(&house, &address, "en").await;
    assert_eq!(css, assets::stylesheet().body);
    let etag = response.headers()["etag"].clone();
    let request = Request::get(&address).header(header::IF_NONE_MATCH, etag);
    let request = request.body(Body::empty()).unwrap();
    let again = house.router().oneshot(request).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[test]
fn every_reason_for_no_figure_is_explained_in_words() {
    for reason in NoCell::ALL {
        assert!(text::knows("note", reason.as_str()), "{}", reason.as_str());
    }
}
