//! The probes of a hop sent together, and which answer belongs to which.
use super::walk::Probe;
use super::{Answer, HOP_TIMEOUT, Hop, PROBES, Verdict};
use crate::clock::Stopwatch;
use std::future::Future;
use std::io;
use std::net::IpAddr;

/// Errors of the socket in a row after which it is read no more until the hop is over.
const ERRORS_MAX: u32 = 16;
/// How long an unanswered probe may still be answered, nanoseconds.
const LATE_NS: i64 = 3_000_000_000;

/// An answer to some probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// Number of the probe, where the answer says it: a router may quote no more than the header.
    pub(super) number: Option<u16>,
    pub(super) from: IpAddr,
    pub(super) at_ns: i64,
    pub(super) by_kernel: bool,
    pub(super) verdict: Verdict,
}

/// Packets of one flow.
pub(super) trait Packets {
    fn set_ttl(&self, ttl: u8) -> io::Result<()>;
    /// Sends a probe and says when, nanoseconds of the stopwatch.
    fn send(&self, number: u16) -> io::Result<i64>;
    /// Waits for the next answer; `None` for what answers nothing of ours.
    fn hear(&self) -> impl Future<Output = io::Result<Option<Heard>>> + Send;
}

/// Probes in batches, one batch for each hop.
pub(super) struct Batches<P> {
    packets: P,
    clock: Stopwatch,
    sent: Sent,
}

impl<P> Batches<P> {
    pub(super) fn new(packets: P, clock: &Stopwatch) -> Self {
        Self {
            packets,
            clock: *clock,
            sent: Sent::default(),
        }
    }
}

impl<P: Packets + Send + Sync> Probe for Batches<P> {
    async fn hop(&mut self, ttl: u8) -> io::Result<Hop> {
        self.packets.set_ttl(ttl)?;
        let first = self.sent.begin();
        for _ in 0..PROBES {
            let number = self.sent.next_number();
            let sent_ns = self.packets.send(number)?;
            self.sent.add(number, sent_ns);
        }
        let mut hop = Hop {
            ttl,
            sent_us: self.sent.probes[first].sent_ns / 1_000,
            probes: PROBES,
            answers: Vec::new(),
        };
        let mut over = std::pin::pin!(tokio::time::sleep(HOP_TIMEOUT));
        let mut errors = 0;
        while hop.answers.len() < usize::from(PROBES) {
            tokio::select! {
                () = &mut over => break,
                heard = self.packets.hear(), if errors < ERRORS_MAX => match heard {
                    Ok(heard) => {
                        errors = 0;
                        hop.answers.extend(heard.and_then(|heard| self.sent.answered(&heard)));
                    }
                    Err(_) => errors += 1,
                },
            }
        }
        self.sent.forget_before(self.clock.elapsed_ns() - LATE_NS);
        Ok(hop)
    }
}

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    number: u16,
    sent_ns: i64,
}

/// Probes that are not answered: those of this hop behind those of earlier ones, whose answers may
/// still come.
#[derive(Debug, Default)]
struct Sent {
    probes: Vec<Outstanding>,
    earlier: usize,
    numbers: u16,
}

impl Sent {
    /// A new hop begins. Returns where its first probe will stand.
    fn begin(&mut self) -> usize {
        self.earlier = self.probes.len();
        self.earlier
    }

    fn next_number(&mut self) -> u16 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }

    fn add(&mut self, number: u16, sent_ns: i64) {
        self.probes.push(Outstanding { number, sent_ns });
    }

    /// The answer to a probe of this hop. One without a number is the oldest's, all having left
    /// together, unless it might as well answer an earlier hop.
    fn answered(&mut self, heard: &Heard) -> Option<Answer> {
        let is_its = |probe: &Outstanding| heard.number.is_none_or(|number| number == probe.number);
        let index = match heard.number {
            None if self.earlier > 0 => return None,
            _ => self.probes.iter().position(is_its)?,
        };
        let probe = self.probes.remove(index);
        if index < self.earlier {
            self.earlier -= 1;
            return None;
        }
        Some(Answer {
            from: heard.from,
            rtt_us: ((heard.at_ns - probe.sent_ns).max(0) + 500) / 1_000,
            by_kernel: heard.by_kernel,
            verdict: heard.verdict,
        })
    }

    fn forget_before(&mut self, limit_ns: i64) {
        self.probes.retain(|probe| probe.sent_ns >= limit_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS_NS: i64 = 1_000_000;

    fn heard(number: Option<u16>, at_ns: i64) -> Heard {
        Heard {
            number,
            from: [192, 0, 2, 1].into(),
            at_ns,
            by_kernel: true,
            verdict: Verdict::TtlEnd,
        }
    }

    /// One hop's probes 1 and 2, unanswered, then another's, 3 and 4.
    fn two_hops() -> Sent {
        let mut sent = Sent::default();
        for at_ns in [0, 1_000 * MS_NS] {
            sent.begin();
            for _ in 0..2 {
                let number = sent.next_number();
                sent.add(number, at_ns);
            }
        }
        sent
    }

    #[test]
    fn an_answer_counts_once_and_from_its_own_send() {
        let mut sent = two_hops();
        let answer = sent.answered(&heard(Some(4), 1_020 * MS_NS)).unwrap();
        assert_eq!(answer.rtt_us, 20_000);
        assert_eq!(sent.answered(&heard(Some(4), 1_021 * MS_NS)), None);
        assert_eq!(sent.answered(&heard(Some(99), 1_021 * MS_NS)), None);
    }

    #[test]
    fn a_late_answer_is_no_answer_of_the_next_hop() {
        let mut sent = two_hops();
        assert_eq!(sent.answered(&heard(Some(1), 1_010 * MS_NS)), None);
        assert_eq!(sent.answered(&heard(None, 1_010 * MS_NS)), None, "or 2's");
        assert!(sent.answered(&heard(Some(3), 1_010 * MS_NS)).is_some());
    }

    #[test]
    fn an_answer_without_a_number_is_taken_when_no_earlier_hop_can_have_it() {
        let mut sent = two_hops();
        sent.forget_before(MS_NS);
        sent.begin();
        sent.probes.clear();
        sent.begin();
        sent.add(9, 5_000 * MS_NS);
        let answer = sent.answered(&heard(None, 5_007 * MS_NS)).unwrap();
        assert_eq!(answer.rtt_us, 7_000);
    }
}
