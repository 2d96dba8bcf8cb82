//! Answers of Locate: good, odd and hostile.
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const TOKEN: &str = "access_token=secret&index=1&metro_rank=3";

fn urls(scheme: &str, host: &str) -> Value {
    let url = |direction: Direction| format!("{scheme}://{host}{}?{TOKEN}", direction.path());
    json!({
        (format!("{scheme}:///ndt/v7/download")): url(Direction::Download),
        (format!("{scheme}:///ndt/v7/upload")): url(Direction::Upload),
    })
}

fn result(machine: &str, urls: &Value) -> Value {
    json!({
        "machine": machine, "hostname": machine, "urls": urls,
        "location": {"city": "Bangkok", "country": "TH"},
    })
}

fn parse(results: &[Value]) -> Result<Answer, BadAnswer> {
    let body = json!({"results": results, "next_request": {"url": "https://x/"}, "new": 1});
    Answer::parse(body.to_string().as_bytes())
}

#[test]
fn servers_come_in_the_services_order_with_their_place_and_draw() {
    let answer = parse(&[
        result("mlab1-bkk01", &urls("wss", "ndt-mlab1-bkk01.example.org")),
        result("mlab2-bkk01", &urls("ws", "ndt-mlab2-bkk01.example.org")),
    ])
    .unwrap();
    let [first, second] = answer.targets.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(first.machine, "mlab1-bkk01");
    assert_eq!(first.city.as_deref(), Some("Bangkok"));
    assert_eq!(first.country.as_deref(), Some("TH"));
    assert_eq!(first.number("metro_rank"), Some(3));
    assert_eq!(
        (first.number("index"), first.number("none")),
        (Some(1), None)
    );
    let url = first.url(Direction::Upload, false);
    assert_eq!((url.scheme(), url.path()), ("wss", "/ndt/v7/upload"));
    assert_eq!(second.url(Direction::Download, true).scheme(), "ws");
    assert!(!format!("{answer:?}").contains("secret"));
}

#[test]
fn the_scheme_is_the_callers_choice_where_there_are_two() {
    let mut both = urls("wss", "a.example.org");
    let plain = urls("ws", "a.example.org");
    both.as_object_mut()
        .unwrap()
        .extend(plain.as_object().unwrap().clone());
    let answer = parse(&[result("a", &both)]).unwrap();
    for (wants_tls, scheme) in [(true, "wss"), (false, "ws")] {
        let url = answer.targets[0].url(Direction::Download, wants_tls);
        assert_eq!(url.scheme(), scheme);
    }
}

#[test]
fn urls_that_lead_elsewhere_are_passed_over() {
    let key = "wss:///ndt/v7/download";
    for bad in [
        "https://a.example.org/ndt/v7/download",
        "ws://a.example.org/ndt/v7/download",
        "wss://a.example.org/ndt/v7/upload",
        "wss://a.example.org/admin",
        "wss://user:pw@a.example.org/ndt/v7/download",
        "wss://a.example.org/ndt/v7/download#x",
        "wss:///ndt/v7/download",
        "file:///etc/passwd",
        "",
    ] {
        let mut urls = urls("wss", "a.example.org");
        urls[key] = json!(bad);
        let refused = parse(&[result("a", &urls)]);
        assert!(matches!(refused, Err(BadAnswer::NoTarget)), "{bad}");
    }
    let mut long = urls("wss", "a.example.org");
    long[key] = json!(format!("wss://a/ndt/v7/download?{}", "x".repeat(5000)));
    assert!(parse(&[result("a", &long)]).is_err());
    let one_direction = json!({key: "wss://a.example.org/ndt/v7/download"});
    assert!(parse(&[result("a", &one_direction)]).is_err());
}

#[test]
fn only_so_many_targets_and_bytes_are_read() {
    let many: Vec<Value> = (0..50)
        .map(|number| result(&number.to_string(), &urls("ws", "a.example.org")))
        .collect();
    assert_eq!(parse(&many).unwrap().targets.len(), TARGETS_MAX);
    let long = vec![b' '; ANSWER_MAX_BYTES + 1];
    assert!(matches!(Answer::parse(&long), Err(BadAnswer::TooLong(_))));
}

#[test]
fn a_place_is_short_plain_text_or_none() {
    let mut odd = result(&"m".repeat(500), &urls("ws", "a.example.org"));
    odd["location"] = json!({"city": "\u{1b}[31mX", "country": "Thailand"});
    let target = parse(&[odd]).unwrap().targets.remove(0);
    assert_eq!(target.machine.len(), TEXT_MAX_CHARS);
    assert_eq!(target.city.as_deref(), Some("[31mX"));
    assert_eq!(target.country, None);
    let mut nowhere = result("m", &urls("ws", "a.example.org"));
    nowhere["location"] = Value::Null;
    assert_eq!(parse(&[nowhere]).unwrap().targets[0].city, None);
}

#[test]
fn a_refusal_is_told_by_its_title() {
    let body = br#"{"error":{"type":"client","title":"Too many periodic requests","status":429}}"#;
    assert_eq!(refusal(body).as_deref(), Some("Too many periodic requests"));
    assert_eq!(refusal(b"<html>"), None);
    assert_eq!(refusal(b""), None);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body: Vec<u8>) {
        let _ = Answer::parse(&body);
        let _ = refusal(&body);
    }

    #[test]
    fn no_url_leads_anywhere_but_to_a_test(
        text in "(wss?|https?|file|javascript):/{0,3}[a-z@:.\\[\\]0-9]{0,12}/(ndt/v7/(download|upload))?(\\?[a-z=]{0,9})?",
    ) {
        let urls = json!({"ws:///ndt/v7/download": text, "ws:///ndt/v7/upload": "ws://b/ndt/v7/upload"});
        if let Ok(answer) = parse(&[result("a", &urls)]) {
            let url = answer.targets[0].url(Direction::Download, true);
            prop_assert_eq!(url.scheme(), "ws");
            prop_assert_eq!(url.path(), "/ndt/v7/download");
            prop_assert!(url.host_str().is_some());
        }
    }
}
