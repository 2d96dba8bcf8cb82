//! A country as data: its clock, provinces and operators. Nothing about a country is in code.
use crate::centre::Centre;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A first-level division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvinceInfo {
    /// ISO 3166-2 code.
    pub code: String,
    /// English name.
    pub en: String,
    /// Khmer (or other local) name.
    pub km: String,
    /// Census population.
    pub population: i64,
    /// Its middle, where its shape is known; enrolments of older collectors have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre: Option<Centre>,
}

/// An operator and the networks it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Short id, such as `smart`.
    pub id: String,
    /// Name as people know it.
    pub name: String,
    /// Autonomous systems.
    pub asns: Vec<u32>,
}

/// The hours of every day in which networks are busiest, on the country's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeakHours {
    /// First hour, 0 to 23.
    pub from_hour: u8,
    /// The hour that is no peak hour any more, 1 to 24.
    pub until_hour: u8,
}

impl PeakHours {
    /// True for the hours from the first to the one before the last.
    #[must_use]
    pub fn holds(self, hour: u8) -> bool {
        (self.from_hour..self.until_hour).contains(&hour)
    }

    /// Says what is wrong with hours that hold nothing or all, or are none.
    fn check(self) -> Result<(), String> {
        let Self {
            from_hour,
            until_hour,
        } = self;
        let holds_some = from_hour < until_hour && until_hour <= 24;
        if holds_some && until_hour - from_hour < 24 {
            return Ok(());
        }
        Err(format!(
            "peak hours from {from_hour} until {until_hour}: give hours of one day, such as 19 and 23"
        ))
    }
}

/// A country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: String,
    /// English name.
    pub en: String,
    /// Local name.
    pub km: String,
    /// Local time minus UTC, seconds.
    pub utc_offset_s: i32,
    /// Its peak hours; `None` where none are declared, and then no figure tells peak from off-peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<PeakHours>,
    /// Provinces in order of their numbers.
    pub provinces: Vec<ProvinceInfo>,
    /// Operators in the order of the file.
    pub operators: Vec<Operator>,
}

/// Why a country's files cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct BadCountry {
    file: &'static str,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountryFile {
    code: String,
    en: String,
    km: String,
    utc_offset_s: i32,
    peak: Option<PeakHours>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorsFile {
    /// Day the list was last checked, for whoever reads the file.
    #[serde(rename = "as_of")]
    _as_of: String,
    operator: Vec<Operator>,
}

impl Country {
    /// Reads `country.toml`, `operators.toml` and the properties of `provinces.geojson`.
    pub fn parse(country: &str, operators: &str, provinces: &str) -> Result<Self, BadCountry> {
        let bad = |file| {
            move |error: toml::de::Error| BadCountry {
                file,
                reason: error.to_string(),
            }
        };
        let head: CountryFile = toml::from_str(country).map_err(bad("country.toml"))?;
        if let Some(peak) = head.peak {
            peak.check().map_err(|reason| BadCountry {
                file: "country.toml",
                reason,
            })?;
        }
        let operators: OperatorsFile = toml::from_str(operators).map_err(bad("operators.toml"))?;
        Ok(Self {
            code: head.code,
            en: head.en,
            km: head.km,
            utc_offset_s: head.utc_offset_s,
            peak: head.peak,
            provinces: provinces_of(provinces)?,
            operators: operators.operator,
        })
    }

    /// The province with this code.
    #[must_use]
    pub fn province(&self, code: &str) -> Option<&ProvinceInfo> {
        self.provinces.iter().find(|province| province.code == code)
    }

    /// The operator that runs this autonomous system.
    #[must_use]
    pub fn operator_of(&self, asn: u32) -> Option<&Operator> {
        self.operators
            .iter()
            .find(|operator| operator.asns.contains(&asn))
    }
}

fn provinces_of(geojson: &str) -> Result<Vec<ProvinceInfo>, BadCountry> {
    let bad = |reason: String| BadCountry {
        file: "provinces.geojson",
        reason,
    };
    let map: Value = serde_json::from_str(geojson).map_err(|error| bad(error.to_string()))?;
    let features = map["features"]
        .as_array()
        .ok_or_else(|| bad("no features".into()))?;
    let read = |feature: &Value| {
        let properties = &feature["properties"];
        let text = |name: &str| {
            let value = properties[name].as_str();
            value
                .map(str::to_owned)
                .ok_or_else(|| bad(format!("a feature lacks '{name}'")))
        };
        Ok(ProvinceInfo {
            code: text("iso")?,
            en: text("name_en")?,
            km: text("name_km")?,
            population: properties["population_2019"].as_i64().unwrap_or(0),
            centre: Centre::of_geometry(&feature["geometry"]),
        })
    };
    let mut provinces: Vec<ProvinceInfo> = features.iter().map(read).collect::<Result<_, _>>()?;
    provinces.sort_by_key(|province| {
        let number = province
            .code
            .rsplit('-')
            .next()
            .and_then(|number| number.parse::<u32>().ok());
        (number, province.code.clone())
    });
    Ok(provinces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_hours_are_of_one_day_and_neither_empty_nor_all_of_it() {
        let peak = |from_hour, until_hour| PeakHours {
            from_hour,
            until_hour,
        };
        assert!(peak(19, 23).check().is_ok());
        assert!(peak(23, 24).check().is_ok());
        for (from, until) in [(19, 19), (23, 19), (0, 24), (19, 25)] {
            assert!(peak(from, until).check().is_err(), "{from} until {until}");
        }
        let hours: Vec<u8> = (0..24).filter(|hour| peak(19, 23).holds(*hour)).collect();
        assert_eq!(hours, [19, 20, 21, 22]);
    }
}
