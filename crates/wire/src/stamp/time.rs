//! Timestamps in their two formats, and the estimate of a clock's error (RFC 8762, section 4.2.1;
//! RFC 8186).

/// Seconds from 1900 to 1970: the NTP epoch before the Unix epoch (RFC 5905, figure 4).
const NTP_TO_UNIX_S: i64 = 2_208_988_800;
/// Seconds in an NTP era.
const ERA_S: i64 = 1 << 32;
const NS_PER_S: i64 = 1_000_000_000;

/// How a timestamp is written; the Z bit of the error estimate says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// 32 bits of seconds since 1900 and 32 of binary fraction.
    Ntp,
    /// The lower 32 bits of seconds since 1970 and 32 of nanoseconds (IEEE 1588, truncated). Its
    /// scale has no leap seconds, so only differences are comparable with NTP's.
    Ptp,
}

/// A timestamp as it stands in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub fn from_unix_ns(unix_ns: i64, format: TimeFormat) -> Self {
        let (seconds, ns) = (unix_ns.div_euclid(NS_PER_S), unix_ns.rem_euclid(NS_PER_S));
        let (seconds, fraction) = match format {
            TimeFormat::Ptp => (seconds, ns),
            // Rounded up, so that reading gives the same nanosecond back.
            TimeFormat::Ntp => (
                seconds + NTP_TO_UNIX_S,
                ((ns << 32) + NS_PER_S - 1) / NS_PER_S,
            ),
        };
        Self(low_32_bits(seconds) << 32 | low_32_bits(fraction))
    }

    /// Nanoseconds since the Unix epoch. NTP seconds below 2^31 are of the era that begins in 2036
    /// (RFC 4330, section 3).
    #[must_use]
    pub fn unix_ns(self, format: TimeFormat) -> i64 {
        let [seconds, fraction] = [self.0 >> 32, self.0 & 0xffff_ffff];
        let seconds = i64::try_from(seconds).expect("32 bits fit");
        let fraction = i64::try_from(fraction).expect("32 bits fit");
        match format {
            TimeFormat::Ptp => seconds * NS_PER_S + fraction,
            TimeFormat::Ntp => {
                let era = if seconds < ERA_S / 2 { ERA_S } else { 0 };
                let ns = (i128::from(fraction) * i128::from(NS_PER_S)) >> 32;
                (seconds + era - NTP_TO_UNIX_S) * NS_PER_S
                    + i64::try_from(ns).expect("a fraction of a second is below 10^9 ns")
            }
        }
    }
}

fn low_32_bits(value: i64) -> u64 {
    u64::try_from(value.rem_euclid(ERA_S)).expect("a remainder is not negative")
}

/// How good the clock behind a timestamp is, as it stands in a packet: bit 15 S (synchronised to an
/// outside source), bit 14 Z (format), six bits of scale, eight of multiplier; the error is
/// multiplier × 2^(scale − 32) s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorEstimate(pub u16);

const S_BIT: u16 = 1 << 15;
const Z_BIT: u16 = 1 << 14;
/// Scale of a synchronised clock of ours: 2^(22 − 32) s, about a millisecond, what NTP over the
/// Internet keeps to. The kernel's own estimate is not asked.
const SYNCHRONISED_SCALE: u16 = 22;

impl ErrorEstimate {
    /// Of a clock of ours, in NTP format. The multiplier is never zero.
    #[must_use]
    pub fn of_clock(synchronised: bool) -> Self {
        if synchronised {
            Self(S_BIT | SYNCHRONISED_SCALE << 8 | 1)
        } else {
            Self(1)
        }
    }

    /// Whether the clock follows an outside source.
    #[must_use]
    pub fn is_synchronised(self) -> bool {
        self.0 & S_BIT != 0
    }

    /// Format of the timestamp beside it.
    #[must_use]
    pub fn format(self) -> TimeFormat {
        if self.0 & Z_BIT == 0 {
            TimeFormat::Ntp
        } else {
            TimeFormat::Ptp
        }
    }
}
