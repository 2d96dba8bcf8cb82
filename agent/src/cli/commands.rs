//! What each command does.
use super::joining::{join, over, yes};
use super::second;
use super::signals::stop_on_signals;
use super::{Cli, Command, LeaveArgs, MeasureArgs, Misuse, PlaceArgs, config};
use crate::config::{Config, experiment_names};
use crate::consent;
use crate::context::System;
use crate::context::daemons;
use crate::device::{self, Device, OpenError, Round, Seats};
use crate::experiments;
use crate::files::DiskFiles;
use crate::identity::Enrolment;
use crate::output::{self, Bar};
use crate::profile::Profile;
use crate::receipts::{KeptReceipt, ReceiptLog};
use crate::summary::Summary;
use crate::{doctor, seat, status};
use anyhow::{Context as _, bail};
use serde::Serialize;
use std::future::Future;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::words::Lang;
use tonle_net::clock::wall_us;
use tonle_net::datadir::DataDirError;
use url::Url;

pub(super) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = config(&cli)?;
    let lang = cli.lang;
    match cli.command {
        Command::Join(args) if args.openness => block_on(second::join(config, &args, lang)),
        Command::Join(args) => {
            let device = Device::open(config)?;
            block_on(join(&device, &args, lang))
        }
        Command::Run(args) if args.once => block_on(one_round(&Seats::open(config)?, args.json)),
        Command::Run(_) => block_on(keep_measuring(&Seats::open(config)?)),
        Command::Measure(args) => block_on(measure(config, &args)),
        Command::Status(args) => block_on(show_status(&config, args.json)),
        Command::Confirm(place) => confirm(&config, &place),
        Command::Consent(args) => super::consent::run(&config, &args, lang),
        Command::Categories(args) => super::categories::run(&config, &args, lang),
        Command::Doctor(args) => block_on(diagnose(&config, args.json)),
        Command::Sent(args) => sent(&config, args.json),
        Command::Complaint(args) => block_on(super::complaint::run(config, &args)),
        Command::Replay(args) => super::replay::run(&config, &args),
        Command::Leave(args) if args.openness => second::leave(&config, &args, lang),
        Command::Leave(args) => leave(config, &args, lang),
        Command::CheckConfig => {
            output::line("ok");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(command)
}

async fn keep_measuring(seats: &Seats) -> anyhow::Result<ExitCode> {
    let software = device::software();
    tracing::info!(
        agent.version = software.version,
        agent.build = software.build,
        config = ?seats.first.config(),
        "tonle-agent {} starts", software.version
    );
    let stop = stop_on_signals()?;
    seats.run(&stop).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn one_round(seats: &Seats, as_json: bool) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let mut summary = Summary::default();
    let mut failed = None;
    for device in seats.each() {
        match round_of(device, &stop).await {
            Ok(part) => summary.extend(part),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if as_json {
        output::json(&summary);
    } else {
        summary.table().iter().for_each(|line| output::line(line));
    }
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(if summary.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn round_of(device: &Device, stop: &CancellationToken) -> anyhow::Result<Summary> {
    if let Err(error) = device.refresh_targets().await {
        tracing::warn!(%error, "going on with the lists on this device: {error}");
    }
    let bar = Bar::new();
    let round = device.round(stop, &bar).await;
    bar.finish();
    let round = round?;
    device.upload(stop).await?;
    let states = device.fates(&round.records, stop).await?;
    Ok(Summary::new(round, states))
}

async fn measure(config: Config, args: &MeasureArgs) -> anyhow::Result<ExitCode> {
    let Some(experiment) = experiments::by_name(&args.experiment) else {
        return Err(Misuse(format!(
            "'{}' is no experiment; choose one of {}",
            args.experiment,
            experiment_names()
        ))
        .into());
    };
    let device = Device::open(seat::of_stream(&config, experiment.meta().stream))?;
    let stop = stop_on_signals()?;
    if let Err(error) = device.refresh_targets().await {
        tracing::warn!(%error, "going on with the lists on this device: {error}");
    }
    let name = experiment.meta().name;
    device.hear().await;
    output::note(&device.cost_before(name, args.target.as_deref())?);
    let bar = Bar::new();
    let round = device
        .measure(name, args.target.as_deref(), &stop, &bar)
        .await;
    bar.finish();
    let round = round?;
    if args.json {
        output::json(&round);
    } else {
        show_round(&round);
    }
    Ok(if round.records.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn show_round(round: &Round) {
    for record in &round.records {
        output::line(&format!(
            "{} {}: {}",
            record.experiment, record.target, record.outcome
        ));
        for (metric, value) in &record.samples {
            output::line(&format!("  {metric} = {value}"));
        }
        for failure in &record.failures {
            output::line(&format!("  failure {failure}"));
        }
        output::line(&format!(
            "  {} bytes used, {} charged to the data budget, record {}",
            record.bytes_used, record.charged_bytes, record.hash
        ));
    }
    for skipped in &round.skipped {
        output::note(&format!(
            "{} {}: {}",
            skipped.experiment, skipped.target, skipped.reason
        ));
    }
    if round.records.is_empty() && round.skipped.is_empty() {
        output::note("there is no target for this experiment; name one");
    }
}

async fn show_status(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let told = daemons::told_now(&System::default()).await;
    let status = status::read(config, &told)?;
    if as_json {
        output::json(&status);
    } else {
        output::line(status.to_string().trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// Works beside a running agent, which reads the file anew before each round.
fn confirm(config: &Config, place: &PlaceArgs) -> anyhow::Result<ExitCode> {
    let data_dir = &config.data_dir;
    let Some(enrolment) = Enrolment::load(&DiskFiles::new(data_dir))? else {
        bail!("not joined; run `tonle agent join` with an invitation first");
    };
    let before = Profile::load(data_dir)?.map(|profile| profile.declared);
    let declared = over(place, before.unwrap_or_default());
    let declared = if place.province.is_some() {
        declared
    } else {
        declared.with(config)
    };
    let country = &enrolment.enrolled.country;
    declared.check(country)?;
    let Some(code) = declared.province.clone() else {
        return Err(Misuse("no province is known yet; pass --province CODE".into()).into());
    };
    if config
        .province
        .as_ref()
        .is_some_and(|configured| *configured != code)
    {
        return Err(Misuse(format!(
            "the configuration says another province than {code}, and it wins; change `province` there"
        ))
        .into());
    }
    for seat in seat::all(config) {
        device::confirm(&seat.data_dir, &System::default(), declared.clone())?;
    }
    let name = country
        .province(&code)
        .map_or("", |province| province.en.as_str());
    output::line(&format!("confirmed on this network: {code} {name}"));
    Ok(ExitCode::SUCCESS)
}

async fn diagnose(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let findings = doctor::examine(config).await;
    if as_json {
        output::json(&findings);
    } else {
        for finding in &findings {
            output::line(&finding.to_string());
        }
    }
    let is_ill = findings
        .iter()
        .any(|finding| finding.health == doctor::Health::Bad);
    Ok(if is_ill {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn sent(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    if !config.data_dir.is_dir() {
        bail!(
            "there is no agent in {}; check --data",
            config.data_dir.display()
        );
    }
    let now_us = wall_us();
    let (mut kept, mut ever) = (0, 0);
    for seat in seat::all(config) {
        let joined = Enrolment::load(&DiskFiles::new(&seat.data_dir))?;
        let collector = joined.and_then(|joined| joined.collectors.into_iter().next());
        let log = ReceiptLog::open(DiskFiles::new(&seat.data_dir));
        let log = log.context("cannot read the receipts")?;
        let mut receipts = log.all().context("cannot read the receipts")?;
        receipts.retain(|receipt| receipt.may_stay(now_us));
        for receipt in &receipts {
            if as_json {
                output::json(&SentTo {
                    collector: collector.as_ref().map(Url::as_str),
                    receipt,
                });
            } else {
                output::line(&line_of(receipt, collector.as_ref()));
            }
        }
        kept += receipts.len();
        ever += log.ever();
    }
    if !as_json {
        output::note(&format!(
            "{kept} receipts kept, {ever} records acknowledged ever"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A receipt, and whose it is.
#[derive(Serialize)]
struct SentTo<'a> {
    /// Where the membership's records go; absent where it never joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    collector: Option<&'a str>,
    #[serde(flatten)]
    receipt: &'a KeptReceipt,
}

/// What was sent and to whom, on one line.
fn line_of(receipt: &KeptReceipt, collector: Option<&Url>) -> String {
    let about = receipt.sent.as_ref().map_or_else(
        || "unknown".to_owned(),
        |sent| format!("{:<9}{} {}", sent.stream, sent.experiment, sent.target),
    );
    let at = LocalHour::at(receipt.at_us, 0);
    let to = collector
        .map(|url| format!(" to {url}"))
        .unwrap_or_default();
    format!("{} {at} UTC {about}{to}", receipt.record_hash)
}

fn leave(config: Config, args: &LeaveArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    let data_dir = config.data_dir.clone();
    if !data_dir.is_dir() {
        bail!("there is no agent in {}; check --data", data_dir.display());
    }
    let device = match Device::open(config) {
        Err(OpenError::DataDir(error @ DataDirError::Locked { .. })) => {
            bail!("{error} (the agent must be stopped before it can leave)")
        }
        opened => opened?,
    };
    let key_id = device.enrolment().map_or_else(
        || "-".to_owned(),
        |enrolment| enrolment.enrolled.key_id.clone(),
    );
    let data_dir_text = data_dir.display().to_string();
    let values = [
        ("data_dir", data_dir_text.as_str()),
        ("key_id", key_id.as_str()),
    ];
    output::note(
        consent::words()
            .fill(lang, "agent.leave.stays", &values)
            .trim_end(),
    );
    if !args.yes {
        if !output::can_ask() {
            return Err(
                Misuse("nobody can be asked here; pass --yes to leave for good".into()).into(),
            );
        }
        if !yes(&consent::words().get(lang, "agent.leave.ask"))? {
            return Ok(ExitCode::FAILURE);
        }
    }
    // Its key goes as early as the first one's; while it is open nothing else can work with it.
    if let Some(second) = device.second()? {
        second.leave()?;
    }
    device.leave()?;
    output::line(&consent::words().get(lang, "agent.leave.done"));
    Ok(ExitCode::SUCCESS)
}
