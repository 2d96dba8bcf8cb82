//! The collector as a reader meets it: in a real browser, and as a program.
use crate::support::collector::Collector;
use crate::support::device::Device;
use crate::support::http::get;
use crate::support::world::World;
use serde_json::Value;

#[test]
fn the_description_names_every_documented_route_and_they_answer() {
    let home = tempfile::tempdir().unwrap();
    let collector = Collector::start(home.path());
    let description = get(&format!("{}/api/v1/openapi.json", collector.url));
    let description: Value = serde_json::from_str(&description.body).unwrap();
    let paths = description["paths"].as_object().unwrap();
    for route in [
        "/api/v1/records",
        "/api/v1/enrolments",
        "/api/v1/statements",
        "/api/v1/records/{hash}/status",
    ] {
        assert!(paths.contains_key(route), "{route} is described");
    }
    for (route, operations) in paths {
        let needs = operations["get"]["parameters"].as_array();
        let needs_a_query = route == "/api/v1/statements"
            || needs.is_some_and(|all| all.iter().any(|one| one["required"] == true));
        if operations.get("get").is_none() || route.contains('{') || needs_a_query {
            continue;
        }
        assert_eq!(
            get(&format!("{}{route}", collector.url)).status,
            200,
            "{route}"
        );
    }
}

#[test]
fn nothing_that_was_written_holds_an_address_of_the_volunteer() {
    let (world, home) = (World::start(), tempfile::tempdir().unwrap());
    let mut collector = Collector::start(home.path());
    let device = Device::join(&collector, &world, home.path(), "agent");
    device.round();
    collector.stop();
    for file in [
        "journal.sqlite",
        "journal.sqlite-wal",
        "admin.sqlite",
        "admin.sqlite-wal",
    ] {
        let Ok(bytes) = std::fs::read(collector.data.join(file)) else {
            continue;
        };
        let planted = b"127.0.0.1";
        let found = bytes
            .windows(planted.len())
            .filter(|window| window == planted)
            .count();
        // Halves are compressed; what stands in the clear are the collector's own columns.
        assert_eq!(found, 0, "{file} holds the source address");
    }
}

#[test]
fn problems_are_problem_details_that_say_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let collector = Collector::start(home.path());
    for path in [
        "/api/v1/nothing",
        "/api/v1/statements?period=yesterday",
        "/api/v1/records/xyz/status",
    ] {
        let answer = get(&format!("{}{path}", collector.url));
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        let problem: Value = serde_json::from_str(&answer.body)
            .unwrap_or_else(|_| panic!("{path}: {}", answer.body));
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
    }
}
