//! What is asked of Locate.
//!
//! 1. Whoever configures the service's URL decides: a parameter that stands in its query is sent as
//!    it stands and never twice. `strict=true&country=KH` there asks for servers of one country only.
//! 2. Where that query does not say where the client is (`lat`, `lon`, `region`, `country`, `site`),
//!    the place is added as `lat` and `lon` together: Locate's own guess is the address's, and its
//!    table of regions lacks some provinces (of Cambodia KH-8 and KH-25).
//! 3. The client says which program it is; keys that begin with `client_` reach the test's server
//!    too. Nothing of the device is said.
use url::Url;

/// Parameters that already say where the client is.
const PLACES: [&str; 5] = ["lat", "lon", "region", "country", "site"];

/// A point of the globe, millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// North of the equator.
    pub lat_udeg: i64,
    /// East of Greenwich.
    pub lon_udeg: i64,
}

/// A request to be made.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The service as it is configured.
    pub service: &'a Url,
    /// Name and version of the program.
    pub client: (&'a str, &'a str),
    /// Where the client is, as far as it says: a province, not a home.
    pub place: Option<Place>,
}

impl Request<'_> {
    /// The URL to get.
    #[must_use]
    pub fn url(&self) -> Url {
        let named: Vec<String> = self
            .service
            .query_pairs()
            .map(|(name, _)| name.into())
            .collect();
        let is_named = |name: &str| named.iter().any(|one| one == name);
        let (name, version) = self.client;
        let mut added = vec![
            ("client_name", name.to_owned()),
            ("client_version", version.to_owned()),
        ];
        if let Some(place) = self.place
            && !PLACES.into_iter().any(is_named)
        {
            added.push(("lat", degrees(place.lat_udeg)));
            added.push(("lon", degrees(place.lon_udeg)));
        }
        added.retain(|(name, _)| !is_named(name));
        let mut url = self.service.clone();
        url.set_fragment(None);
        if !added.is_empty() {
            url.query_pairs_mut().extend_pairs(added);
        }
        url
    }
}

/// Decimal degrees, all six places.
fn degrees(udeg: i64) -> String {
    let (sign, size) = (if udeg < 0 { "-" } else { "" }, udeg.unsigned_abs());
    format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KANDAL: Place = Place {
        lat_udeg: 11_452_000,
        lon_udeg: 104_995_500,
    };

    fn url(service: &str, place: Option<Place>) -> String {
        let service = Url::parse(service).unwrap();
        let request = Request {
            service: &service,
            client: ("tonle-agent", "1"),
            place,
        };
        request.url().to_string()
    }

    #[test]
    fn the_place_is_latitude_and_longitude_together() {
        assert_eq!(
            url(
                "https://locate.example.org/v2/nearest/ndt/ndt7",
                Some(KANDAL)
            ),
            "https://locate.example.org/v2/nearest/ndt/ndt7?client_name=tonle-agent\
             &client_version=1&lat=11.452000&lon=104.995500"
        );
        assert!(!url("https://x/", None).contains("lat"));
        assert_eq!(degrees(-5), "-0.000005");
    }

    #[test]
    fn what_the_configured_url_says_is_sent_as_it_stands() {
        let strict = url("https://x/?strict=true&country=KH", Some(KANDAL));
        assert!(strict.starts_with("https://x/?strict=true&country=KH&client_name="));
        assert!(!strict.contains("lat="), "{strict}");
        let named = url("https://x/?client_name=other", Some(KANDAL));
        assert_eq!(named.matches("client_name").count(), 1);
        assert!(named.contains("lat=") && named.contains("lon="));
    }

    proptest! {
        #[test]
        fn every_place_reads_back(lat_udeg in -90_000_000_i64..=90_000_000) {
            let read: f64 = degrees(lat_udeg).parse().unwrap();
            prop_assert!((read * 1e6 - lat_udeg as f64).abs() < 0.5);
        }
    }
}
