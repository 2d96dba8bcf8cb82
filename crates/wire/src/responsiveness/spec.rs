//! Parameters of a test and paths of a server (draft-ietf-ippm-responsiveness-09, sections 4 and 7).

/// Where a server tells its configuration.
pub const CONFIG_PATH: &str = "/.well-known/nq";
/// Where deployed clients ask for it too (goresponsiveness, Cloudflare's mach).
pub const OLDER_CONFIG_PATHS: [&str; 2] = ["/config", "/api/v1/config"];
/// Longest configuration that is read, bytes.
pub const CONFIG_MAX_BYTES: usize = 16 << 10;
/// Content type of the configuration.
pub const CONFIG_TYPE: &str = "application/json";
/// Content type of the objects.
pub const OBJECT_TYPE: &str = "application/octet-stream";
/// Length of the small object.
pub const SMALL_BYTES: usize = 1;
/// Least length of the large object: 8 GB.
pub const LARGE_BYTES: u64 = 8_000_000_000;

/// Moving average distance (MAD), intervals.
pub const AVERAGE_INTERVALS: usize = 4;
/// Interval duration (ID), microseconds. The draft's 5 s, "for now", make a stage 20 s at least and
/// a run four times that; deployed clients (goresponsiveness, mach) use 1 s, as the draft did before.
pub const INTERVAL_US: i64 = 1_000_000;
/// Trimmed mean percentage (TMP): the best of so many values are averaged.
pub const KEPT_PERCENT: usize = 95;
/// Standard deviation tolerance (SDT), per cent of the current value.
pub const TOLERANCE_PERCENT: u8 = 5;
/// Load connections at the start (INP), and how many each interval adds (INC).
pub const CONNECTIONS_START: usize = 1;
/// See [`CONNECTIONS_START`].
pub const CONNECTIONS_ADDED: usize = 1;
/// Most load connections (MNP).
pub const CONNECTIONS_MAX: usize = 16;
/// Most probes per second (MPS), both kinds together: the draft's text, which is half of what its
/// algorithm says.
pub const PROBES_PER_S_MAX: i64 = 100;
/// Share of the capacity that probes may use (PTC), per cent.
pub const PROBES_PERCENT_MAX: u64 = 5;
/// What a probe on a connection of its own is taken to cost, bytes.
pub const FOREIGN_PROBE_BYTES: u64 = 5_000;
/// What a probe on a load connection is taken to cost, bytes.
pub const SELF_PROBE_BYTES: u64 = 1_000;

/// Shortest time from one pair of probes to the next, microseconds.
#[must_use]
pub const fn pair_spacing_us() -> i64 {
    2 * 1_000_000 / PROBES_PER_S_MAX
}

/// Whether one more pair of probes may be launched, when probes have cost `probe_bytes` so far and
/// the load has moved `load_bytes`: probes never use more than their share of what the line carried.
#[must_use]
pub const fn may_probe(probe_bytes: u64, load_bytes: u64) -> bool {
    let after = probe_bytes.saturating_add(FOREIGN_PROBE_BYTES + SELF_PROBE_BYTES);
    after <= load_bytes / 100 * PROBES_PERCENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_line_gets_few_probes() {
        // One second of 1 Mbit/s: 5 % are 6250 bytes, one pair.
        assert!(may_probe(0, 125_000));
        assert!(!may_probe(6_000, 125_000));
        assert!(!may_probe(0, 0));
        assert!(!may_probe(u64::MAX, u64::MAX));
    }

    #[test]
    fn at_most_a_hundred_probes_go_out_in_a_second() {
        assert_eq!(1_000_000 / pair_spacing_us() * 2, PROBES_PER_S_MAX);
    }
}
