//! Pure: what the daemons' values mean. A value of another type or out of range means nothing.
use super::super::interface::Kind;
use std::ops::RangeInclusive;
use tonle_evidence::record::Technology;
use zbus::Variant;

/// `NMDeviceType`.
const DEVICE_ETHERNET: u32 = 1;
const DEVICE_WIFI: u32 = 2;
const DEVICE_MODEM: u32 = 8;
const DEVICE_TUN: u32 = 16;
const DEVICE_IP_TUNNEL: u32 = 17;
const DEVICE_WIREGUARD: u32 = 29;
/// `NMMetered`: set by somebody, or guessed.
const METERED_YES: u32 = 1;
const METERED_NO: u32 = 2;
const METERED_GUESS_YES: u32 = 3;
/// `MMModemPortType`: a network interface.
const PORT_NET: u32 = 2;

/// Signal figures that a radio can have, tenths of dBm or dB (3GPP TS 36.133 and 38.133, with room
/// for what modems report beyond).
pub(super) const RSRP_TENTHS: RangeInclusive<i64> = -1_600..=-200;
pub(super) const RSRQ_TENTHS: RangeInclusive<i64> = -500..=300;
pub(super) const SINR_TENTHS: RangeInclusive<i64> = -500..=600;

/// Radio access technologies by the words of the record format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    Gsm,
    Umts,
    Lte,
    Nr,
    Other,
}

impl Generation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Gsm => "gsm",
            Self::Umts => "umts",
            Self::Lte => "lte",
            Self::Nr => "nr",
            Self::Other => "other",
        }
    }

    pub(super) fn technology(self) -> Technology {
        match self {
            Self::Umts => Technology::Mobile3g,
            Self::Lte => Technology::Mobile4g,
            Self::Nr => Technology::Mobile5g,
            Self::Gsm | Self::Other => Technology::Mobile,
        }
    }
}

/// The newest of the access technologies in use (`MMModemAccessTechnology`, a set of bits): 5G
/// beside its 4G anchor is 5G. `None` when the modem has none.
pub(super) fn generation(value: &Variant<'_>) -> Option<Generation> {
    const NEWEST_FIRST: [(u32, Generation); 4] = [
        (1 << 15, Generation::Nr),
        // LTE, LTE Cat-M, LTE Cat-NB.
        (1 << 14 | 1 << 16 | 1 << 17, Generation::Lte),
        // UMTS, HSDPA, HSUPA, HSPA, HSPA+.
        (0b1_1111 << 5, Generation::Umts),
        // GSM, GSM Compact, GPRS, EDGE.
        (0b1111 << 1, Generation::Gsm),
    ];
    let bits = unsigned(value).filter(|bits| *bits != 0)?;
    let newest = NEWEST_FIRST.iter().find(|(mask, _)| bits & mask != 0);
    Some(newest.map_or(Generation::Other, |(_, generation)| *generation))
}

/// The kind of an interface, of those that a record distinguishes.
pub(super) fn kind(value: &Variant<'_>) -> Option<Kind> {
    match unsigned(value)? {
        DEVICE_ETHERNET => Some(Kind::Ethernet),
        DEVICE_WIFI => Some(Kind::Wifi),
        DEVICE_MODEM => Some(Kind::Cellular),
        DEVICE_TUN | DEVICE_IP_TUNNEL | DEVICE_WIREGUARD => Some(Kind::Tunnel),
        _ => None,
    }
}

/// Whether a line costs by volume. A guess counts only when it is on the safe side.
pub(super) fn metered(value: &Variant<'_>) -> Option<bool> {
    match unsigned(value)? {
        METERED_YES | METERED_GUESS_YES => Some(true),
        METERED_NO => Some(false),
        _ => None,
    }
}

/// bit/s of a rate in kbit/s; zero is none.
pub(super) fn kbit_rate_bps(value: &Variant<'_>) -> Option<i64> {
    let kbit = unsigned(value).filter(|kbit| *kbit > 0)?;
    Some(i64::from(kbit) * 1_000)
}

/// dBm of NetworkManager's percentage. It makes one of the other by a straight line from −100 dBm
/// (0 %) to −40 dBm (100 %), and what is beyond either end is not known.
pub(super) fn strength_dbm(value: &Variant<'_>) -> Option<i64> {
    let Variant::U8(percent) = value else {
        return None;
    };
    let percent = i64::from(*percent);
    (1..100)
        .contains(&percent)
        .then(|| percent * 60 / 100 - 100)
}

/// Whether a modem's ports (`a(su)`) hold this network interface.
pub(super) fn has_port(ports: &Variant<'_>, interface: &str) -> bool {
    let Variant::Array(ports) = ports else {
        return false;
    };
    ports.inner().iter().any(|port| {
        let Variant::Structure(port) = port else {
            return false;
        };
        let [Variant::Str(name), Variant::U32(PORT_NET)] = port.fields() else {
            return false;
        };
        name.as_str() == interface
    })
}

/// A figure of a modem's signal (`a{sv}`, doubles), in tenths, where it is one that a radio can have.
/// A modem that does not know one writes the least of all numbers.
pub(super) fn tenths(figures: &Variant<'_>, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
    let Variant::Dict(figures) = figures else {
        return None;
    };
    let mut entries = figures.iter();
    let (_, value) = entries.find(|(key, _)| matches!(key, Variant::Str(key) if key == name))?;
    let value = match value {
        Variant::Variant(inner) => inner,
        other => other,
    };
    let Variant::F64(figure) = value else {
        return None;
    };
    let tenths = (figure * 10.0).round();
    let (least, most) = (*range.start() as f64, *range.end() as f64);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within the range of a radio"
    )]
    (least..=most).contains(&tenths).then_some(tenths as i64)
}

/// The text of a string.
pub(super) fn text(value: &Variant<'_>) -> Option<String> {
    match value {
        Variant::Str(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

/// The path of an object; `/` stands for none.
pub(super) fn object(value: &Variant<'_>) -> Option<String> {
    match value {
        Variant::ObjectPath(path) if path.as_str() != "/" => Some(path.as_str().to_owned()),
        _ => None,
    }
}

fn unsigned(value: &Variant<'_>) -> Option<u32> {
    match value {
        Variant::U32(number) => Some(*number),
        _ => None,
    }
}
