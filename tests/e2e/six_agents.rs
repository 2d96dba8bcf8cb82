//! One agent is suppressed; six agents with six invitations make an estimate with its interval.
use crate::support::collector::Collector;
use crate::support::device::Device;
use crate::support::http::get;
use crate::support::world::World;
use serde_json::Value;

const METRIC: &str = "dns.resolution_us/configured";

fn statement(collector: &Collector) -> Value {
    let url = format!(
        "{}/api/v1/statements?province=KH-12&metric={METRIC}&access=fixed",
        collector.url
    );
    let answer = get(&url);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let statements: Value = serde_json::from_str(&answer.body).unwrap();
    statements["statements"][0].clone()
}

#[test]
fn one_agent_is_suppressed_and_six_make_an_estimate() {
    let world = World::start();
    let home = tempfile::tempdir().unwrap();
    let collector = Collector::start(home.path());
    let page = format!("{}/provinces/KH-12?lang=en", collector.url);

    Device::join(&collector, &world, home.path(), "agent-1").round();
    assert_eq!(statement(&collector)["state"], "suppressed");
    assert!(get(&page).body.contains("suppressed"));

    for number in 2..=6 {
        Device::join(&collector, &world, home.path(), &format!("agent-{number}")).round();
    }
    let said = statement(&collector);
    assert_eq!(said["state"], "estimate", "{said}");
    assert_eq!(said["counts"]["agents"], 6);
    let figure = &said["figure"];
    assert!(figure["low"].as_i64() <= figure["median"].as_i64());
    assert!(figure["median"].as_i64() <= figure["high"].as_i64());
    assert!(figure["coverage_ppm"].as_u64() >= Some(950_000));
    let body = get(&page).body;
    assert!(
        body.contains("estimate"),
        "the page names the state: {body}"
    );
    assert!(
        body.contains(">6</td>"),
        "the page shows its sample size: {body}"
    );
    let metrics = get(&collector.metrics_url).body;
    assert!(
        metrics.contains("KH-12"),
        "the gauges carry the published province"
    );
}
