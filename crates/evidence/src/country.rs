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
        let operators: OperatorsFile = toml::from_str(operators).map_err(bad("operators.toml"))?;
        Ok(Self {
            code: head.code,
            en: head.en,
            km: head.km,
            utc_offset_s: head.utc_offset_s,
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
