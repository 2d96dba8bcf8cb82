//! Places: what is found, what looks like it, and what holds whatever is recorded.
use super::super::tests::step;
use super::*;
use proptest::prelude::*;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::State;

/// Three messages a letter: `d` answered, `x` reset, `r` a router's word, `b` a router's word and then a
/// reset, `-` silence, `~` now a reset and now silence, `c` no connection.
fn probes(name: &str, ttl: Option<usize>, letter: char) -> Vec<Observation> {
    let one = |round: usize| {
        let came: &[&str] = match letter {
            'd' => &["data"],
            'x' => &["reset"],
            'r' => &["router"],
            'b' => &["router", "reset"],
            '~' if round == 1 => &["reset"],
            _ => &[],
        };
        let mut detail = json!({ "presented": name, "round": round, "came": came });
        if let Some(ttl) = ttl {
            detail["ttl"] = json!(ttl);
        }
        if letter == 'c' {
            return step("connect", Some(Failure::GenericTimeout), detail);
        }
        step("ttl_probe", None, detail)
    };
    (0..3).map(one).collect()
}

/// The whole way first, then hop by hop: `target` and `neutral` have a letter for each.
fn walk(target: &str, neutral: &str) -> Vec<Observation> {
    let of = |name: &'static str, letters: &str| -> Vec<Observation> {
        let letters = letters.chars().enumerate();
        let hops = letters.map(|(ttl, letter)| probes(name, (ttl > 0).then_some(ttl), letter));
        hops.flatten().collect()
    };
    [of("target", target), of("neutral", neutral)].concat()
}

/// Rule, hops, and position.
fn found(seen: &[Observation]) -> (State, String, Value) {
    let said = judge(seen);
    let rule = said.overall.rules[0].rule.clone();
    let rule = rule.strip_prefix("localisation.").unwrap().to_owned();
    let effect = said.effect.map_or(Value::Null, |effect| {
        json!([
            effect["first_hop"],
            effect["last_hop"],
            effect["server_hop"],
            effect["position"]
        ])
    });
    (said.overall.state, rule, effect)
}

fn is(target: &str, neutral: &str, state: State, rule: &str, effect: Value) {
    let expected = (state, rule.to_owned(), effect);
    assert_eq!(
        found(&walk(target, neutral)),
        expected,
        "{target} {neutral}"
    );
}

const LIKELY: State = State::LikelyBlocked;
const NONE: State = State::Insufficient;

#[test]
fn the_first_hop_at_which_the_name_is_cut_off_is_the_place() {
    let at = |hop: i64, server: Value, position: &str| json!([hop, hop, server, position]);
    is(
        "xrrxx",
        "drrrr",
        LIKELY,
        "located",
        at(3, Value::Null, "unknown"),
    );
    is(
        "xrrrxx",
        "drrrrd",
        LIKELY,
        "located",
        at(4, json!(5), "unknown"),
    );
    // Routers that say nothing change nothing: the reset itself is heard.
    is(
        "x---xx",
        "d----d",
        LIKELY,
        "located",
        at(4, json!(5), "unknown"),
    );
    is(
        "xrrbb",
        "drrrr",
        LIKELY,
        "located",
        at(3, Value::Null, "on_path"),
    );
}

#[test]
fn the_hops_from_which_messages_vanish_are_the_place() {
    let at = |first: i64, last: i64| json!([first, last, null, "in_path"]);
    is("-rr--", "drrrr", LIKELY, "located", at(3, 3));
    is("-r---", "dr-rr", LIKELY, "located", at(2, 3));
}

#[test]
fn a_reset_that_carries_the_ttl_that_was_left_comes_from_half_as_far() {
    // In the way at hop 3: vanishes there, and the reset lasts for two routers from TTL 5 on.
    is(
        "xrr--xx",
        "drrrrr",
        LIKELY,
        "copied_ttl",
        json!([3, 3, null, "in_path"]),
    );
    // The same at hop 4, before a server at hop 5.
    is(
        "xrrr---xx",
        "drrrrd",
        LIKELY,
        "copied_ttl",
        json!([4, 4, 5, "in_path"]),
    );
    // Beside the way at hop 3, before a server at hop 4.
    is(
        "xrrrdxx",
        "drrrd",
        LIKELY,
        "copied_ttl",
        json!([3, 3, 4, "unknown"]),
    );
}

#[test]
fn what_a_server_or_a_household_does_itself_is_no_finding() {
    is(
        "xrrrrx",
        "drrrrd",
        NONE,
        "at_server",
        json!([5, 5, 5, "unknown"]),
    );
    is(
        "-rrrr-",
        "drrrrd",
        NONE,
        "at_server",
        json!([5, 5, 5, "in_path"]),
    );
    is(
        "xxx",
        "drr",
        NONE,
        "at_home",
        json!([1, 1, null, "unknown"]),
    );
    is(
        "xrxx",
        "drrr",
        NONE,
        "at_home",
        json!([2, 2, null, "unknown"]),
    );
}

#[test]
fn nothing_is_said_where_nothing_can_be() {
    for (target, neutral, rule) in [
        ("d", "d", "nothing"),
        ("x", "x", "alike"),
        ("-", "-", "alike"),
        ("c", "d", "unsteady"),
        ("~", "d", "unsteady"),
        ("x", "~", "alike"),
        ("", "", "unsteady"),
        // No router says anything of what is swallowed.
        ("-----", "d---d", "unanswered"),
        ("x", "d", "unanswered"),
        ("xrr~x", "drrrr", "unsteady"),
        ("xrxrx", "drrrr", "unsteady"),
        ("-r-rr", "drrrr", "unsteady"),
        ("-r-x-", "drrrr", "unsteady"),
    ] {
        is(target, neutral, NONE, rule, Value::Null);
    }
    // The neutral name is cut off there as well.
    is("xrrxx", "drrxx", NONE, "unsteady", Value::Null);
}

#[test]
fn routers_around_the_place_are_named_and_hidden_ones_are_not() {
    let mut seen = walk("xrrrxx", "drrrrr");
    for (ttl, router) in [
        (1, None),
        (3, Some("203.0.113.1")),
        (4, Some("203.0.113.2")),
    ] {
        let detail = match router {
            Some(_) => json!({ "ttl": ttl, "answer": "ttl_end" }),
            None => json!({ "ttl": ttl, "hidden": true }),
        };
        let mut hop = step("trace_hop", None, detail);
        hop.subject = router.map(str::to_owned);
        seen.push(hop);
    }
    let effect = judge(&seen).effect.unwrap();
    assert_eq!(effect["router_before"], "203.0.113.1");
    assert_eq!(effect["router_behind"], "203.0.113.2");
    let effect = judge(&walk("xrxx", "drrr")).effect.unwrap();
    assert_eq!(effect["router_before"], Value::Null);
}

/// One message of anything, at any hop.
fn any_probe() -> impl Strategy<Value = Observation> {
    let word = prop::sample::select(vec!["data", "reset", "closed", "router", "other", "?"]);
    let ttl = prop::sample::select(vec![
        json!(null),
        json!(1),
        json!(2),
        json!(3),
        json!(255),
        json!(-1),
        json!(i64::MAX),
        json!([]),
    ]);
    let name = prop::sample::select(vec!["target", "neutral", "none"]);
    let operation = prop::sample::select(vec!["ttl_probe", "trace_hop", "connect"]);
    let came = prop::collection::vec(word, 0..3);
    (operation, came, ttl, name, any::<bool>()).prop_map(|(operation, came, ttl, name, has_ttl)| {
        let mut detail = json!({ "presented": name, "came": came, "answer": "ttl_end" });
        if has_ttl {
            detail["ttl"] = ttl;
        }
        step(operation, None, detail)
    })
}

proptest! {
    #[test]
    fn anything_recorded_is_judged_and_a_place_names_its_evidence(
        seen in prop::collection::vec(any_probe(), 0..40),
    ) {
        let said = judge(&seen);
        prop_assert!(said.overall.state != State::Blocked && said.overall.state != State::Ok);
        for fired in &said.overall.rules {
            for pointer in &fired.observations {
                let index: usize = pointer.strip_prefix("/observations/").unwrap().parse().unwrap();
                prop_assert!(index < seen.len());
            }
            prop_assert!(!said.overall.state.is_blocking() || !fired.observations.is_empty());
        }
    }

    #[test]
    fn a_box_is_found_where_it_stands(
        routers in 3usize..10, behind in 2usize..10, drops: bool, are_silent in prop::collection::vec(any::<bool>(), 12),
    ) {
        prop_assume!(behind < routers);
        let (hop, server) = (behind + 1, routers + 1);
        let router = |ttl: usize| if are_silent[ttl] && !drops { '-' } else { 'r' };
        let neutral = |ttl: usize| if ttl >= server { 'd' } else { router(ttl) };
        let hit = if drops { '-' } else { 'x' };
        let target = |ttl: usize| if ttl >= hop { hit } else { router(ttl) };
        let targets: String = std::iter::once(hit).chain((1..=server).map(target)).collect();
        let neutrals: String = std::iter::once('d').chain((1..=server).map(neutral)).collect();
        let (state, rule, effect) = found(&walk(&targets, &neutrals));
        prop_assert_eq!((state, rule.as_str()), (LIKELY, "located"));
        prop_assert_eq!(&effect[0], &json!(hop));
        prop_assert_eq!(&effect[1], &json!(hop));
    }

    #[test]
    fn the_order_of_observations_changes_nothing(
        seen in prop::collection::vec(any_probe(), 0..30).prop_shuffle(),
    ) {
        // Of two routers at one hop the first is named.
        let seen: Vec<Observation> = seen.into_iter().filter(|one| one.operation != "trace_hop").collect();
        let mut turned = seen.clone();
        turned.reverse();
        prop_assert_eq!(found(&seen), found(&turned));
    }
}
