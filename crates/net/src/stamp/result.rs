//! What the packets of a train say: pure, so that loss, duplicates and reordering of any kind can be
//! tried on it.
//!
//! 1. A packet is answered by its first reply within Tmax (RFC 2681); further replies are duplicates
//!    and never count as replies, later ones are late and count as lost.
//! 2. Round trip = (T4 − T1) − (T3 − T2). A hold T3 − T2 that cannot be (negative, or longer than
//!    the whole) is not believed and nothing is subtracted.
//! 3. A reply is reordered when one to a later packet came before it (RFC 4737, section 3).
//! 4. The reflector numbers its replies from 0. Up to the last packet that is known to have arrived,
//!    numbers that never came back were lost backward; what else was not answered was lost forward.
//!    Packets after it cannot be told apart and stand in the round-trip loss only.
//! 5. There is no such split when the reflector's numbers do not grow with its own times (it was
//!    restarted), or exceed twice what was sent (it is not telling the truth).
use std::collections::{BTreeMap, BTreeSet};

/// A reply as it was read. Times are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Number of the packet that it answers.
    pub sender_sequence: u32,
    /// The reflector's own number.
    pub reflector_sequence: u32,
    /// When it arrived here (T4), on the clock of the sent times.
    pub at_ns: i64,
    /// How long the reflector held the packet (T3 − T2).
    pub held_ns: i64,
    /// When it left the reflector (T3), by the reflector's clock.
    pub left_ns: i64,
    /// (T2 − T1, T4 − T3), only when both clocks say that they are synchronised.
    pub one_way_ns: Option<(i64, i64)>,
}

/// A packet that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Number of the packet.
    pub sequence: u32,
    /// When it was sent (T1).
    pub sent_ns: i64,
    /// Round trip.
    pub rtt_ns: i64,
    /// See [`Reply::one_way_ns`].
    pub one_way_ns: Option<(i64, i64)>,
}

/// Loss by direction, up to the last packet that is known to have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Packets that the reflector never received, and of how many.
    pub forward: (usize, usize),
    /// Replies that never came back, and of how many.
    pub backward: (usize, usize),
}

/// What a train says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrainResult {
    /// When each packet was sent; its number is its place.
    pub sent_ns: Vec<i64>,
    /// Packets answered, in the order of sending.
    pub answers: Vec<Answer>,
    /// Further replies to packets that were answered.
    pub duplicated: usize,
    /// Replies that a reply to a later packet overtook.
    pub reordered: usize,
    /// Replies after Tmax.
    pub late: usize,
    /// Loss by direction, where it can be told.
    pub loss: Option<Loss>,
}

impl TrainResult {
    /// Round trips in the order of sending, microseconds.
    #[must_use]
    pub fn rtts_us(&self) -> Vec<i64> {
        let answers = self.answers.iter();
        answers.map(|answer| answer.rtt_ns / 1_000).collect()
    }
}

/// Evaluates a train: when each packet was sent (its number is its place), and the replies in the
/// order of their arrival.
#[must_use]
pub fn evaluate(sent_ns: &[i64], replies: &[Reply], tmax_ns: i64) -> TrainResult {
    let sent_at = |reply: &Reply| sent_ns.get(usize::try_from(reply.sender_sequence).ok()?);
    let mut result = TrainResult {
        sent_ns: sent_ns.to_vec(),
        ..TrainResult::default()
    };
    let mut answers = BTreeMap::new();
    let mut in_time = Vec::new();
    let mut furthest = None;
    for reply in replies {
        let Some(&sent_ns) = sent_at(reply) else {
            continue;
        };
        let whole_ns = reply.at_ns - sent_ns;
        let is_duplicate = answers.contains_key(&reply.sender_sequence);
        if !is_duplicate && whole_ns > tmax_ns {
            result.late += 1;
            continue;
        }
        in_time.push(*reply);
        if is_duplicate {
            result.duplicated += 1;
            continue;
        }
        if furthest > Some(reply.sender_sequence) {
            result.reordered += 1;
        }
        furthest = furthest.max(Some(reply.sender_sequence));
        let is_possible = (0..=whole_ns).contains(&reply.held_ns);
        let held_ns = if is_possible { reply.held_ns } else { 0 };
        let answer = Answer {
            sequence: reply.sender_sequence,
            sent_ns,
            rtt_ns: whole_ns - held_ns,
            one_way_ns: reply.one_way_ns,
        };
        answers.insert(reply.sender_sequence, answer);
    }
    result.loss = loss_by_direction(sent_ns.len(), in_time);
    result.answers = answers.into_values().collect();
    result
}

/// Rules 4 and 5.
fn loss_by_direction(sent: usize, mut replies: Vec<Reply>) -> Option<Loss> {
    replies.sort_by_key(|reply| (reply.left_ns, reply.reflector_sequence));
    replies.dedup_by_key(|reply| (reply.left_ns, reply.reflector_sequence));
    let grows = |pair: &[Reply]| pair[0].reflector_sequence < pair[1].reflector_sequence;
    if !replies.windows(2).all(grows) {
        return None;
    }
    let last_sent = replies.iter().map(|reply| reply.sender_sequence).max()?;
    let last_reflected = replies.last()?.reflector_sequence;
    let arrived_before_last = usize::try_from(last_sent).ok()? + 1;
    let reflected = usize::try_from(last_reflected).ok()?.checked_add(1)?;
    if reflected > sent.checked_mul(2)? {
        return None;
    }
    let answered: BTreeSet<u32> = replies.iter().map(|one| one.sender_sequence).collect();
    let backward_lost = reflected.saturating_sub(replies.len());
    let unanswered = arrived_before_last.saturating_sub(answered.len());
    Some(Loss {
        forward: (
            unanswered.saturating_sub(backward_lost),
            arrived_before_last,
        ),
        backward: (backward_lost, reflected),
    })
}

#[cfg(test)]
mod tests;
