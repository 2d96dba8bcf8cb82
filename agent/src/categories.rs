//! Which categories of sites the volunteer lets this device visit. What is off is never contacted,
//! whatever a list says; the choice never leaves the device.
//!
//! `categories.json`: `{"off":["NEWS"],"on":["PORN"]}`, what differs from the usual: sensitive ones off,
//! the others on. What the configuration says wins over it.
use crate::config::Config;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use tonle_evidence::category::Category;
use tonle_net::datadir::{DataDirError, write_atomic};

/// The file in the data directory.
const FILE: &str = "categories.json";

/// Why the choice cannot be read, kept or made.
#[derive(Debug, thiserror::Error)]
pub enum CategoriesError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// The file is damaged; what was off must not come on by that.
    #[error(
        "{0} is damaged ({1}), so no site is visited; remove it and choose again with `tonle agent categories`"
    )]
    Damaged(PathBuf, serde_json::Error),
    /// It could not be kept.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// Controls cannot be switched off.
    #[error(
        "{0} cannot be switched off: these innocuous sites show whether the line works at all, without which nothing can be said of others"
    )]
    AlwaysOn(Category),
}

/// What was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categories {
    /// Switched off, though usually on.
    #[serde(default)]
    off: BTreeSet<Category>,
    /// Switched on, though usually off.
    #[serde(default)]
    on: BTreeSet<Category>,
}

impl Categories {
    /// What was chosen on this device, under what the configuration says.
    pub fn load(data_dir: &Path, config: &Config) -> Result<Self, CategoriesError> {
        let mut chosen = Self::stored(data_dir)?;
        for category in &config.openness.categories_on {
            chosen.switch_on(*category);
        }
        for category in &config.openness.categories_off {
            chosen.switch_off(*category)?;
        }
        Ok(chosen)
    }

    /// What was chosen on this device.
    pub fn stored(data_dir: &Path) -> Result<Self, CategoriesError> {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| CategoriesError::Damaged(path, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(CategoriesError::Read(path, error)),
        }
    }

    /// Keeps the choice.
    pub fn store(&self, data_dir: &Path) -> Result<(), CategoriesError> {
        let bytes = serde_json::to_vec_pretty(self).expect("lists of words are always JSON");
        Ok(write_atomic(&data_dir.join(FILE), &bytes)?)
    }

    /// Lets sites of a category be visited.
    pub fn switch_on(&mut self, category: Category) {
        self.off.remove(&category);
        if category.is_sensitive() {
            self.on.insert(category);
        }
    }

    /// Lets no site of a category be visited.
    pub fn switch_off(&mut self, category: Category) -> Result<(), CategoriesError> {
        if category.is_always_on() {
            return Err(CategoriesError::AlwaysOn(category));
        }
        self.on.remove(&category);
        if !category.is_sensitive() {
            self.off.insert(category);
        }
        Ok(())
    }

    /// Whether sites of a category may be visited.
    #[must_use]
    pub fn is_on(&self, category: Category) -> bool {
        let is_chosen = !self.off.contains(&category);
        let is_usual = !category.is_sensitive() || self.on.contains(&category);
        category.is_always_on() || (is_chosen && is_usual)
    }

    /// Whether a target may be visited, by the category that its list gives it. None counts as
    /// miscellaneous; one that this program does not know may be anything, and is off.
    #[must_use]
    pub fn allow(&self, category: Option<&str>) -> bool {
        match category {
            None => self.is_on(Category::Miscellaneous),
            Some(code) => code.parse().is_ok_and(|category| self.is_on(category)),
        }
    }

    /// Every category that is off.
    #[must_use]
    pub fn all_off(&self) -> Vec<Category> {
        let off = |category: &Category| !self.is_on(*category);
        Category::ALL.iter().copied().filter(off).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OpennessConfig;
    use crate::consent::words;
    use proptest::prelude::*;
    use tonle_evidence::words::Lang;

    #[test]
    fn sensitive_categories_are_off_until_switched_on_and_others_on_until_switched_off() {
        let mut chosen = Categories::default();
        assert!(!chosen.allow(Some("PORN")) && chosen.allow(Some("NEWS")) && chosen.allow(None));
        chosen.switch_on(Category::Pornography);
        chosen.switch_off(Category::News).unwrap();
        assert!(chosen.allow(Some("PORN")) && !chosen.allow(Some("NEWS")));
    }

    #[test]
    fn controls_stay_on_and_unknown_categories_off() {
        let mut chosen = Categories::default();
        let refused = chosen.switch_off(Category::Control).unwrap_err();
        assert!(refused.to_string().contains("CTRL"), "{refused}");
        let by_hand: Categories = serde_json::from_str(r#"{"off":["CTRL"]}"#).unwrap();
        assert!(by_hand.allow(Some("CTRL")));
        assert!(!chosen.allow(Some("NEWER")));
    }

    #[test]
    fn the_configuration_wins_over_what_was_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let mut chosen = Categories::default();
        chosen.switch_on(Category::Gambling);
        chosen.store(dir.path()).unwrap();
        let config = Config {
            openness: OpennessConfig {
                categories_off: vec![Category::Gambling, Category::News],
                categories_on: vec![Category::HateSpeech],
                ..OpennessConfig::default()
            },
            ..Config::default()
        };
        let loaded = Categories::load(dir.path(), &config).unwrap();
        assert!(!loaded.is_on(Category::Gambling) && !loaded.is_on(Category::News));
        assert!(loaded.is_on(Category::HateSpeech));
    }

    #[test]
    fn a_damaged_choice_is_an_error_and_not_the_usual() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{\"off\":[\"NEWS\"").unwrap();
        assert!(Categories::stored(dir.path()).is_err());
    }

    #[test]
    fn every_category_has_a_name_in_every_language() {
        for category in Category::ALL {
            for lang in Lang::ALL {
                let name = words().get(lang, &format!("agent.category.{category}"));
                assert!(!name.starts_with('['), "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_last_word_on_a_category_counts(steps in prop::collection::vec((0..31usize, any::<bool>()), 1..40)) {
            let mut chosen = Categories::default();
            for (index, on) in &steps {
                let category = Category::ALL[*index];
                if *on { chosen.switch_on(category) } else { let _ = chosen.switch_off(category); }
            }
            for (index, category) in Category::ALL.iter().enumerate() {
                let last = steps.iter().rev().find(|(at, _)| *at == index);
                let usual = !category.is_sensitive();
                let expected = category.is_always_on() || last.map_or(usual, |(_, on)| *on);
                prop_assert_eq!(chosen.is_on(*category), expected);
            }
        }

        #[test]
        fn no_file_makes_it_panic(bytes: Vec<u8>) {
            let _ = serde_json::from_slice::<Categories>(&bytes);
        }
    }
}
