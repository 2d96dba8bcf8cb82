//! One direction of the `ndt7-client` crate against a server, told as one JSON object.
//!
//! `ndt7-peer download|upload URL [--insecure]`, URL without a path, such as `ws://127.0.0.1:8081`.
//! Exit code 0 when the crate had no complaint; its last message then stands in `error: null`.
use ndt7_client::client::{Client, ClientBuilder};
use ndt7_client::spec::{Measurement, Origin};
use serde_json::{Value, json};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [direction, base, flags @ ..] = arguments.as_slice() else {
        eprintln!("usage: ndt7-peer download|upload URL [--insecure]");
        return ExitCode::from(2);
    };
    let builder = ClientBuilder::new("tonle-interop", "0");
    let builder = match flags {
        [] => builder,
        _ => builder.no_verify_tls(),
    };
    let seen = measure(builder.build(), direction, base).await;
    println!("{seen}");
    if seen["error"].is_null() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn measure(mut client: Client, direction: &str, base: &str) -> Value {
    let url = format!("{}/ndt/v7/{direction}", base.trim_end_matches('/'));
    let begun = match direction {
        "upload" => client.start_upload(Some(&url)).await,
        _ => client.start_download(Some(&url)).await,
    };
    let mut results = match begun {
        Ok(handle) => handle.rx,
        Err(error) => return json!({"error": error.to_string()}),
    };
    let (mut from_server, mut error) = (0, None);
    let (mut server, mut client) = (Measurement::default(), Measurement::default());
    while let Some(result) = results.recv().await {
        match result {
            Ok(measurement) if measurement.origin == Some(Origin::Client) => client = measurement,
            Ok(measurement) => {
                from_server += 1;
                server = measurement;
            }
            Err(problem) => error = Some(problem.to_string()),
        }
    }
    json!({
        "direction": direction,
        "error": error,
        "server_messages": from_server,
        "server": server,
        "client": client,
    })
}
