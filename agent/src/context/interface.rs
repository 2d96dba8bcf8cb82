//! One network interface: its kind, its counters, its Wi-Fi signal.
use std::fs;
use std::path::Path;

/// ARP hardware types of `/sys/class/net/*/type` (`linux/if_arp.h`).
const ARPHRD_ETHER: u32 = 1;
const ARPHRD_RAWIP: u32 = 519;
const ARPHRD_LOOPBACK: u32 = 772;
const ARPHRD_NONE: u32 = 0xfffe;
const ARPHRD_TUNNELS: [u32; 4] = [768, 769, 776, 778];

/// Kinds of interfaces that a record distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ethernet,
    Wifi,
    Cellular,
    Loopback,
    Tunnel,
    None,
    Unknown,
}

impl Kind {
    /// The word of the record format.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Wifi => "wifi",
            Self::Cellular => "cellular",
            Self::Loopback => "loopback",
            Self::Tunnel => "tunnel",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// Bytes an interface has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Received and sent together.
    pub bytes: u64,
}

/// The kind of an interface, from what `/sys/class/net` says of it.
pub(super) fn kind(sys: &Path, name: &str) -> Kind {
    let folder = sys.join("class/net").join(name);
    let is_wifi = folder.join("wireless").exists() || folder.join("phy80211").exists();
    let uevent = fs::read_to_string(folder.join("uevent")).unwrap_or_default();
    let hardware = number(&folder.join("type"));
    kind_of(
        is_wifi,
        &uevent,
        hardware.and_then(|type_| u32::try_from(type_).ok()),
    )
}

/// The kind, from whether there is a radio, the device type in `uevent`, and the hardware type.
pub(super) fn kind_of(is_wifi: bool, uevent: &str, hardware: Option<u32>) -> Kind {
    let device_type = uevent
        .lines()
        .find_map(|line| line.strip_prefix("DEVTYPE="));
    match (device_type, hardware) {
        _ if is_wifi => Kind::Wifi,
        (Some("wlan"), _) => Kind::Wifi,
        (Some("wwan"), _) | (_, Some(ARPHRD_RAWIP)) => Kind::Cellular,
        (Some("wireguard" | "vxlan"), _) | (_, Some(ARPHRD_NONE)) => Kind::Tunnel,
        (_, Some(ARPHRD_LOOPBACK)) => Kind::Loopback,
        (_, Some(ARPHRD_ETHER)) => Kind::Ethernet,
        (_, Some(type_)) if ARPHRD_TUNNELS.contains(&type_) => Kind::Tunnel,
        // Also PPP, which is a telephone modem as often as a DSL line.
        _ => Kind::Unknown,
    }
}

/// The counters of an interface.
pub(super) fn counters(sys: &Path, name: &str) -> Option<Counters> {
    let statistics = sys.join("class/net").join(name).join("statistics");
    let received = number(&statistics.join("rx_bytes"))?;
    let sent = number(&statistics.join("tx_bytes"))?;
    Some(Counters {
        bytes: received.saturating_add(sent),
    })
}

/// The rate of an interface's link, bit/s. Drivers that know none write −1 or refuse to be read.
pub(super) fn link_rate_bps(sys: &Path, name: &str) -> Option<i64> {
    let megabits = number(&sys.join("class/net").join(name).join("speed"))?;
    let megabits = i64::try_from(megabits).ok()?;
    // 2^32 − 1 is how older drivers write −1.
    (1..i64::from(u32::MAX))
        .contains(&megabits)
        .then(|| megabits * 1_000_000)
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Signal of an interface in `/proc/net/wireless`, dBm: the column `level`, which drivers write as
/// a negative dBm or, older ones, as dBm + 256.
pub(super) fn wifi_signal_dbm(text: &str, name: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| {
        let (interface, rest) = line.trim_start().split_once(':')?;
        (interface == name).then_some(rest)
    })?;
    let level = line.split_whitespace().nth(2)?.trim_end_matches('.');
    let level: i64 = level.parse().ok()?;
    let dbm = if level > 0 {
        level.checked_sub(256)?
    } else {
        level
    };
    (-120..0).contains(&dbm).then_some(dbm)
}
