//! Names, sizes and times of throughput1, each as m-lab/msak has it.
use crate::ndt7::Direction;
use crate::ticker::Ticker;

/// Value of `Sec-WebSocket-Protocol`, compared as a whole string.
pub const SUBPROTOCOL: &str = "net.measurementlab.throughput.v1";
/// What every path of the protocol begins with.
pub const PATH_PREFIX: &str = "/throughput/v1/";
const DOWNLOAD_PATH: &str = "/throughput/v1/download";
const UPLOAD_PATH: &str = "/throughput/v1/upload";

/// First size of a binary message, bytes.
pub const MESSAGE_START_BYTES: usize = 1 << 10;
/// Largest message sent, bytes; a receiver must accept as much.
pub const MESSAGE_MAX_BYTES: usize = 1 << 20;

/// Length of a test when the client asks for none, milliseconds.
pub const DURATION_DEFAULT_MS: u64 = 5_000;
/// What ends any test, milliseconds: the deadline of stock servers' sockets.
pub const HARD_LIMIT_MS: u64 = 25_000;

/// Streams of stock clients by default.
pub const STREAMS_DEFAULT: u32 = 2;
/// Most streams of stock clients.
pub const STREAMS_MAX: u32 = 4;

/// Mean time between two measurements, microseconds (memoryless).
pub const MEASUREMENT_MEAN_US: i64 = 250_000;
/// Shortest time between two measurements, microseconds.
pub const MEASUREMENT_MIN_US: i64 = 100_000;
/// Longest time between two measurements, microseconds.
pub const MEASUREMENT_MAX_US: i64 = 400_000;

/// Names of congestion controls that may be asked for.
pub const CONGESTION_CONTROLS: [&str; 3] = ["reno", "cubic", "bbr"];

/// The path that selects a direction.
#[must_use]
pub fn path(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => DOWNLOAD_PATH,
        Direction::Upload => UPLOAD_PATH,
    }
}

/// The direction of a request path, if it is one of throughput1's.
#[must_use]
pub fn direction_of(request_path: &str) -> Option<Direction> {
    Direction::ALL
        .into_iter()
        .find(|direction| path(*direction) == request_path)
}

/// Time until the next measurement, microseconds, from a random number in [0, 1).
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
            assert!(path(direction).starts_with(PATH_PREFIX));
            assert_eq!(direction_of(path(direction)), Some(direction));
        }
        assert_eq!(direction_of("/throughput/v1/download/"), None);
        assert_eq!(direction_of("/ndt/v7/download"), None);
    }

    proptest! {
        #[test]
        fn waits_stay_in_their_bounds(uniform in any::<f64>()) {
            let wait_us = measurement_wait_us(uniform);
            prop_assert!((MEASUREMENT_MIN_US..=MEASUREMENT_MAX_US).contains(&wait_us));
        }
    }
}
