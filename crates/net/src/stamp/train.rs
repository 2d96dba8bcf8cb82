//! Sending a train and reading what comes back, on one socket, in one task.
use super::result::{Reply, TrainResult, evaluate};
use super::{TMAX_MS, histogram};
use crate::classify;
use crate::clock::Stopwatch;
use crate::kernel_time::{Received, TimedSocket};
use crate::meter::{Meter, UDP_OVERHEAD_BYTES};
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::{Seen, Step};
use crate::tcp::has_route;
use crate::udp;
use rand::{Rng, RngExt};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_wire::stamp::{
    ErrorEstimate, Key, PACKET_MAX_BYTES, ReflectorPacket, SenderPacket, TimeFormat, Timestamp,
    base_bytes,
};

/// A session with a reflector.
#[derive(Debug, Clone)]
pub struct Session {
    /// Where the reflector listens.
    pub peer: SocketAddr,
    /// Identifier of the session, 0 for none.
    pub ssid: u16,
    /// Key of an authenticated session; none is open mode.
    pub key: Option<Key>,
    /// Whether the reflector has numbers of its own for this session, from 0: only then has loss a
    /// direction.
    pub stateful: bool,
}

/// How a train runs.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Packets at most.
    pub packets_max: u32,
    /// Mean time between two packets; each gap is drawn evenly from half to one and a half of it, so
    /// that the train does not lock onto anything periodic (RFC 3432, section 4).
    pub gap: Duration,
    /// Count of the meter beyond which nothing more is sent.
    pub bytes_max: u64,
    /// Whether the clock of this device follows an outside source.
    pub clock_synchronised: bool,
}

/// What became of a train.
pub type Trained = Seen<TrainResult>;

/// Runs a train until its packets are sent or `until` is done, then waits for the last replies.
pub async fn run(
    settings: &NetSettings,
    clock: &Stopwatch,
    session: &Session,
    plan: Plan,
    meter: &Meter,
    random: &mut (impl Rng + Send),
    until: impl Future<Output = ()> + Send,
) -> Trained {
    let mut step = Step::start(clock, "stamp_train", scrub::endpoint(session.peer));
    if !settings.may_contact(session.peer.ip()) {
        step.fact("contacted", false);
        return (step.fail(Failure::DnsBogon), None);
    }
    let socket = match udp::connect(session.peer) {
        Ok(socket) => socket,
        Err(error) => {
            if !has_route(session.peer.ip()) {
                step.fact("sent", false);
            }
            return (step.fail(classify::io_error(&error)), None);
        }
    };
    let mut train = Train::new(clock, session, plan, &socket, meter);
    train.run(random, until).await;
    step.result_known();
    train.describe(step)
}

struct Train<'a> {
    clock: &'a Stopwatch,
    session: &'a Session,
    plan: Plan,
    socket: &'a TimedSocket,
    meter: &'a Meter,
    /// Wall time at the zero of the clock, so that no timestamp steps within a train.
    zero_wall_ns: i64,
    sent_ns: Vec<i64>,
    replies: Vec<Reply>,
    /// Whether each packet has a reply; and how many have none.
    answered: Vec<bool>,
    unanswered: usize,
    /// Longest time that a reply took. When all packets are answered, others are waited for as long:
    /// a copy's reply that was overtaken is not lost.
    longest: Duration,
    not_replies: u32,
    by_kernel: bool,
    failure: Option<Failure>,
}

impl<'a> Train<'a> {
    fn new(
        clock: &'a Stopwatch,
        session: &'a Session,
        plan: Plan,
        socket: &'a TimedSocket,
        meter: &'a Meter,
    ) -> Self {
        let (now_ns, wall_ns) = clock.both_ns();
        Self {
            clock,
            session,
            plan,
            socket,
            meter,
            zero_wall_ns: wall_ns - now_ns,
            sent_ns: Vec::new(),
            replies: Vec::new(),
            answered: Vec::new(),
            unanswered: 0,
            longest: Duration::ZERO,
            not_replies: 0,
            by_kernel: true,
            failure: None,
        }
    }

    async fn run(&mut self, random: &mut impl Rng, until: impl Future<Output = ()>) {
        let mut until = pin!(until);
        let mut next = Instant::now();
        for _ in 0..self.plan.packets_max {
            tokio::select! {
                () = &mut until => break,
                () = self.listen_until(next) => {}
            }
            if self.failure == Some(Failure::ConnectionRefused) || !self.may_send() {
                break;
            }
            self.send().await;
            let gap = self.plan.gap.mul_f64(random.random_range(0.5..1.5));
            next = (next + gap).max(Instant::now());
        }
        let last_replies = async {
            while self.unanswered > 0 && self.failure != Some(Failure::ConnectionRefused) {
                self.read().await;
            }
        };
        let _ = timeout(Duration::from_millis(TMAX_MS), last_replies).await;
        if self.unanswered == 0 {
            self.listen_until(Instant::now() + self.longest).await;
        }
    }

    /// Bytes that a packet and its reply cost.
    fn cost_bytes(&self) -> u64 {
        2 * (base_bytes(self.session.key.as_ref()) as u64 + UDP_OVERHEAD_BYTES)
    }

    /// What is on its way back to us is spent, too.
    fn may_send(&self) -> bool {
        let coming_bytes = self.unanswered as u64 * self.cost_bytes() / 2;
        self.meter.bytes() + coming_bytes + self.cost_bytes() <= self.plan.bytes_max
    }

    /// A packet that does not leave the device is no packet: it has no number, and is not lost.
    async fn send(&mut self) {
        let key = self.session.key.as_ref();
        let sequence = u32::try_from(self.sent_ns.len()).expect("a train has fewer packets");
        let packet = |at_ns| {
            let packet = SenderPacket {
                sequence,
                timestamp: self.timestamp(at_ns),
                error_estimate: ErrorEstimate::of_clock(self.plan.clock_synchronised),
                ssid: self.session.ssid,
            };
            packet.write(key)
        };
        match self.socket.send(self.clock, packet).await {
            Ok(at_ns) => {
                self.meter.add(self.cost_bytes() / 2);
                self.sent_ns.push(at_ns);
                self.answered.push(false);
                self.unanswered += 1;
            }
            Err(error) => self.failure = Some(classify::io_error(&error)),
        }
    }

    fn timestamp(&self, at_ns: i64) -> Timestamp {
        Timestamp::from_unix_ns(self.zero_wall_ns + at_ns, TimeFormat::Ntp)
    }

    async fn listen_until(&mut self, end: Instant) {
        let listening = async {
            loop {
                self.read().await;
            }
        };
        let _: Result<(), _> = timeout_at(end, listening).await;
    }

    /// Reads what comes next: a datagram, or the network's word on an earlier one.
    async fn read(&mut self) {
        let mut buffer = [0; PACKET_MAX_BYTES];
        match self.socket.receive(self.clock, &mut buffer).await {
            Ok(received) => self.take(&buffer[..received.bytes], &received),
            Err(error) => self.failure = Some(classify::io_error(&error)),
        }
    }

    fn take(&mut self, bytes: &[u8], received: &Received) {
        self.meter.add(bytes.len() as u64 + UDP_OVERHEAD_BYTES);
        let Some((place, reply)) = self.reply(bytes, received) else {
            self.not_replies += 1;
            return;
        };
        self.by_kernel &= received.by_kernel;
        let took_ns = u64::try_from(reply.at_ns - self.sent_ns[place]).unwrap_or(0);
        let took = Duration::from_nanos(took_ns).min(Duration::from_millis(TMAX_MS));
        self.longest = self.longest.max(took);
        self.replies.push(reply);
        if !self.answered[place] {
            self.answered[place] = true;
            self.unanswered -= 1;
        }
    }

    /// The reply in a datagram and the place of the packet that it answers; nothing when it is none
    /// of this train's: wrong key or session, or not the time that we sent.
    fn reply(&self, bytes: &[u8], received: &Received) -> Option<(usize, Reply)> {
        let packet = ReflectorPacket::read(bytes, self.session.key.as_ref()).ok()?;
        let place = usize::try_from(packet.sender_sequence).ok()?;
        let sent_ns = *self.sent_ns.get(place)?;
        if packet.ssid != self.session.ssid || packet.sender_timestamp != self.timestamp(sent_ns) {
            return None;
        }
        let format = packet.error_estimate.format();
        let (arrived_ns, left_ns) = (
            packet.receive.unix_ns(format),
            packet.transmit.unix_ns(format),
        );
        let comparable = self.plan.clock_synchronised
            && packet.error_estimate.is_synchronised()
            && format == TimeFormat::Ntp;
        let forward_ns = arrived_ns - (self.zero_wall_ns + sent_ns);
        let backward_ns = self.zero_wall_ns + received.at_ns - left_ns;
        let reply = Reply {
            sender_sequence: packet.sender_sequence,
            reflector_sequence: packet.sequence,
            at_ns: received.at_ns,
            held_ns: left_ns - arrived_ns,
            left_ns,
            one_way_ns: comparable.then_some((forward_ns, backward_ns)),
        };
        Some((place, reply))
    }

    fn describe(self, mut step: Step) -> Trained {
        let tmax_ns = i64::try_from(TMAX_MS * 1_000_000).expect("seconds fit");
        let mut result = evaluate(&self.sent_ns, &self.replies, tmax_ns);
        if !self.session.stateful {
            result.loss = None;
        }
        if result.sent_ns.is_empty() {
            step.fact("sent", false);
            return (
                step.fail(self.failure.unwrap_or(Failure::Interrupted)),
                None,
            );
        }
        step.fact("packet_bytes", base_bytes(self.session.key.as_ref()));
        step.fact("authenticated", self.session.key.is_some());
        step.fact("sent", result.sent_ns.len());
        step.fact("answered", result.answers.len());
        step.fact("duplicated", result.duplicated);
        step.fact("reordered", result.reordered);
        step.fact("late", result.late);
        step.fact("not_replies", self.not_replies);
        step.fact("timed_by_kernel", self.by_kernel);
        if let Some(loss) = result.loss {
            step.fact("forward_lost", loss.forward.0);
            step.fact("sent_before_last", loss.forward.1);
            step.fact("backward_lost", loss.backward.0);
            step.fact("reflected_before_last", loss.backward.1);
        }
        if result.answers.is_empty() {
            let failure = self.failure.unwrap_or(Failure::GenericTimeout);
            return (step.fail(failure), Some(result));
        }
        let buckets = histogram::of(result.rtts_us());
        let (from, count): (Vec<i64>, Vec<i64>) = buckets.into_iter().unzip();
        step.fact("rtt_us_from", from);
        step.fact("rtt_us_count", count);
        (step.succeed(), Some(result))
    }
}

#[cfg(test)]
mod tests;
