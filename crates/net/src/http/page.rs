//! Where a response sends us, read without a browser. No IO.
use tonle_evidence::failure::Failure;
use url::Url;

/// Where a response sends us: `None` when nowhere. Redirects are 301, 302, 303, 307 and 308 with a
/// `Location`.
pub fn redirect(from: &Url, status: u16, location: Option<&str>) -> Result<Option<Url>, Failure> {
    let (301..=303 | 307..=308, Some(location)) = (status, location) else {
        return Ok(None);
    };
    let mut to = from.join(location).map_err(|error| match error {
        url::ParseError::EmptyHost
        | url::ParseError::IdnaError
        | url::ParseError::InvalidIpv4Address
        | url::ParseError::InvalidIpv6Address
        | url::ParseError::InvalidDomainCharacter => Failure::HttpInvalidRedirectLocationHost,
        _ => Failure::HttpUnexpectedRedirectUrl,
    })?;
    if !matches!(to.scheme(), "http" | "https") {
        return Err(Failure::HttpUnexpectedRedirectUrl);
    }
    if to.fragment().is_none() {
        to.set_fragment(from.fragment());
    }
    Ok(Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to(status: u16, location: &str) -> Result<Option<String>, Failure> {
        let from = Url::parse("https://site.example/a/b?c").unwrap();
        redirect(&from, status, Some(location)).map(|url| url.map(String::from))
    }

    #[test]
    fn a_redirect_is_resolved_against_the_page() {
        let url = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(to(301, "/x"), url("https://site.example/x"));
        assert_eq!(to(302, "y"), url("https://site.example/a/y"));
        assert_eq!(to(308, "//other.example/"), url("https://other.example/"));
        assert_eq!(to(303, "http://site.example/"), url("http://site.example/"));
        assert_eq!(to(200, "/x"), Ok(None));
        assert_eq!(to(304, "/x"), Ok(None));
    }

    #[test]
    fn a_redirect_to_nowhere_has_its_name() {
        assert_eq!(
            to(301, "http://"),
            Err(Failure::HttpInvalidRedirectLocationHost)
        );
        assert_eq!(
            to(301, "https://a b/"),
            Err(Failure::HttpInvalidRedirectLocationHost)
        );
        assert_eq!(
            to(301, "ftp://site.example/"),
            Err(Failure::HttpUnexpectedRedirectUrl)
        );
        assert_eq!(
            to(301, "javascript:alert(1)"),
            Err(Failure::HttpUnexpectedRedirectUrl)
        );
    }

    proptest! {
        #[test]
        fn any_location_leads_to_http_or_a_failure(location in "\\PC{0,80}", status in 300_u16..310) {
            if let Ok(Some(url)) = redirect(&Url::parse("http://a.example/").unwrap(), status, Some(&location)) {
                prop_assert!(url.scheme().starts_with("http") && url.host_str().is_some());
            }
        }
    }
}
