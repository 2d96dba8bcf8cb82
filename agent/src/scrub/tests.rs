//! Own addresses go, in every form and encoding, and nothing else does.
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn scrubber() -> Scrubber {
    let own = ["10.0.0.1", "2001:db8::1", "fe80::a:b", "127.0.0.1"];
    Scrubber::new(own.map(|text| text.parse().unwrap()))
}

#[test]
fn an_own_address_goes_in_every_form_it_is_written() {
    for text in [
        "10.0.0.1",
        "10.0.0.1:443",
        "::ffff:10.0.0.1",
        "10-0-0-1",
        "1.0.0.10",
        "2001:db8::1",
        "2001:DB8:0:0:0:0:0:1",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "fe80::a:b",
        "1.10.0.0.1",
        "167772161",
        "0x0A000001",
        "0a:00:00:01",
        "20010db8000000000000000000000001",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2",
    ] {
        let sentence = format!("seen as <{text}> today");
        let scrubbed = scrubber().text(&sentence);
        assert!(scrubbed.contains(SCRUBBED), "{text}: {scrubbed}");
        assert!(!scrubbed.contains(text), "{text}: {scrubbed}");
        assert!(
            scrubbed.starts_with("seen as <") && scrubbed.ends_with("> today"),
            "{scrubbed}"
        );
    }
}

#[test]
fn other_addresses_and_texts_stay() {
    for text in [
        "110.0.0.1",
        "10.0.0.12",
        "10.0.0.256",
        "10.0-0.1",
        "127.0.0.1:8080",
        "2001:db8::12",
        "a2001:db8::1",
        "::1",
        "12:34:56",
        "ភ្នំពេញ 10.0.0.2",
    ] {
        assert_eq!(scrubber().text(text), text);
    }
}

#[test]
fn every_string_of_what_a_run_recorded_is_scrubbed() {
    let observation = Observation {
        t_start_us: 0,
        t_end_us: 1,
        operation: "connect".into(),
        subject: Some("10.0.0.1:80".into()),
        failure: Some(Failure::Other("unknown_failure: from 10.0.0.1".into())),
        detail: BTreeMap::from([
            (
                "answers".into(),
                serde_json::json!(["192.0.2.1", "10.0.0.1"]),
            ),
            (
                "headers".into(),
                serde_json::json!({"x-client": "2001:db8::1"}),
            ),
            ("size_bytes".into(), serde_json::json!(5)),
        ]),
    };
    let mut recorded = Recorded {
        observations: vec![observation],
        bodies: vec![(0, b"\xffyour address is 10.0.0.1\xff".to_vec())],
        ..Recorded::default()
    };
    scrubber().recorded(&mut recorded);
    let text = format!("{recorded:?}");
    assert!(
        !text.contains("10.0.0.1") && !text.contains("2001:db8::1"),
        "{text}"
    );
    assert!(text.contains("192.0.2.1"));
    assert_eq!(recorded.bodies[0].1, b"\xffyour address is [scrubbed]\xff");
}

/// What a far side may do to a text: the encodings of links, pages, scripts and tokens.
fn encodings(text: &[u8]) -> Vec<String> {
    use base64::prelude::*;
    let each = |form: fn(&u8) -> String| text.iter().map(form).collect::<String>();
    let padded = |before: &[u8]| [before, text].concat();
    vec![
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("%25{byte:02x}")),
        each(|byte| format!("&#{byte};")),
        each(|byte| format!("&#x{byte:x};")),
        each(|byte| format!("\\u00{byte:02x}")),
        each(|byte| format!("\\x{byte:02x}")),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("{byte:02x}:")),
        BASE64_STANDARD.encode(text),
        BASE64_URL_SAFE_NO_PAD.encode(padded(b"i")),
        BASE64_URL_SAFE_NO_PAD.encode(padded(b"ip")),
        BASE64_STANDARD.encode(padded(b"{\"ip\":\"")),
        BASE64_STANDARD.encode(BASE64_STANDARD.encode(padded(b"{\"ip\":\""))),
    ]
}

/// Every way to write an address of which the tests know.
fn forms(address: IpAddr) -> Vec<String> {
    let bytes = octets(address);
    let mut plain = vec![address.to_string(), address.to_string().to_uppercase()];
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            plain.push(format!("{d}.{c}.{b}.{a}.in-addr.arpa"));
            plain.push(format!("host-{a}-{b}-{c}-{d}.example"));
            plain.push(v4.to_ipv6_mapped().to_string());
            plain.push(v4.to_bits().to_string());
        }
        IpAddr::V6(v6) => {
            let groups = v6.segments().map(|group| format!("{group:04x}"));
            plain.push(groups.join(":"));
            plain.push(format!("[{v6}]:443"));
        }
    }
    let of_text = plain.iter().flat_map(|text| encodings(text.as_bytes()));
    let of_bytes = encodings(&bytes).into_iter();
    let encoded: Vec<String> = of_text.chain(of_bytes).collect();
    plain.into_iter().chain(encoded).collect()
}

fn named(host_name: &str) -> Scrubber {
    Scrubber::default().named(host_name, "www.example.org")
}

#[test]
fn the_devices_name_goes_as_a_word_of_its_own() {
    let scrubber = named("Sokhas-Laptop.lan\n");
    for (text, left) in [
        ("Hello sokhas-laptop!", "Hello [scrubbed]!"),
        ("SOKHAS-LAPTOP.local", "[scrubbed].local"),
        ("sokhas-laptop.lan.", "[scrubbed]."),
        ("dev_sokhas-laptop_1", "dev_[scrubbed]_1"),
        ("?h=sokhas%2Dlaptop", "?h=[scrubbed]"),
        ("sokhas-laptops", "sokhas-laptops"),
        ("sokhas", "sokhas"),
    ] {
        assert_eq!(scrubber.text(text), left);
    }
}

#[test]
fn a_name_that_tells_nobody_or_is_in_the_target_stays() {
    for host_name in [
        "raspberrypi",
        "localhost.localdomain",
        "system",
        "pc1",
        "20261127",
        "",
        "scrubbed",
    ] {
        let text = format!("{host_name} raspberrypi localhost system pc1 [scrubbed] 20261127");
        assert_eq!(named(host_name).text(&text), text, "{host_name}");
    }
    assert_eq!(named("example").text("example"), "example");
    assert_eq!(named("sample").text("sample"), SCRUBBED);
}

#[test]
fn a_body_that_is_no_text_is_searched_for_the_bytes_of_an_address() {
    let own: IpAddr = "203.0.113.9".parse().unwrap();
    let body = [&b"\x00\x01"[..], &[203, 0, 113, 9], b"\x02"].concat();
    assert_eq!(Scrubber::new([own]).bytes(&body), b"\x00\x01[scrubbed]\x02");
    let spelled: IpAddr = "49.50.51.52".parse().unwrap();
    let escaped = Scrubber::new([spelled]).bytes(b"call %31%32%33%34");
    assert_eq!(escaped, b"call [scrubbed]");
    assert_eq!(Scrubber::new([spelled]).bytes(b"call 1234"), b"call 1234");
}

proptest! {
    #[test]
    fn scrubbing_twice_is_scrubbing_once(text in "[0-9a-f:.\\[\\]-]{0,60}") {
        let once = scrubber().text(&text);
        prop_assert_eq!(scrubber().text(&once), once);
    }

    #[test]
    fn no_own_address_stays_whatever_surrounds_it(
        before in "[g-z \\[/(]{0,5}", after in "[g-z \\]/)]{0,5}", own in 0..3_usize,
    ) {
        let text = format!("{before}{}{after}", scrubber().own[own]);
        prop_assert_eq!(scrubber().text(&text), format!("{before}{SCRUBBED}{after}"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = scrubber().bytes(&bytes);
    }

    #[test]
    fn without_own_addresses_nothing_changes(text in ".*") {
        prop_assert_eq!(Scrubber::default().text(&text), text);
    }

    #[test]
    fn no_encoding_hides_an_own_address(
        v4 in any::<[u8; 4]>(), v6 in any::<[u16; 8]>(), is_v4: bool, form in any::<proptest::sample::Index>(),
        before in "[ \"=;(]", after in "[ \";&)]",
    ) {
        let own = if is_v4 { IpAddr::from(v4) } else { IpAddr::from(v6) };
        prop_assume!(own == own.to_canonical() && !own.is_loopback() && !own.is_unspecified());
        let forms = forms(own);
        let form = form.get(&forms);
        let written = Scrubber::new([own]).bytes(format!("to{before}{form}{after}from").as_bytes());
        let written = String::from_utf8_lossy(&written);
        prop_assert!(written.contains(SCRUBBED), "{form} of {own} stands in {written}");
        prop_assert!(!written.contains(form), "{form} of {own} stands in {written}");
        prop_assert!(written.starts_with("to") && written.ends_with("from"), "{written}");
    }

    #[test]
    fn no_encoding_hides_the_devices_name(
        name in "[a-z]{4,8}-[a-z0-9]{2,8}", form in any::<proptest::sample::Index>(), before in "[ \"=;(]",
    ) {
        let mut forms = encodings(name.as_bytes());
        forms.extend([name.clone(), name.to_uppercase()]);
        let form = form.get(&forms);
        let written = named(&name).bytes(format!("to{before}{form} from").as_bytes());
        let written = String::from_utf8_lossy(&written);
        prop_assert!(written.contains(SCRUBBED) && !written.contains(form), "{form} of {name} in {written}");
    }

    #[test]
    fn a_text_without_own_addresses_stays_as_it_is(text in "([a-z]{1,12}[ ./=&?-]|[0-9]{1,6} |[A-Za-z0-9+/]{20,40} ){0,30}") {
        let own = ["203.0.113.9", "2001:db8:1:2:3:4:5:6"].map(|text| text.parse().unwrap());
        prop_assert_eq!(Scrubber::new(own).text(&text), text);
    }
}
