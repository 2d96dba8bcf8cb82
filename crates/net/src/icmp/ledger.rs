//! The probes of a train and what became of each. Pure: times come in.
use super::socket::Arrival;
use crate::classify;
use crate::scrub;
use std::io;
use std::net::IpAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::{Detail, Observation};

/// Most further arrivals written of one train: a far end that repeats itself must not fill a record.
const FURTHER_MAX: usize = 20;

/// How a probe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Answered { rtt_ns: i64 },
    Failed,
    TimedOut,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    sequence: u16,
    sent_ns: i64,
    state: State,
}

/// The probes of one train.
#[derive(Debug)]
pub(super) struct Ledger {
    target: IpAddr,
    probe: &'static str,
    timeout_ns: i64,
    sent: Vec<Entry>,
    further: usize,
}

impl Ledger {
    pub(super) fn new(target: IpAddr, probe: &'static str, timeout_ns: i64) -> Self {
        Self {
            target,
            probe,
            timeout_ns,
            sent: Vec::new(),
            further: 0,
        }
    }

    /// A probe left.
    pub(super) fn sent(&mut self, sequence: u16, sent_ns: i64) {
        self.sent.push(Entry {
            sequence,
            sent_ns,
            state: State::Waiting,
        });
    }

    /// A probe could not be sent. One that never left the device is no probe of the train.
    pub(super) fn not_sent(
        &mut self,
        sequence: u16,
        at_ns: i64,
        error: &io::Error,
        left: bool,
    ) -> Observation {
        let mut detail = Detail::new();
        if left {
            self.sent(sequence, at_ns);
            self.settle(self.sent.len() - 1, State::Failed);
        } else {
            detail.insert("sent".to_owned(), false.into());
        }
        let failure = Some(classify::io_error(error));
        self.observation("icmp_echo", sequence, (at_ns, at_ns), failure, detail)
    }

    /// Something arrived; what it says of a probe of ours.
    pub(super) fn arrived(&mut self, arrival: Arrival) -> Option<Observation> {
        match arrival {
            Arrival::Unrelated => None,
            Arrival::Reply {
                sequence,
                at_ns,
                by_kernel,
                ttl,
            } => {
                let mut detail = timed(by_kernel);
                if let Some(ttl) = ttl {
                    detail.insert("ttl".to_owned(), ttl.into());
                }
                self.answered(sequence, at_ns, None, detail)
            }
            Arrival::Error {
                sequence,
                at_ns,
                by_kernel,
                from,
                message,
            } => {
                let mut detail = timed(by_kernel);
                detail.insert("icmp_type".to_owned(), message.kind.into());
                detail.insert("icmp_code".to_owned(), message.code.into());
                if let Some(from) = from {
                    detail.insert("from".to_owned(), scrub::address(from).into());
                }
                self.answered(sequence, at_ns, Some(message.failure()), detail)
            }
        }
    }

    fn answered(
        &mut self,
        sequence: u16,
        at_ns: i64,
        failure: Option<Failure>,
        mut detail: Detail,
    ) -> Option<Observation> {
        let index = self
            .sent
            .iter()
            .position(|sent| sent.sequence == sequence)?;
        let Entry { sent_ns, state, .. } = self.sent[index];
        // The clocks behind the two times are read apart, by less than a loopback's round trip.
        let rtt_ns = (at_ns - sent_ns).max(0);
        let span_ns = (sent_ns, sent_ns + rtt_ns);
        let state_now = if failure.is_none() {
            State::Answered { rtt_ns }
        } else {
            State::Failed
        };
        if state == State::Waiting && rtt_ns <= self.timeout_ns {
            self.settle(index, state_now);
            return Some(self.observation("icmp_echo", sequence, span_ns, failure, detail));
        }
        // One that comes while its time runs out is late; `expire` writes the loss.
        self.further += 1;
        if self.further > FURTHER_MAX {
            return None;
        }
        let word = match state {
            State::Waiting | State::TimedOut => "late",
            State::Answered { .. } | State::Failed => "duplicate",
        };
        detail.insert(word.to_owned(), true.into());
        Some(self.observation("icmp_reply", sequence, span_ns, failure, detail))
    }

    /// The probes whose time is over.
    pub(super) fn expire(&mut self, now_ns: i64) -> Vec<Observation> {
        let mut expired = Vec::new();
        for index in 0..self.sent.len() {
            let Entry {
                sequence,
                sent_ns,
                state,
            } = self.sent[index];
            let end_ns = sent_ns + self.timeout_ns;
            if state != State::Waiting || now_ns < end_ns {
                continue;
            }
            self.settle(index, State::TimedOut);
            let failure = Some(Failure::GenericTimeout);
            let span_ns = (sent_ns, end_ns);
            expired.push(self.observation("icmp_echo", sequence, span_ns, failure, Detail::new()));
        }
        expired
    }

    /// When the next probe's time is over; `None` when none waits.
    pub(super) fn next_expiry_ns(&self) -> Option<i64> {
        let waiting = self.sent.iter().filter(|sent| sent.state == State::Waiting);
        waiting.map(|sent| sent.sent_ns + self.timeout_ns).min()
    }

    /// Round-trip times in the order of sending, microseconds; `None` where no reply came in time.
    pub(super) fn rtts_us(&self) -> Vec<Option<i64>> {
        let rtt_us = |sent: &Entry| match sent.state {
            State::Answered { rtt_ns } => Some(to_us(rtt_ns)),
            _ => None,
        };
        self.sent.iter().map(rtt_us).collect()
    }

    fn settle(&mut self, index: usize, state: State) {
        self.sent[index].state = state;
    }

    fn observation(
        &self,
        operation: &str,
        sequence: u16,
        (start_ns, end_ns): (i64, i64),
        failure: Option<Failure>,
        mut detail: Detail,
    ) -> Observation {
        detail.insert("probe".to_owned(), self.probe.into());
        detail.insert("sequence".to_owned(), sequence.into());
        let t_start_us = start_ns / 1_000;
        Observation {
            t_start_us,
            t_end_us: t_start_us + to_us(end_ns - start_ns),
            operation: operation.to_owned(),
            subject: Some(scrub::address(self.target)),
            failure,
            detail,
        }
    }
}

fn timed(by_kernel: bool) -> Detail {
    Detail::from([("kernel_time".to_owned(), by_kernel.into())])
}

/// Nanoseconds as microseconds, rounded.
fn to_us(ns: i64) -> i64 {
    (ns + 500) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_queue::Message;

    const SECOND_NS: i64 = 1_000_000_000;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new([192, 0, 2, 1].into(), "icmp_raw", 3 * SECOND_NS);
        ledger.sent(65_535, 0);
        ledger.sent(0, SECOND_NS);
        ledger
    }

    fn reply(sequence: u16, at_ns: i64) -> Arrival {
        Arrival::Reply {
            sequence,
            at_ns,
            by_kernel: true,
            ttl: Some(57),
        }
    }

    #[test]
    fn a_reply_in_time_is_the_round_trip() {
        let mut ledger = ledger();
        let seen = ledger.arrived(reply(0, SECOND_NS + 1_234_600)).unwrap();
        assert_eq!(seen.operation, "icmp_echo");
        assert_eq!(seen.failure, None);
        assert_eq!(seen.duration_us(), 1_235);
        assert_eq!(seen.detail["ttl"], 57);
        assert_eq!(seen.detail["kernel_time"], true);
        assert_eq!(ledger.rtts_us(), [None, Some(1_235)]);
        assert_eq!(ledger.next_expiry_ns(), Some(3 * SECOND_NS));
    }

    #[test]
    fn a_second_reply_is_a_duplicate_and_changes_nothing() {
        let mut ledger = ledger();
        ledger.arrived(reply(0, SECOND_NS + 1_000));
        let again = ledger.arrived(reply(0, SECOND_NS + 9_000)).unwrap();
        assert_eq!(again.operation, "icmp_reply");
        assert_eq!(again.detail["duplicate"], true);
        assert_eq!(ledger.rtts_us(), [None, Some(1)]);
    }

    #[test]
    fn a_reply_after_its_time_is_late_and_the_probe_stays_lost() {
        let mut ledger = ledger();
        let lost = ledger.expire(3 * SECOND_NS);
        assert_eq!(lost.len(), 1);
        assert_eq!(lost[0].failure, Some(Failure::GenericTimeout));
        assert_eq!(lost[0].duration_us(), 3_000_000);
        let late = ledger.arrived(reply(65_535, 3 * SECOND_NS + 1)).unwrap();
        assert_eq!(late.detail["late"], true);
        assert_eq!(ledger.rtts_us(), [None, None]);
    }

    #[test]
    fn a_reply_that_overtook_our_own_timer_is_late_all_the_same() {
        let mut ledger = ledger();
        let late = ledger.arrived(reply(65_535, 3 * SECOND_NS + 1)).unwrap();
        assert_eq!(late.detail["late"], true);
        assert_eq!(ledger.expire(3 * SECOND_NS + 2).len(), 1);
        assert_eq!(ledger.rtts_us(), [None, None]);
    }

    #[test]
    fn what_a_router_says_is_the_probes_failure_with_the_router() {
        let mut ledger = ledger();
        let said = ledger.arrived(Arrival::Error {
            sequence: 0,
            at_ns: 2 * SECOND_NS,
            by_kernel: true,
            from: Some([203, 0, 113, 9].into()),
            message: Message {
                is_v6: false,
                kind: 3,
                code: 1,
            },
        });
        let said = said.unwrap();
        assert_eq!(said.failure, Some(Failure::HostUnreachable));
        assert_eq!(said.detail["from"], "203.0.113.9");
        assert_eq!(said.detail["icmp_type"], 3);
        assert_eq!(ledger.rtts_us(), [None, None]);
        assert!(
            ledger.expire(9 * SECOND_NS).len() == 1,
            "only the other one"
        );
    }

    #[test]
    fn what_never_left_is_no_probe_and_what_was_refused_is_one() {
        let mut ledger = ledger();
        let offline = io::Error::from_raw_os_error(libc::ENETUNREACH);
        let seen = ledger.not_sent(1, 0, &offline, false);
        assert_eq!(seen.detail["sent"], false);
        assert_eq!(seen.failure, Some(Failure::NetworkUnreachable));
        assert_eq!(ledger.rtts_us().len(), 2);
        ledger.not_sent(2, 0, &offline, true);
        assert_eq!(ledger.rtts_us().len(), 3);
    }

    #[test]
    fn a_flood_of_replies_is_not_written() {
        let mut ledger = ledger();
        let written = (0..1_000).filter_map(|at_ns| ledger.arrived(reply(0, SECOND_NS + at_ns)));
        assert_eq!(written.count(), 1 + FURTHER_MAX);
        assert_eq!(ledger.arrived(reply(77, SECOND_NS)), None, "never sent");
    }
}
