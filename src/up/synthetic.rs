//! `tonle up --synthetic N`: the pages over a nation that a program made, in a folder of its own. No agent runs,
//! and nothing is contacted.
use super::agree::words_filled;
use super::home::Home;
use crate::cli::UpOptions;
use serde::Serialize;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tonle_agent::cli::stop_on_signals;
use tonle_agent::net::clock::wall_us;
use tonle_agent::net::datadir::{Contents, DataDir, Role};
use tonle_agent::output::{self, Bar};
use tonle_collector::country::Nation;
use tonle_collector::service::Service;
use tonle_collector::synthetic::Settings;
use tonle_collector::synthetic::fill::{fill, keep_settings};

const HOUR_US: i64 = 3_600_000_000;

/// What a filling came to.
#[derive(Serialize)]
struct Report {
    provenance: &'static str,
    agents: u32,
    days: u32,
    seed: u64,
    records: u64,
    page: String,
}

/// Fills the folder where that was not done yet, and shows it until told to stop; with `--once` it ends when all
/// records are in the figures.
pub(super) async fn up(options: &UpOptions, agents: u32) -> anyhow::Result<ExitCode> {
    let home = Home::read(options)?;
    let _lock = DataDir::open_with(&options.data_dir(), Role::Home, Contents::Synthetic)?;
    let stop = stop_on_signals()?;
    let service = Service::start_synthetic(home.collector.clone(), stop.child_token()).await?;
    let shown = show(options, agents, &home, &service, &stop).await;
    stop.cancel();
    service.wait().await;
    shown
}

async fn show(
    options: &UpOptions,
    agents: u32,
    home: &Home,
    service: &Service,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let country_dir = home.collector.country_dir.as_deref();
    let country = Nation::read(country_dir, None)?.ground.country;
    let wanted = Settings {
        agents,
        days: options.days,
        seed: options.seed,
        until_hour: wall_us().div_euclid(HOUR_US),
    };
    let settings = keep_settings(service.data_dir(), wanted)?;
    let bar = Bar::new();
    let filling = fill(service, settings, &country, |filled| {
        let what = format!("{} entries", filled.entries);
        bar.at(
            &what,
            filled.hours.unsigned_abs(),
            filled.of_hours.unsigned_abs(),
        );
    });
    let filled = tokio::select! {
        filled = filling => filled?,
        () = stop.cancelled() => return Ok(ExitCode::FAILURE),
    };
    let of = filled.entries;
    let is_in = service
        .processed(of, |done| bar.at("figures", done.min(of), of))
        .await;
    bar.finish();
    if !is_in {
        return Ok(ExitCode::FAILURE);
    }
    let report = Report {
        provenance: "synthetic",
        agents,
        days: settings.days,
        seed: settings.seed,
        records: of.saturating_sub(u64::from(agents)),
        page: service.public_url().to_string(),
    };
    if options.json {
        output::json(&report);
    } else {
        let (agents, records) = (agents.to_string(), report.records.to_string());
        let values = [
            ("agents", agents.as_str()),
            ("records", &records),
            ("page", &report.page),
        ];
        output::line(&words_filled(options.lang, "up.synthetic", &values));
    }
    if !options.once {
        stop.cancelled().await;
    }
    Ok(ExitCode::SUCCESS)
}
