//! The configuration object of a server (draft-ietf-ippm-responsiveness-09, section 7.1).
//!
//! Rules of reading, each broken one making the whole object void:
//! 1. `version` is 1; it, `urls` and the three URLs stand there exactly once. Unknown keys are
//!    ignored.
//! 2. Each URL is http or https, without credentials or a fragment, and all three have the same
//!    host. Ours also have the same scheme and port: a probe must be able to share the connection
//!    of a load.
//! 3. `test_endpoint`, if there, is a host: the one to connect to in place of the URLs'.
//!
//! What is written holds a second family of keys too (`small_https_download_url` and so on), which
//! the draft does not know and deployed clients insist on.
use super::spec::CONFIG_MAX_BYTES;
use serde::Deserialize;
use serde_json::json;
use url::{Host, Position, Url};

/// Where a server's objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// GET: one byte.
    pub small: Url,
    /// GET: without end.
    pub large: Url,
    /// POST: whatever is sent.
    pub upload: Url,
    /// The host to connect to, where it is another than the URLs'.
    pub endpoint: Option<String>,
}

/// Why an object is void.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// More than any configuration needs.
    #[error("it is longer than {CONFIG_MAX_BYTES} bytes")]
    TooLong,
    /// No JSON, or a key is missing, there twice, or of another type.
    #[error("it is no configuration: {0}")]
    Form(String),
    /// A version that does not exist yet.
    #[error("its version is {0}, not 1")]
    Version(u64),
    /// A URL that cannot be requested.
    #[error("{0} is no http or https URL of an object")]
    Url(&'static str),
    /// The URLs lead to different places.
    #[error("its URLs are not all of the same host, scheme and port")]
    SeveralHosts,
    /// No host.
    #[error("test_endpoint is no host")]
    Endpoint,
}

#[derive(Deserialize)]
struct WireConfig {
    version: u64,
    urls: WireUrls,
    test_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct WireUrls {
    #[serde(rename = "small_download_url")]
    small: String,
    #[serde(rename = "large_download_url")]
    large: String,
    #[serde(rename = "upload_url")]
    upload: String,
}

impl Config {
    /// Reads an object, see the rules at the top of this file.
    pub fn parse(json: &[u8]) -> Result<Self, BadConfig> {
        if json.len() > CONFIG_MAX_BYTES {
            return Err(BadConfig::TooLong);
        }
        let wire: WireConfig =
            serde_json::from_slice(json).map_err(|error| BadConfig::Form(error.to_string()))?;
        if wire.version != 1 {
            return Err(BadConfig::Version(wire.version));
        }
        let config = Self {
            small: object_url("small_download_url", &wire.urls.small)?,
            large: object_url("large_download_url", &wire.urls.large)?,
            upload: object_url("upload_url", &wire.urls.upload)?,
            endpoint: wire.test_endpoint.map(|host| endpoint(&host)).transpose()?,
        };
        let place = config.small.origin();
        if config.large.origin() != place || config.upload.origin() != place {
            return Err(BadConfig::SeveralHosts);
        }
        Ok(config)
    }

    /// The host to connect to.
    #[must_use]
    pub fn host(&self) -> &str {
        let of_urls = || self.small.host_str().unwrap_or_default();
        self.endpoint.as_deref().unwrap_or_else(of_urls)
    }

    /// Writes the object of a server whose objects stand below `origin`, and below `https_origin`
    /// where it also speaks TLS. Paths begin with a slash.
    #[must_use]
    pub fn to_json(origin: &str, https_origin: Option<&str>, paths: Paths) -> String {
        let mut urls = json!({
            "small_download_url": format!("{origin}{}", paths.small),
            "large_download_url": format!("{origin}{}", paths.large),
            "upload_url": format!("{origin}{}", paths.upload),
        });
        if let Some(https) = https_origin {
            urls["small_https_download_url"] = format!("{https}{}", paths.small).into();
            urls["large_https_download_url"] = format!("{https}{}", paths.large).into();
            urls["https_upload_url"] = format!("{https}{}", paths.upload).into();
        }
        json!({ "version": 1, "urls": urls }).to_string()
    }
}

/// Paths of a server's objects.
#[derive(Debug, Clone, Copy)]
pub struct Paths {
    /// Of the small object.
    pub small: &'static str,
    /// Of the large object.
    pub large: &'static str,
    /// Where uploads go.
    pub upload: &'static str,
}

fn object_url(key: &'static str, text: &str) -> Result<Url, BadConfig> {
    let url = Url::parse(text).map_err(|_| BadConfig::Url(key))?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url[Position::BeforeUsername..Position::BeforeHost].is_empty()
        && url.fragment().is_none();
    if is_plain {
        Ok(url)
    } else {
        Err(BadConfig::Url(key))
    }
}

fn endpoint(text: &str) -> Result<String, BadConfig> {
    let host = Host::parse(text).map_err(|_| BadConfig::Endpoint)?;
    Ok(host.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATHS: Paths = Paths {
        small: "/s",
        large: "/l",
        upload: "/u",
    };

    fn config(urls: &str, rest: &str) -> String {
        format!(r#"{{"version":1,"urls":{{{urls}}}{rest}}}"#)
    }

    const URLS: &str = r#""small_download_url":"https://a.example/s","large_download_url":"https://a.example/l","upload_url":"https://a.example/u""#;

    fn parse(text: &str) -> Result<Config, BadConfig> {
        Config::parse(text.as_bytes())
    }

    #[test]
    fn what_is_written_is_read_and_holds_what_deployed_clients_need() {
        let text = Config::to_json("http://a.example:81", Some("https://a.example:81"), PATHS);
        let read = parse(&text).unwrap();
        assert_eq!(read.small.as_str(), "http://a.example:81/s");
        assert_eq!((read.host(), read.endpoint.as_ref()), ("a.example", None));
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        for key in [
            "small_https_download_url",
            "large_https_download_url",
            "https_upload_url",
        ] {
            let url = all["urls"][key].as_str().unwrap();
            assert!(url.starts_with("https://"), "{url}");
        }
        assert_eq!(all["version"], 1);
    }

    #[test]
    fn unknown_keys_are_ignored_and_an_endpoint_is_the_host_to_connect_to() {
        let text = config(
            &format!("{URLS},\"small_https_download_url\":7"),
            r#","test_endpoint":"b.example","x":[1]"#,
        );
        let read = parse(&text).unwrap();
        assert_eq!(read.host(), "b.example");
        assert_eq!(read.small.host_str(), Some("a.example"));
    }

    #[test]
    fn a_key_that_is_missing_or_there_twice_makes_it_void() {
        for text in [
            config(r#""small_download_url":"https://a.example/s""#, ""),
            config(
                &format!("{URLS},\"upload_url\":\"https://a.example/u\""),
                "",
            ),
            config(URLS, r#","version":1"#),
            config(
                URLS,
                r#","test_endpoint":"a.example","test_endpoint":"a.example""#,
            ),
            format!("{{\"urls\":{{{URLS}}}}}"),
            "[]".to_owned(),
        ] {
            assert!(matches!(parse(&text), Err(BadConfig::Form(_))), "{text}");
        }
        assert_eq!(
            parse(&config(URLS, "").replace("\"version\":1", "\"version\":2")),
            Err(BadConfig::Version(2))
        );
    }

    #[test]
    fn urls_of_different_hosts_make_it_void() {
        for other in [
            "https://b.example/u",
            "http://a.example/u",
            "https://a.example:444/u",
        ] {
            let text = config(&URLS.replace("https://a.example/u", other), "");
            assert_eq!(parse(&text), Err(BadConfig::SeveralHosts), "{other}");
        }
    }

    #[test]
    fn what_is_no_url_of_an_object_makes_it_void() {
        for other in [
            "ftp://a.example/s",
            "https://u:p@a.example/s",
            "https://a.example/s#x",
            "/s",
            "",
        ] {
            let text = config(&URLS.replace("https://a.example/s", other), "");
            let read = parse(&text);
            assert_eq!(read, Err(BadConfig::Url("small_download_url")), "{other}");
        }
        let text = config(URLS, r#","test_endpoint":"a b""#);
        assert_eq!(parse(&text), Err(BadConfig::Endpoint));
    }

    #[test]
    fn it_is_not_read_without_end() {
        let text = format!("{}{}", " ".repeat(CONFIG_MAX_BYTES), config(URLS, ""));
        assert_eq!(parse(&text), Err(BadConfig::TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Config::parse(&bytes);
        }

        #[test]
        fn no_urls_make_it_panic_or_lead_to_two_places(
            small in "(https?://)?[a-z.:@/#0-9\\[\\]]{0,20}", upload in "https?://[a-z.:]{1,9}/u",
            endpoint in any::<String>(),
        ) {
            let urls = json!({ "small_download_url": small, "large_download_url": upload, "upload_url": upload });
            let text = json!({ "version": 1, "urls": urls, "test_endpoint": endpoint }).to_string();
            if let Ok(read) = parse(&text) {
                prop_assert_eq!(read.small.host_str(), read.upload.host_str());
                prop_assert!(!read.host().is_empty());
            }
        }
    }
}
