//! The control server as a program of its own, asked by a stock tool.
use crate::support::tonle::{Running, tonle};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// The site's address, and the asker's: in nothing that the program says.
const SITE: &str = "127.0.0.9";
const ASKER: &str = "127.0.0.8";

/// A site that answers each request alike, as long as the test runs; its port.
fn site() -> u16 {
    let listener = TcpListener::bind((SITE, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 2_048];
            // Who only connects says nothing.
            let _ = stream.read(&mut request);
            let page = b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n<title>here</title>";
            let _ = stream.write_all(page);
        }
    });
    port
}

#[test]
fn curl_is_answered_and_nothing_of_it_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("control.toml");
    let text = "metrics_listen = '127.0.0.1:0'\n[servers]\nlisten = '127.0.0.1:0'\nstamp = false\n\
                [servers.control]\nallow_networks = ['127.0.0.0/8']\nresolvers = ['127.0.0.1:1']\n";
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let mut command = tonle(&[
        "collector",
        "serve",
        "--only",
        "servers",
        "--config",
        config,
    ]);
    let child = command.env("RUST_LOG", "trace").stderr(Stdio::piped());
    let mut running = Running(child.spawn().unwrap());
    let mut said = BufReader::new(running.0.stderr.take().unwrap());
    let mut log = String::new();
    let address = loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended: {log}");
        log.push_str(&line);
        if let Some(address) = line.strip_prefix("measurement servers: ") {
            break address.trim().to_owned();
        }
    };

    let question = format!(
        r#"{{"http_request":"http://{SITE}:{}/a-page","tcp_connect":["127.0.0.7:80"]}}"#,
        site()
    );
    let curl = Command::new("curl")
        .args(["-sS", "--fail-with-body", "--interface", ASKER])
        .args(["-H", "Content-Type: application/json", "-d", &question])
        .arg(format!("http://{address}/control"))
        .output()
        .expect("curl, which .ci/packages.txt names");
    let answer = String::from_utf8(curl.stdout).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).expect(&answer);
    assert_eq!(answer["http_request"]["title"], "here", "{answer}");
    assert_eq!(answer["ip_info"]["127.0.0.7"]["flags"], 1);

    running.signal("TERM");
    running.0.wait().unwrap();
    said.read_to_string(&mut log).unwrap();
    for secret in [SITE, ASKER, "127.0.0.7", "a-page"] {
        assert!(!log.contains(secret), "{secret} in: {log}");
    }
}
