//! Complaints: whether what one says follows from the records that stand behind it in its file.
use crate::report::{Problem, Report};
use serde::Serialize;
use std::collections::BTreeMap;
use tonle_evidence::complaint::{Complaint, Finding};
use tonle_evidence::envelope::Opened;
use tonle_evidence::hash::{Hash, PublicKey};

/// What a complaint that holds says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComplaintFacts {
    /// Whose key signed it and its records.
    pub key: PublicKey,
    /// Tests that count.
    pub counted: u64,
    /// Tests that were made.
    pub tests: u64,
    /// What follows from them.
    pub findings: Vec<Finding>,
}

/// A complaint whose records are still to come.
pub(crate) struct Open {
    file: String,
    line: u64,
    key: PublicKey,
    complaint: Complaint,
    records: BTreeMap<Hash, Opened>,
}

impl Open {
    pub(crate) fn new(file: &str, line: u64, key: PublicKey, complaint: Complaint) -> Self {
        Self {
            file: file.to_owned(),
            line,
            key,
            complaint,
            records: BTreeMap::new(),
        }
    }

    /// Takes a record that it names, where its own key signed it.
    pub(crate) fn take(&mut self, hash: Hash, key: Option<PublicKey>, opened: Option<&Opened>) {
        let mut tests = self.complaint.tests.iter();
        let is_named = tests.any(|test| test.record_hash == hash);
        if let Some(opened) = opened.filter(|_| is_named && key == Some(self.key)) {
            self.records.insert(hash, opened.clone());
        }
    }

    pub(crate) fn conclude(self, report: &mut Report) {
        let wrong = self.complaint.check(&self.records);
        if wrong.is_empty() {
            report.complaints.push(ComplaintFacts {
                key: self.key,
                counted: self.complaint.counted.len() as u64,
                tests: self.complaint.tests.len() as u64,
                findings: self.complaint.findings,
            });
            return;
        }
        let problems = wrong.into_iter().map(|reason| Problem {
            file: self.file.clone(),
            line: self.line,
            problem: format!("complaint: {reason}"),
        });
        report.problems.extend(problems);
    }
}

impl ComplaintFacts {
    pub(crate) fn text(&self) -> String {
        let deviations = self.findings.iter().filter(|finding| finding.deviates);
        let names: Vec<String> = deviations
            .map(|finding| format!("{} {}", finding.direction, finding.promised))
            .collect();
        let said = if names.is_empty() {
            "no deviation".to_owned()
        } else {
            format!("deviates: {}", names.join(", "))
        };
        let (counted, tests) = (self.counted, self.tests);
        format!("complaint verified, {counted} of {tests} tests count; {said}")
    }
}
