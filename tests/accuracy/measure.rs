//! Measures one cell: every tool in turn on the same line, each against the hub over its own
//! interval.
use crate::cell::{CROSS_PERCENT, Cell};
use crate::figures::{self, Passage, Protocol, RoundTrip, Span, Talk};
use crate::record::Record;
use crate::row::{Figure, Row, What};
use crate::scenario::FRONT_PORT;
use crate::tools;
use crate::world::{Beside, World};
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

/// The front's port number, by UDP.
const STAMP: Talk = Talk {
    protocol: Protocol::Udp,
    server_port: FRONT_PORT,
};

/// Names of our own measurements in a row.
const TONLE: &str = "tonle";
const TONLE_STAMP: &str = "tonle stamp";
/// A run may use as much as it likes: whole tests.
pub(crate) const WHOLE_RUN_BYTES: u64 = 1_000_000_000;

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
pub(crate) fn cell(cell: Cell, plan: &Plan) -> Result<Row, String> {
    let world = World::start(&cell.line(), &plan.tonle, WHOLE_RUN_BYTES)?;
    let cross = cell.busy.then(|| cross_traffic(&world, cell)).transpose()?;
    let mut row = Row {
        cell,
        figures: Vec::new(),
        notes: Vec::new(),
        hub_late_us: 0,
    };
    let mut steps: Vec<(&str, Step)> = vec![
        ("tonle latency", latency),
        ("tonle stamp", stamp),
        ("tonle throughput", |world, figures, _| {
            throughput(world, figures)
        }),
    ];
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
    row.hub_late_us = world.hub_late_us();
    Ok(row)
}

type Step = fn(&World, &mut Vec<Figure>, &Plan) -> Result<(), String>;

/// Something else on the line, both ways.
fn cross_traffic(world: &World, cell: Cell) -> Result<Beside, String> {
    let rate = (cell.rate_bps() * CROSS_PERCENT / 100).to_string();
    world.beside(&tools::iperf3_beside(world.neighbour(), &rate))
}

/// A tool's run, and what crossed the client's link meanwhile.
fn watched<T>(
    world: &World,
    run: impl FnOnce() -> Result<T, String>,
) -> Result<(T, Vec<Passage>), String> {
    // What was before is not the tool's.
    drop(world.passages());
    let said = run()?;
    Ok((said, world.passages()))
}

/// A figure whose errors are a share of its truth.
fn figure(what: What, tool: &str, said: i64, truth: i64) -> Figure {
    Figure {
        what,
        tool: tool.to_owned(),
        said,
        truth,
        of: truth,
    }
}

fn latency(world: &World, figures: &mut Vec<Figure>, _: &Plan) -> Result<(), String> {
    let measure = || Record::measure(world, &["latency", world.server()]);
    let (record, all) = watched(world, measure)?;
    let probes = figures::probes(&all, ECHO, record.span);
    let lost = of_ppm(record.sample("latency.loss_ppm/icmp")?, &probes);
    figures.push(lost_figure(TONLE, lost, &probes));
    let said = record.sample("latency.rtt_median_us/icmp")?;
    figures.push(figure(What::Rtt, TONLE, said, median_us(&probes)?));
    Ok(())
}

fn stamp(world: &World, figures: &mut Vec<Figure>, _: &Plan) -> Result<(), String> {
    let (record, all) = watched(world, || Record::measure(world, &["stamp"]))?;
    let probes = figures::probes(&all, STAMP, record.span);
    let lost = of_ppm(record.sample("stamp.loss_ppm")?, &probes);
    figures.push(lost_figure(TONLE_STAMP, lost, &probes));
    let said = record.sample("stamp.rtt_median_us")?;
    figures.push(figure(What::Rtt, TONLE_STAMP, said, median_us(&probes)?));
    Ok(())
}

/// Both directions of our throughput, and the round trips beside them.
pub(crate) fn throughput(world: &World, figures: &mut Vec<Figure>) -> Result<(), String> {
    let (record, all) = watched(world, || Record::measure(world, &["throughput"]))?;
    for (direction, what) in [("download", What::Download), ("upload", What::Upload)] {
        let (transfer, span) = record.transfer(direction)?;
        let to_client = what == What::Download;
        let counted = span_counted(transfer, span, to_client);
        let truth = figures::goodput_bps(&all, FRONT, to_client, counted).unwrap_or_default();
        let said = record.sample(&format!("throughput.{direction}_bps"))?;
        figures.push(figure(what, TONLE, said, signed(truth)));
    }
    for (direction, what) in [("download", What::DownloadRtt), ("upload", What::UploadRtt)] {
        let probes = figures::probes(&all, STAMP, record.phase(direction)?);
        let said = record.sample(&format!("throughput.loaded_rtt_median_us/{direction}"))?;
        figures.push(loaded_figure(what, TONLE, said, &probes)?);
    }
    Ok(())
}

/// How many of the probes a share is, parts per million.
fn of_ppm(ppm: i64, probes: &[Option<RoundTrip>]) -> i64 {
    let sent = i64::try_from(probes.len()).unwrap_or(i64::MAX);
    (ppm * sent + 500_000) / 1_000_000
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

fn fping(world: &World, figures: &mut Vec<Figure>, _: &Plan) -> Result<(), String> {
    let (output, all) = watched(world, || world.tool(&tools::fping(world.server())))?;
    let (round_trips_us, lost) = tools::fping_us(&output.stderr)?;
    let probes = figures::probes(&all, ECHO, Span::ALL);
    figures.push(lost_figure("fping", lost, &probes));
    let said = figures::median(round_trips_us).ok_or("no reply")?;
    figures.push(figure(What::Rtt, "fping", said, median_us(&probes)?));
    Ok(())
}

fn irtt(world: &World, figures: &mut Vec<Figure>, _: &Plan) -> Result<(), String> {
    let (output, mut all) = watched(world, || world.tool(&tools::irtt(world.server())))?;
    // Its handshake and farewell are shorter than its probes.
    all.retain(|passage| passage.payload_bytes == tools::IRTT_BYTES);
    let (said, lost) = tools::irtt_us(&output.stdout)?;
    let probes = figures::probes(&all, IRTT, Span::ALL);
    figures.push(lost_figure("irtt", lost, &probes));
    figures.push(figure(What::Rtt, "irtt", said, median_us(&probes)?));
    Ok(())
}

/// A transfer by `iperf3`, with `fping` beside it.
fn iperf3(world: &World, figures: &mut Vec<Figure>, to_client: bool) -> Result<(), String> {
    let (what, loaded) = if to_client {
        (What::Download, What::DownloadRtt)
    } else {
        (What::Upload, What::UploadRtt)
    };
    let ((output, pings), all) = watched(world, || {
        let beside = world.beside(&tools::fping_beside(world.server()))?;
        let output = world.tool(&tools::iperf3(world.server(), to_client))?;
        Ok((output, beside.finish()?))
    })?;
    let said = tools::iperf3_bps(&output.stdout)?;
    figures.push(transfer_figure(
        &all, IPERF3, to_client, what, "iperf3", said,
    )?);
    let (round_trips_us, _) = tools::fping_us(&pings)?;
    let said = figures::median(round_trips_us).ok_or("no reply beside iperf3")?;
    let probes = figures::probes(&all, ECHO, Span::ALL);
    figures.push(loaded_figure(loaded, "fping", said, &probes)?);
    Ok(())
}

fn ndt7_client(world: &World, figures: &mut Vec<Figure>, plan: &Plan) -> Result<(), String> {
    let program = plan
        .ndt7_client
        .as_deref()
        .ok_or("not built; run tests/peers/build.sh")?;
    let program = program.to_string_lossy();
    let server = format!("ws://{}:{FRONT_PORT}", world.server());
    for (direction, what, to_client) in [
        ("download", What::Download, true),
        ("upload", What::Upload, false),
    ] {
        let (output, all) = watched(world, || world.tool(&[&program, direction, &server]))?;
        let said = tools::ndt7_client_bps(&output.stdout, to_client)?;
        figures.push(transfer_figure(
            &all,
            FRONT,
            to_client,
            what,
            "ndt7-client",
            said,
        )?);
    }
    Ok(())
}

fn transfer_figure(
    all: &[Passage],
    talk: Talk,
    to_client: bool,
    what: What,
    tool: &str,
    said: u64,
) -> Result<Figure, String> {
    let span = figures::busiest_span(all, talk, to_client).ok_or("nothing was moved")?;
    let truth = figures::goodput_bps(all, talk, to_client, span).unwrap_or_default();
    Ok(figure(what, tool, signed(said), signed(truth)))
}

/// How many probes a tool says were lost, of those that the hub saw leave.
fn lost_figure(tool: &str, said: i64, probes: &[Option<RoundTrip>]) -> Figure {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let lost = probes.iter().filter(|probe| probe.is_none()).count();
    Figure {
        of: count(probes.len()),
        ..figure(What::Lost, tool, said, count(lost))
    }
}

/// A round trip under load, whose errors are a share of the time in queues.
fn loaded_figure(
    what: What,
    tool: &str,
    said: i64,
    probes: &[Option<RoundTrip>],
) -> Result<Figure, String> {
    let queues = probes.iter().flatten().map(|probe| probe.queue_us);
    let of = figures::median(queues.collect()).ok_or("the hub saw no round trip")?;
    Ok(Figure {
        of,
        ..figure(what, tool, said, median_us(probes)?)
    })
}

fn median_us(probes: &[Option<RoundTrip>]) -> Result<i64, String> {
    let round_trips = probes.iter().flatten().map(|probe| probe.rtt_us);
    figures::median(round_trips.collect()).ok_or_else(|| "the hub saw no round trip".to_owned())
}

fn signed(rate: u64) -> i64 {
    i64::try_from(rate).unwrap_or(i64::MAX)
}

/// The `ndt7-client` crate's program where the peers are built.
pub(crate) fn built_ndt7_client(root: &Path) -> Option<PathBuf> {
    let built = root.join("tests/peers/bin/ndt7-peer");
    built.is_file().then_some(built)
}
