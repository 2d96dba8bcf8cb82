//! Why a text is not the TOML that was expected, on one line for a person.

/// `line L: what is wrong`; the parser's own form takes five lines.
#[must_use]
pub fn reason(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim().replace('\n', "; ");
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_at_fault_is_named_and_the_reason_is_one_line() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Config {
            #[serde(rename = "listen")]
            _listen: Option<String>,
        }
        let text = "listen = 'a'\nlisen = 'b'\n";
        let error = toml::from_str::<Config>(text).unwrap_err();
        let reason = reason(text, &error);
        assert!(
            reason.starts_with("line 2: ") && reason.contains("lisen"),
            "{reason}"
        );
        assert_eq!(reason.lines().count(), 1);
    }
}
