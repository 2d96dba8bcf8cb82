//! What is said of cells and of tables.
use super::*;
use proptest::prelude::*;
use tonle_evidence::standard::{Held, Judgement, Status};
use tonle_evidence::statement::{Access, Window};

fn standard(statistic: Statistic) -> Standard {
    Standard {
        id: "xx.download".to_owned(),
        version: 1,
        en: "Download".to_owned(),
        km: "ទាញយក".to_owned(),
        metric: "throughput.download_bps/ndt7/domestic".to_owned(),
        access: Access::Mobile,
        window: Window::All,
        statistic,
        op: Op::AtLeast,
        threshold: Some(100),
        min_agents: 6,
        min_days: 6,
        confidence_permille: 950,
        legal_source: "a test".to_owned(),
        valid_from: "2026-01".parse().unwrap(),
        valid_to: None,
        status: Status::InForce,
    }
}

const SHARE: Statistic = Statistic::Share {
    min_share_permille: 800,
};

/// An agent with ten samples, so many of them on the right side of 100.
fn agent(right: usize) -> UnitSamples {
    let values = (0..10).map(|index| if index < right { 120 } else { 50 });
    UnitSamples {
        values: values.collect(),
        agent_days: 10,
        records: 10,
    }
}

fn agents(count: usize, right: usize) -> Vec<UnitSamples> {
    // Not all alike: one more and one less in turn.
    (0..count)
        .map(|index| agent((right + index % 3).saturating_sub(1).min(10)))
        .collect()
}

fn cell<'a>(standard: &'a Standard, group: &'a str, units: Vec<UnitSamples>) -> Cell<'a> {
    Cell {
        standard,
        group,
        whole: units.clone(),
        units,
        seed: 1,
    }
}

fn judgements(cells: &[Cell<'_>]) -> Vec<Option<Judgement>> {
    let of = |held: Held| match held {
        Held::Judged { judgement, .. } => Some(judgement),
        Held::NoData | Held::Suppressed => None,
    };
    judge(cells).held.into_iter().map(of).collect()
}

#[test]
fn a_clear_case_on_either_side_is_said_and_one_at_the_line_is_not() {
    let rule = standard(SHARE);
    let cells = [
        cell(&rule, "KH-1", agents(30, 9)),
        cell(&rule, "KH-2", agents(30, 3)),
        cell(&rule, "KH-3", agents(30, 8)),
    ];
    let expected = [
        Judgement::Meets,
        Judgement::DoesNotMeet,
        Judgement::Inconclusive,
    ]
    .map(Some);
    assert_eq!(judgements(&cells), expected);
}

/// All but the mean, which takes its time.
const STATISTICS: [Statistic; 3] = [
    Statistic::Percentile {
        order_permille: 500,
    },
    SHARE,
    Statistic::AgentShare {
        min_share_permille: 800,
        agent_share_permille: 500,
    },
];

/// True where cells of some of these sizes meet the rule, and others of the same kind do not.
fn turns(rule: &Standard, sizes: &[usize], right: usize) -> bool {
    let of = |count: &usize| judgements(&[cell(rule, "KH-1", agents(*count, right))])[0];
    let verdicts: Vec<_> = sizes.iter().map(of).collect();
    let has = |wanted| verdicts.contains(&Some(wanted));
    has(Judgement::Meets) && has(Judgement::DoesNotMeet)
}

#[test]
fn more_agents_of_the_same_kind_never_turn_the_verdict_on_a_mean_into_its_opposite() {
    let rule = Standard {
        threshold: Some(80),
        ..standard(Statistic::Mean)
    };
    for right in [1, 3, 4, 5, 7, 9] {
        assert!(!turns(&rule, &[20, 40, 80], right), "{right}");
    }
}

#[test]
fn every_statistic_decides_a_clear_case_on_either_side() {
    for statistic in STATISTICS {
        let rule = standard(statistic);
        let cells = [
            cell(&rule, "KH-1", agents(40, 9)),
            cell(&rule, "KH-2", agents(40, 2)),
        ];
        let expected = [Judgement::Meets, Judgement::DoesNotMeet].map(Some);
        assert_eq!(judgements(&cells), expected, "{statistic:?}");
    }
}

#[test]
fn a_mean_is_decided_by_its_own_bounds() {
    let rule = Standard {
        threshold: Some(80),
        ..standard(Statistic::Mean)
    };
    // Means of 113 and 64.
    let cells = [
        cell(&rule, "KH-1", agents(40, 9)),
        cell(&rule, "KH-2", agents(40, 2)),
    ];
    let expected = [Judgement::Meets, Judgement::DoesNotMeet].map(Some);
    assert_eq!(judgements(&cells), expected);
}

#[test]
fn a_rule_of_at_most_is_the_mirror_of_one_of_at_least() {
    let rule = Standard {
        op: Op::AtMost,
        ..standard(Statistic::Percentile {
            order_permille: 500,
        })
    };
    let cells = [
        cell(&rule, "KH-1", agents(40, 9)),
        cell(&rule, "KH-2", agents(40, 2)),
    ];
    let expected = [Judgement::DoesNotMeet, Judgement::Meets].map(Some);
    assert_eq!(judgements(&cells), expected);
}

#[test]
fn without_a_threshold_there_is_no_standard_whatever_was_measured() {
    let rule = Standard {
        threshold: None,
        status: Status::AwaitingAnnex,
        ..standard(SHARE)
    };
    let cells = [
        cell(&rule, "KH-1", agents(30, 0)),
        cell(&rule, "KH-2", agents(4, 0)),
        cell(&rule, "KH-3", Vec::new()),
    ];
    assert_eq!(
        judgements(&cells),
        [Some(Judgement::NoStandard), None, None]
    );
    assert_eq!(judge(&cells).family, 0);
}

#[test]
fn below_the_floors_of_the_rule_nothing_is_decided() {
    let rule = Standard {
        min_agents: 12,
        ..standard(SHARE)
    };
    let of_days = Standard {
        min_days: 1_000,
        ..standard(SHARE)
    };
    let mean = standard(Statistic::Mean);
    let cells = [
        cell(&rule, "KH-1", agents(11, 0)),
        cell(&of_days, "KH-1", agents(11, 0)),
        cell(&mean, "KH-1", agents(19, 0)),
    ];
    assert_eq!(judgements(&cells), [Some(Judgement::Insufficient); 3]);
}

#[test]
fn an_operator_that_the_province_would_give_away_takes_the_smallest_other_with_it() {
    let rule = standard(SHARE);
    let cells = [
        cell(&rule, "KH-1", agents(3, 9)),
        cell(&rule, "KH-1", agents(7, 9)),
        cell(&rule, "KH-1", agents(20, 9)),
        cell(&rule, "KH-2", agents(7, 9)),
    ];
    let held = judge(&cells).held;
    assert_eq!(held[0], Held::Suppressed);
    assert_eq!(held[1], Held::Suppressed);
    assert!(matches!(held[2], Held::Judged { .. }) && matches!(held[3], Held::Judged { .. }));
}

#[test]
fn the_hours_of_a_rule_are_suppressed_where_the_rest_of_the_day_would_be_fewer_than_k() {
    let rule = standard(SHARE);
    let part = Cell {
        whole: agents(12, 9),
        ..cell(&rule, "KH-1", agents(9, 9))
    };
    assert_eq!(judge(&[part]).held, [Held::Suppressed]);
}

#[test]
fn an_accusation_that_would_stand_alone_may_fall_in_a_larger_table() {
    let rule = standard(Statistic::AgentShare {
        min_share_permille: 800,
        agent_share_permille: 500,
    });
    // 19 of 30 pass: alone, the upper bound is 77.9 %.
    let borderline = || {
        let mut units = agents(19, 9);
        units.extend(agents(11, 1));
        units
    };
    assert_eq!(
        judgements(&[cell(&rule, "KH-1", borderline())]),
        [Some(Judgement::DoesNotMeet)]
    );
    let mut cells = vec![cell(&rule, "KH-1", borderline())];
    cells.extend((0..20).map(|_| cell(&rule, "KH-2", agents(30, 9))));
    assert_eq!(judgements(&cells)[0], Some(Judgement::Inconclusive));
}

#[test]
fn the_agent_rule_reproduces_the_reference_verdicts() {
    let rule = Standard {
        min_days: 0,
        ..standard(Statistic::AgentShare {
            min_share_permille: 800,
            agent_share_permille: 500,
        })
    };
    for (passing, agents, expected) in [
        (14, 14, Judgement::Meets),
        (13, 13, Judgement::Inconclusive),
        (45, 50, Judgement::Meets),
        (44, 50, Judgement::Inconclusive),
        (20, 30, Judgement::Inconclusive),
        (19, 30, Judgement::DoesNotMeet),
        (35, 50, Judgement::Inconclusive),
        (34, 50, Judgement::DoesNotMeet),
    ] {
        let units = (0..agents).map(|index| agent(if index < passing { 9 } else { 1 }));
        let cells = [cell(&rule, "KH-1", units.collect())];
        assert_eq!(
            judgements(&cells),
            [Some(expected)],
            "{passing} of {agents}"
        );
    }
}

proptest! {
    #[test]
    fn a_table_says_of_each_cell_what_its_counts_allow(
        rights in proptest::collection::vec((0usize..40, 0usize..=10), 1..12),
    ) {
        let rule = standard(SHARE);
        let cells: Vec<Cell<'_>> = rights
            .iter()
            .map(|(count, right)| cell(&rule, "KH-1", agents(*count, *right)))
            .collect();
        let table = judge(&cells);
        let mut hidden = 0;
        for ((count, _), held) in rights.iter().zip(&table.held) {
            match held {
                Held::NoData => prop_assert_eq!(*count, 0),
                Held::Suppressed => hidden += count,
                Held::Judged { counts, .. } => {
                    prop_assert_eq!(counts.agents, *count as u64);
                    prop_assert!(*count >= 5);
                }
            }
        }
        let shown = rights.iter().map(|(count, _)| count).sum::<usize>() - hidden;
        prop_assert!(hidden == 0 || hidden >= 5 || shown == 0, "{hidden} hidden");
    }

    #[test]
    fn more_agents_of_the_same_kind_never_turn_one_verdict_into_its_opposite(right in 0usize..=10) {
        for statistic in STATISTICS {
            let rule = standard(statistic);
            prop_assert!(!turns(&rule, &[6, 12, 24, 48, 96], right), "{statistic:?}");
        }
    }
}
