//! The commands of the collector.
mod analyze;
mod documents;
mod export;
mod import;
mod input;
mod paths;
mod reply;
mod report;

use crate::admin::{self, Admin, AdminSettings, InviteError, InviteOptions};
use crate::cells::Cells;
use crate::config::Config;
use crate::country::Nation;
use crate::ingest::network::NetworkTable;
use crate::journal::{FILE_NAME, Journal, JournalReader};
use crate::output;
use crate::service::{Only, ServersAlone, Service};
use anyhow::ensure;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tonle_evidence::entry::Tier;
use tonle_net::clock::wall_us;
use tonle_net::datadir::{DataDir, DataDirError, Role};

/// Exit code of a process ended by the second signal (128 + SIGINT, as shells report it).
const INTERRUPTED: i32 = 130;

/// Misuse: the same code that wrong arguments give.
const MISUSE: u8 = 2;

/// Receives, keeps, aggregates and publishes what agents measure.
#[derive(Debug, Parser)]
#[command(name = "tonle-collector", version, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  tonle-collector serve --config /etc/tonle/collector.toml
  tonle-collector invite --uses 30 --expires 30d --province KH-12
  tonle-collector agents --json
  tonle-collector revoke 5f1c9a0e7b3d2468
  tonle-collector analyze measurements.jsonl.gz
  tonle-collector import measurements.jsonl.gz
  tonle-collector export --format ooni --out measurements.jsonl

Exit codes: 0 done, 1 failed, 2 misuse.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    command: Command,
    /// Configuration file (see configs/collector.toml); without one the defaults hold
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that holds all state, in place of the configuration's `data_dir`
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service until Ctrl-C or SIGTERM
    Serve(ServeOptions),
    /// Read the configuration and everything it names, and say what is wrong
    CheckConfig,
    /// Make an invitation and print its URL
    Invite(InviteArgs),
    /// Refuse records of a key from now on
    Revoke {
        /// The agent's key id, as `agents` shows it
        key_id: String,
    },
    /// List the agents that joined
    Agents {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Give verdicts on visits to web pages, from records or OONI measurements
    Analyze(analyze::AnalyzeArgs),
    /// Take measurements of OONI clients into the journal (the service must not run)
    Import(import::ImportArgs),
    /// Write what may leave the journal, in OONI's format
    Export(export::ExportArgs),
    /// Say of each measured path where it leads and where it leaves the country
    Paths {
        /// One JSON object with every finding
        #[arg(long)]
        json: bool,
    },
    /// Say where the next agents would decide most, and what each cell lacks
    Report(report::ReportArgs),
    /// Attach a signed reply of an operator or authority to an incident
    Reply(reply::ReplyArgs),
    /// Sign a reply to an incident, and print what the collector's operator attaches
    SignReply(reply::SignReplyArgs),
    /// Make derived.sqlite anew from the journal (the service must not run)
    Rebuild,
}

#[derive(Debug, Args)]
struct ServeOptions {
    /// Parts to run: web (pages, API, figures), ingest (records, enrolments), servers
    /// (measurement servers; alone they keep nothing on disk)
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Web,
    Ingest,
    Servers,
}

#[derive(Debug, Args)]
struct InviteArgs {
    /// How many agents may join with it
    #[arg(long, default_value_t = 1, value_name = "N")]
    uses: u32,
    /// How long it is good for: a number with s, m, h or d
    #[arg(long, default_value = "7d", value_parser = duration_s, value_name = "TIME")]
    expires: i64,
    /// How well those are known who join: institutional, vetted or unvetted
    #[arg(long, default_value = "unvetted", value_parser = tier, value_name = "TIER")]
    tier: Tier,
    /// Province the agents are invited for, such as KH-12
    #[arg(long, value_name = "CODE")]
    province: Option<String>,
    /// You know that those who join are distinct people: each counts as independent
    #[arg(long)]
    vouched: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

fn tier(text: &str) -> Result<Tier, String> {
    text.parse()
        .map_err(|_| "tiers are institutional, vetted and unvetted".to_owned())
}

/// Seconds of a text such as `7d`.
fn duration_s(text: &str) -> Result<i64, String> {
    let wrong = || format!("'{text}' is not a time such as 7d, 12h, 30m or 90s");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).ok_or_else(wrong)
}

/// Runs a command to its end. Starts a runtime of its own.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(format_args!("start the runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            exit_code(&error)
        }
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<InviteError>() {
        Some(InviteError::Uses(_) | InviteError::Expiry(_) | InviteError::Province(..)) => {
            ExitCode::from(MISUSE)
        }
        _ => ExitCode::FAILURE,
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<()> {
    let mut config = match &cli.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(data) = cli.data {
        config.data_dir = data;
    }
    match cli.command {
        Command::Serve(options) => serve(config, &options).await,
        Command::CheckConfig => check_config(&config),
        Command::Invite(args) => invite(&config, args),
        Command::Revoke { key_id } => revoke(&config, &key_id).await,
        Command::Agents { json } => agents(&config, json),
        Command::Analyze(args) => analyze::run(&args),
        Command::Import(args) => import::run(&config, &args).await,
        Command::Export(args) => export::run(&config, &args),
        Command::Paths { json } => paths::paths(&config, json),
        Command::Report(args) => report::run(&config, &args),
        Command::Reply(args) => reply::attach(&config, &args),
        Command::SignReply(args) => reply::sign(&args),
        Command::Rebuild => rebuild(&config),
    }
}

async fn serve(config: Config, options: &ServeOptions) -> anyhow::Result<()> {
    init_log();
    let runs = |part| options.only.is_empty() || options.only.contains(&part);
    let only = Only {
        web: runs(Part::Web),
        ingest: runs(Part::Ingest),
        servers: runs(Part::Servers),
    };
    let cancel = CancellationToken::new();
    if only.is_servers_alone() {
        return serve_alone(&config, cancel).await;
    }
    let shown = format!("{config:?}");
    let service = Service::start_only(config, only, cancel.clone()).await?;
    log_start(&shown);
    output::note(format_args!("pages and API: {}", service.public_url()));
    output::note(format_args!(
        "metrics: http://{}/metrics",
        service.metrics_addr
    ));
    if let Some(address) = service.servers_addr {
        output::note(format_args!("measurement servers: {address}"));
    }
    stop_on_signals(cancel);
    service.wait().await;
    Ok(())
}

async fn serve_alone(config: &Config, cancel: CancellationToken) -> anyhow::Result<()> {
    let servers = ServersAlone::start(config, cancel.clone()).await?;
    log_start(&format!("{config:?}"));
    output::note(format_args!(
        "metrics: http://{}/metrics",
        servers.metrics_addr
    ));
    output::note(format_args!(
        "measurement servers: {}",
        servers.servers_addr
    ));
    stop_on_signals(cancel);
    servers.wait().await;
    Ok(())
}

fn log_start(config: &str) {
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, config, "tonle-collector {version} starts");
}

/// The first signal ends the service, the second the process.
fn stop_on_signals(cancel: CancellationToken) {
    tokio::spawn(async move {
        stop_signal().await;
        cancel.cancel();
        stop_signal().await;
        exit_at_once();
    });
}

#[expect(
    clippy::exit,
    reason = "the person asked twice; what is acknowledged is already on disk"
)]
fn exit_at_once() {
    std::process::exit(INTERRUPTED);
}

async fn stop_signal() {
    let hear = |kind| signal(kind).expect("signals can be heard inside the runtime");
    let (mut interrupt, mut terminate) =
        (hear(SignalKind::interrupt()), hear(SignalKind::terminate()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn init_log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails only when the front door has set one up.
    let _ = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

fn check_config(config: &Config) -> anyhow::Result<()> {
    config.validate()?;
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let table = match &config.asn_table {
        Some(path) => NetworkTable::open(path)?,
        None => NetworkTable::none(),
    };
    output::line(format_args!(
        "configuration is usable: {}, {} provinces, {} targets, network table: {}",
        nation.ground.country.en,
        nation.ground.country.provinces.len(),
        nation.targets.quality.targets.len() + nation.targets.openness.targets.len(),
        table.version().unwrap_or("none"),
    ));
    Ok(())
}

/// The admin store beside a service that may be running. The lock comes with it when nobody else
/// has it: then the journal is this command's to write.
fn open_admin(config: &Config) -> anyhow::Result<(Admin, Option<DataDir>)> {
    config.validate()?;
    let data_dir = match DataDir::open(&config.data_dir, Role::Collector) {
        Ok(data_dir) => Some(data_dir),
        Err(DataDirError::Locked { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let settings = AdminSettings {
        public_url: config.public_url_at(config.listen),
        country: nation.ground.country,
        ndt7_url: None,
        streams: config.streams.clone(),
    };
    Ok((Admin::open(&config.data_dir, settings)?, data_dir))
}

fn invite(config: &Config, args: InviteArgs) -> anyhow::Result<()> {
    let options = InviteOptions {
        uses: args.uses,
        expires_s: args.expires,
        tier: args.tier,
        province: args.province,
        vouched: args.vouched,
    };
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    options.check(&nation.ground.country)?;
    let (admin, _lock) = open_admin(config)?;
    let now_us = wall_us();
    let invitation = admin.create_invitation(&options, now_us)?;
    if args.json {
        output::json(&json!({
            "url": invitation.to_string(),
            "uses": options.uses,
            "expires_at_us": now_us + options.expires_s * 1_000_000,
            "tier": options.tier,
            "province": options.province,
            "vouched": options.vouched,
        }));
    } else {
        output::line(&invitation);
        output::note("give it to the volunteer privately: whoever has it can join");
    }
    Ok(())
}

/// Reading commands make nothing: a misspelt directory is an error, not a new collector.
fn check_data(config: &Config, file: &str) -> anyhow::Result<()> {
    let path = config.data_dir.join(file);
    ensure!(
        path.exists(),
        "{} does not exist; check --data, or `data_dir` of the configuration",
        path.display()
    );
    Ok(())
}

async fn revoke(config: &Config, key_id: &str) -> anyhow::Result<()> {
    check_data(config, admin::FILE_NAME)?;
    let (admin, lock) = open_admin(config)?;
    let now_us = wall_us();
    admin.revoke(key_id, now_us, now_us)?;
    if let Some(lock) = &lock {
        let journal = Journal::open(lock.path(), admin.signing_key().clone())?;
        admin.drain_outbox(&journal).await?;
        journal.close().await;
    }
    output::line(format_args!(
        "{key_id} is revoked: its records are refused from now on"
    ));
    Ok(())
}

fn agents(config: &Config, json: bool) -> anyhow::Result<()> {
    check_data(config, admin::FILE_NAME)?;
    let (admin, _lock) = open_admin(config)?;
    let rows = admin.agents()?;
    if json {
        for row in &rows {
            output::json(&output::agent_json(row));
        }
    } else {
        output::agents(&rows, admin.settings().country.utc_offset_s);
    }
    Ok(())
}

fn rebuild(config: &Config) -> anyhow::Result<()> {
    config.validate()?;
    check_data(config, FILE_NAME)?;
    let data_dir = DataDir::open(&config.data_dir, Role::Collector)?;
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let ground = Arc::new(nation.ground);
    let path = data_dir.join(FILE_NAME);
    let journal = JournalReader::open(&path)?;
    let count = Cells::rebuild(data_dir.path(), ground, &journal, |done| {
        output::note(format_args!("{done} entries"));
    })?;
    output::line(format_args!("derived.sqlite holds {count} journal entries"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration_s("7d"), Ok(604_800));
        assert_eq!(duration_s("90s"), Ok(90));
        for wrong in ["", "7", "d", "7w", "99999999999999999d", "1ថ"] {
            assert!(duration_s(wrong).is_err(), "{wrong}");
        }
    }
}
