//! Pure: what limited one direction, from what was seen beside it.
//!
//! The rules are asked in this order, and the first that holds decides. Shares of a sender are of
//! its kernel's busy time (`TCPInfo`), of several streams of the sum of theirs; the sender is the server of
//! a download and this device in an upload. Limits of a share are our own choice: half of the time is more than a disturbance.
//!
//! - S1 server: it says that one of its own resources was busy nine tenths of the time.
//! - S2 server, download: half of the time its send buffer held it back or it had nothing to send,
//!   or half of its messages came while its program was behind (`AppLimited`).
//! - S3 server, upload: its window held us back half of the time.
//! - D1 device: this process used 85 % of a core. One stream is one task, so one core is all it has; of several
//!   streams nobody knows how they share, so that one core is taken for all they had.
//! - D2 device: packet handling used nine tenths of a core.
//! - D3 device: all cores together were busy 95 % of the time.
//! - D4 device: our window (download) or our send buffer (upload) held the sender back half of the
//!   time, or our program had nothing to send (upload).
//! - D5 device: the rate is 85 % of the cable's link rate. TCP payload is at most 94 % of Ethernet.
//! - W1 Wi-Fi: the rate is half of the link's bit rate: airtime leaves TCP little more.
//! - W2 Wi-Fi: a signal of −75 dBm or weaker, unless the bit rate is known to be four times the rate.
//! - P1 plan: the plan's volume is used up.
//! - P2 plan: the rate is within a tenth of the declared one.
//! - C1 cap: the test ended at a byte cap of ours.
//! - U1 unknown: a server that stands on this machine or in this network: there is no line.
//! - U2 unknown: others moved more than a tenth of what we moved.
//! - U3 unknown: rate, processor, sender's kernel or the Wi-Fi's signal are not known.
//! - U4 unknown: for a fifth of its busy time the sender was held back by something else than the
//!   network.
//! - L1 line: none of these.
use tonle_evidence::record::{LimitedBy, QuotaState};
use tonle_net::processor::Busy;
use tonle_wire::ndt7::{Direction, TcpInfo};

const HALF_PPM: i64 = 500_000;
const SERVER_BUSY_PPM: i64 = 900_000;
const OWN_CORE_PPM: i64 = 850_000;
const PACKETS_PPM: i64 = 900_000;
const ALL_CORES_PPM: i64 = 950_000;
const CABLE_PPM: i64 = 850_000;
const WEAK_SIGNAL_DBM: i64 = -75;
/// A weak signal is no limit where the link's bit rate is this many times the rate.
const AMPLE_WIFI: i64 = 4;
const PLAN_PPM: std::ops::RangeInclusive<i64> = 900_000..=1_100_000;
const OTHERS_PPM: i64 = 100_000;
const NETWORK_LIMITED_PPM: i64 = 800_000;
/// Bit of `AppLimited` that is about the delivery rate.
const RATE_APP_LIMITED: u8 = 1;

/// What the sender's kernel says held it back, parts per million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit stands in every name")]
pub(in crate::experiments) struct Sender {
    /// Share of the test in which it had something to send.
    pub(in crate::experiments) busy_ppm: Option<i64>,
    /// Share of its busy time in which the receiver's window held it back.
    pub(in crate::experiments) window_ppm: Option<i64>,
    /// Share of its busy time in which its own send buffer held it back.
    pub(in crate::experiments) buffer_ppm: Option<i64>,
}

impl Sender {
    /// What a kernel says after `elapsed_us` of a test.
    pub(in crate::experiments) fn of(tcp: &TcpInfo, elapsed_us: i64) -> Self {
        let busy_us = tcp.busy_time_us.unwrap_or(0);
        Self {
            busy_ppm: ppm(tcp.busy_time_us, elapsed_us),
            window_ppm: ppm(tcp.rwnd_limited_us, busy_us),
            buffer_ppm: ppm(tcp.sndbuf_limited_us, busy_us),
        }
    }

    /// What the kernels say of several streams, each with the microseconds that it lasted; `None` where one of
    /// them says nothing.
    pub(in crate::experiments) fn of_streams(
        streams: impl Iterator<Item = Option<(TcpInfo, i64)>>,
    ) -> Option<Self> {
        let (mut sum, mut all_us) = (TcpInfo::default(), 0_i64);
        for stream in streams {
            let (tcp, elapsed_us) = stream?;
            all_us = all_us.saturating_add(elapsed_us);
            add(&mut sum.busy_time_us, tcp.busy_time_us?);
            add(&mut sum.rwnd_limited_us, tcp.rwnd_limited_us?);
            add(&mut sum.sndbuf_limited_us, tcp.sndbuf_limited_us?);
        }
        Some(Self::of(&sum, all_us))
    }
}

fn add(sum: &mut Option<i64>, more: i64) {
    *sum = Some(sum.unwrap_or(0).saturating_add(more));
}

/// True when a message of the server says that its program was behind.
pub(in crate::experiments) fn is_app_limited(tcp: &TcpInfo) -> bool {
    tcp.app_limited
        .is_some_and(|bits| bits & RATE_APP_LIMITED != 0)
}

/// What was seen of one direction and beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) direction: Direction,
    /// The server stands on this machine or in this network.
    pub(super) is_local: bool,
    /// It ended at a byte cap of ours.
    pub(super) is_capped: bool,
    /// Payload over time.
    pub(super) rate_bps: Option<i64>,
    pub(super) sender: Sender,
    /// Share of the server's messages that came while its program was behind.
    pub(super) app_limited_ppm: Option<i64>,
    /// What the server says of its own load.
    pub(super) server_busy_ppm: Option<i64>,
    /// This device's processor meanwhile.
    pub(super) processor: Busy,
    /// Kind of the interface, in the words of the record format.
    pub(super) interface: Option<&'static str>,
    pub(super) link_rate_bps: Option<i64>,
    pub(super) wifi_rate_bps: Option<i64>,
    pub(super) wifi_signal_dbm: Option<i64>,
    /// Declared rate of this direction.
    pub(super) plan_bps: Option<i64>,
    pub(super) quota: QuotaState,
    /// Bytes that others moved for each million of ours.
    pub(super) others_ppm: Option<i64>,
}

/// A verdict with the rule that gave it.
pub(super) type Verdict = (LimitedBy, &'static str);

/// What limited this direction.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    server(seen)
        .or_else(|| device(seen))
        .or_else(|| wifi(seen))
        .or_else(|| plan(seen))
        .or_else(|| seen.is_capped.then_some((LimitedBy::Cap, "C1")))
        .or_else(|| unknown(seen))
        .unwrap_or((LimitedBy::Line, "L1"))
}

/// Of several directions, what limits the whole record: whatever is not the line comes first.
pub(in crate::experiments) fn of_all(verdicts: &[LimitedBy]) -> Option<LimitedBy> {
    const ORDER: [LimitedBy; 7] = [
        LimitedBy::Server,
        LimitedBy::Device,
        LimitedBy::Wifi,
        LimitedBy::Plan,
        LimitedBy::Cap,
        LimitedBy::Unknown,
        LimitedBy::Line,
    ];
    ORDER.into_iter().find(|word| verdicts.contains(word))
}

fn server(seen: &Seen) -> Option<Verdict> {
    let by = |rule| Some((LimitedBy::Server, rule));
    if reaches(seen.server_busy_ppm, SERVER_BUSY_PPM) {
        return by("S1");
    }
    match seen.direction {
        Direction::Download
            if is_held_back(&seen.sender) || reaches(seen.app_limited_ppm, HALF_PPM) =>
        {
            by("S2")
        }
        Direction::Upload if reaches(seen.sender.window_ppm, HALF_PPM) => by("S3"),
        _ => None,
    }
}

/// By its own buffer, or for want of anything to send.
fn is_held_back(sender: &Sender) -> bool {
    reaches(sender.buffer_ppm, HALF_PPM)
        || sender.busy_ppm.is_some_and(|busy_ppm| busy_ppm < HALF_PPM)
}

fn device(seen: &Seen) -> Option<Verdict> {
    let by = |rule| Some((LimitedBy::Device, rule));
    if reaches(seen.processor.own_ppm, OWN_CORE_PPM) {
        return by("D1");
    }
    if reaches(seen.processor.packets_ppm, PACKETS_PPM) {
        return by("D2");
    }
    if reaches(seen.processor.all_cores_ppm, ALL_CORES_PPM) {
        return by("D3");
    }
    let is_ours = match seen.direction {
        Direction::Download => reaches(seen.sender.window_ppm, HALF_PPM),
        Direction::Upload => is_held_back(&seen.sender),
    };
    if is_ours {
        return by("D4");
    }
    let is_cable = seen.interface == Some("ethernet");
    if is_cable && reaches(share(seen.rate_bps, seen.link_rate_bps), CABLE_PPM) {
        return by("D5");
    }
    None
}

fn wifi(seen: &Seen) -> Option<Verdict> {
    if seen.interface != Some("wifi") {
        return None;
    }
    let of_link = share(seen.rate_bps, seen.wifi_rate_bps);
    if reaches(of_link, HALF_PPM) {
        return Some((LimitedBy::Wifi, "W1"));
    }
    let is_ample = of_link.is_some_and(|ppm| ppm <= 1_000_000 / AMPLE_WIFI);
    let is_weak = seen
        .wifi_signal_dbm
        .is_some_and(|dbm| dbm <= WEAK_SIGNAL_DBM);
    (is_weak && !is_ample).then_some((LimitedBy::Wifi, "W2"))
}

fn plan(seen: &Seen) -> Option<Verdict> {
    if seen.quota == QuotaState::Exceeded {
        return Some((LimitedBy::Plan, "P1"));
    }
    let of_plan = share(seen.rate_bps, seen.plan_bps);
    of_plan
        .is_some_and(|ppm| PLAN_PPM.contains(&ppm))
        .then_some((LimitedBy::Plan, "P2"))
}

fn unknown(seen: &Seen) -> Option<Verdict> {
    let by = |rule| Some((LimitedBy::Unknown, rule));
    if seen.is_local {
        return by("U1");
    }
    if seen.others_ppm.is_some_and(|ppm| ppm > OTHERS_PPM) {
        return by("U2");
    }
    let is_known = seen.rate_bps.is_some()
        && seen.processor.own_ppm.is_some()
        && seen.processor.all_cores_ppm.is_some()
        && (seen.interface != Some("wifi") || seen.wifi_signal_dbm.is_some());
    let held_back = seen.sender.window_ppm.zip(seen.sender.buffer_ppm);
    let (true, Some((window_ppm, buffer_ppm))) = (is_known, held_back) else {
        return by("U3");
    };
    let by_network_ppm = 1_000_000 - window_ppm.saturating_add(buffer_ppm);
    (by_network_ppm < NETWORK_LIMITED_PPM).then_some((LimitedBy::Unknown, "U4"))
}

fn reaches(value: Option<i64>, limit: i64) -> bool {
    value.is_some_and(|value| value >= limit)
}

fn share(part: Option<i64>, whole: Option<i64>) -> Option<i64> {
    ppm(part, whole?)
}

/// `part` of `whole` in parts per million; a peer may send any two numbers.
pub(in crate::experiments) fn ppm(part: Option<i64>, whole: i64) -> Option<i64> {
    let part = part.filter(|part| *part >= 0 && whole > 0)?;
    i64::try_from(i128::from(part) * 1_000_000 / i128::from(whole)).ok()
}

#[cfg(test)]
mod tests;
