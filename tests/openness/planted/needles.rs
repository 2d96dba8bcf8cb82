//! What is planted, and the bytes that would give it away. Reckoned here by itself, not by the code that is
//! to find them.
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use std::net::IpAddr;

/// Something of the volunteer's that must not be written.
#[derive(Debug)]
pub(super) struct Needle {
    /// What it is, for the message of a failure.
    pub(super) what: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// The forms of an address that a server may write into a text, the plain one first.
pub(super) fn forms(address: IpAddr) -> Vec<String> {
    let plain = plain(address);
    let octets: Vec<u8> = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let of_text = plain.iter().flat_map(|text| encodings(text.as_bytes()));
    let encoded: Vec<String> = of_text.chain(encodings(&octets)).collect();
    plain.into_iter().chain(encoded).collect()
}

/// The forms of a name that a server may write into a text, the plain one first.
pub(super) fn forms_of_name(name: &str) -> Vec<String> {
    let mut forms = vec![name.to_owned(), name.to_uppercase(), format!("{name}.lan")];
    forms.extend(encodings(name.as_bytes()));
    forms
}

/// What is looked for of a name.
pub(super) fn of_name(name: &str) -> Vec<Needle> {
    let forms = forms_of_name(name).into_iter();
    forms
        .flat_map(|form| of_text(&format!("the device's name as {form}"), form.as_bytes()))
        .collect()
}

fn plain(address: IpAddr) -> Vec<String> {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            vec![
                v4.to_string(),
                format!("{a}-{b}-{c}-{d}"),
                format!("{d}.{c}.{b}.{a}"),
                v4.to_ipv6_mapped().to_string(),
                u32::from(v4).to_string(),
            ]
        }
        IpAddr::V6(v6) => {
            let groups = v6.segments().map(|group| format!("{group:04x}"));
            vec![
                v6.to_string(),
                v6.to_string().to_uppercase(),
                groups.join(":"),
            ]
        }
    }
}

fn encodings(bytes: &[u8]) -> Vec<String> {
    let each = |form: fn(&u8) -> String| bytes.iter().map(form).collect::<String>();
    vec![
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("&#{byte};")),
        each(|byte| format!("\\u00{byte:02x}")),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        BASE64_STANDARD.encode(bytes),
        BASE64_URL_SAFE_NO_PAD.encode([b"i", bytes].concat()),
        BASE64_URL_SAFE_NO_PAD.encode([b"ip", bytes].concat()),
    ]
}

/// What is looked for in all that is written: each form, and each once more in base64, as private halves keep
/// bodies and envelopes keep halves.
pub(super) fn of_address(address: IpAddr) -> Vec<Needle> {
    let forms = forms(address).into_iter();
    forms
        .flat_map(|form| of_text(&format!("{address} as {form}"), form.as_bytes()))
        .collect()
}

/// A text, and what base64 makes of it wherever it stands.
pub(super) fn of_text(what: &str, text: &[u8]) -> Vec<Needle> {
    let mut needles = vec![Needle {
        what: what.to_owned(),
        bytes: text.to_vec(),
    }];
    for before in 0..3 {
        let padded = [&vec![0; before][..], text].concat();
        let encoded = BASE64_STANDARD.encode(&padded);
        // Without the characters that depend on what stands before and behind.
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        needles.push(Needle {
            what: format!("{what}, in base64"),
            bytes: encoded.as_bytes()[first..last].to_vec(),
        });
    }
    needles
}
