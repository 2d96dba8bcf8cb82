//! Cells of parts of a province: hours, kinds of places, technologies and tiers.
use super::*;
use crate::cells::PartsOf;
use tonle_evidence::record::PlaceKind;
use tonle_evidence::statement::{CellPart, CellStatement, CellsBy};
use tonle_evidence::window::HourOfDay;

/// The cells of round trips on fixed lines in Phnom Penh.
fn cells_by(cells: &CellsReader, by: CellsBy, window: Window) -> Vec<CellStatement> {
    let published = Published::new(Arc::clone(&GROUND), strata(&GROUND), cells.clone());
    let asked = PartsOf {
        month: "2026-11".parse().unwrap(),
        window,
        series: (RTT.to_owned(), Access::Fixed),
        by,
    };
    let mut all = published.parts(&asked).unwrap().cells;
    all.retain(|cell| cell.province == "KH-12");
    all
}

fn hour(hour: u8) -> HourOfDay {
    hour.try_into().unwrap()
}

/// One record of each of these agents at an hour of the first day.
fn at(hour: i64, agents: std::ops::Range<u8>, value: i64) -> Vec<Entry> {
    let record = |agent: u8| {
        let mut record = opened(NOON_US + (hour - 12) * HOUR_US, value + i64::from(agent));
        record.private.sequence = hour.unsigned_abs();
        entry(0, agent, Some(PREFIX), &record)
    };
    agents.map(record).collect()
}

fn joined(agents: u8) -> Vec<Entry> {
    (0..agents)
        .map(|agent| enrolment(0, agent, &format!("invitation-{agent}")))
        .collect()
}

fn house_of(entries: Vec<Entry>) -> House {
    let mut house = House::new();
    house.cells.apply(&numbered(entries)).unwrap();
    house
}

#[test]
fn an_hour_has_a_figure_of_its_own_from_ten_agents_on() {
    for (agents, expected) in [(9, "suppressed"), (10, "estimate")] {
        let house = house_of(
            [
                joined(agents),
                at(14, 0..agents, 100),
                at(20, 0..agents, 500),
            ]
            .concat(),
        );
        let reader = house.cells.reader();
        let all = cells_by(&reader, CellsBy::Hour, Window::All);
        let of = |number: u8| {
            let part = CellPart::Hour(hour(number));
            all.iter().find(|cell| cell.part == part).unwrap().state
        };
        assert_eq!(of(20).as_str(), expected);
        assert_eq!(of(3), State::NoData);
        assert!(matches!(
            state_in(&reader, Window::All),
            State::Estimate { .. }
        ));
        if let (
            State::Estimate { figure: noon, .. },
            State::Estimate {
                figure: evening, ..
            },
        ) = (of(14), of(20))
        {
            assert_eq!((noon.median, evening.median), (104, 504));
        }
    }
}

#[test]
fn an_hour_says_nothing_where_its_count_would_tell_how_few_measured_in_the_other_peak_hours_only() {
    // Thirty by day, fourteen of them at eight in the evening, twelve at nine.
    let entries = [
        joined(30),
        at(14, 0..30, 100),
        at(20, 0..14, 200),
        at(21, 0..12, 300),
    ];
    let house = house_of(entries.concat());
    let reader = house.cells.reader();
    let state = |window| state_in(&reader, window).as_str();
    assert_eq!(state(Window::Hour(hour(20))), "estimate");
    assert_eq!(
        state(Window::Hour(hour(21))),
        "suppressed",
        "two are left of the peak's"
    );
    assert_eq!(state(Window::Peak), "estimate");
}

#[test]
fn kinds_of_places_are_told_apart_and_the_smallest_shown_one_hides_with_a_hidden_one() {
    let places = |homes: u8, schools: u8, shops: u8| {
        let agents = homes + schools + shops;
        let mut entries = joined(agents);
        for agent in 0..agents {
            let mut record = opened(NOON_US, i64::from(agent));
            record.public.place = match agent {
                agent if agent < homes => PlaceKind::Home,
                agent if agent < homes + schools => PlaceKind::School,
                _ => PlaceKind::Business,
            };
            entries.push(entry(0, agent, Some(PREFIX), &record));
        }
        let house = house_of(entries);
        let all = cells_by(&house.cells.reader(), CellsBy::Place, Window::All);
        assert_eq!(all.len(), PlaceKind::ALL.len());
        [PlaceKind::Home, PlaceKind::School, PlaceKind::Business].map(|kind| {
            let part = CellPart::Place(kind);
            all.iter()
                .find(|cell| cell.part == part)
                .unwrap()
                .state
                .as_str()
        })
    };
    assert_eq!(places(6, 6, 7), ["estimate", "estimate", "estimate"]);
    assert_eq!(places(6, 3, 7), ["suppressed", "suppressed", "estimate"]);
    assert_eq!(places(6, 0, 7), ["estimate", "no_data", "estimate"]);
}

#[test]
fn a_late_record_corrects_the_hour_that_it_is_of() {
    let mut house = house_of([joined(10), at(20, 0..10, 500)].concat());
    let window = Window::Hour(hour(20));
    let median = |house: &House| match state_in(&house.cells.reader(), window) {
        State::Estimate { figure, .. } => figure.median,
        other => panic!("no estimate: {other:?}"),
    };
    assert_eq!(median(&house), 504);
    let late: Vec<Entry> = at(20, 0..10, 700)
        .into_iter()
        .zip(20..)
        .map(|(mut entry, index)| {
            entry.entry_index = index;
            entry.record_hash.0[0] ^= 1;
            entry
        })
        .collect();
    house.cells.apply(&late).unwrap();
    assert_eq!(median(&house), 604, "of each agent both count");
}

/// What is said by each thing that cells can be told apart by.
pub(super) fn everything(cells: &CellsReader) -> Vec<Vec<CellStatement>> {
    let windows = [Window::All, Window::Peak, Window::Hour(hour(19))];
    let by_parts = CellsBy::ALL.iter().flat_map(|by| {
        let windows = windows
            .iter()
            .filter(|window| *by != CellsBy::Hour || **window == Window::All);
        windows.map(|window| cells_by(cells, *by, *window))
    });
    by_parts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn an_hours_figure_is_the_same_among_statements_and_among_cells(entries in world()) {
        let house = house_of(entries);
        let reader = house.cells.reader();
        for cell in cells_by(&reader, CellsBy::Hour, Window::All) {
            let CellPart::Hour(hour) = cell.part else {
                panic!("{cell:?}");
            };
            prop_assert_eq!(cell.state, state_in(&reader, Window::Hour(hour)));
        }
    }
}
