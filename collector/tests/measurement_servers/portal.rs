//! The empty page, by which agents tell a captive portal.
use super::support::*;

#[tokio::test]
async fn the_empty_page_is_answered_204_without_content() {
    let server = Fixture::start(short()).await;
    let head = "GET /generate_204 HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n";
    let answer = server.raw(head).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("no-store"), "{answer}");
    server.stop().await;
}
