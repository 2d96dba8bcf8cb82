//! The control server: the real program alone on a host of its own, with real names, ports and
//! certificates, asked by `curl` as a stock tool.
mod world;

use crate::Check;
use libtest_mimic::Failed;
use world::World;

pub(crate) fn checks() -> Vec<Check> {
    vec![
        (
            "a_site_is_described_with_every_endpoint_and_its_certificate".to_owned(),
            Box::new(a_site_is_described),
        ),
        (
            "no_packet_leaves_for_where_only_the_control_server_gets".to_owned(),
            Box::new(no_packet_leads_inside),
        ),
    ]
}

fn a_site_is_described() -> Result<(), Failed> {
    let world = World::start()?;
    let greeting = world.get("/")?;
    world::same(&greeting, r#"{"message":"Hello OONItarian!"}"#)?;
    let answer = world.ask(
        "http://site.test/",
        &["203.189.128.20:80", "203.189.128.21:80"],
    )?;
    let up = serde_json::json!({ "status": true, "failure": null });
    for endpoint in [
        "203.189.128.20:80",
        "203.189.128.20:443",
        "203.189.128.21:443",
        "[2400:9800:1::20]:80",
        "[2400:9800:1::20]:443",
    ] {
        world::same(&answer["tcp_connect"][endpoint], &up)?;
    }
    let refused = serde_json::json!({ "status": false, "failure": "connection_refused_error" });
    world::same(&answer["tcp_connect"]["203.189.128.21:80"], &refused)?;
    let tls = &answer["tls_handshake"];
    let valid = serde_json::json!({ "server_name": "site.test", "status": true, "failure": null });
    world::same(&tls["203.189.128.20:443"], &valid)?;
    world::same(
        &tls["203.189.128.21:443"]["failure"],
        "ssl_invalid_hostname",
    )?;
    world::same(&tls["203.189.128.20:80"], &serde_json::Value::Null)?;
    world::same(&answer["ip_info"]["203.189.128.20"]["flags"], &11)?;
    world::same(&answer["ip_info"]["203.189.128.21"]["flags"], &1)?;
    world::same(&answer["ip_info"]["2400:9800:1::20"]["flags"], &10)?;
    let found = serde_json::json!(["203.189.128.20", "2400:9800:1::20"]);
    world::same(&answer["dns"]["addrs"], &found)?;
    let page = &answer["http_request"];
    world::same(&page["status_code"], &200)?;
    world::same(&page["title"], "The site")?;
    world::same(&page["headers"]["X-Of-The-Site"], "yes")?;
    let gone = world.ask("https://gone.test/", &[])?;
    world::same(&gone["dns"]["failure"], "dns_name_error")?;
    world::same(&gone["http_request"]["failure"], "dns_lookup_error")
}

fn no_packet_leads_inside() -> Result<(), Failed> {
    let world = World::start()?;
    for url in [
        "http://10.9.0.1/",
        "https://10.9.0.1/",
        "http://167772161/",
        "http://0xa.9.1/",
        "http://[::ffff:10.9.0.1]/",
        "http://[fd00:9::1]/",
        "http://inside.test/",
        "http://both.test/",
        "http://169.254.169.254/latest/meta-data/",
        "http://evil.test/to-address",
        "http://evil.test/to-name",
        "http://evil.test/to-cloud",
    ] {
        let answer = world.ask(url, &["10.9.0.1:80", "169.254.169.254:80"])?;
        let body = answer["http_request"].to_string();
        world::must(!body.contains("secret"), format!("{url}: {body}"))?;
    }
    // Its own services, too, are nobody's affair from within.
    let own = world.ask("http://203.189.128.10:8081/", &["[2400:9800:1::10]:1"])?;
    world::same(&own["tcp_connect"], &serde_json::json!({}))?;
    world::same(&own["http_request"]["status_code"], &-1)?;
    world::must(world.packets_to("evil") > 0, "nobody was sent astray")?;
    for host in ["inside", "cloud"] {
        let packets = world.packets_to(host);
        world::must(packets == 0, format!("{packets} packets to {host}"))?;
    }
    Ok(())
}
