//! The proxy, in front of servers on the same host.
use super::bench;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The proxy's ports are its servers' as well: names that lead to another loopback address.
fn services(number: u8) -> String {
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = format!("127.{}.{high}.{low}", 100 + number);
    format!(
        r#"
[[name]]
name = "site.test"
addresses = ["{address}"]
[[service]]
host = "server"
kind = "http"
port = 5090
page = [{{ host = "site.test", body = "the site" }}]
[[service]]
host = "server"
kind = "https"
port = 5091
certificate = {{ names = ["site.test"] }}
"#
    )
}

const PROXY: &str = r#"
[[service]]
host = "server"
kind = "proxy"
http_port = 5090
tls_port = 5091
headers = { via = "1.1 proxy" }
"#;

/// A proxy in one bench that leads to the servers of another.
async fn worlds(proxy: u8, site: u8) -> (super::Bench, super::Bench) {
    let servers = services(site);
    let site = bench(site, &servers).await;
    let names = servers.split("[[service]]").next().unwrap();
    (bench(proxy, &format!("{names}{PROXY}")).await, site)
}

#[tokio::test]
async fn a_request_goes_to_the_host_it_names_and_a_broken_one_does_not() {
    let (proxy, _site) = worlds(27, 28).await;
    for (request, said) in [
        (
            "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n",
            "the site",
        ),
        ("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n", " 502 "),
        ("NOTHING\r\n\r\n", " 400 "),
    ] {
        let mut stream = proxy.connect(5090).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(said), "{request}: {answer}");
    }
}

#[tokio::test]
async fn tls_goes_to_the_name_asked_for_unopened() {
    let (proxy, site) = worlds(29, 30).await;
    // Only the site's own authority can have signed what is shown.
    let through = super::Bench {
        authority: std::sync::Arc::clone(&site.authority),
        ..proxy
    };
    through.tls(5091, "site.test", b"h2").await.unwrap();
    through.tls(5091, "nobody.test", b"h2").await.unwrap_err();
}
