//! Where a way leaves through: enough to say "this one leaves by the same gateway as the others".
//! Pure.
//!
//! The border is taken to be the largest step of the round-trip time between two routers that may be
//! written, if it is 3 ms or more: a cable to another country is long, and the links within
//! a small country are not. The step out of the volunteer's side is taken only where there is no
//! other: on a mobile line it is the radio's tens of milliseconds, and no border. The smallest round
//! trip of a hop is an upper bound of the delay to it and to every hop before it (routers answer late
//! at leisure, never early), so each hop's time is the minimum over itself and all behind it. What is
//! compared between devices is the pair of address ranges (/24 or /48) of the routers on both sides
//! of the step; `hidden` stands for the volunteer's side. The ranges are routers' and so evidence, in
//! the open; the hops stand beside them, so that better tables can decide better, as the collector's
//! do.
use std::net::IpAddr;
use tonle_net::trace::range_of;

/// Least step that may be a border, microseconds: light in fibre (200 km in a millisecond) goes some
/// 300 km there and back meanwhile, more than lies between most places of a small country, and hosts
/// and routers add well under a millisecond. Held against the lab (`tests/line`): a way within the
/// country has no border, and one of 5 ms is found.
const STEP_MIN_US: i64 = 3_000;
/// Stands for what may not be written.
const HIDDEN: &str = "hidden";

/// A hop that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its address, where it may be written.
    pub router: Option<IpAddr>,
    /// Whether it is the target itself.
    pub is_target: bool,
    /// Smallest round-trip time, microseconds.
    pub rtt_us: i64,
}

/// Where a way leaves through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Range of the last router before the step, or `hidden`.
    pub before: String,
    /// Range of the first router behind it.
    pub after: String,
    /// The step, microseconds.
    pub step_us: i64,
}

/// The gateway of a way; `None` when no step is large enough, or when the target itself stands
/// behind it, so that it would be compared with nothing.
#[must_use]
pub fn find(places: &[Place]) -> Option<Gateway> {
    let mut smallest_us = i64::MAX;
    let mut times_us: Vec<i64> = places
        .iter()
        .rev()
        .map(|place| {
            smallest_us = smallest_us.min(place.rtt_us);
            smallest_us
        })
        .collect();
    times_us.reverse();
    let largest = |is_wanted: &dyn Fn(&Place) -> bool| {
        let steps = times_us.windows(2).map(|pair| pair[1] - pair[0]);
        steps
            .enumerate()
            .filter(|(at, step_us)| *step_us >= STEP_MIN_US && is_wanted(&places[*at]))
            // Of equal steps the first counts.
            .max_by_key(|(at, step_us)| (*step_us, std::cmp::Reverse(*at)))
    };
    let between_routers = largest(&|before| before.router.is_some());
    let (at, step_us) = between_routers.or_else(|| largest(&|_| true))?;
    let (before, after) = (places[at], places[at + 1]);
    if after.is_target {
        return None;
    }
    Some(Gateway {
        before: before.router.map_or(HIDDEN.to_owned(), range_of),
        after: range_of(after.router?),
        step_us,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(router: Option<[u8; 4]>, rtt_us: i64) -> Place {
        Place {
            router: router.map(IpAddr::from),
            is_target: false,
            rtt_us,
        }
    }

    #[test]
    fn the_gateway_is_the_pair_of_ranges_at_the_largest_step() {
        let way = [
            place(None, 1_000),
            place(Some([203, 0, 113, 1]), 2_000),
            place(Some([198, 51, 100, 7]), 31_000),
            place(Some([192, 0, 2, 1]), 33_000),
        ];
        let gateway = find(&way).unwrap();
        assert_eq!(gateway.before, "203.0.113.0/24");
        assert_eq!(gateway.after, "198.51.100.0/24");
        assert_eq!(gateway.step_us, 29_000);
    }

    #[test]
    fn a_router_that_answers_at_leisure_is_no_border() {
        let way = [
            place(None, 1_000),
            place(Some([203, 0, 113, 1]), 90_000),
            place(Some([203, 0, 113, 9]), 2_000),
            place(Some([198, 51, 100, 7]), 31_000),
        ];
        assert_eq!(find(&way).unwrap().before, "203.0.113.0/24");
        assert_eq!(find(&way).unwrap().step_us, 29_000);
    }

    #[test]
    fn a_radios_delay_is_no_border_where_there_is_another_step() {
        let mobile = [
            place(None, 1_000),
            place(Some([203, 0, 113, 1]), 45_000),
            place(Some([203, 0, 113, 9]), 46_000),
            place(Some([198, 51, 100, 7]), 60_000),
        ];
        assert_eq!(find(&mobile).unwrap().before, "203.0.113.0/24");
        assert_eq!(find(&mobile).unwrap().step_us, 14_000);
    }

    #[test]
    fn behind_the_volunteers_side_the_pair_begins_hidden() {
        let way = [place(None, 1_000), place(Some([198, 51, 100, 7]), 31_000)];
        assert_eq!(find(&way).unwrap().before, HIDDEN);
    }

    #[test]
    fn a_short_way_and_one_that_jumps_to_the_target_have_none() {
        let near = [place(None, 1_000), place(Some([203, 0, 113, 1]), 2_000)];
        assert_eq!(find(&near), None);
        let mut target = place(Some([198, 51, 100, 7]), 31_000);
        target.is_target = true;
        assert_eq!(find(&[near[1], target]), None);
        assert_eq!(find(&[]), None);
    }

    proptest! {
        #[test]
        fn no_way_makes_it_panic(rtts_us in proptest::collection::vec(0_i64..5_000_000, 0..30)) {
            let way: Vec<Place> = rtts_us.iter().map(|rtt_us| place(Some([203, 0, 113, 1]), *rtt_us)).collect();
            if let Some(gateway) = find(&way) {
                prop_assert!(gateway.step_us >= STEP_MIN_US);
            }
        }
    }
}
