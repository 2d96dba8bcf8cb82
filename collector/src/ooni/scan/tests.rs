//! Planted addresses are found wherever they stand; evidence is let through.
use super::*;
use crate::analysis::web::scenarios;
use proptest::prelude::*;
use serde_json::json;

fn scanned(value: &Value) -> Result<(), Finding> {
    scan(value.to_string().as_bytes())
}

fn good() -> Value {
    scenarios::measurement("successWithHTTPS").json()
}

#[test]
fn every_situation_is_free_of_addresses_but_for_evidence() {
    for row in scenarios::expected() {
        let value = scenarios::measurement(row.name).json();
        assert_eq!(scanned(&value), Ok(()), "{}", row.name);
    }
}

#[test]
fn a_planted_address_is_found_wherever_it_stands() {
    let address = "36.37.1.2";
    let encoded = BASE64.encode(format!("<p>your IP is {address}</p>\u{0}"));
    for (place, planted) in [
        ("/annotations/note", json!(address)),
        (
            "/test_keys/x_new",
            json!([{ "deep": format!("from {address}:5000") }]),
        ),
        (
            "/test_keys/requests/0/response/body",
            json!({ "format": "base64", "data": encoded }),
        ),
        (
            "/test_keys/requests/0/response/body",
            json!(format!("ip={address}&x")),
        ),
        (
            "/test_keys/requests/0/response/headers_list",
            json!([["X-Client", address]]),
        ),
        ("/test_keys/x_map", json!({ "36.37.1.2": true })),
        ("/test_keys/x_mac", json!("mac aa:bb:cc:00:11:22")),
        ("/test_keys/x_six", json!("[2a01:4f8:0:0::1]:443")),
    ] {
        let mut value = good();
        plant(&mut value, place, planted);
        assert_eq!(scanned(&value), Err(Finding::Address), "{place}");
        let ours: IpAddr = address.parse().unwrap();
        let six: IpAddr = "2a01:4f8::1".parse().unwrap();
        let is_mac = place.ends_with("mac");
        assert!(
            is_mac || holds(&value, ours) || holds(&value, six),
            "{place}"
        );
    }
}

/// Puts a value at a JSON pointer; the object that holds it must be there.
fn plant(value: &mut Value, place: &str, planted: Value) {
    let (holder, key) = place.rsplit_once('/').unwrap();
    value.pointer_mut(holder).unwrap()[key] = planted;
}

#[test]
fn the_places_of_the_probe_must_be_empty() {
    for (key, held) in [("probe_ip", "36.37.1.2"), ("probe_id", "abcdef")] {
        let mut value = good();
        value[key] = json!(held);
        assert_eq!(scanned(&value), Err(Finding::Probe), "{key}");
    }
    assert_eq!(scan(b"{"), Err(Finding::Unreadable));
}

#[test]
fn the_browser_that_a_client_claims_to_be_is_no_address() {
    let mut value = good();
    let browser = "Mozilla/5.0 Chrome/124.0.0.0 Safari/537.36";
    value["test_keys"]["requests"][0]["request"]["headers"] = json!({ "User-Agent": browser });
    value["test_keys"]["requests"][0]["request"]["headers_list"] = json!([["User-Agent", browser]]);
    assert_eq!(scanned(&value), Ok(()));
}

#[test]
fn a_known_address_is_found_in_every_usual_form_and_no_other() {
    let four: IpAddr = "36.37.1.2".parse().unwrap();
    for text in [
        "36.37.1.2",
        "::ffff:36.37.1.2",
        "36-37-1-2.isp.example",
        "0x24250102",
        "IP%3A36.37.1.2;",
    ] {
        let expected = text != "0x24250102";
        assert_eq!(holds(&json!(text), four), expected, "{text}");
    }
    assert!(holds(&json!("id 24250102"), four));
    assert!(!holds(&json!("136.37.1.2 36.37.1.25 36.37.1"), four));
    let six: IpAddr = "2a01:4f8::1".parse().unwrap();
    assert!(holds(&json!("2A01:04F8:0::1"), six));
    assert!(holds(&json!("ip=2a01%3A4f8%3A%3A1&"), six));
    assert!(holds(&json!("2a0104f8000000000000000000000001"), six));
    assert!(!holds(&json!("2a01:4f8::2"), six));
    assert!(!holds(&json!("127.0.0.1"), "127.0.0.1".parse().unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_address_in_a_body_is_found(v4: [u8; 4], v6: [u16; 8], before in "[ =,;(/]", after in "[ ,;&)/]") {
        for ip in [IpAddr::from(v4), IpAddr::from(v6)] {
            let ip = ip.to_canonical();
            prop_assume!(!ip.is_loopback() && !ip.is_unspecified());
            let mut value = good();
            let known = evidence(&value);
            prop_assume!(!known.contains(&ip));
            let body = format!("x{before}{ip}{after}y");
            value["test_keys"]["requests"][0]["response"]["body"] = json!(body);
            prop_assert_eq!(scanned(&value), Err(Finding::Address));
            prop_assert!(holds(&value, ip));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), v4: [u8; 4]) {
        let _ = scan(&bytes);
        let _ = holds(&json!(String::from_utf8_lossy(&bytes)), v4.into());
    }
}
