//! The shipped data parses and agrees with itself: metrics, and Cambodia's folder.
use std::collections::BTreeSet;
use std::net::IpAddr;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::record::Stream;
use tonle_evidence::targets::TargetFile;
use url::Url;

const METRICS: &str = include_str!("../../../configs/metrics.toml");
const COUNTRY: &str = include_str!("../../../configs/countries/kh/country.toml");
const OPERATORS: &str = include_str!("../../../configs/countries/kh/operators.toml");
const PROVINCES: &str = include_str!("../../../configs/countries/kh/provinces.geojson");
const SERVICES: &str = include_str!("../../../configs/services.toml");
const TARGETS: &str = include_str!("../../../configs/countries/kh/targets.csv");

/// Codes of the Citizen Lab scheme that this list uses; sensitive ones have no place in it.
const CATEGORIES: [&str; 12] = [
    "COMM", "COMT", "CTRL", "CULTR", "ECON", "GOVT", "HOST", "IGO", "MMED", "NEWS", "PUBH", "SRCH",
];

fn country() -> Country {
    Country::parse(COUNTRY, OPERATORS, PROVINCES).expect("the shipped country parses")
}

#[test]
fn every_metric_says_its_unit_in_its_name_and_has_both_labels() {
    let catalogue = Catalogue::parse(METRICS).unwrap();
    for metric in catalogue.metrics() {
        assert!(
            metric.base.ends_with(&format!("_{}", metric.unit)),
            "{}",
            metric.base
        );
        assert!(
            !metric.variants.is_empty(),
            "{} pools everything",
            metric.base
        );
        assert!(metric.max > 0, "{}", metric.base);
        assert!(
            metric.unit != "ppm" || metric.max == 1_000_000 || is_ratio(&metric.base),
            "{}",
            metric.base
        );
        assert!(metric.km.chars().any(is_khmer), "{}", metric.base);
        assert!(
            !metric.en.is_empty() && !metric.en.chars().any(is_khmer),
            "{}",
            metric.base
        );
    }
}

/// A ratio of two rates is no share of a whole, and may be above one.
fn is_ratio(base: &str) -> bool {
    base.contains(".ratio_")
}

#[test]
fn every_experiment_of_a_round_has_a_headline_metric() {
    let catalogue = Catalogue::parse(METRICS).unwrap();
    let experiments: BTreeSet<&str> = catalogue
        .metrics()
        .iter()
        .map(|m| m.experiment.as_str())
        // On request, on unmetered lines only, or where a list names targets for them.
        .filter(|experiment| {
            !["throughput1", "responsiveness", "favoured", "throttling"].contains(experiment)
        })
        .collect();
    let with_headline: BTreeSet<&str> = catalogue
        .metrics()
        .iter()
        .filter(|metric| metric.headline)
        .map(|metric| metric.experiment.as_str())
        .collect();
    assert_eq!(experiments, with_headline);
}

#[test]
fn cambodia_has_its_25_provinces_in_order() {
    let country = country();
    let codes: Vec<String> = country.provinces.iter().map(|p| p.code.clone()).collect();
    let expected: Vec<String> = (1..=25).map(|number| format!("KH-{number}")).collect();
    assert_eq!(codes, expected);
    for province in &country.provinces {
        assert!(province.km.chars().any(is_khmer), "{}", province.code);
        assert!(province.population > 0, "{}", province.code);
        let centre = province.centre.unwrap();
        assert!(
            (10_000_000..15_000_000).contains(&centre.lat_udeg),
            "{province:?}"
        );
        assert!(
            (102_000_000..108_000_000).contains(&centre.lon_udeg),
            "{province:?}"
        );
    }
    assert_eq!(country.utc_offset_s, 7 * 3600);
}

#[test]
fn no_network_belongs_to_two_operators() {
    let country = country();
    let asns: Vec<u32> = country
        .operators
        .iter()
        .flat_map(|o| o.asns.clone())
        .collect();
    let distinct: BTreeSet<u32> = asns.iter().copied().collect();
    assert_eq!(asns.len(), distinct.len());
    let ids: BTreeSet<&str> = country.operators.iter().map(|o| o.id.as_str()).collect();
    assert_eq!(ids.len(), country.operators.len());
    assert_eq!(country.operator_of(38_623).unwrap().id, "metfone");
}

#[test]
fn the_target_list_fits_its_experiments_and_categories() {
    let file = TargetFile::parse(TARGETS).unwrap();
    for listed in &file.quality.targets {
        if listed.experiment == "web_page" {
            assert_is_https(&listed.target.value);
            continue;
        }
        assert!(
            ["latency", "dns", "path"].contains(&listed.experiment.as_str()),
            "{listed:?}"
        );
        assert_is_domain(&listed.target.value);
    }
    for listed in &file.openness.targets {
        match listed.experiment.as_str() {
            "web_connectivity" => assert_is_https(&listed.target.value),
            "dns_integrity" | "sni" | "ech" | "quic" => assert_is_domain(&listed.target.value),
            "services" => assert_is_service(&listed.target.value),
            _ => panic!("{listed:?}"),
        }
    }
    for stream in [Stream::Quality, Stream::Openness] {
        assert!(file.list(stream).targets.len() >= 15);
        for listed in &file.list(stream).targets {
            let category = listed.target.category.as_deref().unwrap();
            assert!(CATEGORIES.contains(&category), "{listed:?}");
        }
    }
    assert!(file.quality.public_resolvers.iter().all(IpAddr::is_ipv4));
    assert!(file.quality.public_resolvers.len() >= 3);
    assert!(file.openness.public_resolvers.is_empty());
}

fn assert_is_service(target: &str) {
    let services: toml::Table = SERVICES.parse().expect("the shipped services parse");
    let services = services["service"].as_array();
    let mut services = services.into_iter().flatten();
    let is_known = services.any(|service| service["id"].as_str() == Some(target));
    assert!(is_known, "{target}");
}

fn assert_is_domain(target: &str) {
    let host = url::Host::parse(target);
    assert!(matches!(host, Ok(url::Host::Domain(_))), "{target}");
}

fn assert_is_https(target: &str) {
    let url = Url::parse(target).expect("a target is a URL");
    assert_eq!(url.scheme(), "https", "{url}");
    assert_eq!(url.as_str(), target, "not in the form browsers use");
}

fn is_khmer(c: char) -> bool {
    ('\u{1780}'..='\u{17ff}').contains(&c)
}
