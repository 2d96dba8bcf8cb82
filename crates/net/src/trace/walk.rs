//! From hop to hop until there is nothing more to learn.
use super::{Hop, Verdict};
use std::future::Future;
use std::io;

/// Longest way.
pub const HOPS_MAX: u8 = 30;
/// Silent hops in a row after which the rest is taken to be silent too.
const SILENT_MAX: u8 = 4;

/// How a trace ended.
#[derive(Debug)]
pub enum End {
    /// The target answered, at this TTL.
    Reached(u8),
    /// Somebody on the way refused to go on.
    Refused,
    /// Nobody answered any more.
    Silent,
    /// It is farther than [`HOPS_MAX`].
    TooFar,
    /// The caller did not want it to go on.
    Stopped,
    /// A probe could not be sent, or the socket not be opened.
    NotSent(io::Error),
}

/// Whoever can probe a hop.
pub(super) trait Probe {
    /// Sends the probes of a TTL and waits for their answers.
    fn hop(&mut self, ttl: u8) -> impl Future<Output = io::Result<Hop>> + Send;
}

pub(super) async fn walk(
    mut probe: impl Probe + Send,
    mut may_send: impl FnMut() -> bool + Send,
    mut saw: impl FnMut(Hop) + Send,
) -> End {
    let mut silent = 0;
    for ttl in 1..=HOPS_MAX {
        if !may_send() {
            return End::Stopped;
        }
        let hop = match probe.hop(ttl).await {
            Ok(hop) => hop,
            Err(error) => return End::NotSent(error),
        };
        let heard =
            |wanted: fn(Verdict) -> bool| hop.answers.iter().any(|answer| wanted(answer.verdict));
        let is_target = heard(|verdict| verdict == Verdict::Target);
        let is_refused = heard(|verdict| matches!(verdict, Verdict::Refused(_)));
        silent = if hop.answers.is_empty() {
            silent + 1
        } else {
            0
        };
        saw(hop);
        if is_target {
            return End::Reached(ttl);
        }
        if is_refused {
            return End::Refused;
        }
        if silent == SILENT_MAX {
            return End::Silent;
        }
    }
    End::TooFar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_queue::Message;
    use crate::trace::Answer;

    /// Hops that answer as the text says: `t` TTL end, `-` silence, `x` refusal, `!` the target.
    struct Scripted(&'static str);

    impl Probe for Scripted {
        async fn hop(&mut self, ttl: u8) -> io::Result<Hop> {
            let verdict = match self.0.as_bytes().get(usize::from(ttl - 1)) {
                Some(b't') => Some(Verdict::TtlEnd),
                Some(b'!') => Some(Verdict::Target),
                Some(b'x') => Some(Verdict::Refused(Message {
                    is_v6: false,
                    kind: 3,
                    code: 13,
                })),
                Some(b'-') => None,
                _ => return Err(io::ErrorKind::NetworkUnreachable.into()),
            };
            let answer = |verdict| Answer {
                from: [192, 0, 2, ttl].into(),
                rtt_us: 1,
                by_kernel: true,
                verdict,
            };
            Ok(Hop {
                ttl,
                sent_us: 0,
                probes: 3,
                answers: verdict.map(answer).into_iter().collect(),
            })
        }
    }

    async fn walked(script: &'static str) -> (String, usize) {
        let mut hops = 0;
        let end = walk(Scripted(script), || true, |_| hops += 1).await;
        (format!("{end:?}"), hops)
    }

    #[tokio::test]
    async fn a_walk_ends_where_there_is_nothing_more_to_learn() {
        assert_eq!(walked("tt--t!t").await, ("Reached(6)".to_owned(), 6));
        assert_eq!(walked("ttxt").await, ("Refused".to_owned(), 3));
        assert_eq!(walked("t---t----t").await, ("Silent".to_owned(), 9));
        let far = "tttttttttttttttttttttttttttttttttttt";
        assert_eq!(walked(far).await, ("TooFar".to_owned(), 30));
        assert!(walked("t").await.0.starts_with("NotSent"));
    }

    #[tokio::test]
    async fn a_walk_stops_when_it_may_not_go_on() {
        let mut left = 2;
        let may_send = || {
            left -= 1;
            left >= 0
        };
        let mut hops = 0;
        let end = walk(Scripted("tttt"), may_send, |_| hops += 1).await;
        assert!(matches!(end, End::Stopped));
        assert_eq!(hops, 2);
    }
}
