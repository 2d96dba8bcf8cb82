//! Where the device stands and on what line, as its volunteer declared it; `profile.json`.
//!
//! Written by `join` and `confirm` only, replaced whole; a running agent reads it anew before each
//! round, so that a confirmation needs no restart. Values in the configuration win.
use crate::config::Config;
use crate::context::network::{Fingerprint, Salt};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use tonle_evidence::country::Country;
use tonle_evidence::hash::{Hex, sha256};
use tonle_evidence::record::{PlaceKind, Plan, Province, ProvinceKnown, QuotaState, Technology};
use tonle_net::datadir::{DataDirError, write_atomic};

/// The file in the data directory.
pub const FILE: &str = "profile.json";
/// Networks remembered as being at the declared place; the oldest is forgotten first.
const NETWORKS_MAX: usize = 16;

/// What was declared, and on which networks it was confirmed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Salt of the fingerprints, 16 random bytes made with the file.
    pub salt: Salt,
    /// What the volunteer said.
    pub declared: Declared,
    /// Networks on which the province was confirmed; `null` stands for "no network".
    pub networks: Vec<Option<Fingerprint>>,
}

/// What a volunteer may say of place and line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Declared {
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// The kind of place.
    pub place: Option<PlaceKind>,
    /// The operator's id.
    pub operator: Option<String>,
    /// The access technology.
    pub technology: Option<Technology>,
    /// Advertised download rate, bit/s.
    pub plan_download_bps: Option<i64>,
    /// Advertised upload rate, bit/s.
    pub plan_upload_bps: Option<i64>,
    /// Whether the plan's volume is used up.
    pub quota: Option<QuotaState>,
    /// Whether the line costs by volume.
    pub metered: Option<bool>,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// The file is damaged.
    #[error(
        "{0} is damaged ({1}); remove it and declare the place again with `tonle agent confirm`"
    )]
    Damaged(PathBuf, serde_json::Error),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// No such province.
    #[error("'{given}' is no province of {country}; choose one of {known}")]
    Province {
        /// As given.
        given: String,
        /// English name of the country.
        country: String,
        /// Every code with its name.
        known: String,
    },
    /// No such operator.
    #[error("'{given}' is no operator of {country}; choose one of {known}, or none")]
    Operator {
        /// As given.
        given: String,
        /// English name of the country.
        country: String,
        /// Every id.
        known: String,
    },
}

impl Declared {
    /// These values, with those of the configuration in their place where it has any.
    #[must_use]
    pub fn with(self, config: &Config) -> Self {
        let config = config.clone();
        Self {
            province: config.province.or(self.province),
            place: config.place.or(self.place),
            operator: config.operator.or(self.operator),
            technology: config.technology.or(self.technology),
            plan_download_bps: config.plan_download_bps.or(self.plan_download_bps),
            plan_upload_bps: config.plan_upload_bps.or(self.plan_upload_bps),
            quota: config.quota.or(self.quota),
            metered: config.metered.or(self.metered),
        }
    }

    /// Checks the names against the country's lists.
    pub fn check(&self, country: &Country) -> Result<(), ProfileError> {
        if let Some(given) = &self.province
            && country.province(given).is_none()
        {
            return Err(ProfileError::Province {
                given: given.clone(),
                country: country.en.clone(),
                known: join(
                    country
                        .provinces
                        .iter()
                        .map(|one| format!("{} {}", one.code, one.en)),
                ),
            });
        }
        let is_known = |id: &String| country.operators.iter().any(|one| one.id == *id);
        match &self.operator {
            Some(given) if !country.operators.is_empty() && !is_known(given) => {
                Err(ProfileError::Operator {
                    given: given.clone(),
                    country: country.en.clone(),
                    known: join(country.operators.iter().map(|one| one.id.clone())),
                })
            }
            _ => Ok(()),
        }
    }

    /// The plan, in the form of a record.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            download_bps: self.plan_download_bps,
            upload_bps: self.plan_upload_bps,
            quota: self.quota.unwrap_or(QuotaState::Unknown),
        }
    }
}

fn join(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Profile {
    /// A device of which nothing is declared yet.
    #[must_use]
    pub fn new(salt: Salt) -> Self {
        Self {
            salt,
            declared: Declared::default(),
            networks: Vec::new(),
        }
    }

    /// Reads the file; `None` when there is none.
    pub fn load(data_dir: &Path) -> Result<Option<Self>, ProfileError> {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| ProfileError::Damaged(path, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ProfileError::Read(path, error)),
        }
    }

    /// Keeps it.
    pub fn store(&self, data_dir: &Path) -> Result<(), ProfileError> {
        let bytes = serde_json::to_vec_pretty(self).expect("plain values are always JSON");
        Ok(write_atomic(&data_dir.join(FILE), &bytes)?)
    }

    /// Says that the device stands in `province` on this network. Another province than before
    /// forgets the networks of the old one.
    pub fn confirm(&mut self, province: &str, network: Option<Fingerprint>) {
        if self.declared.province.as_deref() != Some(province) {
            self.declared.province = Some(province.to_owned());
            self.networks.clear();
        }
        if !self.networks.contains(&network) {
            self.networks.push(network);
        }
        let surplus = self.networks.len().saturating_sub(NETWORKS_MAX);
        self.networks.drain(..surplus);
    }

    /// The province of a record made on `network`. Without any declaration it is the country itself,
    /// unconfirmed, which no province's figures count.
    #[must_use]
    pub fn province(
        &self,
        declared: &Declared,
        network: Option<Fingerprint>,
        country: &Country,
    ) -> Province {
        let is_confirmed = declared.province.is_some()
            && declared.province == self.declared.province
            && self.networks.contains(&network);
        Province {
            code: declared
                .province
                .clone()
                .unwrap_or_else(|| country.code.clone()),
            known: if is_confirmed {
                ProvinceKnown::SelfDeclared
            } else {
                ProvinceKnown::Unconfirmed
            },
        }
    }

    /// The device's own number for its rhythm.
    #[must_use]
    pub fn schedule_seed(&self) -> u64 {
        let digest = sha256(&[self.salt.0.as_slice(), b"schedule"].concat());
        u64::from_be_bytes(digest.0[..8].try_into().expect("eight of thirty-two bytes"))
    }
}

impl std::fmt::Debug for Profile {
    /// Leaves out salt and networks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}

/// A new salt from the operating system.
#[must_use]
pub fn new_salt() -> Salt {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system always has randomness");
    Hex(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::country::{Operator, ProvinceInfo};

    fn country() -> Country {
        let province = |code: &str| ProvinceInfo {
            code: code.into(),
            en: "Somewhere".into(),
            km: "Somewhere".into(),
            population: 1,
            centre: None,
        };
        Country {
            code: "XX".into(),
            en: "Testland".into(),
            km: "Testland".into(),
            utc_offset_s: 0,
            peak: None,
            provinces: vec![province("XX-1"), province("XX-2")],
            operators: vec![Operator {
                id: "one".into(),
                name: "One".into(),
                asns: vec![64_500],
            }],
        }
    }

    const HOME: Option<Fingerprint> = Some(Hex([1; 8]));
    const CAFE: Option<Fingerprint> = Some(Hex([2; 8]));

    fn at_home() -> Profile {
        let mut profile = Profile::new(Hex([7; 16]));
        profile.confirm("XX-1", HOME);
        profile
    }

    fn known(profile: &Profile, network: Option<Fingerprint>) -> ProvinceKnown {
        profile
            .province(&profile.declared, network, &country())
            .known
    }

    #[test]
    fn another_network_makes_the_province_unconfirmed_until_it_is_confirmed() {
        let mut profile = at_home();
        assert_eq!(known(&profile, HOME), ProvinceKnown::SelfDeclared);
        assert_eq!(known(&profile, CAFE), ProvinceKnown::Unconfirmed);
        assert_eq!(known(&profile, None), ProvinceKnown::Unconfirmed);
        profile.confirm("XX-1", CAFE);
        assert_eq!(known(&profile, CAFE), ProvinceKnown::SelfDeclared);
        assert_eq!(known(&profile, HOME), ProvinceKnown::SelfDeclared);
    }

    #[test]
    fn another_province_forgets_the_networks_of_the_old_one() {
        let mut profile = at_home();
        profile.confirm("XX-2", CAFE);
        assert_eq!(known(&profile, HOME), ProvinceKnown::Unconfirmed);
    }

    #[test]
    fn a_province_written_into_the_configuration_is_unconfirmed_until_it_is_confirmed() {
        let profile = at_home();
        let config = Config {
            province: Some("XX-2".into()),
            ..Config::default()
        };
        let declared = profile.declared.clone().with(&config);
        let province = profile.province(&declared, HOME, &country());
        assert_eq!(province.code, "XX-2");
        assert_eq!(province.known, ProvinceKnown::Unconfirmed);
    }

    #[test]
    fn without_a_declaration_the_country_stands_unconfirmed() {
        let profile = Profile::new(Hex([7; 16]));
        let province = profile.province(&profile.declared, None, &country());
        assert_eq!(
            (province.code.as_str(), province.known),
            ("XX", ProvinceKnown::Unconfirmed)
        );
    }

    #[test]
    fn names_outside_the_countrys_lists_are_refused_with_the_list() {
        let wrong_province = Declared {
            province: Some("XX-9".into()),
            ..Declared::default()
        };
        let error = wrong_province.check(&country()).unwrap_err();
        assert!(error.to_string().contains("XX-2 Somewhere"), "{error}");
        let wrong_operator = Declared {
            operator: Some("two".into()),
            ..Declared::default()
        };
        assert!(wrong_operator.check(&country()).is_err());
        assert!(Declared::default().check(&country()).is_ok());
    }

    #[test]
    fn a_profile_reads_back_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Profile::load(dir.path()).unwrap(), None);
        at_home().store(dir.path()).unwrap();
        assert_eq!(Profile::load(dir.path()).unwrap(), Some(at_home()));
    }

    #[test]
    fn networks_are_bounded() {
        let mut profile = at_home();
        for number in 0..100 {
            profile.confirm("XX-1", Some(Hex([number; 8])));
        }
        assert_eq!(profile.networks.len(), NETWORKS_MAX);
    }
}
