//! The kept output of all situations: OONI's keys, expected and found, and our verdicts.
use crate::pool;
use crate::scenarios::see;
use crate::situations::{self, Situation};
use crate::table::{self, KEYS, Row};
use std::fmt::Write as _;
use std::path::Path;

/// What stands behind the tables: where the rules that no scenario exercises are tested.
const RULES: &str = include_str!("rules.md");

/// What came of one situation.
struct Line {
    situation: Situation,
    row: Option<Row>,
    found: Vec<String>,
    verdict: String,
    wrong: Vec<String>,
}

/// Visits every situation once and writes what came out; how many were otherwise than expected.
pub(crate) fn write(path: &Path) -> Result<usize, String> {
    let results = pool::each(&situations::all().collect::<Vec<_>>(), |situation| {
        let line = line(situation);
        let told = line.as_ref().map(|line| line.verdict.clone());
        pool::say(&format!(
            "{}: {}",
            situation.name(),
            told.unwrap_or_else(Clone::clone)
        ));
        line.map_err(|why| format!("{}: {why}", situation.name()))
    });
    let lines: Vec<Line> = results.into_iter().collect::<Result<_, _>>()?;
    let wrong = lines.iter().filter(|line| !line.wrong.is_empty()).count();
    std::fs::write(path, document(&lines))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(wrong)
}

fn line(situation: &Situation) -> Result<Line, String> {
    let message = |failed: libtest_mimic::Failed| failed.message().unwrap_or("failed").to_owned();
    let scenario = situation.read().map_err(|bad| bad.to_string())?;
    let seen = see(situation, scenario).map_err(message)?;
    let keys = KEYS
        .iter()
        .map(|key| seen.judged.said["ooni"][key].to_string());
    Ok(Line {
        situation: *situation,
        row: table::row_of(situation.name()),
        found: keys.collect(),
        verdict: format!("{} `{}`", seen.judged.state(), seen.judged.why()),
        wrong: seen.wrong,
    })
}

fn document(lines: &[Line]) -> String {
    let of_ooni: Vec<&Line> = lines.iter().filter(|line| line.row.is_some()).collect();
    let equal = of_ooni.iter().filter(|line| line.wrong.is_empty()).count();
    let mut out = format!(
        "# Openness: the scenarios\n\n\
         The last output of `just scenarios`: each situation of the lab\n\
         ([OONI's suite](../tests/lab/scenarios/web-connectivity), [what it\n\
         lacks](../tests/lab/scenarios/openness)) with the real agent and two real controls. The tests do\n\
         the same: `cargo test --test openness situations::`.\n\n\
         ## OONI's suite\n\n\
         {equal} of {} scenarios give all fourteen keys of Web Connectivity 0.5.28 as expected, and our\n\
         verdict. The network does what OONI's does; two things are as they must be here: private\n\
         addresses of `dnsBlockingBOGON` are connected to as the agent does in laboratories only\n\
         (`allow_loopback`), and the error of `dnsBlockingAndroidDNSCacheNoData` is renamed as the agent\n\
         names it on Android.\n\n",
        of_ooni.len()
    );
    let _ = writeln!(
        out,
        "| scenario | {} | our verdict |\n| --- |{}",
        KEYS.join(" | "),
        " --- |".repeat(15)
    );
    for line in &of_ooni {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            line.situation.name(),
            line.found.join(" | "),
            line.verdict
        );
    }
    out.push_str("\n## What the suite lacks\n\n| situation | what the network did | our verdict |\n| --- | --- | --- |\n");
    for line in lines.iter().filter(|line| line.row.is_none()) {
        let did = line.situation.did.label();
        let _ = writeln!(
            out,
            "| {} | {did} | {} |",
            line.situation.name(),
            line.verdict
        );
    }
    for line in lines.iter().filter(|line| !line.wrong.is_empty()) {
        let _ = writeln!(
            out,
            "\n{}: {}",
            line.situation.name(),
            line.wrong.join("; ")
        );
    }
    out.push('\n');
    out + RULES
}
