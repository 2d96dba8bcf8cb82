//! `tonle up`: a collector, its measurement servers and one agent on this machine, with no other
//! service, no root and no network needed.
//!
//! The agent joins through an invitation like any other and talks to the collector over HTTP only.
mod agree;
mod home;
mod summary;
mod synthetic;

use crate::cli::UpOptions;
use agree::Answer;
use home::Home;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use summary::Report;
use tokio_util::sync::CancellationToken;
use tonle_agent::cli::stop_on_signals;
use tonle_agent::device::{Device, Seats};
use tonle_agent::net::clock::Stopwatch;
use tonle_agent::net::datadir::{DataDir, Role};
use tonle_agent::output::{self, Bar};
use tonle_agent::summary::Summary;
use tonle_collector::admin::InviteOptions;
use tonle_collector::service::Service;
use tracing_subscriber::EnvFilter;

/// Exit code of a command that was used wrongly.
const MISUSE: u8 = 2;
/// Life of the invitation that the agent of this home joins with, seconds.
const INVITATION_EXPIRES_S: i64 = 600;

/// Runs until told to stop, or once.
#[must_use]
pub fn main(options: &UpOptions) -> ExitCode {
    let filter = EnvFilter::new(&options.log);
    tracing_subscriber::fmt()
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("cannot start threads: {error}")),
    };
    let ended = match options.synthetic {
        Some(agents) => runtime.block_on(synthetic::up(options, agents)),
        None => runtime.block_on(up(options)),
    };
    match ended {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    output::error(error);
    ExitCode::FAILURE
}

async fn up(options: &UpOptions) -> anyhow::Result<ExitCode> {
    let home = Home::read(options)?;
    let _lock = DataDir::open(&options.data_dir(), Role::Home)?;
    let stop = stop_on_signals()?;
    let service = Service::start(home.collector.clone(), stop.child_token()).await?;
    let ended = measure_and_serve(options, home, &service, &stop).await;
    stop.cancel();
    service.wait().await;
    ended
}

async fn measure_and_serve(
    options: &UpOptions,
    home: Home,
    service: &Service,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let may_ask_for_openness = !home.agent.qos_only;
    let contacts = home.contacts()?;
    let device = Device::open(home.agent)?;
    if device.is_enrolled() {
        let ndt7_url = service.admin.settings().ndt7_url.clone();
        device.collector_moved(service.public_url(), ndt7_url)?;
    } else {
        match agree::ask(options, &contacts, may_ask_for_openness)? {
            Answer::Yes(consents) => {
                let invitation = service.invite(&InviteOptions {
                    expires_s: INVITATION_EXPIRES_S,
                    ..InviteOptions::default()
                })?;
                device.join(&invitation, &consents).await?;
            }
            Answer::No => return Ok(ExitCode::FAILURE),
            Answer::NobodyToAsk => return Ok(ExitCode::from(MISUSE)),
        }
    }
    let is_complete = one_round(options, &device, service, stop).await?;
    if options.once {
        return Ok(if is_complete {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    output::note(&agree::words(options.lang, "up.goes_on"));
    Seats::of(device).run(stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Measures, uploads, waits for the collector and prints what came of it. True when every record of
/// the round was acknowledged and processed.
async fn one_round(
    options: &UpOptions,
    device: &Device,
    service: &Service,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let watch = Stopwatch::start();
    device.refresh_targets().await?;
    let bar = Bar::new();
    let round = device.round(stop, &bar).await?;
    bar.finish();
    device.upload(stop).await?;
    let states = device.fates(&round.records, stop).await?;
    let round = Summary::new(round, states);
    let is_complete = round.is_complete();
    Report::new(device, service, round, watch.elapsed_us()).print(options);
    Ok(is_complete)
}
