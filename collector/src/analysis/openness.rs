//! What a visit to a page says of a target in a network, by layer. Pure.
//!
//! Rules beside those of [`super::web`]: a record counts when it is signed, plausible and of this country,
//! and its hour is known. A province that is not confirmed is left out and the record still counts: the
//! cell of a target is a network's, and no province's.
use super::facts::{access_of, admitted, hour_of, network_of, sighting_of, technology_of};
use super::web::{Facts, Fingerprints, tonle};
use super::{Ground, NoCell, Received};
use crate::statements::Sighting;
use tonle_evidence::envelope::Opened;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::record::ProvinceKnown;
use tonle_evidence::statement::Access;
use tonle_evidence::verdict::{State, Verdict};
use tonle_wire::ooni::WEB_CONNECTIVITY;

/// The layer of the page as a whole.
pub const PAGE: &str = "page";
/// Longest artefact in a fingerprint, characters.
const ARTEFACT_MAX: usize = 120;

/// What is said of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// [`PAGE`], `dns`, `tcp`, `tls` or `http`.
    pub layer: &'static str,
    /// Of resolving: `as` and the number of the network that the device's own resolver asks from, where that is
    /// known. Else empty.
    pub resolver: String,
    /// The state.
    pub state: State,
    /// Mechanism and artefact of what interferes; else empty.
    pub fingerprint: String,
}

/// What cells take from a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// What was visited, as the list names it.
    pub target: String,
    /// `as` and the number of the network it came from, else the operator that is claimed.
    pub network: String,
    /// Where the province is confirmed.
    pub province: Option<String>,
    /// The country's hour in which it began.
    pub hour: LocalHour,
    /// Access class that it was made on.
    pub access: Access,
    /// Network it came from, as independence of agents is judged.
    pub sighting: Sighting,
    /// Name and version of the agent.
    pub software: String,
    /// Each layer that something is said of, the page first.
    pub said: Vec<Said>,
}

/// Judges a visit. `None` of any other experiment.
pub fn visit(
    opened: &Opened,
    received: &Received<'_>,
    ground: &Ground,
    prints: &Fingerprints,
) -> Result<Option<Visit>, NoCell> {
    let Opened { public, private } = opened;
    if public.method.id != WEB_CONNECTIVITY {
        return Ok(None);
    }
    admitted(public, received, ground)?;
    if public.country != ground.country.code {
        return Err(NoCell::OtherCountry);
    }
    let hour = hour_of(public, private, received, ground.country.utc_offset_s)?;
    let facts = Facts::from_record(public, Some(private));
    let verdict = tonle::verdict(&facts, prints);
    let layers = [
        (PAGE, Some(&verdict.overall)),
        ("dns", verdict.dns.as_ref()),
        ("tcp", verdict.tcp.as_ref()),
        ("tls", verdict.tls.as_ref()),
        ("http", verdict.http.as_ref()),
    ];
    let said = layers.into_iter().filter_map(|(layer, verdict)| {
        let verdict = verdict?;
        Some(Said {
            layer,
            resolver: resolver_of(layer, received.resolver_asn),
            state: verdict.state,
            fingerprint: fingerprint(verdict, &facts),
        })
    });
    let access = access_of(technology_of(public));
    Ok(Some(Visit {
        access,
        sighting: sighting_of(received, access),
        target: public.target.value.clone(),
        network: network_of(public, received.asn),
        province: confirmed_province(opened, ground),
        hour,
        software: format!("{}/{}", public.software.name, public.software.version),
        said: said.collect(),
    }))
}

fn resolver_of(layer: &str, asn: Option<u32>) -> String {
    let asn = asn.filter(|_| layer == "dns");
    asn.map(|asn| format!("as{asn}")).unwrap_or_default()
}

/// The province, where the volunteer confirmed it and the country has it.
pub(crate) fn confirmed_province(opened: &Opened, ground: &Ground) -> Option<String> {
    let province = &opened.public.province;
    let is_known = ground.country.province(&province.code).is_some();
    let is_confirmed = province.known == ProvinceKnown::SelfDeclared;
    (is_known && is_confirmed).then(|| province.code.clone())
}

/// The mechanism, and what distinguishes who does it: the addresses of a false answer, the title of a
/// block page, the place it is found at.
fn fingerprint(verdict: &Verdict, facts: &Facts) -> String {
    let Some(mechanism) = verdict.mechanism else {
        return String::new();
    };
    let fired = verdict
        .rules
        .first()
        .and_then(|rule| rule.observations.first());
    let artefact = fired.and_then(|at| artefact(at, facts)).unwrap_or_default();
    let artefact: String = artefact.chars().take(ARTEFACT_MAX).collect();
    format!("{mechanism} {artefact}").trim_end().to_owned()
}

fn artefact(at: &str, facts: &Facts) -> Option<String> {
    if let Some(lookup) = facts.lookups.iter().find(|lookup| lookup.at == at) {
        let mut addresses: Vec<&str> = lookup
            .addresses
            .iter()
            .map(|address| address.text.as_str())
            .collect();
        addresses.sort_unstable();
        return Some(addresses.join(","));
    }
    let requests = facts.endpoints.iter().filter_map(|one| one.http.as_ref());
    let http = requests.into_iter().find(|http| http.step.at == at)?;
    let response = http.response.as_ref()?;
    let mut headers = response.headers.iter();
    let location = headers.find(|(name, _)| name == "location");
    let location = location.and_then(|(_, value)| value.clone());
    location.or_else(|| (!response.title.is_empty()).then(|| response.title.clone()))
}
