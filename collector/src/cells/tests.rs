//! Cells are incremental, rebuildable, and do not depend on the order in which records arrive.
use super::{Cells, CellsReader, DEVICE_RESULTS_KEPT, FILE_NAME, Filter, Published};
use crate::admin::{ENROLMENT_PRIVATE_SCHEMA, ENROLMENT_SCHEMA, EnrolmentPrivate};
use crate::analysis::Ground;
use crate::journal::{Entry, Journal, JournalReader};
use crate::testing::{HOUR_US, NOON_US, RTT, entry, ground, key, opened, strata};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tonle_evidence::entry::EntryKind;
use tonle_evidence::hash::{Hex, Id64};
use tonle_evidence::record::{ProvinceKnown, Technology};
use tonle_evidence::statement::{Access, SpeaksOf, State, Statement, Window};

mod parts;

static GROUND: LazyLock<Arc<Ground>> = LazyLock::new(|| Arc::new(ground()));

/// A data directory with an empty journal and the cells over it.
struct House {
    dir: TempDir,
    journal: Journal,
    cells: Cells,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), key(200)).unwrap();
        let reader = journal.reader().unwrap();
        let cells = Cells::open(dir.path(), Arc::clone(&GROUND), &reader).unwrap();
        Self {
            dir,
            journal,
            cells,
        }
    }

    fn reader(&self) -> JournalReader {
        self.journal.reader().unwrap()
    }
}

/// The enrolment of an agent in a batch.
fn enrolment(entry_index: u64, agent: u8, batch: &str) -> Entry {
    let private = EnrolmentPrivate {
        schema: ENROLMENT_PRIVATE_SCHEMA.into(),
        key: Hex(key(agent).verifying_key().to_bytes()),
        key_id: format!("agent-{agent}"),
        batch_id: batch.into(),
        province: None,
        enrolled_at_us: NOON_US,
        blind: Hex([agent; 16]),
    };
    let mut entry = entry(entry_index, agent, None, &opened(NOON_US, i64::from(agent)));
    entry.kind = EntryKind::Enrolment;
    entry.payload_type = ENROLMENT_SCHEMA.into();
    entry.private = serde_json::to_vec(&private).unwrap();
    entry.key = None;
    entry
}

/// Numbers entries anew in the order given.
fn numbered(mut entries: Vec<Entry>) -> Vec<Entry> {
    for (index, entry) in entries.iter_mut().enumerate() {
        entry.entry_index = index as u64;
    }
    entries
}

const PREFIX: Id64 = Hex([4; 8]);

/// `agents` agents, each joined by an invitation of its own, with `values` in successive hours.
fn panel(agents: u8, values: &[i64]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for agent in 0..agents {
        entries.push(enrolment(0, agent, &format!("invitation-{agent}")));
        for (hour, value) in (0..).zip(values) {
            let record = opened(NOON_US + hour * HOUR_US, value + i64::from(agent));
            entries.push(entry(0, agent, Some(PREFIX), &record));
        }
    }
    numbered(entries)
}

fn statements(cells: &CellsReader) -> Vec<Statement> {
    let published = Published::new(Arc::clone(&GROUND), strata(&GROUND), cells.clone());
    let filter = Filter {
        province: Some("KH-12".into()),
        ..Filter::default()
    };
    published
        .statements("2026-11".parse().unwrap(), &filter)
        .unwrap()
}

fn state_of(cells: &CellsReader, metric: &str, access: Access) -> State {
    let all = statements(cells);
    let found = all
        .iter()
        .find(|statement| statement.metric == metric && statement.access == access);
    found.unwrap().state
}

#[test]
fn six_agents_give_an_estimate_and_an_empty_province_no_data() {
    let mut house = House::new();
    house.cells.apply(&panel(6, &[100, 300, 200])).unwrap();
    let State::Estimate { figure, counts } = state_of(&house.cells.reader(), RTT, Access::Fixed)
    else {
        panic!("no estimate");
    };
    assert_eq!((figure.low, figure.median, figure.high), (200, 202, 205));
    assert_eq!(
        (counts.agents, counts.agent_days, counts.records),
        (6, 6, 18)
    );
    let mobile = state_of(&house.cells.reader(), RTT, Access::Mobile);
    assert_eq!(mobile, State::NoData);
}

#[test]
fn agents_of_one_invitation_on_one_address_count_once() {
    let mut house = House::new();
    let mut entries = panel(6, &[100]);
    for (agent, entry) in (0..).zip(entries.iter_mut().step_by(2)) {
        *entry = enrolment(entry.entry_index, agent, "shared");
    }
    house.cells.apply(&entries).unwrap();
    let state = state_of(&house.cells.reader(), RTT, Access::Fixed);
    assert_eq!(state, State::Suppressed);
}

#[test]
fn agents_whose_enrolment_is_not_in_yet_count_as_one_batch() {
    let mut house = House::new();
    let entries = panel(6, &[100]);
    let (joined, measured): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| entry.kind == EntryKind::Enrolment);
    let entries = numbered(measured.into_iter().chain(joined).collect());
    house.cells.apply(&entries[..6]).unwrap();
    let state = state_of(&house.cells.reader(), RTT, Access::Fixed);
    assert_eq!(state, State::Suppressed);
    house.cells.apply(&entries[6..]).unwrap();
    let state = state_of(&house.cells.reader(), RTT, Access::Fixed);
    assert!(matches!(state, State::Estimate { .. }));
}

#[test]
fn an_agent_that_measures_all_day_weighs_no_more_than_its_day() {
    let mut house = House::new();
    let mut entries = panel(6, &[100]);
    let busy = (0..9).map(|hour| {
        let record = opened(NOON_US + hour * HOUR_US, 9_000);
        entry(0, 5, Some(PREFIX), &record)
    });
    entries.extend(busy);
    house.cells.apply(&numbered(entries)).unwrap();
    let State::Estimate { figure, counts } = state_of(&house.cells.reader(), RTT, Access::Fixed)
    else {
        panic!("no estimate");
    };
    assert_eq!((figure.median, figure.high), (102, 9_000));
    assert_eq!(counts.agent_days, 6);
}

#[test]
fn a_late_record_corrects_the_past() {
    let mut house = House::new();
    let mut entries = panel(6, &[100, 300]);
    let missing = entries.remove(1);
    entries.push(missing);
    let entries = numbered(entries);
    let (early, late) = entries.split_at(entries.len() - 1);
    house.cells.apply(early).unwrap();
    let before = statements(&house.cells.reader());
    house.cells.apply(late).unwrap();
    let mut straight = House::new();
    straight.cells.apply(&panel(6, &[100, 300])).unwrap();
    assert_ne!(statements(&house.cells.reader()), before);
    assert_eq!(
        statements(&house.cells.reader()),
        statements(&straight.cells.reader())
    );
}

#[test]
fn entries_are_taken_in_once_and_never_over_a_gap() {
    let mut house = House::new();
    let entries = panel(6, &[100]);
    house.cells.apply(&entries[..7]).unwrap();
    assert!(house.cells.apply(&entries[8..]).is_err());
    assert_eq!(house.cells.processed_to().unwrap(), 7);
    house.cells.apply(&entries).unwrap();
    let once = statements(&house.cells.reader());
    house.cells.apply(&entries).unwrap();
    assert_eq!(statements(&house.cells.reader()), once);
    assert_eq!(house.cells.processed_to().unwrap(), 12);
}

#[test]
fn a_device_sees_its_newest_records_and_why_one_enters_no_cell() {
    let mut house = House::new();
    let shown = i64::from(DEVICE_RESULTS_KEPT);
    let record = |turn: i64| {
        let mut record = opened(NOON_US + turn * 60_000_000, turn);
        record.private.sequence = turn.unsigned_abs();
        record.public.province.known = ProvinceKnown::Unconfirmed;
        entry(0, 1, Some(PREFIX), &record)
    };
    house
        .cells
        .apply(&numbered((0..shown + 3).map(record).collect()))
        .unwrap();
    let public = Hex(key(1).verifying_key().to_bytes());
    let device = house.cells.reader().device(&public).unwrap();
    assert_eq!(device.processed, (shown + 3).unsigned_abs());
    assert_eq!(device.newest.len(), DEVICE_RESULTS_KEPT as usize);
    assert_eq!(
        device.newest[0].t_start_us,
        NOON_US + (shown + 2) * 60_000_000
    );
    assert_eq!(
        device.newest[0].no_cell.as_deref(),
        Some("unconfirmed_province")
    );
    let stranger = Hex(key(2).verifying_key().to_bytes());
    let nothing = house.cells.reader().device(&stranger).unwrap();
    assert!(nothing.newest.is_empty());
}

#[test]
fn a_file_that_is_damaged_older_or_of_another_journal_is_begun_anew() {
    let house = House::new();
    let path = house.dir.path().join(FILE_NAME);
    let reader = house.reader();
    drop(house.cells);
    let reopened = || Cells::open(house.dir.path(), Arc::clone(&GROUND), &reader).unwrap();
    std::fs::write(&path, b"not a database, and long enough to be looked at").unwrap();
    assert_eq!(reopened().processed_to().unwrap(), 0);

    let mut ahead = reopened();
    ahead.apply(&panel(6, &[1])).unwrap();
    drop(ahead);
    assert_eq!(
        reopened().processed_to().unwrap(),
        0,
        "the journal is empty"
    );

    let mut other_rules = ground();
    other_rules.country.operators.clear();
    let sql = "UPDATE progress SET next_index = 0, last_hash = x'', made_under = x'00'";
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute(sql, [])
        .unwrap();
    assert!(reopened().reader().processed_to().is_ok());
    let again = Cells::open(house.dir.path(), Arc::new(other_rules), &reader).unwrap();
    assert_eq!(again.processed_to().unwrap(), 0);
}

/// What is said of round trips on fixed lines in Phnom Penh, in hours of the day.
fn state_in(cells: &CellsReader, window: Window) -> State {
    let filter = Filter {
        province: Some("KH-12".into()),
        metric: Some(RTT.into()),
        access: Some(Access::Fixed),
        window,
        ..Filter::default()
    };
    let published = Published::new(Arc::clone(&GROUND), strata(&GROUND), cells.clone());
    let month = "2026-11".parse().unwrap();
    published.statements(month, &filter).unwrap()[0].state
}

#[test]
fn peak_hours_say_nothing_where_their_count_would_tell_how_few_measured_at_other_times_only() {
    let mut house = House::new();
    let mut entries = panel(8, &[100]);
    for agent in 0..7 {
        let evening = opened(NOON_US + 8 * HOUR_US, i64::from(agent));
        entries.push(entry(0, agent, Some(PREFIX), &evening));
    }
    house.cells.apply(&numbered(entries)).unwrap();
    let state = |window| state_in(&house.cells.reader(), window);
    assert!(matches!(state(Window::All), State::Estimate { .. }));
    assert_eq!(state(Window::Peak), State::Suppressed);
    assert!(matches!(state(Window::OffPeak), State::Estimate { .. }));
}

#[test]
fn peak_hours_and_the_others_have_figures_of_their_own() {
    let mut house = House::new();
    // Noon to ten in the evening: at 19, 20, 21 and 22 it is slow.
    let hours = [10, 10, 10, 10, 10, 10, 10, 500, 500, 500, 500];
    house.cells.apply(&panel(6, &hours)).unwrap();
    let median = |window| match state_in(&house.cells.reader(), window) {
        State::Estimate { figure, .. } => figure.median,
        other => panic!("no estimate: {other:?}"),
    };
    assert_eq!(median(Window::All), 12);
    assert_eq!((median(Window::Peak), median(Window::OffPeak)), (502, 12));
}

#[test]
fn what_enters_no_figure_is_counted_by_reason_where_counts_are_shown() {
    let mut house = House::new();
    let mut entries = panel(5, &[100]);
    let mut record = opened(NOON_US + 5 * HOUR_US, 7);
    record.public.samples[0].unit = "ms".into();
    entries.push(entry(0, 1, Some(PREFIX), &record));
    let entries = numbered(entries);
    house.cells.apply(&entries[..10]).unwrap();
    let left_out = |house: &House| {
        let all = statements(&house.cells.reader());
        let fixed = |found: &&Statement| found.metric == RTT && found.access == Access::Fixed;
        all.iter().find(fixed).unwrap().left_out.clone()
    };
    assert_eq!(left_out(&house), []);
    house.cells.apply(&entries[10..]).unwrap();
    let found = left_out(&house);
    assert_eq!(
        (found[0].reason.as_str(), found[0].samples),
        ("wrong_unit", 1)
    );

    let mut few = House::new();
    let entries = numbered(vec![
        enrolment(0, 1, "b"),
        entry(0, 1, Some(PREFIX), &record),
    ]);
    few.cells.apply(&entries).unwrap();
    assert_eq!(left_out(&few), [], "one agent is not counted");
}

#[test]
fn a_province_that_is_too_small_is_pooled_to_its_region_and_the_nation_waits_for_its_floor() {
    let mut house = House::new();
    // Three agents in Kampot and four in Kep, of the coast; twenty in Phnom Penh, of the plain.
    let provinces = [("KH-7", 0..3), ("KH-23", 3..7), ("KH-12", 7..27)];
    let mut entries = Vec::new();
    for (province, agents) in provinces {
        for agent in agents {
            let mut record = opened(NOON_US, i64::from(agent));
            record.public.province.code = province.into();
            entries.push(enrolment(0, agent, &format!("invitation-{agent}")));
            entries.push(entry(0, agent, Some(PREFIX), &record));
        }
    }
    house.cells.apply(&numbered(entries)).unwrap();
    let published = Published::new(Arc::clone(&GROUND), strata(&GROUND), house.cells.reader());
    let series = (RTT.to_owned(), Access::Fixed);
    let month = "2026-11".parse().unwrap();
    let wanted = [series.clone()].into();
    let all = published.wider(month, Window::All, &wanted).unwrap();
    let of = &all[&series];
    let coast = of.around(2).unwrap();
    let region = "coast".to_owned();
    assert_eq!(coast.speaks_of, SpeaksOf::Region { region });
    let State::Estimate { figure, counts } = coast.state else {
        panic!("{coast:?}");
    };
    assert_eq!((figure.median, counts.agents), (3, 7));
    assert_eq!(coast.weighted, None, "seven agents are too few");
    let plain = of.regions[0].weighted.unwrap();
    assert_eq!(plain.effective_agents_milli, 20_000, "one province");
    assert!(matches!(of.nation.state, State::Insufficient { .. }));
    let covered = of.nation.covered_population_ppm.unwrap();
    assert!((100_000..600_000).contains(&covered), "{covered}");
    assert_eq!(of.around(1), None, "nobody measured around the lake");
    let peak = published.wider(month, Window::Peak, &wanted).unwrap();
    assert_eq!(peak[&series].nation.state, State::NoData);
}

/// A small world: which agent, when, on what access, with what value.
fn world() -> impl Strategy<Value = Vec<Entry>> {
    let card = (0_u8..8, 0_i64..60, 0_u8..3, 0_u8..3, 0_i64..1_000);
    let record = |(turn, (agent, hour, access, group, value)): (u64, (u8, i64, u8, u8, i64))| {
        let mut record = opened(NOON_US + hour * HOUR_US * 7, value);
        record.private.sequence = turn;
        record.public.technology.declared = match access {
            0 => Some(Technology::Fibre),
            1 => Some(Technology::Mobile4g),
            _ => None,
        };
        entry(0, agent, Some(Hex([group; 8])), &record)
    };
    let records = proptest::collection::vec(card, 1..60)
        .prop_map(move |cards| (0..).zip(cards).map(record).collect::<Vec<Entry>>());
    records.prop_map(|mut records| {
        records.extend((0..8).map(|agent| enrolment(0, agent, &format!("b{}", agent / 2))));
        records
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_and_any_partition_of_entries_give_the_same_answers(
        entries in world(),
        shuffled in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut straight = House::new();
        straight.cells.apply(&numbered(entries.clone())).unwrap();

        let mut turned = entries;
        let turn = shuffled.index(turned.len());
        turned.rotate_left(turn);
        let half = turned.len() / 2;
        turned[..half].reverse();
        let turned = numbered(turned);
        let mut pieces = House::new();
        let (first, second) = turned.split_at(cut.index(turned.len()));
        pieces.cells.apply(first).unwrap();
        for entry in second {
            pieces.cells.apply(std::slice::from_ref(entry)).unwrap();
        }
        prop_assert_eq!(
            statements(&pieces.cells.reader()),
            statements(&straight.cells.reader())
        );
        prop_assert_eq!(
            parts::everything(&pieces.cells.reader()),
            parts::everything(&straight.cells.reader())
        );
    }
}
