//! What `up` will contact, and the one question whether it may.
use crate::cli::UpOptions;
use std::collections::BTreeSet;
use tonle_agent::cli::yes;
use tonle_agent::consent::{self, Consents};
use tonle_agent::evidence::record::Stream;
use tonle_agent::evidence::words::Lang;
use tonle_agent::output;

/// What came of the question.
pub(super) enum Answer {
    /// Both printed texts, or the one, are accepted.
    Yes(Consents),
    /// The person does not want to.
    No,
    /// There is no terminal, and `--yes` was not given.
    NobodyToAsk,
}

/// A text of the table.
pub(super) fn words(lang: Lang, key: &str) -> String {
    consent::words().get(lang, key)
}

/// A text of the table with these values in it.
pub(super) fn words_filled(lang: Lang, key: &str, values: &[(&str, &str)]) -> String {
    consent::words().fill(lang, key, values)
}

/// Prints the consent texts and every party that a round contacts, and asks once.
pub(super) fn ask(
    options: &UpOptions,
    contacts: &BTreeSet<String>,
    with_openness: bool,
) -> anyhow::Result<Answer> {
    let lang = options.lang;
    output::note(consent::text(Stream::Quality, lang).trim_end());
    if with_openness {
        output::note("");
        output::note(consent::text(Stream::Openness, lang).trim_end());
    }
    output::note("");
    output::note(&words(lang, "up.contacts"));
    for contact in contacts {
        output::note(&format!("  {contact}"));
    }
    output::note("");
    let consents = Consents {
        quality: consent::current_version(Stream::Quality).to_owned(),
        openness: with_openness.then(|| consent::current_version(Stream::Openness).to_owned()),
    };
    if options.yes {
        return Ok(Answer::Yes(consents));
    }
    if !output::can_ask() {
        output::note(&words(lang, "up.nobody_to_ask"));
        return Ok(Answer::NobodyToAsk);
    }
    if yes(&words(lang, "up.ask"))? {
        return Ok(Answer::Yes(consents));
    }
    output::note(&words(lang, "up.declined"));
    Ok(Answer::No)
}
