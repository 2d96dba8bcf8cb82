//! The public half: what was measured, where and how, with nothing that names the volunteer.
use crate::observation::Observation;
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

/// Schema id of the public half.
pub const PUBLIC_SCHEMA: &str = "tonle.record/1";
/// The kind of record that enters analysis and cells; other kinds are stored only.
pub const KIND_MEASUREMENT: &str = "measurement";

word_list! {
    /// Which of the two streams a record belongs to (they may go to different collectors).
    Stream {
        /// Latency, loss, throughput, resolver speed.
        Quality = "quality",
        /// Which sites and services are reachable.
        Openness = "openness",
    }
}

word_list! {
    /// Where the target lies, as far as the target list knows. Part of a metric's id.
    PathClass {
        /// Inside the country.
        Domestic = "domestic",
        /// Outside the country.
        Abroad = "abroad",
        /// This device or its own LAN (the resolver of a home router, a collector on loopback).
        Local = "local",
        /// Nobody declared it.
        Unknown = "unknown",
    }
}

word_list! {
    /// How the agent knows its province.
    ProvinceKnown {
        /// The volunteer chose it.
        SelfDeclared = "self_declared",
        /// The network changed since the volunteer chose: enters no province cell.
        Unconfirmed = "unconfirmed",
    }
}

word_list! {
    /// The kind of place a device stands in.
    PlaceKind {
        /// A household.
        Home = "home",
        /// A school or university.
        School = "school",
        /// A health centre or hospital.
        HealthCentre = "health_centre",
        /// A commune or other public office.
        CommuneOffice = "commune_office",
        /// A company, shop or organisation.
        Business = "business",
        /// A data centre or laboratory.
        DataCentre = "data_centre",
        /// Anything else.
        Other = "other",
        /// Not declared.
        Unknown = "unknown",
    }
}

word_list! {
    /// The access technology.
    Technology {
        /// Any mobile network whose generation is not known.
        Mobile = "mobile",
        /// 3G.
        Mobile3g = "mobile3g",
        /// 4G.
        Mobile4g = "mobile4g",
        /// 5G.
        Mobile5g = "mobile5g",
        /// Fibre to the building.
        Fibre = "fibre",
        /// Telephone line.
        Dsl = "dsl",
        /// Television cable.
        Cable = "cable",
        /// Fixed wireless.
        FixedWireless = "fixed_wireless",
        /// Satellite.
        Satellite = "satellite",
        /// Fixed, kind not known.
        Fixed = "fixed",
        /// Not declared and not detected.
        Unknown = "unknown",
    }
}

impl Technology {
    /// True for every technology behind carrier-grade NAT of a mobile operator.
    #[must_use]
    pub fn is_mobile(self) -> bool {
        matches!(
            self,
            Self::Mobile | Self::Mobile3g | Self::Mobile4g | Self::Mobile5g
        )
    }
}

word_list! {
    /// Whether the plan's volume is used up (throttled lines say nothing of the network).
    QuotaState {
        /// Volume is left.
        Within = "within",
        /// Used up: the operator throttles or charges.
        Exceeded = "exceeded",
        /// No quota.
        Unlimited = "unlimited",
        /// Not declared.
        Unknown = "unknown",
    }
}

word_list! {
    /// What held a result back, where known.
    LimitedBy {
        /// The line: the only case that says something of the operator.
        Line = "line",
        /// The device (CPU, memory, network card).
        Device = "device",
        /// The wireless link inside the home.
        Wifi = "wifi",
        /// The measurement server.
        Server = "server",
        /// The plan (declared rate or exhausted quota).
        Plan = "plan",
        /// A cap of our own (bytes or time).
        Cap = "cap",
        /// What was seen does not say: never taken for the line.
        Unknown = "unknown",
    }
}

word_list! {
    /// Whether the wall clock can be believed.
    ClockState {
        /// The kernel says that the clock is synchronised.
        Synchronised = "synchronised",
        /// The kernel says that it is not.
        Unsynchronised = "unsynchronised",
        /// The system does not tell.
        Unknown = "unknown",
    }
}

word_list! {
    /// How the run ended. Whatever the network did is in the observations.
    Outcome {
        /// It ran to its end.
        Completed = "completed",
        /// Its time ran out; what it saw until then stands.
        TimedOut = "timed_out",
        /// The experiment's code failed; what it saw until then stands.
        Panicked = "panicked",
        /// The agent was told to stop.
        Cancelled = "cancelled",
        /// Its byte cap was reached.
        Capped = "capped",
    }
}

/// Something declared by the volunteer, with what the device detected beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claim<T> {
    /// As the volunteer said; absent when nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<T>,
    /// As the device found; absent when it cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected: Option<T>,
}

/// Method of the run: the experiment and the version of its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Method {
    /// The experiment's name, such as `latency`.
    pub id: String,
    /// Raised whenever the meaning of its values changes.
    pub version: u32,
    /// The stream it belongs to.
    pub stream: Stream,
}

/// What the run was directed at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// Host, URL, resolver address or server; public, therefore evidence. A resolver on the
    /// volunteer's own network is written `lan_resolver` or `loopback_resolver`, never by address.
    pub value: String,
    /// The list's category code, such as `GOVT`; absent for servers and resolvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where it lies.
    pub path_class: PathClass,
}

/// One value of a declared metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sample {
    /// The full metric id (see [`crate::catalogue`]).
    pub metric: String,
    /// The value, in `unit`.
    pub value: i64,
    /// `us`, `bps`, `ppm`, `bytes`, `count`.
    pub unit: String,
}

/// The province and how it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Province {
    /// ISO 3166-2 code, such as `KH-12`.
    pub code: String,
    /// How it is known.
    pub known: ProvinceKnown,
}

/// The plan as the volunteer declared it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plan {
    /// Advertised download rate, bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_bps: Option<i64>,
    /// Advertised upload rate, bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_bps: Option<i64>,
    /// Whether volume is left.
    pub quota: QuotaState,
}

/// State of the wall clock when the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Clock {
    /// Whether it can be believed.
    pub state: ClockState,
    /// Collector time minus ours as a class, microseconds ([`crate::record::offset_class`]): the
    /// exact one would tell one device's records from all others'. Earlier records hold the exact
    /// one here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_us: Option<i64>,
}

/// The cellular radio link when the run ended. No cell, network or subscriber id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Radio {
    /// Radio access technology: `gsm`, `umts`, `lte`, `nr` or `other`.
    pub rat: String,
    /// Reference signal received power (RSRP, 3GPP TS 36.214, 38.215), dBm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsrp_dbm: Option<i64>,
    /// Reference signal received quality (RSRQ), tenths of dB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsrq_db_tenths: Option<i64>,
    /// Signal to interference and noise ratio (SINR), tenths of dB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinr_db_tenths: Option<i64>,
}

/// What the device knew of itself. No address, name or identifier of the volunteer's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Context {
    /// `ethernet`, `wifi`, `cellular`, `loopback`, `tunnel`, `none` or `unknown`.
    pub interface: String,
    /// `ipv4`, `ipv6`, `both` or `none`: families with a default route.
    pub ip_family: String,
    /// Whether the line is metered, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metered: Option<bool>,
    /// Wi-Fi signal, dBm, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wifi_signal_dbm: Option<i64>,
    /// Rate of the interface's own link (cable or Wi-Fi), bit/s, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_rate_bps: Option<i64>,
    /// The cellular radio, where there is one and it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radio: Option<Radio>,
    /// Bytes other programs moved over the interface during the run, both ways, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_traffic_bytes: Option<i64>,
    /// The declared plan.
    pub plan: Plan,
    /// The clock.
    pub clock: Clock,
    /// What limited the result, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<LimitedBy>,
    /// Bytes this run sent and received, as the experiment counted them.
    pub bytes_used: i64,
}

/// The program that made the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Software {
    /// `tonle-agent`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Git commit it was built from, or `unknown`.
    pub build: String,
}

/// The public half of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Public {
    /// [`PUBLIC_SCHEMA`].
    pub schema: String,
    /// [`KIND_MEASUREMENT`], or a kind that a newer agent writes.
    pub kind: String,
    /// Experiment and version.
    pub method: Method,
    /// What it was run against.
    pub target: Target,
    /// Values of declared metrics.
    pub samples: Vec<Sample>,
    /// What each step saw, in the order of their ends.
    pub observations: Vec<Observation>,
    /// How the run ended.
    pub outcome: Outcome,
    /// ISO 3166-1 code of the country whose clock and provinces apply.
    pub country: String,
    /// The province.
    pub province: Province,
    /// The kind of place.
    pub place: PlaceKind,
    /// The operator's id.
    pub operator: Claim<String>,
    /// The access technology.
    pub technology: Claim<Technology>,
    /// What the device knew of itself.
    pub context: Context,
    /// Local date and hour of the start, `YYYY-MM-DDTHH` (see [`crate::local_time`]).
    pub local_hour: String,
    /// Version of the text the volunteer agreed to.
    pub consent_version: String,
    /// The program.
    pub software: Software,
}
