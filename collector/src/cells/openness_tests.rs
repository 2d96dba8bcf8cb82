//! Openness cells hold every visit once, whatever the order, and a rebuild gives the same.
use super::schema::FILE_NAME;
use super::{Cells, CellsReader};
use crate::incidents::detect::{Hour, Inputs};
use crate::journal::{Entry, Journal};
use crate::testing::{HOUR_US, NOON_US, entry, ground, key, opened};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use tonle_evidence::failure::Failure;
use tonle_evidence::hash::Hex;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::State;

const NOW: Hour = NOON_US / HOUR_US + 24;

/// A visit whose only lookup gives an address that no public service can have.
fn visit(turn: u64, agent: u8, hour: i64) -> Entry {
    let mut record = opened(NOON_US + hour * HOUR_US, 0);
    record.private.sequence = turn;
    record.public.samples.clear();
    record.public.method.id = "web_connectivity".into();
    record.public.target.value = "https://www.example.com/".into();
    record.public.observations = vec![Observation {
        t_start_us: 0,
        t_end_us: 1_000,
        operation: "resolve".into(),
        subject: Some("www.example.com".into()),
        failure: Some(Failure::from_name("dns_nxdomain_error")),
        detail: serde_json::from_value(json!({"query_type": "A", "resolver": "lan_resolver"}))
            .unwrap(),
    }];
    let mut entry = entry(0, agent, Some(Hex([agent; 8])), &record);
    entry.network.asn = Some(38_623);
    entry
}

fn numbered(mut entries: Vec<Entry>) -> Vec<Entry> {
    for (index, entry) in (0..).zip(&mut entries) {
        entry.entry_index = index;
    }
    entries
}

fn window(cells: &CellsReader) -> Inputs {
    let mut inputs = cells.window(NOW, &ground()).unwrap();
    // Places in the journal, and so numbers of agents, are those of its order.
    for visit in &mut inputs.visits {
        (visit.entry_index, visit.unit) = (0, 0);
    }
    for contact in &mut inputs.contacts {
        contact.unit = 0;
    }
    inputs.visits.sort_by_key(|visit| visit.hour);
    inputs.contacts.sort();
    inputs
}

fn cells_of(dir: &std::path::Path) -> Cells {
    let journal = Journal::open(dir, key(200)).unwrap();
    let reader = journal.reader().unwrap();
    Cells::open(dir, Arc::new(ground()), &reader).unwrap()
}

#[test]
fn a_visit_is_a_witness_in_the_cell_of_its_target_network_and_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut cells = cells_of(dir.path());
    let entries = numbered(vec![visit(0, 1, 0), visit(1, 1, 1), visit(2, 2, 1)]);
    cells.apply(&entries).unwrap();
    let inputs = cells.reader().window(NOW, &ground()).unwrap();
    assert_eq!(inputs.visits.len(), 3);
    let first = &inputs.visits[0];
    assert_eq!(&*first.target, "https://www.example.com/");
    assert_eq!(&*first.network, "as38623");
    assert_eq!(&*first.province, "KH-12");
    assert_eq!(first.hour, NOON_US / HOUR_US);
    assert_eq!(first.state, State::Insufficient, "there is no control");
    assert_eq!(inputs.visits[0].unit, inputs.visits[1].unit);
    assert_ne!(inputs.visits[0].unit, inputs.visits[2].unit);
    assert_eq!(inputs.contacts.len(), 3);
    assert!(dir.path().join(FILE_NAME).exists());
}

#[test]
fn the_resolvers_network_is_a_key_of_what_is_said_of_resolving_and_of_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut cells = cells_of(dir.path());
    let mut entries = numbered(vec![visit(0, 1, 0), visit(1, 2, 0), visit(2, 3, 0)]);
    entries[0].network.resolver_asn = Some(38_623);
    entries[1].network.resolver_asn = Some(15_169);
    cells.apply(&entries).unwrap();
    let file = rusqlite::Connection::open(dir.path().join(FILE_NAME)).unwrap();
    let sql =
        "SELECT layer || ' ' || resolver FROM openness_cell WHERE network = 'as38623' ORDER BY 1";
    let mut statement = file.prepare(sql).unwrap();
    let keys = statement.query_map([], |row| row.get(0)).unwrap();
    let keys: Vec<String> = keys.map(Result::unwrap).collect();
    assert_eq!(keys, ["dns ", "dns as15169", "dns as38623", "page "]);
    let inputs = cells.reader().window(NOW, &ground()).unwrap();
    assert_eq!(inputs.visits.len(), 3, "a page is one series all the same");
}

#[test]
fn a_record_of_another_country_or_experiment_is_no_visit() {
    let dir = tempfile::tempdir().unwrap();
    let mut cells = cells_of(dir.path());
    let mut abroad = opened(NOON_US, 0);
    abroad.public.country = "TH".into();
    abroad.public.method.id = "web_connectivity".into();
    let latency = opened(NOON_US, 1);
    let entries = vec![entry(0, 1, None, &abroad), entry(1, 2, None, &latency)];
    cells.apply(&entries).unwrap();
    let inputs = cells.reader().window(NOW, &ground()).unwrap();
    assert_eq!(inputs.visits, []);
    assert_eq!(inputs.contacts.len(), 1, "the other was heard");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn late_visits_correct_the_past(
        visits in proptest::collection::vec((0_u8..4, 0_i64..20), 1..20),
        turn in any::<prop::sample::Index>(),
    ) {
        let make = |(turn, (agent, hour)): (u64, (u8, i64))| visit(turn, agent, hour);
        let entries: Vec<Entry> = (0..).zip(visits).map(make).collect();
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut straight = cells_of(one.path());
        straight.apply(&numbered(entries.clone())).unwrap();
        let mut turned = entries;
        turned.reverse();
        let turn = turn.index(turned.len());
        turned.rotate_left(turn);
        let mut pieces = cells_of(other.path());
        for entry in numbered(turned) {
            pieces.apply(std::slice::from_ref(&entry)).unwrap();
        }
        prop_assert_eq!(window(&pieces.reader()), window(&straight.reader()));
    }
}
