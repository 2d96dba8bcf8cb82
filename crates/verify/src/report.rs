//! What was checked and what came of it, for a person and for a program.
use crate::chain::{ChainFacts, Chains};
use crate::check::{NotProven, Proven, check_line};
use crate::complaint::{ComplaintFacts, Open};
use crate::source::{SourceError, files, for_each_line};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use tonle_evidence::VerifyingKey;
use tonle_evidence::hash::Hash;

/// Most problems, gaps or places that the text for a person lists; JSON lists all.
const LISTED_MAX: usize = 10;

/// A line that does not prove what it claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
}

/// What was checked and what came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Files read.
    pub files: u64,
    /// Distinct records whose signature verifies.
    pub records: u64,
    /// Of these, records of a newer type: signature checked, content not read.
    pub newer: u64,
    /// Lines that repeat a record or receipt already seen.
    pub repeated: u64,
    /// Distinct receipts that the collector signed.
    pub receipts: u64,
    /// Of these, receipts whose record is among those checked.
    pub receipts_with_record: u64,
    /// Receipts that were not checked because no collector key was given.
    pub receipts_unchecked: u64,
    /// Complaints that their key signed and that say what their records say.
    pub complaints: Vec<ComplaintFacts>,
    /// Continuity, by chain.
    pub chains: Vec<ChainFacts>,
    /// Everything that does not hold.
    pub problems: Vec<Problem>,
}

#[derive(Default)]
struct Checking {
    report: Report,
    chains: Chains,
    records: BTreeSet<Hash>,
    receipted: BTreeSet<Hash>,
    complaints: Vec<Open>,
}

/// Checks a file, or every file of a folder.
pub fn verify(path: &Path, collector: Option<&VerifyingKey>) -> Result<Report, SourceError> {
    let mut checking = Checking::default();
    for file in files(path)? {
        checking.report.files += 1;
        let name = file.display().to_string();
        for_each_line(&file, |line, bytes| match check_line(bytes, collector) {
            Ok(Proven::Complaint { key, complaint }) => {
                checking
                    .complaints
                    .push(Open::new(&name, line, key, *complaint));
            }
            Ok(proven) => checking.take(proven),
            Err(NotProven::NoCollectorKey) => checking.report.receipts_unchecked += 1,
            Err(problem) => checking.report.problems.push(Problem {
                file: name.clone(),
                line,
                problem: problem.to_string(),
            }),
        })?;
    }
    Ok(checking.finish())
}

impl Checking {
    fn take(&mut self, proven: Proven) {
        let is_new = match proven {
            Proven::Record { hash, link, opened } => {
                let key = link.as_ref().map(|link| link.key);
                for complaint in &mut self.complaints {
                    complaint.take(hash, key, opened.as_deref());
                }
                self.take_record(hash, link.as_ref())
            }
            // Taken where its line is known.
            Proven::Complaint { .. } => true,
            Proven::Receipt(receipt) => {
                let is_new = self.receipted.insert(receipt.record_hash);
                self.report.receipts += u64::from(is_new);
                is_new
            }
        };
        self.report.repeated += u64::from(!is_new);
    }

    fn take_record(&mut self, hash: Hash, link: Option<&crate::check::Link>) -> bool {
        if !self.records.insert(hash) {
            return false;
        }
        self.report.records += 1;
        match link {
            Some(link) => _ = self.chains.add(hash, link),
            None => self.report.newer += 1,
        }
        true
    }

    fn finish(mut self) -> Report {
        let with_record = self.receipted.intersection(&self.records).count();
        self.report.receipts_with_record = with_record as u64;
        self.report.chains = self.chains.facts();
        for complaint in self.complaints {
            complaint.conclude(&mut self.report);
        }
        self.report
    }
}

impl Report {
    /// True when every line proved what it claims.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    /// True when no line was there to be checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holds()
            && self.records + self.receipts + self.receipts_unchecked == 0
            && self.complaints.is_empty()
    }

    /// The report as JSON, with `holds` first.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Whole<'a> {
            holds: bool,
            #[serde(flatten)]
            report: &'a Report,
        }
        let whole = Whole {
            holds: self.holds(),
            report: self,
        };
        serde_json::to_string_pretty(&whole).expect("counts, strings and hashes are always JSON")
    }

    /// The report for a person: what holds, what to know, what does not hold.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{} verified\n", count(self.records, "record"));
        let mut line = |line: String| writeln!(text, "{line}").expect("a string takes any text");
        if self.newer > 0 {
            line(format!(
                "  {} of a newer type: signature checked, content not read",
                self.newer
            ));
        }
        if self.receipts > 0 {
            let matched = self.receipts_with_record;
            let receipts = count(self.receipts, "receipt");
            line(format!(
                "{receipts} verified, {matched} of them for a record checked here"
            ));
        }
        if self.repeated > 0 {
            line(format!(
                "{} seen before and counted once",
                count(self.repeated, "line")
            ));
        }
        for complaint in &self.complaints {
            line(complaint.text());
        }
        for chain in &self.chains {
            line(chain_text(chain));
        }
        if self.problems.is_empty() {
            line("everything holds".to_owned());
            return text;
        }
        line(format!("{} not hold:", doing(self.problems.len())));
        for problem in self.problems.iter().take(LISTED_MAX) {
            line(format!(
                "  {}:{}: {}",
                problem.file, problem.line, problem.problem
            ));
        }
        if let Some(more) = self.problems.len().checked_sub(LISTED_MAX + 1) {
            line(format!("  and {} more: see --json", more + 1));
        }
        text
    }
}

fn doing(lines: usize) -> String {
    if lines == 1 {
        "1 line does".to_owned()
    } else {
        format!("{lines} lines do")
    }
}

fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// One line on a chain: whole, or what is missing from it.
fn chain_text(chain: &ChainFacts) -> String {
    let head = format!(
        "chain {} of key {}…: {}, places {} to {}",
        chain.chain_id,
        &chain.key.to_string()[..16],
        count(chain.records, "record"),
        chain.first,
        chain.last,
    );
    if chain.is_whole() {
        return format!("{head}, whole");
    }
    let gaps: Vec<String> = chain
        .gaps
        .iter()
        .map(|(from, to)| run(*from, *to))
        .collect();
    let facts = [
        fact("missing", &gaps),
        fact("not following the one before", &texts(&chain.breaks)),
        fact("claimed by several records", &texts(&chain.conflicts)),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!("{head}; {}", facts.join("; "))
}

fn texts(places: &[u64]) -> Vec<String> {
    places.iter().map(ToString::to_string).collect()
}

/// A run of places, `3` or `3–5`.
fn run(from: u64, to: u64) -> String {
    if from == to {
        return from.to_string();
    }
    format!("{from}–{to}")
}

fn fact(what: &str, places: &[String]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let listed = places[..places.len().min(LISTED_MAX)].join(", ");
    let more = if places.len() > LISTED_MAX {
        ", …"
    } else {
        ""
    };
    Some(format!("{what}: {listed}{more}"))
}
