//! The JSON message of throughput1, the same in both directions of both subtests.
//!
//! Rules, those of m-lab/msak:
//! 1. Only integers are emitted, each within its Go type (as in [`crate::ndt7::messages`]).
//! 2. A counter that is zero is left out; `Application`, `Network` and `ElapsedTime` themselves
//!    are always there, the two objects perhaps empty.
//! 3. `CC`, `UUID` and the addresses stand in the first message of a side only.
//! 4. `TCPInfo.ElapsedTime` counts from the accepted connection, the message's own from the start
//!    of the measurement: they never meet in one rate.
//! 5. When reading, unknown fields are ignored and every field may be missing.
use crate::ndt7::messages::integer::{self, integers_in_json};
use crate::ndt7::{BbrInfo, TcpInfo};
use serde::{Deserialize, Serialize};

integers_in_json! {
    /// Bytes that one level counted. Absent is zero; see [`ByteCounters::new`].
    ByteCounters {
        /// Bytes sent.
        bytes_sent: i64 = "BytesSent",
        /// Bytes received.
        bytes_received: i64 = "BytesReceived",
    }
}

impl ByteCounters {
    /// Counters as they are written: zero is left out.
    #[must_use]
    pub fn new(sent: u64, received: u64) -> Self {
        let written =
            |bytes: u64| Some(i64::try_from(bytes).unwrap_or(i64::MAX)).filter(|b| *b > 0);
        Self {
            bytes_sent: written(sent),
            bytes_received: written(received),
        }
    }

    /// Bytes received; a number that no counter can have is zero.
    #[must_use]
    pub fn received(&self) -> u64 {
        u64::try_from(self.bytes_received.unwrap_or(0)).unwrap_or(0)
    }

    /// Bytes sent; a number that no counter can have is zero.
    #[must_use]
    pub fn sent(&self) -> u64 {
        u64::try_from(self.bytes_sent.unwrap_or(0)).unwrap_or(0)
    }
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WireMeasurement {
    /// Congestion control of the side that writes.
    #[serde(rename = "CC", skip_serializing_if = "String::is_empty")]
    pub congestion_control: String,
    /// The server's name for the connection.
    #[serde(rename = "UUID", skip_serializing_if = "String::is_empty")]
    pub uuid: String,
    /// `address:port` of the side that writes. Sent to the peer only, never kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_addr: String,
    /// `address:port` of the side that reads. Holds the client's public address when the server
    /// writes: never kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_addr: String,
    /// WebSocket payload, text and binary.
    pub application: ByteCounters,
    /// Bytes through the socket, TLS and framing included, since the start of the measurement.
    pub network: ByteCounters,
    /// Microseconds since the start of the measurement, clock of the side that writes.
    #[serde(rename = "ElapsedTime", with = "elapsed")]
    pub elapsed_us: i64,
    /// Internals of BBR; its `elapsed_us` does not exist in this protocol.
    #[serde(rename = "BBRInfo", skip_serializing_if = "Option::is_none")]
    pub bbr_info: Option<BbrInfo>,
    /// Counters of the kernel of the side that writes; `elapsed_us` counts from the accept.
    #[serde(rename = "TCPInfo", skip_serializing_if = "Option::is_none")]
    pub tcp_info: Option<TcpInfo>,
}

/// `ElapsedTime` is always written; one that is no integer reads as zero.
mod elapsed {
    use super::integer;
    use serde::{Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's `with` passes a reference to the field"
    )]
    pub(super) fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        integer::serialize(&Some(*value), serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        Ok(integer::deserialize::<i64, D>(from)?.unwrap_or(0))
    }
}

/// Bytes that are no throughput1 measurement.
#[derive(Debug, thiserror::Error)]
#[error("not a throughput1 measurement: {0}")]
pub struct BadMessage(#[from] serde_json::Error);

impl WireMeasurement {
    /// Reads a text message.
    pub fn parse(text: &[u8]) -> Result<Self, BadMessage> {
        Ok(serde_json::from_slice(text)?)
    }

    /// Writes a text message.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("integers and strings always serialise")
    }

    /// The kernel's minimum round-trip time, microseconds, once it has one (zero is none here).
    #[must_use]
    pub fn min_rtt_us(&self) -> Option<u32> {
        let known = self.tcp_info?.known_min_rtt_us();
        known.filter(|rtt_us| *rtt_us > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ndt7::messages::MAX_INTEGER;
    use proptest::prelude::*;

    fn parsed(text: &str) -> WireMeasurement {
        WireMeasurement::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn zero_counters_are_left_out_and_their_objects_stay() {
        let empty = WireMeasurement::default();
        assert_eq!(
            empty.to_json(),
            r#"{"Application":{},"Network":{},"ElapsedTime":0}"#
        );
        let message = WireMeasurement {
            application: ByteCounters::new(0, 7),
            elapsed_us: 250_000,
            ..WireMeasurement::default()
        };
        assert_eq!(
            message.to_json(),
            r#"{"Application":{"BytesReceived":7},"Network":{},"ElapsedTime":250000}"#
        );
        assert_eq!(
            (message.application.sent(), message.application.received()),
            (0, 7)
        );
    }

    #[test]
    fn a_message_of_the_stock_server_is_read() {
        let message = parsed(
            r#"{"CC":"bbr","UUID":"h_1_unsafe_01","LocalAddr":"[::1]:8080","RemoteAddr":"[::1]:4",
                "Application":{"BytesSent":1024},"Network":{"BytesSent":1100,"BytesReceived":300},
                "ElapsedTime":250001,"BBRInfo":{"BW":9,"MinRTT":5,"PacingGain":739,"CwndGain":739},
                "TCPInfo":{"State":1,"MinRTT":4321,"SegsOut":-1,"ElapsedTime":260000},"New":[1]}"#,
        );
        assert_eq!(message.congestion_control, "bbr");
        assert_eq!(message.application.sent(), 1024);
        assert_eq!(message.network.received(), 300);
        assert_eq!(message.elapsed_us, 250_001);
        assert_eq!(message.min_rtt_us(), Some(4321));
        assert_eq!(message.bbr_info.unwrap().elapsed_us, None);
        assert_eq!(message.tcp_info.unwrap().elapsed_us, Some(260_000));
    }

    #[test]
    fn a_lie_in_one_field_does_not_spoil_the_message() {
        let message = parsed(
            r#"{"Application":{"BytesReceived":-5,"BytesSent":1.5},"ElapsedTime":"soon",
                "TCPInfo":{"MinRTT":0,"BytesAcked":18446744073709551615}}"#,
        );
        assert_eq!(
            (message.application.sent(), message.application.received()),
            (0, 0)
        );
        assert_eq!(message.elapsed_us, 0);
        assert_eq!(
            message.min_rtt_us(),
            None,
            "zero is what a kernel without one says"
        );
        assert_eq!(message.tcp_info.unwrap().bytes_acked, Some(MAX_INTEGER));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = WireMeasurement::parse(&bytes);
        }

        #[test]
        fn what_is_written_reads_back(
            cc in "[a-z]{0,8}", sent: u64, received in 0_u64..1 << 53, elapsed_us: i64,
        ) {
            let message = WireMeasurement {
                congestion_control: cc,
                application: ByteCounters::new(sent, received),
                elapsed_us,
                ..WireMeasurement::default()
            };
            let again = parsed(&message.to_json());
            prop_assert_eq!(&again.congestion_control, &message.congestion_control);
            prop_assert_eq!(again.application.received(), received);
            prop_assert_eq!(again.application.sent(), sent.min(MAX_INTEGER.unsigned_abs()));
            prop_assert_eq!(again.elapsed_us, elapsed_us.clamp(-MAX_INTEGER, MAX_INTEGER));
            prop_assert_eq!(parsed(&again.to_json()), again);
        }
    }
}
