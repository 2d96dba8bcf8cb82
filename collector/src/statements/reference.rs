//! Values of this room that another program's are held against: `tests/peers/scipy/check.py` reads them
//! from `ours.json`, which this test keeps true.
use super::binomial;
use super::interval::median_ranks;
use super::order_bounds::{lower_rank, upper_rank};
use super::quantile::{Order, quantile};
use super::share::{lower_bound, upper_bound};
use super::student;
use serde_json::{Value, json};

const KEPT: &str = include_str!("../../../tests/peers/scipy/ours.json");
const CONFIDENCE: f64 = 0.95;

fn ours() -> Value {
    let order = |thousandths| Order::permille(thousandths).unwrap();
    let mut medians = Vec::new();
    for n in 6..=100 {
        let ranks = median_ranks(n).unwrap();
        medians.push(
            json!({"n": n, "lower": ranks.lower, "upper": ranks.upper, "coverage": ranks.coverage}),
        );
    }
    let (mut ranks, mut shares, mut tails, mut quantiles, mut terms) =
        (vec![], vec![], vec![], vec![], vec![]);
    for n in [5, 14, 29, 59, 100] {
        for thousandths in [100, 500, 800, 900, 950] {
            let (low, high) = (
                lower_rank(n, order(thousandths), CONFIDENCE),
                upper_rank(n, order(thousandths), CONFIDENCE),
            );
            ranks.push(json!({"n": n, "permille": thousandths, "lower": low, "upper": high}));
        }
    }
    for (passing, agents) in [
        (0, 20),
        (13, 13),
        (14, 14),
        (19, 30),
        (20, 30),
        (34, 50),
        (44, 50),
        (45, 50),
        (300, 400),
    ] {
        shares.push(json!({
            "passing": passing, "agents": agents,
            "low": lower_bound(passing, agents, CONFIDENCE),
            "high": upper_bound(passing, agents, CONFIDENCE),
        }));
        terms.push(json!({"n": agents, "k": passing, "p": 0.8, "at_most": binomial::at_most(agents, passing, 0.8)}));
    }
    for freedom in [1, 2, 5, 11, 29, 30, 99, 400] {
        for t in [-8.0, -3.5, -1.0, 0.0, 0.5, 2.0] {
            tails
                .push(json!({"freedom": freedom, "t": t, "at_most": student::at_most(t, freedom)}));
        }
        tails.push(
            json!({"freedom": freedom, "tail": 0.001, "t": student::exceeded_with(0.001, freedom)}),
        );
    }
    let values: Vec<i64> = (0..37).map(|index| (index * 7919) % 1009).collect();
    for thousandths in [0, 50, 100, 250, 500, 750, 900, 1_000] {
        let value = quantile(&values, order(thousandths));
        quantiles.push(json!({"permille": thousandths, "value": value}));
    }
    json!({
        "medians": medians, "ranks": ranks, "shares": shares, "binomial": terms, "student": tails,
        "quantiles": {"values": values, "of": quantiles},
    })
}

#[test]
fn the_values_that_scipy_is_asked_about_are_those_of_this_room() {
    let ours = serde_json::to_string_pretty(&ours()).unwrap() + "\n";
    assert!(
        ours == KEPT,
        "they changed: put this into tests/peers/scipy/ours.json, and run check.py\n{ours}"
    );
}
