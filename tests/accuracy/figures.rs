//! What the hub saw, as the figures that a tool ought to report. Pure.
use std::collections::BTreeMap;

/// A packet that entered the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Entered, microseconds since the Unix epoch.
    pub(crate) in_us: i64,
    /// Left; none: lost.
    pub(crate) out_us: Option<i64>,
    /// Time in queues, microseconds.
    pub(crate) queue_us: i64,
    /// To the client, or from it.
    pub(crate) to_client: bool,
    pub(crate) protocol: Protocol,
    /// The client's port; 0 where the protocol has none.
    pub(crate) client_port: u16,
    /// The other side's port; 0 where the protocol has none.
    pub(crate) server_port: u16,
    /// Behind the transport header.
    pub(crate) payload_bytes: u64,
}

/// Transport of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Icmp,
}

/// Packets of one conversation: protocol and the server's port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    pub(crate) protocol: Protocol,
    pub(crate) server_port: u16,
}

impl Talk {
    fn has(self, passage: &Passage) -> bool {
        passage.protocol == self.protocol && passage.server_port == self.server_port
    }
}

/// A stretch of time, microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_us: i64,
    pub(crate) until_us: i64,
}

impl Span {
    /// Any time.
    pub(crate) const ALL: Self = Self {
        from_us: 0,
        until_us: i64::MAX,
    };

    fn contains(self, at_us: i64) -> bool {
        (self.from_us..self.until_us).contains(&at_us)
    }

    fn length_us(self) -> i64 {
        self.until_us - self.from_us
    }
}

/// Payload delivered within a span, bit/s.
pub(crate) fn goodput_bps(all: &[Passage], talk: Talk, to_client: bool, span: Span) -> Option<u64> {
    if span.length_us() <= 0 {
        return None;
    }
    let delivered = all.iter().filter(|passage| {
        talk.has(passage)
            && passage.to_client == to_client
            && passage.out_us.is_some_and(|at_us| span.contains(at_us))
    });
    let bytes: u64 = delivered.map(|passage| passage.payload_bytes).sum();
    let rate = u128::from(bytes) * 8_000_000 / u128::from(span.length_us().unsigned_abs());
    u64::try_from(rate).ok()
}

/// From the first to the last payload delivered one way: the span of a tool that does not say its
/// own. Of several connections the one with most payload counts.
pub(crate) fn busiest_span(all: &[Passage], talk: Talk, to_client: bool) -> Option<Span> {
    let mut by_port: BTreeMap<u16, (u64, i64, i64)> = BTreeMap::new();
    for passage in all {
        let Some(out_us) = passage.out_us else {
            continue;
        };
        let counts =
            talk.has(passage) && passage.to_client == to_client && passage.payload_bytes > 0;
        if counts {
            let (bytes, first_us, last_us) = by_port
                .entry(passage.client_port)
                .or_insert((0, out_us, out_us));
            *bytes += passage.payload_bytes;
            *first_us = (*first_us).min(out_us);
            *last_us = (*last_us).max(out_us);
        }
    }
    let (_, from_us, until_us) = by_port.into_values().max()?;
    Some(Span { from_us, until_us })
}

/// One probe and its reply, by the hub alone: what the hosts needed to answer is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoundTrip {
    pub(crate) rtt_us: i64,
    /// The part of it in queues.
    pub(crate) queue_us: i64,
}

/// What became of the probes that left in a span; `None`: the probe or its reply was lost. The k-th
/// request that arrived belongs to the k-th reply that left.
pub(crate) fn probes(all: &[Passage], talk: Talk, span: Span) -> Vec<Option<RoundTrip>> {
    let of = |to_client: bool| {
        let mut passages: Vec<&Passage> = all
            .iter()
            .filter(|passage| talk.has(passage) && passage.to_client == to_client)
            .collect();
        passages.sort_by_key(|passage| passage.in_us);
        passages
    };
    let mut replies = of(true).into_iter();
    let mut probes = Vec::new();
    for request in of(false) {
        let reply = request.out_us.and_then(|_| replies.next());
        if span.contains(request.in_us) {
            probes.push(reply.and_then(|reply| round_trip(request, reply)));
        }
    }
    probes
}

fn round_trip(request: &Passage, reply: &Passage) -> Option<RoundTrip> {
    Some(RoundTrip {
        rtt_us: request.out_us? - request.in_us + reply.out_us? - reply.in_us,
        queue_us: request.queue_us + reply.queue_us,
    })
}

/// The middle value.
pub(crate) fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = values[values.len() / 2 - 1];
    Some(lower + (upper - lower) / 2)
}
