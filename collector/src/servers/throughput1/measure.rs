//! Reads counters of program, socket and kernel into measurements.
use crate::servers::front::Probe;
use std::sync::Arc;
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::{BbrInfo, ConnectionInfo, TcpInfo};
use tonle_wire::throughput1::{ByteCounters, WireMeasurement};

/// What a stream's measurements are made from.
pub(super) struct Meter {
    kernel: Arc<Probe>,
    clock: Stopwatch,
    at_start: TcpInfo,
    congestion_control: String,
    is_first: bool,
}

impl Meter {
    /// The measurement begins now.
    pub(super) fn new(kernel: Arc<Probe>, clock: Stopwatch, congestion_control: String) -> Self {
        Self {
            at_start: kernel.tcp_info().unwrap_or_default(),
            kernel,
            clock,
            congestion_control,
            is_first: true,
        }
    }

    /// One measurement, of this much payload. BBR is read before `TCP_INFO`, so that the latter's
    /// state tells whether the connection was still open.
    pub(super) fn measure(&mut self, sent_bytes: u64, received_bytes: u64) -> WireMeasurement {
        let bbr = self.kernel.bbr_info();
        let tcp = self.kernel.tcp_info();
        let elapsed_us = self.clock.elapsed_us();
        let mut measurement = WireMeasurement {
            application: ByteCounters::new(sent_bytes, received_bytes),
            network: tcp.map_or_else(ByteCounters::default, |tcp| network(&self.at_start, &tcp)),
            elapsed_us,
            bbr_info: Some(bbr.unwrap_or(NO_BBR)),
            // The connection was accepted one handshake before; no clock of ours saw it.
            tcp_info: tcp.map(|tcp| TcpInfo {
                elapsed_us: Some(elapsed_us),
                ..tcp
            }),
            ..WireMeasurement::default()
        };
        if std::mem::take(&mut self.is_first) {
            let ends = ConnectionInfo::new(self.kernel.client(), self.kernel.server());
            measurement.congestion_control = std::mem::take(&mut self.congestion_control);
            measurement.uuid = self.kernel.uuid().map(str::to_owned).unwrap_or_default();
            measurement.local_addr = ends.server;
            measurement.remote_addr = ends.client;
        }
        measurement
    }
}

/// What stock servers send when another algorithm is in use: zeros.
const NO_BBR: BbrInfo = BbrInfo {
    bandwidth_bytes_per_s: Some(0),
    min_rtt_us: Some(0),
    pacing_gain: Some(0),
    cwnd_gain: Some(0),
    elapsed_us: None,
};

/// Bytes through the socket between two readings: what was written into it, sent or not, and what
/// arrived.
fn network(start: &TcpInfo, now: &TcpInfo) -> ByteCounters {
    let written = |info: &TcpInfo| {
        info.bytes_sent.unwrap_or(0) - info.bytes_retrans.unwrap_or(0)
            + i64::from(info.notsent_bytes.unwrap_or(0))
    };
    let since = |now: i64, start: i64| u64::try_from(now - start).unwrap_or(0);
    ByteCounters::new(
        since(written(now), written(start)),
        since(
            now.bytes_received.unwrap_or(0),
            start.bytes_received.unwrap_or(0),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_the_network_are_those_since_the_start_without_retransmissions() {
        let info = |sent, retrans, notsent, received| TcpInfo {
            bytes_sent: Some(sent),
            bytes_retrans: Some(retrans),
            notsent_bytes: Some(notsent),
            bytes_received: Some(received),
            ..TcpInfo::default()
        };
        let counters = network(&info(100, 0, 0, 400), &info(1_100, 50, 7, 450));
        assert_eq!((counters.sent(), counters.received()), (957, 50));
        let untold = network(&TcpInfo::default(), &TcpInfo::default());
        assert_eq!(untold, ByteCounters::default());
    }
}
