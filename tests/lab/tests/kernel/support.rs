//! A scenario with a client and a server for each test, and a capture when it fails.
use lab::scenario::model::Scenario;
use lab::truth::{Selection, Summary};
use lab::{Lab, Options};
use libtest_mimic::Failed;
use std::fs::File;
use std::process::Output;

/// The scenario's text: a client with these lines about it, and a server that knows names.
pub(crate) fn text(client: &str) -> String {
    format!(
        r#"
        description = "a client and a server"
        [[host]]
        name = "client"
        addresses = ["10.1.0.2", "2001:db8:1::2"]
        resolvers = ["8.8.8.8"]
        {client}
        [[host]]
        name = "server"
        addresses = ["198.51.100.1", "8.8.8.8", "2001:db8:2::1"]
        names = ["www.example.org"]
        [[service]]
        host = "server"
        kind = "dns"
        [[service]]
        host = "server"
        kind = "https"
        [[service.page]]
        body_bytes = 1000000
        "#
    )
}

/// Runs a test in a scenario. When it fails, the message names a capture.
pub(crate) fn in_lab(
    client: &str,
    test: impl FnOnce(&Lab) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let scenario = Scenario::parse(&text(client), "test")?;
    let lab = Lab::start(&scenario, Options::default())?;
    test(&lab).map_err(|failed| {
        let why = failed.message().unwrap_or("failed").to_owned();
        Failed::from(format!("{why}\n{}", capture(&lab)))
    })
}

fn capture(lab: &Lab) -> String {
    let name = format!("lab-failed-{}.pcap", std::process::id());
    let path = std::env::temp_dir().join(name);
    let written = File::create(&path).and_then(|mut file| lab.write_pcap(&mut file));
    match written {
        Ok(()) => format!("packets: {}\n{}", path.display(), summary(lab)),
        Err(error) => format!("no packets: {error}"),
    }
}

/// Runs a command line on the client; what it wrote to both streams.
pub(crate) fn on_client(lab: &Lab, line: &str) -> Result<(Output, String), Failed> {
    let output = lab.command("client", "sh")?.args(["-c", line]).output()?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output, text))
}

/// The figures of the whole run.
pub(crate) fn summary(lab: &Lab) -> Summary {
    lab.truth().summary(&Selection::default())
}

/// Fails with a message unless it is so.
pub(crate) fn ensure(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if so {
        Ok(())
    } else {
        Err(Failed::from(otherwise()))
    }
}
