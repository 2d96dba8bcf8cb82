//! What a run may look at beside its own bytes: the interface, the processor, the declared plan.
use super::daemons::Latest;
use super::interface::{self, Counters};
use super::{System, read};
use tonle_evidence::record::{Plan, QuotaState};
use tonle_net::processor::Processor;

/// The line a run measures, as far as the device and its volunteer know it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where the system tells about itself; absent where a run is to know nothing of it.
    pub system: Option<System>,
    /// The declared plan.
    pub plan: Plan,
    /// What the system's daemons said last.
    pub daemons: Latest,
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
            daemons: Latest::default(),
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
    /// Bit rate of a Wi-Fi link, bit/s.
    pub wifi_rate_bps: Option<i64>,
    /// Wi-Fi signal, dBm.
    pub wifi_signal_dbm: Option<i64>,
    /// The processor's counters.
    pub processor: Processor,
}

impl Line {
    /// Looks now: a handful of small files of `/proc` and `/sys`, and what the daemons said last.
    /// Nothing where the run is to know nothing.
    #[must_use]
    pub fn glance(&self) -> Glance {
        let Some(system) = &self.system else {
            return Glance::default();
        };
        let processor = Processor::read(&system.proc);
        let Some(name) = system.default_interface() else {
            return Glance {
                processor,
                ..Glance::default()
            };
        };
        let told = self.daemons.told();
        let wireless = read(&system.proc.join("net/wireless"));
        let signal_dbm = interface::wifi_signal_dbm(&wireless, &name);
        Glance {
            interface: Some(told.kind_of(interface::kind(&system.sys, &name)).as_str()),
            counters: interface::counters(&system.sys, &name),
            link_rate_bps: interface::link_rate_bps(&system.sys, &name),
            wifi_rate_bps: told.wifi_rate_bps(),
            wifi_signal_dbm: signal_dbm.or(told.wifi_signal_dbm()),
            processor,
        }
    }
}
