//! Lists against a server on loopback, and without one.
mod over_tls;

use super::*;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::{Arc, Mutex};
use tonle_net::roots;

/// What the server says next, and the `If-None-Match` of every request.
#[derive(Clone, Default)]
struct Server {
    text: Arc<Mutex<String>>,
    asked_with: Arc<Mutex<Vec<Option<String>>>>,
}

async fn answer(State(server): State<Server>, headers: HeaderMap) -> Response {
    let shown = headers.get(header::IF_NONE_MATCH);
    let shown = shown.map(|value| value.to_str().unwrap().to_owned());
    server.asked_with.lock().unwrap().push(shown.clone());
    let text = server.text.lock().unwrap().clone();
    let etag = format!("\"{}\"", text.len());
    if shown.as_ref() == Some(&etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, etag)], text).into_response()
}

async fn start(server: Server) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/kh.csv", get(answer))
        .with_state(server);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/kh.csv")
}

fn configured(from: &str) -> Vec<ListConfig> {
    vec![ListConfig {
        from: from.into(),
        attribution: "Someone".into(),
        licence: "CC0-1.0".into(),
    }]
}

fn lists(from: &str, data_dir: &Path) -> Lists {
    let client = fetch::client(roots::load(None).unwrap()).unwrap();
    Lists::new(configured(from), data_dir, client)
}

fn sites(read: &[Read]) -> Vec<&str> {
    let sites = read.iter().flat_map(|one| &one.sites.sites);
    sites.map(|site| site.url.as_str()).collect()
}

#[tokio::test]
async fn a_fetched_list_is_kept_asked_for_by_its_version_and_there_without_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::default();
    *server.text.lock().unwrap() = "url,category_code\nhttps://a.example/,NEWS\n".into();
    let url = start(server.clone()).await;
    let here = lists(&url, dir.path());
    assert!(here.at_hand().is_empty());
    assert!(here.refresh().await && here.refresh().await);
    assert_eq!(sites(&here.at_hand()), ["https://a.example/"]);
    let asked_with = server.asked_with.lock().unwrap().clone();
    assert_eq!(asked_with, [None, Some("\"42\"".to_owned())]);
    *server.text.lock().unwrap() = "url,category_code\nhttps://new.example/,NEWS\n".into();
    assert!(here.refresh().await);
    let offline = lists(&url, dir.path());
    assert_eq!(sites(&offline.at_hand()), ["https://new.example/"]);
}

#[tokio::test]
async fn what_is_no_list_does_not_take_the_place_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::default();
    *server.text.lock().unwrap() = "url,category_code\nhttps://a.example/,NEWS\n".into();
    let here = lists(&start(server.clone()).await, dir.path());
    assert!(here.refresh().await);
    for wrong in [
        "<html>a portal</html>".to_owned(),
        "x".repeat(LIST_MAX_BYTES + 1),
    ] {
        *server.text.lock().unwrap() = wrong;
        assert!(!here.refresh().await);
        assert_eq!(sites(&here.at_hand()), ["https://a.example/"]);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again_and_nothing_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let here = lists("http://127.0.0.1:1/kh.csv", dir.path());
    assert!(!here.refresh().await);
    assert!(here.at_hand().is_empty());
}

#[test]
fn a_file_is_read_anew_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.csv");
    std::fs::write(&path, "url,category_code\nhttps://a.example/,NEWS\n").unwrap();
    let here = lists(path.to_str().unwrap(), dir.path());
    assert_eq!(sites(&here.at_hand()), ["https://a.example/"]);
    std::fs::write(&path, "url,category_code\nhttps://b.example/,NEWS\n").unwrap();
    assert_eq!(sites(&here.at_hand()), ["https://b.example/"]);
}
