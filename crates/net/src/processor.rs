//! How busy this machine's processor was between two moments, from `/proc/stat` and `/proc/self/stat`.
use std::path::Path;

/// Ticks per second of the counters in `/proc` (`USER_HZ`, 100 on every architecture of Linux).
const TICKS_PER_S: i64 = 100;
/// Columns of a `cpu` line after its name, `proc_stat(5)`.
const IDLE: usize = 3;
const IOWAIT: usize = 4;
const SOFTIRQ: usize = 6;
/// Columns that make up a core's time: guest time is already within user time.
const COLUMNS: usize = 8;
/// Columns of `/proc/self/stat` after the name in brackets: user and kernel ticks, `proc_pid_stat(5)`.
const USER: usize = 11;
const KERNEL: usize = 12;
/// Shortest interval that is judged, microseconds: the counters step by 10 ms.
const JUDGED_MIN_US: i64 = 500_000;

/// Counters of one core, ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Core {
    all: u64,
    idle: u64,
    softirq: u64,
}

/// The processor's counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processor {
    cores: Vec<Core>,
    own_ticks: Option<u64>,
}

/// How busy it was meanwhile; what the system does not tell is absent. Parts per million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Busy {
    /// Of one core, by this process.
    pub own_ppm: Option<i64>,
    /// Of the busiest core, by anybody.
    pub busiest_core_ppm: Option<i64>,
    /// Of one core, by the kernel's packet handling, where it was most.
    pub packets_ppm: Option<i64>,
    /// Of all cores together, by anybody.
    pub all_cores_ppm: Option<i64>,
}

impl Processor {
    /// Reads the counters below `proc`.
    #[must_use]
    pub fn read(proc: &Path) -> Self {
        let own = text_of(&proc.join("self/stat"));
        Self {
            cores: parse_cores(&text_of(&proc.join("stat"))),
            own_ticks: parse_own(&own),
        }
    }

    /// How busy it was from `earlier` until now, `elapsed_us` later; unknown over too short a time.
    #[must_use]
    pub fn since(&self, earlier: &Self, elapsed_us: i64) -> Busy {
        if elapsed_us < JUDGED_MIN_US {
            return Busy::default();
        }
        let own_ticks = self.own_ticks.zip(earlier.own_ticks);
        let own_ppm = own_ticks.and_then(|(now, then)| {
            let ticks = i64::try_from(now.checked_sub(then)?).ok()?;
            let us = ticks.checked_mul(1_000_000 / TICKS_PER_S)?;
            Some(
                (i128::from(us) * 1_000_000 / i128::from(elapsed_us))
                    .try_into()
                    .unwrap_or(i64::MAX),
            )
        });
        let same_cores = self.cores.len() == earlier.cores.len();
        let cores = self.cores.iter().zip(&earlier.cores).filter(|_| same_cores);
        let spent: Vec<Core> = cores.map(|(now, then)| now.since(*then)).collect();
        let busy = |core: &Core| core.ppm(core.all.saturating_sub(core.idle));
        let sum = spent.iter().fold(Core::default(), |sum, core| Core {
            all: sum.all.saturating_add(core.all),
            idle: sum.idle.saturating_add(core.idle),
            softirq: sum.softirq.saturating_add(core.softirq),
        });
        Busy {
            own_ppm,
            busiest_core_ppm: spent.iter().filter_map(busy).max(),
            packets_ppm: spent.iter().filter_map(|core| core.ppm(core.softirq)).max(),
            all_cores_ppm: busy(&sum),
        }
    }
}

impl Core {
    fn since(self, earlier: Self) -> Self {
        Self {
            all: self.all.saturating_sub(earlier.all),
            idle: self.idle.saturating_sub(earlier.idle),
            softirq: self.softirq.saturating_sub(earlier.softirq),
        }
    }

    /// `part` of this core's time; `None` when it had none.
    fn ppm(self, part: u64) -> Option<i64> {
        let ppm = u128::from(part) * 1_000_000 / u128::from((self.all > 0).then_some(self.all)?);
        i64::try_from(ppm.min(1_000_000)).ok()
    }
}

/// A file of `/proc`; empty where this kernel does not have it.
fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The lines `cpu0`, `cpu1`, …; the sum over all of them is left out.
fn parse_cores(text: &str) -> Vec<Core> {
    text.lines().filter_map(parse_core).collect()
}

fn parse_core(line: &str) -> Option<Core> {
    let mut words = line.split_whitespace();
    words.next()?.strip_prefix("cpu")?.parse::<u32>().ok()?;
    let ticks: Vec<u64> = words
        .take(COLUMNS)
        .map_while(|word| word.parse().ok())
        .collect();
    let of = |column: usize| ticks.get(column).copied();
    Some(Core {
        all: ticks.iter().fold(0, |sum, one| sum.saturating_add(*one)),
        idle: of(IDLE)?.saturating_add(of(IOWAIT).unwrap_or(0)),
        softirq: of(SOFTIRQ).unwrap_or(0),
    })
}

/// User and kernel ticks of this process, all threads. The name in brackets may hold anything, so
/// counting begins after its last bracket.
fn parse_own(text: &str) -> Option<u64> {
    let (_, after_name) = text.rsplit_once(')')?;
    let words: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |column: usize| words.get(column)?.parse::<u64>().ok();
    ticks(USER)?.checked_add(ticks(KERNEL)?)
}

/// Whether the processor has instructions for AES. Without them TLS itself can be what limits a
/// fast transfer (as on a Raspberry Pi 4 and older).
#[must_use]
pub fn has_aes_instructions() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAT: &str = "cpu  30 0 0 70 0 0 5 0 0 0\ncpu0 10 0 0 40 0 0 0 0 0 0\ncpu1 20 0 0 30 0 0 5 0 0 0\nintr 1\n";
    const LATER: &str = "cpu  0\ncpu0 20 0 0 130 0 0 0 0 0 0\ncpu1 40 0 0 35 5 0 75 0 0 0\n";
    const OWN: &str = "7 (tonle) agent) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 4 0 1";

    fn at(stat: &str, own_ticks: u64) -> Processor {
        Processor {
            cores: parse_cores(stat),
            own_ticks: Some(own_ticks),
        }
    }

    #[test]
    fn shares_are_of_one_core_and_of_all() {
        let busy = at(LATER, 250).since(&at(STAT, 200), 1_000_000);
        assert_eq!(busy.own_ppm, Some(500_000));
        assert_eq!(
            busy.busiest_core_ppm,
            Some(900_000),
            "cpu1: 90 of 100 ticks"
        );
        assert_eq!(busy.packets_ppm, Some(700_000));
        assert_eq!(busy.all_cores_ppm, Some(500_000));
    }

    #[test]
    fn own_ticks_are_found_behind_any_name() {
        assert_eq!(parse_own(OWN), Some(200));
    }

    #[test]
    fn a_moment_too_short_for_the_counters_is_not_judged() {
        assert_eq!(
            at(LATER, 250).since(&at(STAT, 200), 400_000),
            Busy::default()
        );
    }

    #[test]
    fn a_core_that_came_or_went_makes_the_cores_unknown() {
        let fewer = at("cpu0 10 0 0 40\n", 200);
        let busy = at(LATER, 250).since(&fewer, 1_000_000);
        assert_eq!((busy.busiest_core_ppm, busy.own_ppm), (None, Some(500_000)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(stat in "(cpu[0-9]{0,2}( [0-9]{0,20}){0,12}\n){0,4}", own in ".{0,200}", elapsed_us: i64) {
            let now = Processor { cores: parse_cores(&stat), own_ticks: parse_own(&own) };
            let busy = now.since(&at(STAT, 200), elapsed_us);
            let back = at(STAT, 200).since(&now, elapsed_us);
            for share in [busy.busiest_core_ppm, back.all_cores_ppm, back.packets_ppm].into_iter().flatten() {
                prop_assert!((0..=1_000_000).contains(&share));
            }
        }
    }
}
