//! Names of a rule: matched exactly and with their subdomains, whatever the case.

/// The names that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| plain(name)).collect())
    }

    /// Whether a name is one of these or below one of them. No names at all: every name is.
    pub(super) fn cover(&self, name: &str) -> bool {
        let name = plain(name);
        self.0.is_empty() || self.0.iter().any(|own| is_within(&name, own))
    }
}

/// Lower case, without the final dot.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone)
        .is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_name_covers_itself_and_what_is_below_in_any_case() {
        let names = Names::new(&["Blocked.test".to_owned()]);
        for name in [
            "blocked.test",
            "BLOCKED.TEST.",
            "www.blocked.test",
            "a.b.Blocked.test",
        ] {
            assert!(names.cover(name), "{name}");
        }
    }

    #[test]
    fn a_name_does_not_cover_one_that_only_ends_alike() {
        let names = Names::new(&["blocked.test".to_owned()]);
        for name in [
            "notblocked.test",
            "test",
            "blocked.test.example",
            "blocked",
            "",
        ] {
            assert!(!names.cover(name), "{name}");
        }
    }

    #[test]
    fn no_names_cover_every_name() {
        assert!(Names::new(&[]).cover("anything.test"));
    }
}
