//! Names, sizes and times of ndt7, each with its source.
use crate::ticker::Ticker;

/// Value of `Sec-WebSocket-Protocol`, compared as a whole string: a list that contains it is
/// refused by stock servers, and so by ours.
pub const SUBPROTOCOL: &str = "net.measurementlab.ndt.v7";
/// Value of `Sec-WebSocket-Version` (RFC 6455).
pub const WEBSOCKET_VERSION: &str = "13";

/// What every path of the protocol begins with.
pub const PATH_PREFIX: &str = "/ndt/v7/";
/// First size of a binary message, bytes (specification: start at 2^13).
pub const MESSAGE_START_BYTES: usize = 1 << 13;
/// Largest message ever sent, bytes: stock clients abort on a larger one (ndt7-client-go's read
/// limit), although the specification would allow 2^24.
pub const MESSAGE_SENT_MAX_BYTES: usize = 1 << 20;
/// Largest message a receiver must accept, bytes (specification: no limit below 2^24).
pub const MESSAGE_ACCEPTED_MAX_BYTES: usize = 1 << 24;

/// Nominal length of one direction, from the end of the WebSocket handshake, microseconds.
pub const NOMINAL_US: i64 = 10_000_000;
/// When a test that did not end is cut off, microseconds (ndt-server; specification: 13 s may).
pub const HARD_LIMIT_US: i64 = 15_000_000;
/// Longest wait for one message or one handshake, microseconds (stock clients: 7 s).
pub const MESSAGE_TIMEOUT_US: i64 = 7_000_000;

/// Mean time between two measurements, microseconds (ndt-server's memoryless ticker).
pub const MEASUREMENT_MEAN_US: i64 = 250_000;
/// Shortest time between two measurements, microseconds.
pub const MEASUREMENT_MIN_US: i64 = 25_000;
/// Longest time between two measurements, microseconds.
pub const MEASUREMENT_MAX_US: i64 = 625_000;

/// Which subtest, as seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Server to client.
    Download,
    /// Client to server.
    Upload,
}

impl Direction {
    /// Both, in the order of a test.
    pub const ALL: [Self; 2] = [Self::Download, Self::Upload];

    /// The path that selects it.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Download => "/ndt/v7/download",
            Self::Upload => "/ndt/v7/upload",
        }
    }

    /// The direction of a request path, if it is one of ndt7's.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|direction| direction.path() == path)
    }

    /// `download` or `upload`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
        }
    }
}

/// Time until the next measurement, microseconds: exponential, so that measurements do not fall
/// into step with anything on the path, and clamped. `uniform` is a random number in [0, 1);
/// anything else is treated as the nearest of these.
#[must_use]
pub fn measurement_wait_us(uniform: f64) -> i64 {
    let ticker = Ticker {
        mean_us: MEASUREMENT_MEAN_US,
        min_us: MEASUREMENT_MIN_US,
        max_us: MEASUREMENT_MAX_US,
    };
    ticker.wait_us(uniform)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_name_their_direction_and_nothing_else_does() {
        for direction in Direction::ALL {
            assert_eq!(Direction::from_path(direction.path()), Some(direction));
        }
        assert_eq!(Direction::from_path("/ndt/v7/download/"), None);
        assert_eq!(Direction::from_path("/ndt/v5/download"), None);
    }

    #[test]
    fn waits_are_exponential_in_the_middle() {
        let median_us = measurement_wait_us(0.5);
        assert!((172_000..174_000).contains(&median_us), "{median_us}");
    }

    proptest! {
        #[test]
        fn waits_stay_in_their_bounds(uniform in any::<f64>()) {
            let wait_us = measurement_wait_us(uniform);
            prop_assert!((MEASUREMENT_MIN_US..=MEASUREMENT_MAX_US).contains(&wait_us));
        }
    }
}
