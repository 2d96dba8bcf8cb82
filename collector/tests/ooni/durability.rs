//! SIGKILL while clients submit: what was acknowledged is there afterwards, once and byte for byte.
use crate::program::{SITE, measurement, run};
use crate::server::{Server, ask};
use serde_json::json;
use std::collections::HashSet;
use std::sync::mpsc;

/// Rounds of killing.
const ROUNDS: usize = 6;
/// Clients at the same time.
const CLIENTS: usize = 4;
/// Acknowledged measurements of a round after which the blow falls, while others are on their way.
const ACKNOWLEDGED_MIN: usize = 12;

#[test]
fn killing_the_collector_loses_and_repeats_nothing_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), "accept = true");
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        let (told, hear) = mpsc::channel();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, told) = (server.address.clone(), told.clone());
                std::thread::spawn(move || {
                    submit_until_refused(&address, round * 10 + client, &told);
                })
            })
            .collect();
        drop(told);
        acknowledged.extend(hear.iter().take(ACKNOWLEDGED_MIN));
        server.kill();
        for client in clients {
            client.join().unwrap();
        }
        acknowledged.extend(hear.iter());
        server.kill_and_start_again();
    }
    server.kill();
    let out = run(home.path(), &["export", "--format", "ooni"], b"").out;
    let stored: Vec<&str> = out.lines().collect();
    let distinct: HashSet<&str> = stored.iter().copied().collect();
    assert_eq!(stored.len(), distinct.len(), "nothing is stored twice");
    assert!(acknowledged.len() >= ROUNDS * ACKNOWLEDGED_MIN);
    for content in &acknowledged {
        assert!(distinct.contains(content.as_str()), "lost: {content}");
    }
}

/// Submits one measurement after the other, each twice, until nobody answers any more.
fn submit_until_refused(address: &str, client: usize, told: &mpsc::Sender<String>) {
    for number in 0.. {
        let content = measurement(SITE, client * 1_000_000 + number);
        let body = json!({ "format": "json", "content": content }).to_string();
        for _ in 0..2 {
            let answer = ask(
                address,
                "POST",
                "/api/v1/submit_measurement",
                "",
                body.as_bytes(),
            );
            let Ok(answer) = answer else { return };
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        if told.send(content).is_err() {
            return;
        }
    }
}
