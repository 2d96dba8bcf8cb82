//! The cookies of one visit: enough that a site which asks for its cookie back is not a loop.
use hyper::header::{self, HeaderMap};
use url::Url;

/// Most cookies kept of a visit.
const COOKIES_MAX: usize = 50;

/// Cookies by host, for the length of one visit; never recorded. Paths, domains and ages are left
/// aside: a visit is a few pages long.
#[derive(Debug, Default)]
pub struct Cookies {
    pairs: Vec<(String, String, String)>,
}

impl Cookies {
    /// Keeps `name=value` pairs that `url` set; a later value replaces an earlier one.
    pub fn set(&mut self, url: &Url, pairs: Vec<String>) {
        let host = url.host_str().unwrap_or_default();
        for pair in pairs {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            self.pairs
                .retain(|(of, known, _)| of != host || known != name);
            if self.pairs.len() < COOKIES_MAX {
                self.pairs
                    .push((host.to_owned(), name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The `Cookie` header for `url`, empty for none.
    #[must_use]
    pub fn header(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let of_host = self.pairs.iter().filter(|(of, ..)| of == host);
        let pairs: Vec<String> = of_host
            .map(|(_, name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

/// The pairs of every `Set-Cookie`, without their attributes.
#[must_use]
pub fn cookies_of(headers: &HeaderMap) -> Vec<String> {
    let set = headers.get_all(header::SET_COOKIE).iter();
    set.filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.split(';').next())
        .map(|pair| pair.trim().to_owned())
        .filter(|pair| pair.contains('='))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_returns_to_its_host_only_and_is_replaced() {
        let mut cookies = Cookies::default();
        let site = Url::parse("https://site.example/a").unwrap();
        cookies.set(&site, vec!["id=1".to_owned(), "seen=yes".to_owned()]);
        cookies.set(&site, vec!["id=2".to_owned()]);
        assert_eq!(cookies.header(&site), "seen=yes; id=2");
        assert_eq!(
            cookies.header(&Url::parse("https://other.example/").unwrap()),
            ""
        );
    }
}
