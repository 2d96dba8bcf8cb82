//! Where a site says that it speaks HTTP/3: the `Alt-Svc` header (RFC 7838), as far as stock helpers
//! read it.

/// Longest endpoint noted, characters (a DNS name and a port).
const ENDPOINT_MAX_CHARS: usize = 260;

/// `host:port` of the first alternative named `h3`, its host `host` where it names none; empty for
/// none.
pub(super) fn h3_endpoint(header: &str, host: &str) -> String {
    let alternatives = header.split(',').filter_map(|alternative| {
        let (name, authority) = alternative.split(';').next()?.split_once('=')?;
        (name.trim() == "h3").then(|| authority.trim().trim_matches('"'))
    });
    let Some(authority) = alternatives.into_iter().next() else {
        return String::new();
    };
    let whole = match authority.strip_prefix(':') {
        Some(port) => format!("{host}:{port}"),
        None => authority.to_owned(),
    };
    whole.chars().take(ENDPOINT_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_alternative_named_h3_counts() {
        for (header, expected) in [
            (
                r#"h3=":443"; ma=3600,h2=":443"; ma=3600"#,
                "site.example:443",
            ),
            (
                r#"h2=":443"; ma=3600, h3=":8443"; ma=3600"#,
                "site.example:8443",
            ),
            (r#"h3="other.example:443""#, "other.example:443"),
            (r#"h2=":443"; ma=3600"#, ""),
            (r#"h3-Q050=":443"; ma=2592000,quic=":443"; v="46,43""#, ""),
            ("clear", ""),
            ("", ""),
        ] {
            assert_eq!(h3_endpoint(header, "site.example"), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_within_bounds(header in "\\PC{0,400}") {
            prop_assert!(h3_endpoint(&header, "a").chars().count() <= ENDPOINT_MAX_CHARS);
        }
    }
}
