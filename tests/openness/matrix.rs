//! What the network did against what either layer says of it, over every situation, its clean twin,
//! and other addresses, delays and seeds.
use crate::pool;
use crate::scenarios::visit;
use crate::situations::{self, Did, Situation};
use crate::vary::{clean, varied};
use crate::world::{Judged, World};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What OONI's layer can say.
const OONI: [&str; 7] = [
    "dns",
    "tcp_ip",
    "http-failure",
    "http-diff",
    "accessible",
    "down",
    "null",
];
/// What of it is an accusation.
const ACCUSES: [&str; 4] = ["dns", "tcp_ip", "http-failure", "http-diff"];
/// What ours can say.
const OURS: [&str; 6] = [
    "blocked",
    "likely_blocked",
    "impaired",
    "down",
    "ok",
    "insufficient",
];

/// One visit to be made.
#[derive(Clone, Copy)]
struct Cell {
    situation: Situation,
    seed: u64,
    is_twin: bool,
}

/// One visit that was made.
struct Seen {
    cell: Cell,
    ooni: String,
    state: String,
    /// Mechanism, reason or mark of ours.
    why: String,
}

/// Makes every visit, each situation `places` times, and writes the tables; how many verdicts were
/// wrong.
pub(crate) fn write(path: &Path, places: u64) -> Result<usize, String> {
    let cells: Vec<Cell> = situations::all()
        .flat_map(|situation| (0..places).flat_map(move |seed| cells_of(situation, seed)))
        .collect();
    let results = pool::each(&cells, |cell| {
        let seen = see(cell);
        pool::say(&format!(
            "{} {}: {}",
            cell.situation.name(),
            cell.seed,
            told(&seen)
        ));
        seen.map_err(|why| format!("{} at place {}: {why}", cell.situation.name(), cell.seed))
    });
    let seen: Vec<Seen> = results.into_iter().collect::<Result<_, _>>()?;
    let wrong: Vec<&Seen> = seen.iter().filter(|one| one.is_wrong()).collect();
    let text = document(&seen, &wrong, places);
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(wrong.len())
}

fn told(seen: &Result<Seen, String>) -> String {
    match seen {
        Ok(seen) => format!("{} / {}", seen.ooni, seen.state),
        Err(why) => why.clone(),
    }
}

fn cells_of(situation: Situation, seed: u64) -> impl Iterator<Item = Cell> {
    let cell = |is_twin| Cell {
        situation,
        seed,
        is_twin,
    };
    let has_twin = !matches!(situation.did, Did::Nothing(_));
    std::iter::once(cell(false)).chain(has_twin.then(|| cell(true)))
}

fn see(cell: &Cell) -> Result<Seen, String> {
    let situation = &cell.situation;
    let mut scenario = situation.read().map_err(|bad| bad.to_string())?;
    if cell.is_twin {
        scenario = clean(scenario, situation);
    }
    let world = World::start_with(varied(scenario, cell.seed), situation.agent());
    let world = world.map(|world| world.with_clock(situation.clock()));
    let judged = world.and_then(|world| visit(&world, situation));
    let judged = judged.map_err(|failed| failed.message().unwrap_or("failed").to_owned())?;
    Ok(Seen {
        cell: *cell,
        ooni: ooni(&judged),
        state: judged.state().to_owned(),
        why: judged.why().to_owned(),
    })
}

/// Blocking and accessible of OONI's layer as one word.
fn ooni(judged: &Judged) -> String {
    let keys = &judged.said["ooni"];
    match (&keys["blocking"], &keys["accessible"]) {
        (Value::String(blocking), _) => blocking.clone(),
        (Value::Bool(false), Value::Bool(true)) => "accessible".to_owned(),
        (Value::Bool(false), _) => "down".to_owned(),
        _ => "null".to_owned(),
    }
}

impl Seen {
    fn did(&self) -> Did {
        if self.cell.is_twin {
            Did::Nothing("nothing; the clean twin")
        } else {
            self.cell.situation.did
        }
    }

    fn is_wrong(&self) -> bool {
        !self.did().fits(&self.state)
    }
}

fn document(seen: &[Seen], wrong: &[&Seen], places: u64) -> String {
    let mut out = format!(
        "# Openness: what the network did, and what was said of it\n\n\
         The last output of `just matrix`: every situation of the lab with the real agent and two real\n\
         controls, each with its clean twin and at {places} places (other addresses, delays and seeds),\n\
         {} visits. Rows: what the network did. Columns: what was said.\n\n",
        seen.len()
    );
    table(&mut out, "Our layer", &OURS, seen, |one| &one.state);
    table(&mut out, "OONI's layer", &OONI, seen, |one| &one.ooni);
    mechanisms(&mut out, seen);
    sums(&mut out, seen, wrong);
    out
}

fn table(
    out: &mut String,
    title: &str,
    columns: &[&str],
    seen: &[Seen],
    said: impl Fn(&Seen) -> &String,
) {
    let mut rows: BTreeMap<(u8, &str), Vec<usize>> = BTreeMap::new();
    for one in seen {
        let counts = rows
            .entry((order(one.did()), one.did().label()))
            .or_insert_with(|| vec![0; columns.len()]);
        if let Some(column) = columns.iter().position(|column| column == said(one)) {
            counts[column] += 1;
        }
    }
    let head = columns.join(" | ");
    let rule = " ---: |".repeat(columns.len());
    let _ = writeln!(out, "## {title}\n\n| | {head} |\n| --- |{rule}");
    for ((_, label), counts) in rows {
        let cells = counts.iter().map(|count| match count {
            0 => String::new(),
            count => count.to_string(),
        });
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(out, "| {label} | {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn order(did: Did) -> u8 {
    match did {
        Did::Blocked(_) => 0,
        Did::ByChance(_) => 1,
        Did::Slowed(_) => 2,
        Did::Untold(_) => 3,
        Did::Nothing(_) => 4,
    }
}

/// What our layer named, by situation.
fn mechanisms(out: &mut String, seen: &[Seen]) {
    out.push_str(
        "## What our layer named\n\n| situation | named, and how often |\n| --- | --- |\n",
    );
    let mut rows: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for one in seen.iter().filter(|one| !one.cell.is_twin) {
        let named = format!("{} `{}`", one.state, one.why);
        *rows
            .entry(one.cell.situation.name())
            .or_default()
            .entry(named)
            .or_default() += 1;
    }
    for (name, named) in rows {
        let named = named
            .iter()
            .map(|(named, count)| format!("{named} {count}"));
        let _ = writeln!(out, "| {name} | {} |", named.collect::<Vec<_>>().join(", "));
    }
    out.push('\n');
}

fn sums(out: &mut String, seen: &[Seen], wrong: &[&Seen]) {
    let with = |did: fn(Did) -> bool| seen.iter().filter(|one| did(one.did())).count();
    let interfered = with(|did| matches!(did, Did::Blocked(_) | Did::Slowed(_)));
    let innocent = with(|did| matches!(did, Did::Nothing(_)));
    let missed = wrong
        .iter()
        .filter(|one| !matches!(one.did(), Did::Nothing(_)));
    let missed = missed.count();
    let _ = writeln!(
        out,
        "## Sums\n\n\
         A miss is interference that is neither `blocked` nor `likely_blocked` (slowed: not\n\
         `impaired`); a false one is either of these without interference. Our layer: {missed} misses \
         of {interfered}, {} false ones of {innocent}.\n",
        wrong.len() - missed
    );
    let theirs = |is_innocent: bool| {
        let of = seen
            .iter()
            .filter(|one| matches!(one.did(), Did::Nothing(_)) == is_innocent);
        let of =
            of.filter(|one| is_innocent || matches!(one.did(), Did::Blocked(_) | Did::Slowed(_)));
        of.filter(|one| ACCUSES.contains(&one.ooni.as_str()) == is_innocent)
            .count()
    };
    let _ = writeln!(
        out,
        "OONI's layer, where a miss is interference that it does not call blocking: {} misses, {} false\n\
         ones.\n",
        theirs(false),
        theirs(true)
    );
    let untold = with(|did| matches!(did, Did::Untold(_)));
    let _ = writeln!(
        out,
        "Beside these, {untold} visits with interference that one visit cannot tell from something\n\
         innocent: a resolver that refuses or is silent is told by the C library like one that is\n\
         broken, and a refusal in clear may be the site's own. What is left then is several agents,\n\
         repeats, and the experiments of their own for each."
    );
    for one in wrong {
        let twin = if one.cell.is_twin { ", its twin" } else { "" };
        let _ = writeln!(
            out,
            "\n- {}{twin} at place {}: {} `{}`",
            one.cell.situation.name(),
            one.cell.seed,
            one.state,
            one.why
        );
    }
}
