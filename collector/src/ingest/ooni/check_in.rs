//! `POST /api/v1/check-in`: what a client is to do.
//!
//! 1. Sites come from our openness list, of the categories that the client names; of all that are not
//!    sensitive when it names none, as for our own agents. Each client gets a random choice, so that all sites are measured.
//! 2. At most 9,999 sites when a person asked for the run, 100 when the device is charging, else 20.
//! 3. Where the client does not know its country or network, our table of networks may; the address is
//!    forgotten at once.
use super::submission::random_letters;
use super::{Door, helpers};
use crate::ingest::body;
use crate::ingest::source::{Peer, Source};
use crate::web::ApiError;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use rand::Rng;
use rand::seq::SliceRandom;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tonle_evidence::category::Category;
use tonle_evidence::targets::{ListedTarget, TargetList};
use tonle_net::clock::wall_us;
use tonle_wire::ooni::WEB_CONNECTIVITY;
use tonle_wire::ooni::name::{ReportId, asn_of, is_country, written_utc};

/// Most bytes of a request.
const REQUEST_MAX_BYTES: usize = 64 << 10;
/// Sites of a run that a person asked for.
const MANUAL_MAX: usize = 9_999;
/// Sites of a run by itself while the device is charging.
const CHARGING_MAX: usize = 100;
/// Sites of any other run.
const OTHER_MAX: usize = 20;
/// Not known, as OONI writes it.
const NO_COUNTRY: &str = "ZZ";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    charging: Option<bool>,
    probe_asn: Option<String>,
    probe_cc: Option<String>,
    run_type: Option<String>,
    web_connectivity: Option<Wanted>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    category_codes: Option<Vec<String>>,
}

/// Where a client is.
struct Place {
    country: String,
    asn: u32,
}

pub(super) async fn post(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let source = Source::of(peer, &headers, &door.hall.trusted_proxies);
    door.hall.admit(&source)?;
    let bytes = body::read(&headers, body, REQUEST_MAX_BYTES).await?;
    let request: Request = serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::BadRequest(format!("not a check-in (at column {})", error.column()))
    })?;
    let place = door.place(&request, &source);
    let list = door.list()?;
    Ok(Json(door.answer(&request, &place, &list, &mut rand::rng())))
}

impl Door {
    /// Rule 3.
    fn place(&self, request: &Request, source: &Source) -> Place {
        let told_country = request.probe_cc.as_deref();
        let told_asn = request.probe_asn.as_deref().and_then(asn_of);
        let known = source
            .client
            .map(|address| self.hall.network.lookup(address));
        let (known_asn, known_country) = known.map_or((None, None), |one| (one.asn, one.country));
        let country = told_country
            .filter(|code| is_country(code) && *code != NO_COUNTRY)
            .map(str::to_owned)
            .or(known_country.filter(|code| is_country(code)));
        Place {
            country: country.unwrap_or_else(|| NO_COUNTRY.to_owned()),
            asn: told_asn.filter(|asn| *asn > 0).or(known_asn).unwrap_or(0),
        }
    }

    fn answer(
        &self,
        request: &Request,
        place: &Place,
        list: &TargetList,
        random: &mut impl Rng,
    ) -> Value {
        let now_s = wall_us() / 1_000_000;
        let (country, asn) = (&place.country, place.asn);
        let operator = self.parts.country.operator_of(asn);
        let letters = random_letters(random);
        let report = ReportId::new(now_s, WEB_CONNECTIVITY, country, asn, &letters);
        let codes = request.web_connectivity.as_ref();
        let codes = codes.and_then(|wanted| wanted.category_codes.as_deref());
        let chosen = choose(list, codes.unwrap_or_default(), limit(request), random);
        let code = &self.parts.country.code;
        let urls: Vec<Value> = chosen
            .iter()
            .map(|site| {
                let category = site.target.category.as_deref().unwrap_or("MISC");
                json!({ "category_code": category, "country_code": code, "url": site.target.value })
            })
            .collect();
        json!({
            "v": 1,
            "probe_cc": country,
            "probe_asn": format!("AS{asn}"),
            "probe_network_name": operator.map_or("", |operator| operator.name.as_str()),
            "utc_time": written_utc(now_s),
            "conf": {
                "features": { "webconnectivity_0.5": true },
                "test_helpers": helpers(list),
            },
            "tests": {
                "web_connectivity": { "report_id": report.to_string(), "urls": urls },
            },
        })
    }
}

/// Rule 2.
fn limit(request: &Request) -> usize {
    if request.run_type.as_deref() == Some("manual") {
        MANUAL_MAX
    } else if request.charging == Some(true) {
        CHARGING_MAX
    } else {
        OTHER_MAX
    }
}

/// Rule 1.
fn choose<'a>(
    sites: &'a TargetList,
    codes: &[String],
    limit: usize,
    random: &mut impl Rng,
) -> Vec<&'a ListedTarget> {
    let is_wanted = |site: &&ListedTarget| {
        let category = site.target.category.as_deref().unwrap_or_default();
        let is_sensitive = || category.parse().is_ok_and(Category::is_sensitive);
        let is_chosen = if codes.is_empty() {
            !is_sensitive()
        } else {
            codes.iter().any(|code| code == category)
        };
        site.experiment == WEB_CONNECTIVITY && is_chosen
    };
    let mut wanted: Vec<&ListedTarget> = sites.targets.iter().filter(is_wanted).collect();
    wanted.shuffle(random);
    wanted.truncate(limit);
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use tonle_evidence::targets::TargetFile;

    /// Sites by turns of two categories, each also the target of another experiment.
    fn sites(count: usize) -> TargetList {
        let rows = (0..count).map(|number| {
            let rest = format!("{},abroad,openness,\n", ["NEWS", "GOVT"][number % 2]);
            format!("web_connectivity,https://{number}.example/,{rest}sni,{number}.example,{rest}")
        });
        let header = "experiment,value,category,path_class,stream,note\n".to_owned();
        let text = std::iter::once(header).chain(rows).collect::<String>();
        TargetFile::parse(&text).unwrap().openness
    }

    fn request(value: Value) -> Request {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_number_of_sites_follows_who_asked_and_what_the_device_can_bear() {
        for (asked, expected) in [
            (json!({ "run_type": "manual" }), 9_999),
            (json!({ "run_type": "manual", "charging": false }), 9_999),
            (json!({ "run_type": "timed", "charging": true }), 100),
            (json!({ "run_type": "timed", "charging": null }), 20),
            (json!({}), 20),
        ] {
            assert_eq!(limit(&request(asked)), expected);
        }
    }

    #[test]
    fn only_sites_of_the_named_categories_come_each_once_and_not_always_the_same() {
        let sites = sites(200);
        let codes = ["NEWS".to_owned()];
        let chosen = |seed: u64| {
            let mut random = StdRng::seed_from_u64(seed);
            let chosen = choose(&sites, &codes, 20, &mut random);
            chosen
                .iter()
                .map(|site| site.target.value.clone())
                .collect::<Vec<_>>()
        };
        let (mut one, other) = (chosen(1), chosen(2));
        assert_eq!(one.len(), 20);
        assert_ne!(one, other);
        one.sort();
        one.dedup();
        assert_eq!(one.len(), 20);
        assert!(
            choose(
                &sites,
                &["PORN".to_owned()],
                9,
                &mut StdRng::seed_from_u64(3)
            )
            .is_empty()
        );
        assert_eq!(
            choose(&sites, &[], 9_999, &mut StdRng::seed_from_u64(3)).len(),
            200
        );
    }

    #[test]
    fn sensitive_sites_are_given_only_to_whom_asks_for_them() {
        let mut sites = sites(4);
        for site in &mut sites.targets {
            site.target.category = Some("PORN".to_owned());
        }
        let chosen = |codes: &[&str]| {
            let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
            choose(&sites, &codes, 20, &mut StdRng::seed_from_u64(1)).len()
        };
        assert_eq!((chosen(&[]), chosen(&["PORN"])), (0, 4));
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = serde_json::from_slice::<Request>(&bytes).map(|request| limit(&request));
        }
    }
}
