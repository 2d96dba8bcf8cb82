//! What a run may look at beside its own bytes: the interface, the processor, the declared plan.
use super::interface::{self, Counters};
use super::{System, read, route};
use tonle_evidence::record::{Plan, QuotaState};
use tonle_net::processor::Processor;

/// The line a run measures, as far as the device and its volunteer know it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where the system tells about itself; absent where a run is to know nothing of it.
    pub system: Option<System>,
    /// The declared plan.
    pub plan: Plan,
    /// Bit rate of the Wi-Fi link, bit/s, where something told it.
    pub wifi_rate_bps: Option<i64>,
    /// Whether a transfer ends as soon as its rate is known well enough.
    pub early_stop: bool,
    /// Whether whole transfers leave a trace on the device.
    pub keeps_traces: bool,
}

impl Default for Line {
    /// A line of which nothing is known.
    fn default() -> Self {
        Self {
            system: None,
            plan: Plan {
                download_bps: None,
                upload_bps: None,
                quota: QuotaState::Unknown,
            },
            wifi_rate_bps: None,
            early_stop: false,
            keeps_traces: false,
        }
    }
}

/// What the device is at one moment of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// Kind of the interface that the default route uses, in the words of the record format.
    pub interface: Option<&'static str>,
    /// Bytes it has moved since it came up.
    pub counters: Option<Counters>,
    /// Rate of its link, bit/s, of a cable.
    pub link_rate_bps: Option<i64>,
    /// Wi-Fi signal, dBm.
    pub wifi_signal_dbm: Option<i64>,
    /// The processor's counters.
    pub processor: Processor,
}

impl Line {
    /// Looks now. Nothing where the run is to know nothing.
    #[must_use]
    pub fn glance(&self) -> Glance {
        self.system.as_ref().map(System::glance).unwrap_or_default()
    }
}

impl System {
    /// A quick look: a handful of small files of `/proc` and `/sys`.
    #[must_use]
    pub fn glance(&self) -> Glance {
        let processor = Processor::read(&self.proc);
        let v4 = route::parse_v4(&read(&self.proc.join("net/route")));
        let v6 = route::parse_v6(&read(&self.proc.join("net/ipv6_route")));
        let Some(default) = route::default_of(&v4).or_else(|| route::default_of(&v6)) else {
            return Glance {
                processor,
                ..Glance::default()
            };
        };
        let name = &default.interface;
        let wireless = read(&self.proc.join("net/wireless"));
        Glance {
            interface: Some(interface::kind(&self.sys, name).as_str()),
            counters: interface::counters(&self.sys, name),
            link_rate_bps: interface::link_rate_bps(&self.sys, name),
            wifi_signal_dbm: interface::wifi_signal_dbm(&wireless, name),
            processor,
        }
    }
}
