//! The rules from a record to its facts.
//!
//! A record enters cells when all of these hold (the first that fails is its [`NoCell`]):
//! 1. It is signed by an enrolled agent, of a version and kind that this program reads, and intake
//!    found nothing implausible in it.
//! 2. It is of this country, and its province exists and is confirmed.
//! 3. Its local hour is known: the device's clock was synchronised, or its offset to the collector
//!    is known and corrects it; and it did not begin after it was received.
//!
//! Then each sample enters the cell of its metric when (else its [`LeftOut`]):
//! 4. its metric is declared, in this unit, and holds the value;
//! 5. it is no throughput, or the line is known to have limited it: what nobody knows the limit of is
//!    counted apart. A cap of our own limits only metrics whose id does not say so: `…/ndt7_capped/…`
//!    and `throughput1.…/capped/…` do;
//! 6. it is no throughput, or others moved at most a tenth of what the run moved meanwhile.
//!
//! Rules 5 and 6 do not ask of a path that is local: it is of no line.
use super::Ground;
use super::reason::{LeftOut, NoCell};
use crate::statements::Sighting;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::entry::{Mark, Provenance, Tier};
use tonle_evidence::envelope::Opened;
use tonle_evidence::hash::Id64;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::record::{
    ClockState, Context, KIND_MEASUREMENT, LimitedBy, PlaceKind, Private, ProvinceKnown, Public,
    Sample, Technology, clock_offset_us,
};
use tonle_evidence::statement::Access;

/// The experiments whose values say something of the line only when the line limited them.
const LIMITED_EXPERIMENTS: [&str; 2] = ["throughput", "throughput1"];
/// Ending of the part of an id that says that a cap of our own ended the test.
const CAPPED: &str = "capped";
/// The part of an id that says that the path left no building.
const LOCAL_PATH: &str = "local";
/// Others may move one byte in this many of the run's own (rule 6).
const CROSS_TRAFFIC_SHARE: i64 = 10;
/// How far after its receipt a record may claim to have begun: clocks are corrected over a network.
const FUTURE_SLACK_US: i64 = 5 * 60 * 1_000_000;
/// Operator of a record when neither network nor volunteer nor device says.
const UNKNOWN_OPERATOR: &str = "unknown";

/// What intake knew of a record beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// Where it came from.
    pub provenance: Provenance,
    /// How well its agent is known.
    pub tier: Tier,
    /// Collector's clock, microseconds since the Unix epoch.
    pub received_at_us: i64,
    /// Autonomous system of the source address, where a table was loaded.
    pub asn: Option<u32>,
    /// Autonomous system from which the device's own resolver asks, where that is known.
    pub resolver_asn: Option<u32>,
    /// The month's group id of the source prefix.
    pub group_id: Option<Id64>,
    /// What the checks at intake found.
    pub marks: &'a [Mark],
}

/// What all values of a record share: everything in a cell's key beside metric and hour. The path
/// class is part of the metric's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stratum {
    /// ISO 3166-2 code.
    pub province: String,
    /// Operator's id: of the network the record came from, else declared, else detected.
    pub operator: String,
    /// Access technology: declared, else detected.
    pub technology: Technology,
    /// Kind of place.
    pub place: PlaceKind,
    /// How well the agent is known.
    pub tier: Tier,
}

/// One value for one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Full metric id.
    pub metric: String,
    /// In the metric's unit.
    pub value: i64,
}

/// What cells take from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The country's hour in which the run began.
    pub hour: LocalHour,
    /// What all values share.
    pub stratum: Stratum,
    /// Network it came from, as independence of agents is judged.
    pub sighting: Sighting,
    /// The values, in the record's order.
    pub values: Vec<Value>,
    /// Samples that enter no cell, in the record's order.
    pub left_out: Vec<(String, LeftOut)>,
}

impl Stratum {
    /// The access class, under which figures are published.
    #[must_use]
    pub fn access(&self) -> Access {
        access_of(self.technology)
    }
}

/// Derives the facts of a record, or says which rule keeps it out of every cell.
pub fn analyse(opened: &Opened, received: &Received<'_>, ground: &Ground) -> Result<Facts, NoCell> {
    let Opened { public, private } = opened;
    admitted(public, received, ground)?;
    placed(public, &ground.country)?;
    let hour = hour_of(public, private, received, ground.country.utc_offset_s)?;
    let stratum = Stratum {
        province: public.province.code.clone(),
        operator: operator_of(public, received.asn, &ground.country),
        technology: technology_of(public),
        place: public.place,
        tier: received.tier,
    };
    let sighting = sighting_of(received, stratum.access());
    let mut facts = Facts {
        hour,
        stratum,
        sighting,
        values: Vec::new(),
        left_out: Vec::new(),
    };
    for sample in &public.samples {
        match sample_rule(sample, &public.context, &ground.catalogue) {
            Ok(()) => facts.values.push(Value {
                metric: sample.metric.clone(),
                value: sample.value,
            }),
            Err(reason) => facts.left_out.push((sample.metric.clone(), reason)),
        }
    }
    Ok(facts)
}

/// Rule 1.
pub(crate) fn admitted(
    public: &Public,
    received: &Received<'_>,
    ground: &Ground,
) -> Result<(), NoCell> {
    let marked = |mark| received.marks.contains(&mark);
    if received.provenance != ground.counts {
        return Err(NoCell::NotSigned);
    }
    if marked(Mark::NewerVersion) {
        return Err(NoCell::NewerVersion);
    }
    if marked(Mark::UnknownKind) || public.kind != KIND_MEASUREMENT {
        return Err(NoCell::UnknownKind);
    }
    if marked(Mark::Implausible) {
        return Err(NoCell::Implausible);
    }
    Ok(())
}

/// Rule 2.
fn placed(public: &Public, country: &Country) -> Result<(), NoCell> {
    if public.country != country.code {
        return Err(NoCell::OtherCountry);
    }
    if country.province(&public.province.code).is_none() {
        return Err(NoCell::UnknownProvince);
    }
    match public.province.known {
        ProvinceKnown::SelfDeclared => Ok(()),
        ProvinceKnown::Unconfirmed => Err(NoCell::UnconfirmedProvince),
    }
}

/// Rule 3. A clock of unknown state is believed no more than an unsynchronised one.
pub(super) fn hour_of(
    public: &Public,
    private: &Private,
    received: &Received<'_>,
    utc_offset_s: i32,
) -> Result<LocalHour, NoCell> {
    let clock = &public.context.clock;
    let correction_us = match (clock.state, clock_offset_us(public, private)) {
        (ClockState::Synchronised, _) => 0,
        (ClockState::Unsynchronised | ClockState::Unknown, Some(offset_us)) => offset_us,
        (ClockState::Unsynchronised | ClockState::Unknown, None) => {
            return Err(NoCell::ClockNotKnown);
        }
    };
    let began_us = private.t_start_us.saturating_add(correction_us);
    if began_us > received.received_at_us.saturating_add(FUTURE_SLACK_US) {
        return Err(NoCell::Future);
    }
    Ok(LocalHour::at(began_us, utc_offset_s))
}

/// The network decides where its table knows it; the volunteer's word stands where it does not. A
/// network that none of the country's operators runs is named by its number.
fn operator_of(public: &Public, asn: Option<u32>, country: &Country) -> String {
    let by_network = asn.map(|asn| match country.operator_of(asn) {
        Some(operator) => operator.id.clone(),
        None => format!("as{asn}"),
    });
    let claim = &public.operator;
    by_network
        .or_else(|| claim.declared.clone())
        .or_else(|| claim.detected.clone())
        .unwrap_or_else(|| UNKNOWN_OPERATOR.to_owned())
}

/// An address of the network from which the device's own resolver asks, where the record says one: what the
/// system's lookups of the name that tells it were answered, or else those of a resolver of the device. Public
/// resolvers, which are asked by their address, say nothing of it.
#[must_use]
pub fn resolver_address(public: &Public) -> Option<IpAddr> {
    let identities = public.observations.iter();
    let mut identities = identities.filter(|seen| seen.operation == "resolver_identity");
    identities.find_map(|seen| {
        let asked = seen.detail.get("resolver")?.as_str()?;
        if asked.parse::<SocketAddr>().is_ok() || asked.parse::<IpAddr>().is_ok() {
            return None;
        }
        let addresses = seen.detail.get("addresses")?.as_array()?;
        let mut addresses = addresses.iter().filter_map(|one| one.as_str());
        addresses.find_map(|address| address.parse().ok())
    })
}

/// The network that openness is told of: by its number, else as the volunteer or device calls it.
pub(crate) fn network_of(public: &Public, asn: Option<u32>) -> String {
    let claim = &public.operator;
    asn.map(|asn| format!("as{asn}"))
        .or_else(|| claim.declared.clone())
        .or_else(|| claim.detected.clone())
        .unwrap_or_else(|| UNKNOWN_OPERATOR.to_owned())
}

/// The access class of a technology, under which figures are published.
#[must_use]
pub fn access_of(technology: Technology) -> Access {
    match technology {
        Technology::Unknown => Access::Unknown,
        technology if technology.is_mobile() => Access::Mobile,
        _ => Access::Fixed,
    }
}

/// On mobile access the group id is left out: see [`crate::statements::independence`].
pub(super) fn sighting_of(received: &Received<'_>, access: Access) -> Sighting {
    Sighting {
        asn: received.asn,
        group_id: received.group_id.filter(|_| access != Access::Mobile),
    }
}

pub(super) fn technology_of(public: &Public) -> Technology {
    let claim = &public.technology;
    let says = |technology: &Technology| *technology != Technology::Unknown;
    claim
        .declared
        .filter(says)
        .or(claim.detected)
        .unwrap_or(Technology::Unknown)
}

/// Rules 4 to 6.
fn sample_rule(sample: &Sample, context: &Context, catalogue: &Catalogue) -> Result<(), LeftOut> {
    let metric = catalogue.get(&sample.metric).ok_or(LeftOut::Undeclared)?;
    if sample.unit != metric.unit {
        return Err(LeftOut::WrongUnit);
    }
    if !(0..=metric.max).contains(&sample.value) {
        return Err(LeftOut::OutOfRange);
    }
    if !LIMITED_EXPERIMENTS.contains(&metric.experiment.as_str()) {
        return Ok(());
    }
    if sample.metric.split('/').any(|part| part == LOCAL_PATH) {
        return Ok(());
    }
    let id_says_capped = sample.metric.split('/').any(|part| part.ends_with(CAPPED));
    match context.limited_by {
        Some(LimitedBy::Line) => {}
        Some(LimitedBy::Cap) if id_says_capped => {}
        None | Some(LimitedBy::Unknown) => return Err(LeftOut::LimitNotKnown),
        Some(_) => return Err(LeftOut::NotLimitedByLine),
    }
    let is_busy = context
        .cross_traffic_bytes
        .is_some_and(|others| others > context.bytes_used / CROSS_TRAFFIC_SHARE);
    if is_busy {
        return Err(LeftOut::BusyLine);
    }
    Ok(())
}
