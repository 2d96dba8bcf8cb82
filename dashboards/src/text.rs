//! The strings of the pages: `configs/words.toml`, bound to one language.
use std::sync::LazyLock;
use tonle_evidence::failure::Failure;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::words::{Lang, Words};

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::parse(include_str!("../../configs/words.toml"))
        .expect("the embedded table is read by a test")
});

/// Strings in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    lang: Lang,
}

impl Text {
    /// Strings in this language.
    #[must_use]
    pub fn new(lang: Lang) -> Self {
        Self { lang }
    }

    /// The language.
    #[must_use]
    pub fn lang(self) -> Lang {
        self.lang
    }

    /// The text of a key.
    #[must_use]
    pub fn get(self, key: &str) -> String {
        WORDS.get(self.lang, key)
    }

    /// The text of a key with its `{name}`s filled in.
    #[must_use]
    pub fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        WORDS.fill(self.lang, key, values)
    }

    /// The text of a key that a record brought, or what the record said when no text is known:
    /// a newer agent may use words that this program does not have.
    #[must_use]
    pub fn known(self, family: &str, word: &str) -> String {
        if knows(family, word) {
            self.get(&format!("{family}.{word}"))
        } else {
            word.to_owned()
        }
    }

    /// One of two texts, by language.
    #[must_use]
    pub fn pick<'a>(self, en: &'a str, km: &'a str) -> &'a str {
        match self.lang {
            Lang::En => en,
            Lang::Km => km,
        }
    }

    /// `November 2026`, `វិច្ឆិកា 2026`: Latin digits in both languages, because the separators of
    /// Khmer digits are the reverse of those of Latin ones.
    #[must_use]
    pub fn month(self, month: LocalMonth) -> String {
        let name = self.get(&format!("month.{}", month.month));
        format!("{name} {:04}", month.year)
    }

    /// What a failure means to a person.
    #[must_use]
    pub fn failure(self, failure: &Failure) -> String {
        match failure {
            Failure::Other(_) => self.get("failure.other"),
            named => self.get(&format!("failure.{}", named.name())),
        }
    }
}

/// True when the table has a text for a word of a family, such as `note` or `failure`.
#[must_use]
pub fn knows(family: &str, word: &str) -> bool {
    WORDS.contains(&format!("{family}.{word}"))
}

#[cfg(test)]
mod tests;
