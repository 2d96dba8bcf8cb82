//! Which language a reader gets: the one in the URL, else the best of the browser's list.
use tonle_evidence::words::Lang;

/// How a page is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The language of the page.
    pub lang: Lang,
    /// The reader chose it in the URL, so links keep it.
    pub chosen: bool,
    /// Path prefix of the collector behind a proxy, without a slash at its end; empty at a root.
    pub base: String,
    /// What is shown was made by a program: every page says so.
    pub synthetic: bool,
}

impl Visit {
    /// Rules: `?lang=` wins when it names a language of ours; else the language of
    /// `Accept-Language` with the highest weight, the first of equals; else the default.
    #[must_use]
    pub fn new(lang_parameter: Option<&str>, accept_language: Option<&str>, base: &str) -> Self {
        let chosen = lang_parameter.and_then(Lang::from_tag);
        let lang = chosen
            .or_else(|| accept_language.and_then(preferred))
            .unwrap_or(Lang::ALL[0]);
        Self {
            lang,
            chosen: chosen.is_some(),
            base: base.trim_end_matches('/').to_owned(),
            synthetic: false,
        }
    }
}

/// The best language of an `Accept-Language` header (RFC 9110, 12.5.4).
fn preferred(header: &str) -> Option<Lang> {
    let mut best: Option<(Lang, f32)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(lang) = parts.next().and_then(Lang::from_tag) else {
            continue;
        };
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if weight > best.map_or(0.0, |(_, weight)| weight) {
            best = Some((lang, weight));
        }
    }
    best.map(|(lang, _)| lang)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn language(parameter: Option<&str>, header: Option<&str>) -> Lang {
        Visit::new(parameter, header, "").lang
    }

    #[test]
    fn the_url_wins_over_the_browser() {
        assert_eq!(language(Some("km"), Some("en")), Lang::Km);
        assert_eq!(language(Some("xx"), Some("km-KH")), Lang::Km);
    }

    #[test]
    fn the_heaviest_known_language_of_the_browser_wins() {
        assert_eq!(language(None, Some("fr, en;q=0.5, km;q=0.8")), Lang::Km);
        assert_eq!(language(None, Some("km;q=0, en;q=0.1")), Lang::En);
        assert_eq!(language(None, Some("fr")), Lang::En);
        assert_eq!(language(None, None), Lang::En);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in ".*") {
            let _ = Visit::new(None, Some(&header), "");
        }
    }
}
