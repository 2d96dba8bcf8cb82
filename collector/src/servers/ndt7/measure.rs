//! Reads the kernel's view of one connection into ndt7's measurements.
use crate::servers::busy::Busy;
use crate::servers::front::Probe;
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::{
    AppInfo, BbrInfo, ConnectionInfo, Direction, Measurement, TcpInfo, TonleInfo,
};

/// One measurement. `load_bytes`: payload of the direction's load so far.
///
/// Where the kernel tells nothing, what stock clients need of it for an upload is made up from our
/// own count.
pub(super) fn measure(
    kernel: &Probe,
    clock: &Stopwatch,
    busy: &Busy,
    direction: Direction,
    load_bytes: u64,
) -> Measurement {
    let num_bytes = i64::try_from(load_bytes).unwrap_or(i64::MAX);
    let bbr = kernel.bbr_info();
    let tcp = kernel.tcp_info().unwrap_or_else(|| TcpInfo {
        bytes_received: (direction == Direction::Upload).then_some(num_bytes),
        ..TcpInfo::default()
    });
    let elapsed_us = Some(clock.elapsed_us());
    Measurement {
        app_info: Some(AppInfo {
            elapsed_us,
            num_bytes: Some(num_bytes),
        }),
        connection_info: Some(ConnectionInfo {
            uuid: kernel.uuid().map(str::to_owned),
            ..ConnectionInfo::new(kernel.client(), kernel.server())
        }),
        bbr_info: bbr.map(|bbr| BbrInfo { elapsed_us, ..bbr }),
        tcp_info: Some(TcpInfo { elapsed_us, ..tcp }),
        origin: Some("server".to_owned()),
        test: Some(direction.as_str().to_owned()),
        tonle: busy.busiest_core_ppm().map(|busy_ppm| TonleInfo {
            server_busy_ppm: Some(busy_ppm),
        }),
    }
}
