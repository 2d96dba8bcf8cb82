//! Measures one cell: every tool in turn on the same line, each against the hub over its own
//! interval.
use crate::cell::Cell;
use crate::figures::{self, Passage, Protocol, Span, Talk};
use crate::table::{Figure, Figures, Row, What};
use crate::tools;
use crate::world::{FRONT_PORT, SERVER, World};
use serde_json::Value;
use std::path::{Path, PathBuf};

const FRONT: Talk = Talk {
    protocol: Protocol::Tcp,
    server_port: FRONT_PORT,
};
const ECHO: Talk = Talk {
    protocol: Protocol::Icmp,
    server_port: 0,
};
const IPERF3: Talk = Talk {
    protocol: Protocol::Tcp,
    server_port: 5201,
};
const IRTT: Talk = Talk {
    protocol: Protocol::Udp,
    server_port: 2112,
};

/// What is measured in a cell, and with which programs.
pub(crate) struct Plan {
    pub(crate) tonle: PathBuf,
    /// Whether other people's tools measure too.
    pub(crate) peers: bool,
    /// The `ndt7-client` crate's program, where it was built.
    pub(crate) ndt7_client: Option<PathBuf>,
}

/// Measures a cell. A tool that gives no figure leaves a note; only a line that cannot be set up
/// is an error.
pub(crate) fn cell(cell: Cell, plan: &Plan) -> Result<(Row, i64), String> {
    let world = World::start(cell, &plan.tonle)?;
    let cross = cell.busy.then(|| world.cross_traffic(cell)).transpose()?;
    let mut row = Row {
        cell,
        figures: Figures::new(),
        notes: Vec::new(),
    };
    let mut steps: Vec<(&str, Step)> =
        vec![("tonle latency", latency), ("tonle throughput", throughput)];
    if plan.peers {
        steps.extend([
            ("fping", fping as Step),
            ("irtt", irtt),
            ("iperf3 download", |world, figures, _| {
                iperf3(world, figures, true)
            }),
            ("iperf3 upload", |world, figures, _| {
                iperf3(world, figures, false)
            }),
            ("ndt7-client", ndt7_client),
        ]);
    }
    for (name, step) in steps {
        if let Err(why) = step(&world, &mut row.figures, plan) {
            row.notes.push(format!("{name}: {why}"));
        }
    }
    drop(cross);
    let late_us = figures::median(world.hub_late_us()).unwrap_or_default();
    Ok((row, late_us))
}

type Step = fn(&World, &mut Figures, &Plan) -> Result<(), String>;

/// The one record of `tonle agent measure`.
struct Record {
    record: Value,
    span: Span,
}

impl Record {
    fn measure(world: &World, arguments: &[&str]) -> Result<Self, String> {
        let mut command = vec!["measure"];
        command.extend(arguments);
        command.push("--json");
        let output = world.agent(&command)?;
        let round: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("no JSON: {error}"))?;
        let record = round["records"][0].clone();
        let from_us = record["t_start_us"]
            .as_i64()
            .ok_or_else(|| format!("it did not run: {}", round["skipped"]))?;
        let ends = record["observations"].as_array().into_iter().flatten();
        let last_us = ends.filter_map(|seen| seen["t_end_us"].as_i64()).max();
        let until_us = from_us + last_us.unwrap_or_default() + 1;
        Ok(Self {
            record,
            span: Span { from_us, until_us },
        })
    }

    /// The value of the metric whose id begins so.
    fn sample(&self, metric: &str) -> Result<i64, String> {
        let samples = self.record["samples"].as_array().into_iter().flatten();
        samples
            .filter(|sample| sample[0].as_str().is_some_and(|id| id.starts_with(metric)))
            .find_map(|sample| sample[1].as_i64())
            .ok_or_else(|| format!("no {metric}; failures {}", self.record["failures"]))
    }

    /// The transfer of one direction, and its span.
    fn transfer(&self, direction: &str) -> Result<(&Value, Span), String> {
        let seen = self.record["observations"].as_array().into_iter().flatten();
        let transfer = seen
            .filter(|one| one["operation"] == "transfer")
            .find(|one| one["detail"]["direction"] == direction)
            .ok_or_else(|| format!("no {direction} transfer"))?;
        let at = |name: &str| transfer[name].as_i64().unwrap_or_default();
        let span = Span {
            from_us: self.span.from_us + at("t_start_us"),
            until_us: self.span.from_us + at("t_end_us"),
        };
        Ok((transfer, span))
    }
}

fn latency(world: &World, figures: &mut Figures, _: &Plan) -> Result<(), String> {
    let record = Record::measure(world, &["latency", SERVER])?;
    let said = record.sample("latency.rtt_median_us/icmp")?;
    let truth = truth_rtt_us(&world.passages(), ECHO, record.span)?;
    figures.insert((What::IdleRtt, "tonle"), Figure { said, truth });
    Ok(())
}

fn throughput(world: &World, figures: &mut Figures, _: &Plan) -> Result<(), String> {
    let record = Record::measure(world, &["throughput"])?;
    let all = world.passages();
    for (direction, what) in [("download", What::Download), ("upload", What::Upload)] {
        let (transfer, span) = record.transfer(direction)?;
        let to_client = what == What::Download;
        let counted = span_counted(transfer, span, to_client);
        let truth = figures::goodput_bps(&all, FRONT, to_client, counted).unwrap_or_default();
        let said = record.sample(&format!("throughput.{direction}_bps"))?;
        let truth = i64::try_from(truth).unwrap_or(i64::MAX);
        figures.insert((what, "tonle"), Figure { said, truth });
    }
    Ok(())
}

/// The interval over which a direction was counted: a download's by the client, an upload's by the
/// server, from the same handshake on.
fn span_counted(transfer: &Value, span: Span, to_client: bool) -> Span {
    let by_server_us = transfer["detail"]["server_elapsed_us"].as_i64();
    match by_server_us {
        Some(elapsed_us) if !to_client => Span {
            until_us: span.from_us + elapsed_us,
            ..span
        },
        _ => span,
    }
}

fn fping(world: &World, figures: &mut Figures, _: &Plan) -> Result<(), String> {
    let before = now_us(world);
    let output = world.tool(&tools::fping(SERVER))?;
    let (round_trips_us, _) = tools::fping_us(&output.stderr)?;
    let said = figures::median(round_trips_us).ok_or("no reply")?;
    let truth = truth_rtt_us(&world.passages(), ECHO, since(before))?;
    figures.insert((What::IdleRtt, "fping"), Figure { said, truth });
    Ok(())
}

fn irtt(world: &World, figures: &mut Figures, _: &Plan) -> Result<(), String> {
    let before = now_us(world);
    let output = world.tool(&tools::irtt(SERVER))?;
    let said = tools::irtt_median_us(&output.stdout)?;
    let truth = truth_rtt_us(&world.passages(), IRTT, since(before))?;
    figures.insert((What::IdleRtt, "irtt"), Figure { said, truth });
    Ok(())
}

fn iperf3(world: &World, figures: &mut Figures, to_client: bool) -> Result<(), String> {
    let before = now_us(world);
    let output = world.tool(&tools::iperf3(SERVER, to_client))?;
    let said = tools::iperf3_bps(&output.stdout)?;
    let what = if to_client {
        What::Download
    } else {
        What::Upload
    };
    let figure = transfer_figure(&world.passages(), IPERF3, to_client, since(before), said)?;
    figures.insert((what, "iperf3"), figure);
    Ok(())
}

fn ndt7_client(world: &World, figures: &mut Figures, plan: &Plan) -> Result<(), String> {
    let program = plan
        .ndt7_client
        .as_deref()
        .ok_or("not built; run tests/peers/build.sh")?;
    let program = program.to_string_lossy();
    let server = format!("ws://{SERVER}:{FRONT_PORT}");
    for (direction, what, to_client) in [
        ("download", What::Download, true),
        ("upload", What::Upload, false),
    ] {
        let before = now_us(world);
        let output = world.tool(&[&program, direction, &server])?;
        let said = tools::ndt7_client_bps(&output.stdout, to_client)?;
        let figure = transfer_figure(&world.passages(), FRONT, to_client, since(before), said)?;
        figures.insert((what, "ndt7-client"), figure);
    }
    Ok(())
}

fn transfer_figure(
    all: &[Passage],
    talk: Talk,
    to_client: bool,
    within: Span,
    said: u64,
) -> Result<Figure, String> {
    let span = figures::busiest_span(all, talk, to_client, within).ok_or("nothing was moved")?;
    let truth = figures::goodput_bps(all, talk, to_client, span).unwrap_or_default();
    let bps = |rate: u64| i64::try_from(rate).unwrap_or(i64::MAX);
    Ok(Figure {
        said: bps(said),
        truth: bps(truth),
    })
}

fn truth_rtt_us(all: &[Passage], talk: Talk, span: Span) -> Result<i64, String> {
    let round_trips_us = figures::round_trips_us(all, talk, span);
    figures::median(round_trips_us).ok_or_else(|| "the hub saw no such round trip".to_owned())
}

/// The latest moment that the hub has seen, microseconds since the Unix epoch.
fn now_us(world: &World) -> i64 {
    let all = world.passages();
    all.iter()
        .map(|passage| passage.in_us)
        .max()
        .unwrap_or_default()
        + 1
}

fn since(from_us: i64) -> Span {
    Span {
        from_us,
        until_us: i64::MAX,
    }
}

/// The `ndt7-client` crate's program where the peers are built.
pub(crate) fn built_ndt7_client(root: &Path) -> Option<PathBuf> {
    let built = root.join("tests/peers/bin/ndt7-peer");
    built.is_file().then_some(built)
}
