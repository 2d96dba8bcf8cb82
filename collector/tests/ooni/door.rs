//! The protocol of OONI's backend, field by field, against the real program.
use crate::program::{SITE, measurement, run};
use crate::server::Server;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const OPEN: &str = "accept = true";

fn opening() -> Value {
    json!({
        "data_format_version": "0.2.0", "format": "json", "probe_asn": "AS38623", "probe_cc": "KH",
        "software_name": "miniooni", "software_version": "3.29.0", "test_name": "web_connectivity",
        "test_start_time": "2026-11-10 05:00:00", "test_version": "0.5.28",
    })
}

fn submission(content: &str) -> Value {
    json!({
        "format": "json", "content": content, "nym": null, "zkp_request": null,
        "manifest_version": null, "protocol_version": null,
    })
}

fn exported(home: &Path) -> String {
    run(home, &["export", "--format", "ooni", "--unlisted"], b"").out
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn without_the_operators_word_the_door_is_closed() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    assert_eq!(server.get("/api/v1/test-helpers").status, 404);
    for path in ["/api/v1/check-in", "/report", "/api/v1/submit_measurement"] {
        assert_eq!(server.post(path, &json!({})).status, 404, "{path}");
    }
}

#[test]
fn clients_are_sent_to_the_control_servers_that_agents_are_told_of() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let answer = server.get("/api/v1/test-helpers");
    assert_eq!(answer.status, 200);
    let expected = json!({ "web-connectivity": [
        { "address": "https://one.example/", "type": "https" },
        { "address": "https://two.example/", "type": "https" },
    ]});
    assert_eq!(answer.json(), expected);
    assert_eq!(server.get("/api/v1/manifest").status, 404);
}

#[test]
fn a_client_that_checks_in_is_told_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let mut asked = json!({
        "charging": false, "on_wifi": true, "platform": "linux", "probe_asn": "AS38623",
        "probe_cc": "KH", "run_type": "timed", "software_name": "miniooni",
        "software_version": "3.30.0", "web_connectivity": { "category_codes": [] },
    });
    let told = server.post("/api/v1/check-in", &asked);
    assert_eq!(told.status, 200);
    let told = told.json();
    assert_eq!(told["v"], 1);
    assert_eq!(
        (text(&told["probe_cc"]), text(&told["probe_asn"])),
        ("KH", "AS38623")
    );
    assert_eq!(
        text(&told["probe_network_name"]),
        "Metfone (Viettel Cambodia)"
    );
    assert_eq!(text(&told["utc_time"]).len(), "2026-11-10T05:00:00Z".len());
    assert_eq!(told["conf"]["features"]["webconnectivity_0.5"], true);
    assert!(told["conf"]["test_helpers"]["web-connectivity"].is_array());
    let test = &told["tests"]["web_connectivity"];
    assert!(text(&test["report_id"]).contains("_webconnectivity_KH_38623_n1_"));
    let few = test["urls"].as_array().unwrap();
    assert!(!few.is_empty() && few.len() <= 20);
    for url in few {
        assert!(text(&url["url"]).starts_with("http"), "{url}");
        assert_eq!(
            (
                text(&url["country_code"]),
                text(&url["category_code"]).is_empty()
            ),
            ("KH", false)
        );
    }

    asked["run_type"] = "manual".into();
    asked["web_connectivity"]["category_codes"] = json!(["GOVT"]);
    let told = server.post("/api/v1/check-in", &asked).json();
    let urls = told["tests"]["web_connectivity"]["urls"]
        .as_array()
        .unwrap();
    assert!(!urls.is_empty() && urls.iter().all(|url| url["category_code"] == "GOVT"));
    assert_eq!(
        server
            .ask("POST", "/api/v1/check-in", "", b"[1")
            .unwrap()
            .status,
        400
    );
}

#[test]
fn sites_of_the_operators_lists_are_given_out_and_may_be_named_in_an_export() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("list.csv");
    let site = "https://listed.example/";
    std::fs::write(&list, format!("url,category_code\n{site},POLR\n")).unwrap();
    let lists = format!(
        "{OPEN}\n[[openness.lists]]\nfrom = '{}'\nattribution = 'Somebody'\nlicence = 'CC0-1.0'",
        list.display()
    );
    let server = Server::start(home.path(), &lists);
    let asked = json!({ "run_type": "manual", "web_connectivity": { "category_codes": ["POLR"] } });
    let told = server.post("/api/v1/check-in", &asked).json();
    let urls = told["tests"]["web_connectivity"]["urls"]
        .as_array()
        .unwrap();
    assert!(urls.iter().any(|url| url["url"] == site), "{urls:?}");

    let content = measurement(site, 1);
    let told = server.post("/api/v1/submit_measurement", &submission(&content));
    assert_eq!(told.status, 200, "{}", told.body);
    let config = home.path().join("collector.toml");
    let arguments = [
        "export",
        "--format",
        "ooni",
        "--config",
        config.to_str().unwrap(),
    ];
    assert_eq!(run(home.path(), &arguments, b"").out, content + "\n");
}

#[test]
fn a_client_that_does_not_know_where_it_is_is_told_by_our_table() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let body = json!({ "probe_asn": "AS0", "probe_cc": "ZZ" }).to_string();
    let from = "x-forwarded-for: 192.0.2.7\r\n";
    let told = server
        .ask("POST", "/api/v1/check-in", from, body.as_bytes())
        .unwrap();
    assert_eq!(
        (
            text(&told.json()["probe_cc"]),
            text(&told.json()["probe_asn"])
        ),
        ("KH", "AS64500")
    );
    let told = server.post("/api/v1/check-in", &json!({})).json();
    assert_eq!(
        (text(&told["probe_cc"]), text(&told["probe_asn"])),
        ("ZZ", "AS0")
    );
}

#[test]
fn the_first_generation_opens_a_report_fills_and_closes_it() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), OPEN);
    let opened = server.post("/report", &opening()).json();
    let id = text(&opened["report_id"]).to_owned();
    assert_eq!(opened["supported_formats"], json!(["json"]));
    assert!(opened["backend_version"].is_string());

    let content = measurement(SITE, 1).replace(
        "\"probe_cc\"",
        &format!("\"report_id\":\"{id}\",\"probe_cc\""),
    );
    let update = format!("{{\"format\":\"json\",\"content\":{content}}}");
    let path = format!("/report/{id}");
    let first = server.ask("POST", &path, "", update.as_bytes()).unwrap();
    assert_eq!(first.status, 200, "{}", first.body);
    let uid = text(&first.json()["measurement_uid"]).to_owned();
    assert!(uid.contains("_KH_webconnectivity_"), "{uid}");

    // Sent again, compressed: the same measurement, the same name.
    let packed = zstd::encode_all(update.as_bytes(), 1).unwrap();
    let zstd = "content-encoding: zstd\r\n";
    let again = server.ask("POST", &path, zstd, &packed).unwrap();
    assert_eq!(text(&again.json()["measurement_uid"]), uid);
    let closed = server.post(&format!("{path}/close"), &json!({}));
    assert_eq!((closed.status, closed.body.as_str()), (200, "{}"));
    server.kill();
    assert_eq!(exported(home.path()), content + "\n");
}

#[test]
fn the_second_generation_submits_a_text_and_is_told_names_and_no_more() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let content = measurement("https://www.example.org/ខ្មែរ", 1);
    let told = server.post("/api/v1/submit_measurement", &submission(&content));
    assert_eq!(told.status, 200, "{}", told.body);
    let told = told.json();
    let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
    let expected = [
        "error",
        "measurement_uid",
        "protocol_version",
        "report_id",
        "submit_response",
        "verification_status",
    ];
    assert_eq!(keys, expected);
    assert!(text(&told["report_id"]).contains("_webconnectivity_KH_38623_n1_"));
    assert_eq!(
        (&told["error"], text(&told["verification_status"])),
        (&Value::Null, "unverified")
    );
    let again = server
        .post("/api/v1/submit_measurement", &submission(&content))
        .json();
    assert_eq!(again["measurement_uid"], told["measurement_uid"]);
    assert_eq!(exported(home.path()), content + "\n");
}

#[test]
fn what_cannot_be_taken_is_refused_and_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let good = measurement(SITE, 1);
    let other_report = good.replace(
        "\"input\"",
        "\"report_id\":\"20260101T000000Z_webconnectivity_TH_1_n1_abc\",\"input\"",
    );
    for wrong in [
        "nonsense".to_owned(),
        "{}".to_owned(),
        good.replace("\"KH\"", "\"Cambodia\""),
        good.replace("AS38623", "38623"),
        good.replace("127.0.0.1", "192.0.2.7"),
        other_report,
    ] {
        let told = server.post("/api/v1/submit_measurement", &submission(&wrong));
        assert_eq!(told.status, 400, "{wrong}: {}", told.body);
        assert!(
            text(&told.json()["detail"]).contains("not taken"),
            "{}",
            told.body
        );
    }
    for envelope in [
        json!({}),
        json!({ "format": "yaml", "content": good }),
        json!([1]),
    ] {
        assert_eq!(
            server.post("/api/v1/submit_measurement", &envelope).status,
            400
        );
    }
    let elsewhere = "/report/20260101T000000Z_webconnectivity_TH_1_n1_abc";
    let update = format!("{{\"format\":\"json\",\"content\":{good}}}");
    for path in [elsewhere, "/report/nonsense"] {
        assert_eq!(
            server
                .ask("POST", path, "", update.as_bytes())
                .unwrap()
                .status,
            400,
            "{path}"
        );
    }
    let bad_coding = "content-encoding: br\r\n";
    assert_eq!(
        server
            .ask("POST", "/report", bad_coding, b"x")
            .unwrap()
            .status,
        415
    );
    let long = "content-length-note: x\r\n";
    let too_long = vec![b' '; (16 << 20) + 1];
    // The server may answer before it has read everything: then the writing breaks off.
    if let Ok(told) = server.ask("POST", "/api/v1/submit_measurement", long, &too_long) {
        assert_eq!(told.status, 413);
    }
    assert_eq!(exported(home.path()), "");
}

#[test]
fn who_does_not_say_where_he_is_is_thanked_and_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let good = measurement(SITE, 1);
    for hidden in [
        good.replace("\"KH\"", "\"ZZ\""),
        good.replace("AS38623", "AS0"),
    ] {
        let told = server.post("/api/v1/submit_measurement", &submission(&hidden));
        assert_eq!(
            (told.status, &told.json()["measurement_uid"]),
            (200, &Value::Null)
        );
    }
    assert_eq!(exported(home.path()), "");
}

#[test]
fn a_measurement_that_holds_its_senders_address_is_refused_and_the_address_written_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let from = "x-forwarded-for: 192.0.2.7\r\n";
    let echo = measurement(SITE, 1).replace("\"x_number\":1", "\"x_page\":\"you are 192.0.2.7\"");
    let clean = measurement(SITE, 2);
    let send = |content: &str| {
        let body = submission(content).to_string();
        server
            .ask("POST", "/api/v1/submit_measurement", from, body.as_bytes())
            .unwrap()
    };
    let told = send(&echo);
    assert_eq!(told.status, 400);
    assert!(!told.body.contains("192.0.2.7"), "{}", told.body);
    assert_eq!(send(&clean).status, 200);
    assert_eq!(exported(home.path()), clean + "\n");
    for file in std::fs::read_dir(home.path().join("data")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        for planted in [b"192.0.2.7".as_slice(), &[192, 0, 2, 7]] {
            let found = bytes.windows(planted.len()).any(|part| part == planted);
            assert!(!found, "{} holds the address", path.display());
        }
    }
}

#[test]
fn curl_can_do_what_a_client_does() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), OPEN);
    let content = measurement(SITE, 7);
    let curl = |path: &str, body: &str| {
        let url = format!("http://{}{path}", server.address);
        let mut command = Command::new("curl");
        command.args(["--silent", "--fail", "--data-binary", "@-", &url]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need curl");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(body.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{path}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = curl("/report", &opening().to_string());
    let path = format!("/report/{}", text(&report["report_id"]));
    let told = curl(
        &path,
        &format!("{{\"format\":\"json\",\"content\":{content}}}"),
    );
    assert!(told["measurement_uid"].is_string());
    assert_eq!(exported(home.path()), content + "\n");
}
