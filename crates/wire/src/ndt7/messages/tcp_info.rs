//! Kernel counters as ndt7 sends them: field by field the integer types of m-lab/tcp-info.
use super::integer::integers_in_json;

integers_in_json! {
    /// What BBR thinks of the path (`tcp_bbr_info`).
    BbrInfo {
        /// Estimated bottleneck bandwidth, bytes per second.
        bandwidth_bytes_per_s: i64 = "BW",
        /// Minimum round-trip time, microseconds.
        min_rtt_us: u32 = "MinRTT",
        /// Pacing gain, shifted left by 8 bits.
        pacing_gain: u32 = "PacingGain",
        /// Congestion window gain, shifted left by 8 bits.
        cwnd_gain: u32 = "CwndGain",
        /// Microseconds since the start of the test.
        elapsed_us: i64 = "ElapsedTime",
    }
}

integers_in_json! {
    /// What the kernel counted (`tcp_info`, see `tcp(7)` and `linux/tcp.h`). Byte fields are at the
    /// level of TCP, including TLS and WebSocket overhead. A field the kernel did not return is absent.
    TcpInfo {
        /// State of the connection.
        state: u8 = "State",
        /// State of congestion avoidance.
        ca_state: u8 = "CAState",
        /// Retransmission timeouts without an answer.
        retransmits: u8 = "Retransmits",
        /// Unanswered window probes.
        probes: u8 = "Probes",
        /// Exponential backoff of the retransmission timer.
        backoff: u8 = "Backoff",
        /// Negotiated options, as bits.
        options: u8 = "Options",
        /// Window scales: sender in the low four bits, receiver in the high four.
        wscale: u8 = "WScale",
        /// Whether the delivery rate was limited by the application, as bits.
        app_limited: u8 = "AppLimited",
        /// Retransmission timeout, microseconds.
        rto_us: u32 = "RTO",
        /// Delayed-acknowledgement timeout, microseconds.
        ato_us: u32 = "ATO",
        /// Segment size when sending, bytes.
        snd_mss_bytes: u32 = "SndMSS",
        /// Segment size when receiving, bytes.
        rcv_mss_bytes: u32 = "RcvMSS",
        /// Segments sent and not acknowledged.
        unacked: u32 = "Unacked",
        /// Segments acknowledged selectively.
        sacked: u32 = "Sacked",
        /// Segments believed lost.
        lost: u32 = "Lost",
        /// Segments retransmitted and not acknowledged.
        retrans: u32 = "Retrans",
        /// Forward acknowledgements.
        fackets: u32 = "Fackets",
        /// Milliseconds since data was sent.
        last_data_sent_ms: u32 = "LastDataSent",
        /// Milliseconds since an acknowledgement was sent.
        last_ack_sent_ms: u32 = "LastAckSent",
        /// Milliseconds since data was received.
        last_data_recv_ms: u32 = "LastDataRecv",
        /// Milliseconds since an acknowledgement was received.
        last_ack_recv_ms: u32 = "LastAckRecv",
        /// Path MTU, bytes.
        pmtu_bytes: u32 = "PMTU",
        /// Slow-start threshold of the receiver's window.
        rcv_ssthresh: u32 = "RcvSsThresh",
        /// Smoothed round-trip time, microseconds.
        rtt_us: u32 = "RTT",
        /// Its mean deviation, microseconds.
        rttvar_us: u32 = "RTTVar",
        /// Slow-start threshold, segments.
        snd_ssthresh: u32 = "SndSsThresh",
        /// Congestion window, segments.
        snd_cwnd: u32 = "SndCwnd",
        /// Advertised segment size, bytes.
        adv_mss_bytes: u32 = "AdvMSS",
        /// Reordering the sender allows for, segments.
        reordering: u32 = "Reordering",
        /// Round-trip time as the receiver estimates it, microseconds.
        rcv_rtt_us: u32 = "RcvRTT",
        /// Space of the receive buffer, bytes.
        rcv_space_bytes: u32 = "RcvSpace",
        /// Segments retransmitted since the start.
        total_retrans: u32 = "TotalRetrans",
        /// Pacing rate, bytes per second; −1 for none.
        pacing_rate_bytes_per_s: i64 = "PacingRate",
        /// Its limit, bytes per second; −1 for none.
        max_pacing_rate_bytes_per_s: i64 = "MaxPacingRate",
        /// Bytes the peer acknowledged.
        bytes_acked: i64 = "BytesAcked",
        /// Bytes received.
        bytes_received: i64 = "BytesReceived",
        /// Segments sent. The kernel counts unsigned, Go reads signed.
        segs_out: i32 = "SegsOut",
        /// Segments received. As `segs_out`.
        segs_in: i32 = "SegsIn",
        /// Bytes written by the program and not yet sent.
        notsent_bytes: u32 = "NotsentBytes",
        /// Minimum round-trip time, microseconds; 2^32 − 1 before the first sample.
        min_rtt_us: u32 = "MinRTT",
        /// Segments with data received.
        data_segs_in: u32 = "DataSegsIn",
        /// Segments with data sent.
        data_segs_out: u32 = "DataSegsOut",
        /// Latest delivery rate, bytes per second.
        delivery_rate_bytes_per_s: i64 = "DeliveryRate",
        /// Microseconds with something to send.
        busy_time_us: i64 = "BusyTime",
        /// Microseconds held back by the peer's window.
        rwnd_limited_us: i64 = "RWndLimited",
        /// Microseconds held back by our send buffer.
        sndbuf_limited_us: i64 = "SndBufLimited",
        /// Segments delivered.
        delivered: u32 = "Delivered",
        /// Segments delivered with a congestion mark.
        delivered_ce: u32 = "DeliveredCE",
        /// Bytes sent, retransmissions included.
        bytes_sent: i64 = "BytesSent",
        /// Bytes retransmitted.
        bytes_retrans: i64 = "BytesRetrans",
        /// Duplicate selective acknowledgements.
        dsack_dups: u32 = "DSackDups",
        /// Reordering events seen.
        reord_seen: u32 = "ReordSeen",
        /// Segments received out of order.
        rcv_ooopack: u32 = "RcvOooPack",
        /// The peer's window, bytes.
        snd_wnd_bytes: u32 = "SndWnd",
        /// Microseconds since the start of the test; added by ndt7, not the kernel's.
        elapsed_us: i64 = "ElapsedTime",
    }
}

impl TcpInfo {
    /// The minimum round-trip time, microseconds, once the kernel has seen one.
    #[must_use]
    pub fn known_min_rtt_us(&self) -> Option<u32> {
        self.min_rtt_us.filter(|rtt_us| *rtt_us != u32::MAX)
    }

    /// Retransmitted share of the bytes sent, parts per million; `None` where the peer's kernel
    /// does not count them, or its numbers cannot be.
    #[must_use]
    pub fn retransmission_ppm(&self) -> Option<i64> {
        let sent = self.bytes_sent.filter(|sent| *sent > 0)?;
        let retransmitted = self
            .bytes_retrans
            .filter(|bytes| (0..=sent).contains(bytes))?;
        let ppm = i128::from(retransmitted) * 1_000_000 / i128::from(sent);
        i64::try_from(ppm).ok()
    }
}
