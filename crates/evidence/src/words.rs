//! The table of strings that people read: `configs/words.toml`, in every language of the country.
use std::collections::BTreeMap;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lang {
    /// English.
    En,
    /// Khmer.
    Km,
}

impl Lang {
    /// Every language, the default first.
    pub const ALL: [Self; 2] = [Self::En, Self::Km];

    /// BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Km => "km",
        }
    }

    /// The language of a tag such as `km` or `km-KH`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }
}

/// The table: dotted key → text per language.
#[derive(Debug, Clone)]
pub struct Words {
    table: BTreeMap<String, BTreeMap<String, String>>,
}

/// Why the table cannot be used; names every key at fault.
#[derive(Debug, thiserror::Error)]
#[error("words.toml: {0}")]
pub struct BadWords(String);

impl Words {
    /// Reads `[some.key] en = "…" km = "…"`; a key that lacks a language is an error.
    pub fn parse(text: &str) -> Result<Self, BadWords> {
        let root: toml::Table =
            toml::from_str(text).map_err(|error| BadWords(error.to_string()))?;
        let mut table = BTreeMap::new();
        collect("", &root, &mut table);
        let missing: Vec<String> = table
            .iter()
            .flat_map(|(key, texts): (&String, &BTreeMap<String, String>)| {
                let lacks = move |lang: &Lang| {
                    texts
                        .get(lang.tag())
                        .is_none_or(|text| text.trim().is_empty())
                };
                Lang::ALL
                    .into_iter()
                    .filter(lacks)
                    .map(move |lang| format!("'{key}' lacks {}", lang.tag()))
            })
            .collect();
        if missing.is_empty() {
            Ok(Self { table })
        } else {
            Err(BadWords(missing.join("; ")))
        }
    }

    /// The text of a key; the key itself in brackets when the table has no such key, which a test
    /// of each user of the table rules out.
    #[must_use]
    pub fn get(&self, lang: Lang, key: &str) -> String {
        let text = self.table.get(key).and_then(|texts| texts.get(lang.tag()));
        text.cloned().unwrap_or_else(|| format!("[{key}]"))
    }

    /// The text of a key with every `{name}` replaced.
    #[must_use]
    pub fn fill(&self, lang: Lang, key: &str, values: &[(&str, &str)]) -> String {
        let fill_one = |text: String, (name, value): &(&str, &str)| {
            text.replace(&format!("{{{name}}}"), value)
        };
        values.iter().fold(self.get(lang, key), fill_one)
    }

    /// True when the table has the key.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }
}

fn collect(
    prefix: &str,
    node: &toml::Table,
    table: &mut BTreeMap<String, BTreeMap<String, String>>,
) {
    for (name, value) in node {
        match value {
            toml::Value::Table(inner) => {
                let key = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                collect(&key, inner, table);
            }
            toml::Value::String(text) => {
                table
                    .entry(prefix.to_owned())
                    .or_default()
                    .insert(name.clone(), text.clone());
            }
            other => {
                table
                    .entry(prefix.to_owned())
                    .or_default()
                    .insert(name.clone(), other.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_khmer_is_refused_by_name() {
        let error = Words::parse("[page.title]\nen = \"Tonle\"").unwrap_err();
        assert!(
            error.to_string().contains("'page.title' lacks km"),
            "{error}"
        );
    }

    #[test]
    fn names_in_braces_are_filled() {
        let words = Words::parse("[a.b]\nen = \"{n} of {m}\"\nkm = \"{n}/{m}\"").unwrap();
        assert_eq!(
            words.fill(Lang::En, "a.b", &[("n", "1"), ("m", "2")]),
            "1 of 2"
        );
    }
}
