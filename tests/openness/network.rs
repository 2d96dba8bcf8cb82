//! The Internet of the scenarios itself: it stands, and each of its parts meddles as its file says.
use crate::Check;
use lab::scenario::model::Scenario;
use lab::{Lab, Options};
use libtest_mimic::Failed;
use std::path::{Path, PathBuf};

pub(crate) fn checks() -> Vec<Check> {
    let resolves: [(&str, &str, &str, &str); 4] = [
        (
            "successWithHTTP",
            "www.example.com",
            "93.184.216.34",
            "the_site_is_found_where_it_is",
        ),
        (
            "dnsBlockingBOGON",
            "www.example.com",
            "10.10.34.35",
            "the_operators_resolver_lies_where_its_scenario_says",
        ),
        (
            "dnsHijackingToProxyWithHTTPURL",
            "www.example.com",
            "130.192.182.17",
            "a_forged_answer_comes_before_the_true_one",
        ),
        (
            "dnsBlockingAndroidDNSCacheNoData",
            "www.example.com",
            "",
            "a_name_without_addresses_resolves_to_nothing",
        ),
    ];
    let checks = resolves.map(|(scenario, name, address, told)| {
        let check = move || leads_to(scenario, name, address);
        (told.to_owned(), Box::new(check) as Box<_>)
    });
    checks.into()
}

/// The scenarios of OONI's suite, restated.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/scenarios/web-connectivity")
}

/// What the C library makes of a name on the client: this address, or nothing.
fn leads_to(scenario: &str, name: &str, address: &str) -> Result<(), Failed> {
    let scenario = Scenario::read(&folder().join(format!("{scenario}.toml")))?;
    let lab = Lab::start(&scenario, Options::default())?;
    let output = lab
        .command("client", "getent")?
        .args(["ahostsv4", name])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let found = said.split_whitespace().next().unwrap_or_default();
    if found == address {
        return Ok(());
    }
    Err(format!("{name} leads to {found:?}, not {address:?}").into())
}
