//! False incidents per month over quiet cells.
use super::*;

/// Cells of a run that every test run affords.
const SOME: u64 = 150;
/// Cells of which it is promised.
const MANY: u64 = 20_000;

fn false_incidents(cells: u64, make: fn(u64) -> Inputs) -> usize {
    (0..cells).map(|seed| opened(&make(seed))).sum()
}

#[test]
fn quiet_cells_open_no_incident_in_a_month() {
    assert_eq!(false_incidents(SOME, quiet_target), 0, "targets");
    assert_eq!(false_incidents(SOME, quiet_line), 0, "lines");
    assert_eq!(false_incidents(SOME / 5, quiet_network), 0, "networks");
}

/// `just incidents`; the last answer stands in docs/incidents.md.
#[test]
#[ignore = "takes minutes: just incidents"]
fn twenty_thousand_quiet_cells_open_at_most_one_incident_in_a_month() {
    let mut sum = 0;
    for (kind, make) in [
        ("targets in a network", quiet_target as fn(u64) -> Inputs),
        ("lines", quiet_line),
        ("networks in a province", quiet_network),
    ] {
        let found = false_incidents(MANY, make);
        println!("{MANY} quiet {kind}: {found} false incidents in {DAYS} days");
        sum += found;
    }
    assert!(sum <= 3, "{sum} false incidents: more than one of a kind");
}
