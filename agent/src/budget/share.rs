//! One month's use in two ledgers, when a second membership begins and when it ends. Pure.
//!
//! What both say together stays the same, so that joining and leaving, however often, gives no byte back: two
//! parts of the budget are the whole, and neither ledger goes beyond its part.
use super::Ledger;
use tonle_evidence::local_time::LocalHour;

impl Ledger {
    /// The ledger of a second membership that begins now: what was used beyond `own_bytes`, this one's
    /// part from then on, is used up of the other's.
    #[must_use]
    pub fn beyond(&self, own_bytes: u64, now: LocalHour) -> Self {
        let mut turned = self.clone();
        turned.turn_to(now);
        Self {
            month: turned.month,
            used_bytes: turned.used_bytes.saturating_sub(own_bytes),
            ..Self::begin(now)
        }
    }

    /// Leaves what [`Self::beyond`] gave to the other ledger to it.
    pub fn keep_within(&mut self, own_bytes: u64, now: LocalHour) {
        self.turn_to(now);
        self.used_bytes = self.used_bytes.min(own_bytes);
    }

    /// Takes back what a second membership used, which ends now.
    pub fn take_back(&mut self, second: &Self, now: LocalHour) {
        self.turn_to(now);
        let mut second = second.clone().recovered();
        second.turn_to(now);
        self.spend(second.used_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seat::Seat;
    use proptest::prelude::*;

    const BUDGET: u64 = 400_000_000;

    fn spend_what_there_is(ledger: &mut Ledger, part: u64, now: LocalHour, percent: u64) -> u64 {
        let bytes = ledger.available_bytes(part, now) / 100 * percent;
        let reserved = ledger.reserve(bytes, part, now).unwrap();
        ledger.settle(&reserved, bytes);
        bytes
    }

    proptest! {
        #[test]
        fn however_often_a_second_is_joined_and_left_a_month_costs_no_more_than_its_budget(
            turns in proptest::collection::vec((0u64..240, 0u64..=100, 0u64..=100, 0u64..=100), 1..12),
        ) {
            let (own, other) = (Seat::Quality.part_of(BUDGET), Seat::Openness.part_of(BUDGET));
            let hour = |at: u64| LocalHour::at(i64::try_from(at).unwrap() * 3_600_000_000 + 1_793_491_200_000_000, 0);
            let mut first = Ledger::begin(hour(0));
            let (mut at, mut used) = (0, 0);
            for (hours, alone, quality, openness) in turns {
                at = (at + hours).min(719);
                let now = hour(at);
                used += spend_what_there_is(&mut first, BUDGET, now, alone);
                let before = first.used_bytes;
                let mut second = first.beyond(own, now);
                first.keep_within(own, now);
                prop_assert_eq!(first.used_bytes + second.used_bytes, before);
                used += spend_what_there_is(&mut first, own, now, quality);
                used += spend_what_there_is(&mut second, other, now, openness);
                first.take_back(&second, now);
                prop_assert_eq!(first.used_bytes, used);
                prop_assert!(used <= BUDGET);
            }
        }
    }

    #[test]
    fn what_was_used_last_month_is_not_carried_over() {
        let (before, now) = ("2026-11-30T20", "2026-12-01T00");
        let (before, now): (LocalHour, LocalHour) = (before.parse().unwrap(), now.parse().unwrap());
        let mut first = Ledger::begin(before);
        first.spend(BUDGET);
        assert_eq!(first.beyond(0, now).used_bytes, 0);
        let mut second = Ledger::begin(before);
        second.spend(BUDGET);
        first.take_back(&second, now);
        assert_eq!(first.used_bytes, 0);
    }

    #[test]
    fn what_a_second_had_reserved_when_it_ended_is_spent() {
        let now: LocalHour = "2026-11-10T08".parse().unwrap();
        let (mut first, mut second) = (Ledger::begin(now), Ledger::begin(now));
        let _never_settled = second.reserve(1_000, BUDGET, now).unwrap();
        first.take_back(&second, now);
        assert_eq!(first.used_bytes, 1_000);
    }
}
