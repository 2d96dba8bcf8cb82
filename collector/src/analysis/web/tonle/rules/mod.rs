//! The rules, in the order in which they are asked. One file per rule, or per step that a family of
//! failures shares.
//!
//! A rule's version is raised whenever the same facts can give another finding by it.
use super::case::{Asked, Case, Page};
use super::finding::Finding;
use crate::analysis::web::facts::Witness;

mod dns_address;
mod dns_blockpage;
mod dns_bogon;
mod dns_certificate;
mod dns_elsewhere;
mod dns_failed;
mod dns_out_of_nothing;
mod dns_proxy;
mod dns_race;
mod dns_sinkhole;
mod dns_unmatched;
mod dns_wrong_certificate;
mod http_authentic;
mod http_blockpage;
mod http_clear;
mod http_failed;
mod http_server_side;
mod http_slow;
mod run_clock;
mod run_known_good;
mod run_never_left;
mod run_portal;
mod run_tunnel;
mod tcp_connected;
mod tcp_failed;
mod tls_clock;
mod tls_failed;
mod tls_interception;
mod tls_valid;

/// One rule.
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// Its version.
    pub version: u32,
    /// What it says, for a person.
    pub about: &'static str,
    pub(super) judge: Judge,
}

/// What a rule is asked about.
pub(super) enum Judge {
    /// The run as a whole: a finding ends everything.
    Run(fn(&Case<'_>) -> Option<Finding>),
    /// What one resolver said of one name.
    Answer(fn(&Case<'_>, &Asked<'_>) -> Option<Finding>),
    /// Connections of one page.
    Connection(fn(&Case<'_>, &Page<'_>) -> Option<Finding>),
    /// Handshakes of one page.
    Handshake(fn(&Case<'_>, &Page<'_>) -> Option<Finding>),
    /// Requests of one page.
    Request(fn(&Case<'_>, &Page<'_>) -> Option<Finding>),
    /// Something worth knowing beside a verdict on DNS.
    Note(fn(&Case<'_>) -> Option<Vec<Witness>>),
}

/// Every rule, in the order in which they are asked.
pub static ALL: &[Rule] = &[
    run_tunnel::RULE,
    run_clock::RULE,
    run_never_left::RULE,
    run_portal::RULE,
    run_known_good::RULE,
    dns_bogon::RULE,
    dns_sinkhole::RULE,
    dns_blockpage::RULE,
    dns_race::RULE,
    dns_out_of_nothing::RULE,
    dns_certificate::RULE,
    dns_address::RULE,
    dns_wrong_certificate::RULE,
    dns_elsewhere::RULE,
    dns_unmatched::RULE,
    dns_failed::RULE,
    dns_proxy::RULE,
    tcp_connected::RULE,
    tcp_failed::RULE,
    tls_valid::RULE,
    tls_clock::RULE,
    tls_interception::RULE,
    tls_failed::RULE,
    http_blockpage::RULE,
    http_server_side::RULE,
    http_authentic::RULE,
    http_slow::RULE,
    http_clear::RULE,
    http_failed::RULE,
];

/// Witnesses of several places as one list.
fn together(lists: impl IntoIterator<Item = Vec<Witness>>) -> Vec<Witness> {
    lists.into_iter().flatten().collect()
}
