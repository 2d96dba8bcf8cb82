//! The `web_page` experiment against web servers on loopback.
use super::*;
use crate::experiments::Recorded;
use crate::loopback::{measure, net, page, resolver, sample, web};
use tonle_net::settings::NetSettings;

fn at_loopback() -> NetSettings {
    NetSettings {
        resolvers: vec![resolver(&["127.0.0.1"])],
        ..net()
    }
}

fn figure(recorded: &Recorded, base: &str) -> Option<i64> {
    sample(recorded, &format!("web_page.{base}/domestic"))
}

#[tokio::test]
async fn a_page_has_its_four_figures_and_its_body_is_not_kept() {
    let server = web(|_| page(&"x".repeat(200_000)));
    let url = format!("http://site.example:{}/", server.port());
    let recorded = measure(&WebPage, at_loopback(), url).await.unwrap();
    assert_eq!(figure(&recorded, "nonaccess_ppm"), Some(0));
    assert_eq!(figure(&recorded, "cutoff_ppm"), Some(0));
    assert!(figure(&recorded, "setup_us") > Some(0));
    assert!(figure(&recorded, "mean_rate_bps") > Some(0));
    let last = recorded.observations.last().unwrap();
    assert_eq!(last.detail["body_bytes"], 200_000);
    assert!(recorded.bodies.is_empty());
}

#[tokio::test]
async fn a_page_is_read_up_to_its_cap() {
    let server = web(|_| page(&"x".repeat(400_000)));
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = measure(&WebPage, net(), url).await.unwrap();
    let last = recorded.observations.last().unwrap();
    assert_eq!(last.detail["body_bytes"], BODY_MAX_BYTES);
    assert_eq!(last.detail["body_truncated"], true);
    assert_eq!(figure(&recorded, "cutoff_ppm"), Some(0));
}

#[tokio::test]
async fn a_page_that_breaks_off_is_accessible_and_cut_off() {
    let server = web(|_| "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".to_owned());
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = measure(&WebPage, net(), url).await.unwrap();
    assert_eq!(figure(&recorded, "nonaccess_ppm"), Some(0));
    assert_eq!(figure(&recorded, "cutoff_ppm"), Some(1_000_000));
    assert_eq!(figure(&recorded, "mean_rate_bps"), None);
}

#[tokio::test]
async fn a_closed_port_is_not_accessible() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let recorded = measure(&WebPage, net(), url).await.unwrap();
    assert_eq!(figure(&recorded, "nonaccess_ppm"), Some(1_000_000));
    assert_eq!(recorded.samples.len(), 1);
}

#[tokio::test]
async fn what_is_no_page_is_no_target() {
    for value in ["site.example", "ftp://site.example/"] {
        let refused = measure(&WebPage, net(), value).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
}
