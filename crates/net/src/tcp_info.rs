//! What the kernel counts of a TCP connection (`TCP_INFO`, `TCP_CC_INFO`), and the congestion
//! control in use.
//!
//! Kernels differ in how much they return: 4.19 added bytes sent and retransmitted, 5.4 the window
//! of the peer. Every field is taken only when it lies within the length that the kernel returned,
//! so a missing one is absent and never zero.
use socket2::SockRef;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use tonle_wire::ndt7::{BbrInfo, TcpInfo};

/// Room for `struct tcp_info` (248 bytes in Linux 6.12) and what later kernels append.
const BUFFER_BYTES: usize = 512;
/// Length of `struct tcp_bbr_info`: five 32-bit words. Other algorithms return other lengths.
const BBR_INFO_BYTES: usize = 20;

/// Kernel counters of a connection. `elapsed_us` is not the kernel's and stays absent.
pub fn read(socket: impl AsFd) -> io::Result<TcpInfo> {
    let mut buffer = [0; BUFFER_BYTES];
    let returned = tcp_option(socket.as_fd(), libc::TCP_INFO, &mut buffer)?;
    Ok(parse(returned))
}

/// Internals of BBR, `None` when another algorithm is in use. `elapsed_us` stays absent.
pub fn read_bbr(socket: impl AsFd) -> io::Result<Option<BbrInfo>> {
    let mut buffer = [0; BUFFER_BYTES];
    let returned = tcp_option(socket.as_fd(), libc::TCP_CC_INFO, &mut buffer)?;
    Ok(parse_bbr(returned))
}

/// Headers of one segment on the line: IPv4 and TCP with timestamps. IPv6 costs 20 more, within the
/// accuracy that a budget needs.
const SEGMENT_OVERHEAD_BYTES: i64 = 52;

/// Bytes that a connection put on the line in both directions so far, and will still put there
/// from its send buffer: payload, headers and retransmissions.
#[must_use]
pub fn bytes_on_line(info: &TcpInfo) -> u64 {
    let segments = [info.segs_in, info.segs_out].into_iter().flatten();
    let segments: i64 = segments.map(i64::from).sum();
    let payload = info.bytes_received.unwrap_or(0)
        + info.bytes_sent.or(info.bytes_acked).unwrap_or(0)
        + i64::from(info.notsent_bytes.unwrap_or(0));
    u64::try_from(payload + segments * SEGMENT_OVERHEAD_BYTES).unwrap_or(0)
}

/// Name of the congestion control in use, such as `cubic`.
pub fn congestion_control(socket: impl AsFd) -> io::Result<String> {
    let name = SockRef::from(&socket).tcp_congestion()?;
    let end = name.iter().position(|byte| *byte == 0);
    let name = &name[..end.unwrap_or(name.len())];
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// Asks for another congestion control. Fails where the kernel lacks or reserves it.
pub fn set_congestion_control(socket: impl AsFd, name: &str) -> io::Result<()> {
    SockRef::from(&socket).set_tcp_congestion(name.as_bytes())
}

/// Reads an option of a TCP socket and returns the part of the buffer that the kernel filled.
#[expect(
    unsafe_code,
    reason = "no safe crate reads these options; the kernel writes at most `length` bytes into the buffer"
)]
fn tcp_option<'b>(
    socket: BorrowedFd<'_>,
    option: libc::c_int,
    buffer: &'b mut [u8; BUFFER_BYTES],
) -> io::Result<&'b [u8]> {
    let mut length = libc::socklen_t::try_from(BUFFER_BYTES).expect("512 fits");
    // SAFETY: the descriptor is borrowed for the call, `buffer` is valid for writes of `length`
    // bytes, and bytes have no invalid values.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            option,
            buffer.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    let returned = usize::try_from(length).unwrap_or(BUFFER_BYTES);
    Ok(&buffer[..returned.min(BUFFER_BYTES)])
}

/// Fields of a C structure by their offset, as far as the kernel filled it.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(self, offset: usize) -> Option<[u8; N]> {
        self.0.get(offset..offset + N)?.try_into().ok()
    }

    fn u8(self, offset: usize) -> Option<u8> {
        self.bytes(offset).map(u8::from_ne_bytes)
    }

    fn u32(self, offset: usize) -> Option<u32> {
        self.bytes(offset).map(u32::from_ne_bytes)
    }

    /// An unsigned counter that the protocol carries signed.
    fn i32(self, offset: usize) -> Option<i32> {
        self.bytes(offset).map(i32::from_ne_bytes)
    }

    /// As `i32`: the kernel's "no limit", 2^64 − 1, becomes −1.
    fn i64(self, offset: usize) -> Option<i64> {
        self.bytes(offset).map(i64::from_ne_bytes)
    }
}

/// `struct tcp_info` of `linux/tcp.h`, whose layout only ever grows at its end.
fn parse(returned: &[u8]) -> TcpInfo {
    let at = Fields(returned);
    TcpInfo {
        state: at.u8(0),
        ca_state: at.u8(1),
        retransmits: at.u8(2),
        probes: at.u8(3),
        backoff: at.u8(4),
        options: at.u8(5),
        wscale: at.u8(6),
        app_limited: at.u8(7),
        rto_us: at.u32(8),
        ato_us: at.u32(12),
        snd_mss_bytes: at.u32(16),
        rcv_mss_bytes: at.u32(20),
        unacked: at.u32(24),
        sacked: at.u32(28),
        lost: at.u32(32),
        retrans: at.u32(36),
        fackets: at.u32(40),
        last_data_sent_ms: at.u32(44),
        last_ack_sent_ms: at.u32(48),
        last_data_recv_ms: at.u32(52),
        last_ack_recv_ms: at.u32(56),
        pmtu_bytes: at.u32(60),
        rcv_ssthresh: at.u32(64),
        rtt_us: at.u32(68),
        rttvar_us: at.u32(72),
        snd_ssthresh: at.u32(76),
        snd_cwnd: at.u32(80),
        adv_mss_bytes: at.u32(84),
        reordering: at.u32(88),
        rcv_rtt_us: at.u32(92),
        rcv_space_bytes: at.u32(96),
        total_retrans: at.u32(100),
        pacing_rate_bytes_per_s: at.i64(104),
        max_pacing_rate_bytes_per_s: at.i64(112),
        bytes_acked: at.i64(120),
        bytes_received: at.i64(128),
        segs_out: at.i32(136),
        segs_in: at.i32(140),
        notsent_bytes: at.u32(144),
        min_rtt_us: at.u32(148),
        data_segs_in: at.u32(152),
        data_segs_out: at.u32(156),
        delivery_rate_bytes_per_s: at.i64(160),
        busy_time_us: at.i64(168),
        rwnd_limited_us: at.i64(176),
        sndbuf_limited_us: at.i64(184),
        delivered: at.u32(192),
        delivered_ce: at.u32(196),
        bytes_sent: at.i64(200),
        bytes_retrans: at.i64(208),
        dsack_dups: at.u32(216),
        reord_seen: at.u32(220),
        rcv_ooopack: at.u32(224),
        snd_wnd_bytes: at.u32(228),
        elapsed_us: None,
    }
}

/// `struct tcp_bbr_info` of `linux/inet_diag.h`.
fn parse_bbr(returned: &[u8]) -> Option<BbrInfo> {
    if returned.len() != BBR_INFO_BYTES {
        return None;
    }
    let at = Fields(returned);
    let low_and_high = (at.u32(0)?, at.u32(4)?);
    let bandwidth = u64::from(low_and_high.1) << 32 | u64::from(low_and_high.0);
    Some(BbrInfo {
        bandwidth_bytes_per_s: Some(i64::try_from(bandwidth).unwrap_or(i64::MAX)),
        min_rtt_us: at.u32(8),
        pacing_gain: at.u32(12),
        cwnd_gain: at.u32(16),
        elapsed_us: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn counters_of_a_real_connection_are_at_their_places() {
        let (mut client, mut server) = connected();
        client.write_all(&[7; 1000]).unwrap();
        server.read_exact(&mut [0; 1000]).unwrap();
        server.write_all(b"seen").unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        let at_server = read(&server).unwrap();
        assert_eq!(at_server.state, Some(1), "established");
        assert_eq!(at_server.bytes_received, Some(1000));
        let at_client = read(&client).unwrap();
        assert_eq!(at_client.bytes_acked, Some(1001), "the SYN counts as one");
        assert_eq!(at_client.data_segs_in, Some(1));
        assert_eq!(
            at_client
                .known_min_rtt_us()
                .map(|rtt_us| rtt_us < 5_000_000),
            Some(true)
        );
    }

    #[test]
    fn what_an_old_kernel_does_not_return_is_absent() {
        let linux_3_10 = parse(&[1; 104]);
        assert_eq!(linux_3_10.total_retrans, Some(0x0101_0101));
        assert_eq!(linux_3_10.pacing_rate_bytes_per_s, None);
        assert_eq!(linux_3_10.bytes_received, None);
        let cut_in_a_field = parse(&[1; 204]);
        assert_eq!(cut_in_a_field.delivered_ce, Some(0x0101_0101));
        assert_eq!(cut_in_a_field.bytes_sent, None);
        assert_eq!(parse(&[]), TcpInfo::default());
    }

    #[test]
    fn no_pacing_limit_is_minus_one() {
        let info = parse(&[0xff; 248]);
        assert_eq!(info.max_pacing_rate_bytes_per_s, Some(-1));
        assert_eq!(info.known_min_rtt_us(), None);
    }

    #[test]
    fn bbr_is_known_by_the_length_of_its_answer() {
        let mut words = Vec::new();
        for word in [5_u32, 1, 300, 739, 512] {
            words.extend(word.to_ne_bytes());
        }
        let info = parse_bbr(&words).unwrap();
        assert_eq!(info.bandwidth_bytes_per_s, Some((1 << 32) + 5));
        assert_eq!((info.min_rtt_us, info.cwnd_gain), (Some(300), Some(512)));
        assert_eq!(parse_bbr(&words[..16]), None, "vegas and dctcp return 16");
    }

    #[test]
    fn the_algorithm_in_use_has_a_name() {
        let (client, _server) = connected();
        let name = congestion_control(&client).unwrap();
        assert!(!name.is_empty() && !name.contains('\0'), "{name:?}");
        set_congestion_control(&client, &name).unwrap();
        assert!(set_congestion_control(&client, "no_such_algorithm").is_err());
    }

    #[test]
    fn what_is_on_the_line_is_payload_headers_and_what_still_waits() {
        let info = TcpInfo {
            segs_in: Some(3),
            segs_out: Some(2),
            bytes_received: Some(1000),
            bytes_sent: Some(500),
            bytes_acked: Some(400),
            notsent_bytes: Some(7),
            ..TcpInfo::default()
        };
        assert_eq!(bytes_on_line(&info), 1000 + 500 + 7 + 5 * 52);
        assert_eq!(bytes_on_line(&TcpInfo::default()), 0);
    }

    proptest! {
        #[test]
        fn any_returned_length_is_read(returned in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (parse(&returned), parse_bbr(&returned));
        }
    }
}
