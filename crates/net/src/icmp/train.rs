//! A train of echoes: sent at even distances, answered in any order, each settled once.
use super::ledger::Ledger;
use super::socket::EchoSocket;
use crate::clock::Stopwatch;
use crate::tcp::has_route;
use std::time::Duration;
use tonle_evidence::observation::Observation;

/// Errors of the socket in a row after which it is read no more: each router's report may be one,
/// and a socket that gives nothing else is broken.
const ERRORS_MAX: u32 = 16;

/// What a train is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Probes.
    pub probes: u16,
    /// Time between two of them.
    pub spacing: Duration,
    /// Longest wait for a reply.
    pub timeout: Duration,
    /// Sequence number of the first; they wrap around.
    pub first_sequence: u16,
}

/// Sends a train over `socket` and waits until every probe is answered or its time is over.
///
/// `may_send` is asked before each probe; the rest is not sent once it says no, or once a probe could
/// not leave the device. `saw` is told of each probe and each further arrival as soon as it is known.
/// Returns the round-trip times in the order of sending, microseconds, `None` where no reply came.
pub async fn train(
    socket: &EchoSocket,
    clock: &Stopwatch,
    plan: Plan,
    mut may_send: impl FnMut() -> bool,
    mut saw: impl FnMut(Observation),
) -> Vec<Option<i64>> {
    let mut ledger = Ledger::new(socket.target(), socket.probe(), to_ns(plan.timeout));
    let mut schedule = Schedule::new(plan, clock.elapsed_ns());
    let mut errors = 0;
    loop {
        let now_ns = clock.elapsed_ns();
        ledger.expire(now_ns).into_iter().for_each(&mut saw);
        if let Some(sequence) = schedule.take_due(now_ns) {
            if !may_send() {
                schedule.stop();
            } else if let Some(failed) = send(socket, clock, sequence, &mut ledger) {
                if failed.detail.contains_key("sent") {
                    schedule.stop();
                }
                saw(failed);
            }
            continue;
        }
        let wake_ns = [schedule.next_ns(), ledger.next_expiry_ns()];
        let Some(wake_ns) = wake_ns.into_iter().flatten().min() else {
            return ledger.rtts_us();
        };
        let sleep = Duration::from_nanos(u64::try_from(wake_ns - now_ns).unwrap_or(0));
        tokio::select! {
            arrived = socket.next(clock), if errors < ERRORS_MAX => match arrived {
                Ok(arrival) => {
                    errors = 0;
                    ledger.arrived(arrival).into_iter().for_each(&mut saw);
                }
                Err(_) => errors += 1,
            },
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Sends one probe; what there is to say when it could not be sent.
fn send(
    socket: &EchoSocket,
    clock: &Stopwatch,
    sequence: u16,
    ledger: &mut Ledger,
) -> Option<Observation> {
    let before_ns = clock.elapsed_ns();
    match socket.send(clock, sequence) {
        Ok(sent_ns) => {
            ledger.sent(sequence, sent_ns);
            None
        }
        Err(error) => {
            let left = has_route(socket.target());
            Some(ledger.not_sent(sequence, before_ns, &error, left))
        }
    }
}

/// When the probes are due.
struct Schedule {
    plan: Plan,
    begin_ns: i64,
    next: u16,
}

impl Schedule {
    fn new(plan: Plan, begin_ns: i64) -> Self {
        Self {
            plan,
            begin_ns,
            next: 0,
        }
    }

    /// When the next probe is due; `None` when there is none.
    fn next_ns(&self) -> Option<i64> {
        let due_ns = self.begin_ns + to_ns(self.plan.spacing) * i64::from(self.next);
        (self.next < self.plan.probes).then_some(due_ns)
    }

    /// The sequence number of a probe that is due now.
    fn take_due(&mut self, now_ns: i64) -> Option<u16> {
        self.next_ns().filter(|due_ns| *due_ns <= now_ns)?;
        let sequence = self.plan.first_sequence.wrapping_add(self.next);
        self.next += 1;
        Some(sequence)
    }

    /// Nothing more is sent.
    fn stop(&mut self) {
        self.next = self.plan.probes;
    }
}

fn to_ns(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
