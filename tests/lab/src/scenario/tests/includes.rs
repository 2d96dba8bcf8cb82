//! Files that include another.
use crate::scenario::model::Scenario;
use std::fs;

const OWN: &str = "description = \"own\"\ninclude = \"parts/more.toml\"\n[[host]]\nname = \"client\"\n\
                   addresses = [\"10.1.0.2\"]\n[host.up]\ndelay_ms = 5\n";
const MORE: &str = "# more\n[[host]]\nname = \"server\"\naddresses = [\"198.51.100.1\"]\n";

/// What reading says of these two files, in the folder of the first.
fn read(own: &str, more: &str) -> Result<Scenario, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("parts")).unwrap();
    fs::write(folder.path().join("own.toml"), own).unwrap();
    fs::write(folder.path().join("parts/more.toml"), more).unwrap();
    let place = format!("{}/", folder.path().display());
    Scenario::read(&folder.path().join("own.toml"))
        .map_err(|bad| bad.to_string().replace(&place, ""))
}

#[test]
fn what_is_included_stands_behind_what_includes_it() {
    let scenario = read(OWN, MORE).unwrap();
    let hosts: Vec<&str> = scenario
        .hosts
        .iter()
        .map(|host| host.name.as_str())
        .collect();
    assert_eq!(hosts, ["client", "server"]);
    assert!((scenario.hosts[0].up.delay_ms - 5.0).abs() < f64::EPSILON);
}

#[test]
fn a_problem_is_told_with_the_file_it_is_in() {
    let more = MORE.replace("198.51.100.1", "10.1.0.2");
    assert_eq!(
        read(OWN, &more).unwrap_err(),
        "parts/more.toml:4: host[1].addresses[0]: 10.1.0.2 is already an address of client: an \
         address is used once"
    );
    let own = OWN.replace("delay_ms = 5", "delay_ms = \"5\"");
    let said = read(&own, MORE).unwrap_err();
    assert!(
        said.starts_with("own.toml:7: host[0].up.delay_ms: is \"5\""),
        "{said}"
    );
    let said = read(OWN, "[[host]\n").unwrap_err();
    assert!(said.starts_with("parts/more.toml:1: "), "{said}");
}

#[test]
fn nothing_of_an_included_file_falls_into_a_table_before_it() {
    let said = read(OWN, &format!("mtu = 1280\n{MORE}")).unwrap_err();
    assert!(
        said.starts_with("parts/more.toml:1: mtu: unknown key"),
        "{said}"
    );
    let said = read(OWN, &format!("include = \"x\"\n{MORE}")).unwrap_err();
    assert!(said.contains("include: unknown key"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = read(&OWN.replace("more.toml", "less.toml"), MORE).unwrap_err();
    assert!(
        said.starts_with("own.toml: include: parts/less.toml cannot be opened"),
        "{said}"
    );
}
