//! The command line of the agent: `tonle-agent …`, and `tonle agent …` behind the front door.
mod categories;
mod commands;
mod complaint;
mod consent;
mod joining;
mod replay;
mod second;
mod signals;

pub use joining::yes;
pub use signals::stop_on_signals;

use crate::config::Config;
use crate::output;
use clap::{Args, Parser, Subcommand};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tonle_evidence::category::Category;
use tonle_evidence::record::{PlaceKind, QuotaState, Technology};
use tonle_evidence::words::Lang;
use tracing_subscriber::EnvFilter;

const PLACE_HELP: &str =
    "Kind of place: home, school, health_centre, commune_office, business, data_centre, other";
const TECHNOLOGY_HELP: &str = "Access technology: mobile, mobile3g, mobile4g, mobile5g, fibre, dsl, cable, fixed_wireless, satellite, fixed";
/// Exit code of a command that was used wrongly.
const MISUSE: u8 = 2;

/// Measures the Internet line of a volunteer: quality of service and, where agreed to, openness
#[derive(Debug, Parser)]
#[command(
    name = "tonle-agent",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  tonle-agent join 'https://collector.example.org/join/CODE#KEY'
  tonle-agent run
  tonle-agent measure latency --json
  tonle-agent status

Results go to standard output, questions and logs to standard error.
Exit codes: 0 done, 1 failed, 2 misuse."
)]
pub struct Cli {
    /// Folder that holds all state of the agent [default: ./tonle-agent-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged, such as `debug` or `tonle_agent=debug` [default: info for run, else warn]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// Log as JSON
    #[arg(long, global = true)]
    pub log_json: bool,
    /// Language of texts: en or km
    #[arg(long, global = true, value_name = "LANG", default_value = "en", value_parser = lang)]
    pub lang: Lang,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Join a collector by the invitation you received
    Join(JoinArgs),
    /// Measure by schedule and upload, until stopped; or one round
    Run(RunArgs),
    /// Measure once: every target of an experiment, or one
    Measure(MeasureArgs),
    /// Show what the agent is, may do, has used and waits to send
    Status(JsonArgs),
    /// Confirm or change where the device is and on what line
    Confirm(PlaceArgs),
    /// Show what was agreed to; agree to more, or take an agreement back
    Consent(ConsentArgs),
    /// Show which kinds of sites may be visited, or change it
    Categories(CategoriesArgs),
    /// Check what the device permits and reaches, with remedies
    Doctor(JsonArgs),
    /// Show the receipts of what was sent
    Sent(JsonArgs),
    /// Document one bad line by many tests on several days, for a complaint
    Complaint(complaint::ComplaintArgs),
    /// Show what ending throughput tests early saves, and what it costs in error
    Replay(ReplayArgs),
    /// Leave for good: delete the key and everything else on this device
    Leave(LeaveArgs),
    /// Check the configuration file
    CheckConfig,
}

/// Arguments of `join`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent join 'https://collector.example.org/join/CODE#KEY'
  tonle-agent join URL --qos-only --province KH-12
  tonle-agent join URL --accept q1 --accept-openness o3 --province KH-12   (scripts)
  tonle-agent join --openness URL-OF-ANOTHER-COLLECTOR     openness goes there, quality stays

Quote the URL: the part after # matters.")]
pub struct JoinArgs {
    /// The invitation, whole
    #[arg(
        value_name = "INVITATION-URL",
        env = "TONLE_INVITATION",
        hide_env_values = true
    )]
    pub invitation: String,
    /// Accept this version of the text about quality measurements without being asked
    #[arg(long, value_name = "VERSION")]
    pub accept: Option<String>,
    /// Accept this version of the text about openness measurements without being asked
    #[arg(long, value_name = "VERSION", conflicts_with = "qos_only")]
    pub accept_openness: Option<String>,
    /// Quality measurements only: do not ask about openness
    #[arg(long)]
    pub qos_only: bool,
    /// Send openness measurements to this second collector, as an agent of their own; quality stays where it is
    #[arg(long, conflicts_with_all = ["qos_only", "accept"])]
    pub openness: bool,
    /// Where the device is and on what line
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// What a volunteer may say of place and line.
#[derive(Debug, Clone, Default, Args)]
pub struct PlaceArgs {
    /// Province, such as KH-12
    #[arg(long, value_name = "CODE")]
    pub province: Option<String>,
    /// Kind of place
    #[arg(long, value_name = "KIND", help = PLACE_HELP)]
    pub place: Option<PlaceKind>,
    /// The operator's id
    #[arg(long, value_name = "ID")]
    pub operator: Option<String>,
    /// Access technology
    #[arg(long, value_name = "KIND", help = TECHNOLOGY_HELP)]
    pub technology: Option<Technology>,
    /// Download rate of the contract, bits per second
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub plan_download_bps: Option<i64>,
    /// Upload rate of the contract, bits per second
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub plan_upload_bps: Option<i64>,
    /// Volume of the plan: within, exceeded, unlimited
    #[arg(long, value_name = "STATE")]
    pub quota: Option<QuotaState>,
    /// Whether the line costs by volume
    #[arg(long, value_name = "BOOL")]
    pub metered: Option<bool>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent run                 by schedule, until Ctrl-C
  tonle-agent run --once          one round, uploaded, with a summary
  tonle-agent run --once --json

Exit code 0 of --once: the collector acknowledged and processed every record.")]
pub struct RunArgs {
    /// One round of every experiment that is on, uploaded, then exit
    #[arg(long)]
    pub once: bool,
    /// Print the summary of the round as JSON
    #[arg(long, requires = "once")]
    pub json: bool,
}

/// Arguments of `measure`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent measure latency
  tonle-agent measure latency www.wikipedia.org --json
  tonle-agent measure throughput

Exit code 0 when it ran, whatever the network did; 1 when nothing could run.")]
pub struct MeasureArgs {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    pub experiment: String,
    /// One target in place of the listed ones
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Whether a result is for a machine.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent replay                     the whole tests that this device has kept
  tonle-agent replay traces.jsonl --json
  tonle-agent replay --demo              made-up lines

Whole tests are kept on lines declared unmetered. Each rule is shown with several parameters;
nothing is chosen.")]
pub struct ReplayArgs {
    /// Files of traces in place of this device's own
    #[arg(value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// Print the figures as JSON, in parts per million
    #[arg(long)]
    pub json: bool,
    /// Made-up lines whose truth is known
    #[arg(long, conflicts_with = "files")]
    pub demo: bool,
}

/// Arguments of `consent`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent consent                        print the texts and what was agreed to
  tonle-agent consent --accept-openness o3   agree to openness measurements
  tonle-agent consent --withdraw-openness    take that back; its list is deleted
  tonle-agent consent --accept-mlab m1       agree to tests with servers of M-Lab
  tonle-agent consent --accept-localisation l1
                                             agree to unusual packets under blocked names
  tonle-agent consent --withdraw-localisation
                                             take that back")]
pub struct ConsentArgs {
    /// Accept this version of the text about quality measurements
    #[arg(long, value_name = "VERSION")]
    pub accept: Option<String>,
    /// Accept this version of the text about openness measurements
    #[arg(long, value_name = "VERSION", conflicts_with = "withdraw_openness")]
    pub accept_openness: Option<String>,
    /// Take back the agreement to openness measurements
    #[arg(long)]
    pub withdraw_openness: bool,
    /// Accept this version of the text about tests with M-Lab's servers
    #[arg(long, value_name = "VERSION", conflicts_with = "withdraw_mlab")]
    pub accept_mlab: Option<String>,
    /// Take back the agreement to tests with M-Lab's servers
    #[arg(long)]
    pub withdraw_mlab: bool,
    /// Accept this version of the text about localisation, which presupposes openness
    #[arg(long, value_name = "VERSION", conflicts_with = "withdraw_localisation")]
    pub accept_localisation: Option<String>,
    /// Take back the agreement to localisation
    #[arg(long)]
    pub withdraw_localisation: bool,
}

/// Arguments of `categories`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent categories                      every category, and whether its sites are visited
  tonle-agent categories --off NEWS --off POLR
  tonle-agent categories --on GMB

The choice stays on this device. CTRL, innocuous sites that show whether the line works, is always on.")]
pub struct CategoriesArgs {
    /// Visit no site of this category
    #[arg(long, value_name = "CODE")]
    pub off: Vec<Category>,
    /// Visit sites of this category
    #[arg(long, value_name = "CODE")]
    pub on: Vec<Category>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `leave`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent leave                 for good: everything of the agent on this device
  tonle-agent leave --openness      the second collector only, and all that was for it")]
pub struct LeaveArgs {
    /// Leave the second collector only, which openness measurements go to
    #[arg(long)]
    pub openness: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

fn lang(text: &str) -> Result<Lang, String> {
    Lang::from_tag(text).ok_or_else(|| format!("'{text}' is neither en nor km"))
}

/// Something the person did wrong: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// Runs the chosen command to its exit code: 0 done, 1 failed, 2 misuse.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    if let Err(error) = start_logging(&cli) {
        output::error(&error);
        return ExitCode::from(MISUSE);
    }
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            if error.is::<Misuse>() {
                ExitCode::from(MISUSE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The configuration: file and flags, checked.
fn config(cli: &Cli) -> anyhow::Result<Config> {
    let mut config = match &cli.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(data) = &cli.data {
        config.data_dir.clone_from(data);
    }
    config.validate()?;
    Ok(config)
}

/// Logs go to standard error. Behind the front door logging may have been started already.
fn start_logging(cli: &Cli) -> anyhow::Result<()> {
    let usual = if matches!(&cli.command, Command::Run(args) if !args.once) {
        "info"
    } else {
        "warn"
    };
    let wanted = cli.log.as_deref().unwrap_or(usual);
    let filter =
        EnvFilter::try_new(wanted).map_err(|error| Misuse(format!("--log '{wanted}': {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = if cli.log_json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_invitation_in_the_environment_is_not_shown_in_help() {
        let mut join = Cli::command().find_subcommand("join").unwrap().clone();
        let help = join.render_long_help().to_string();
        assert!(
            help.contains("TONLE_INVITATION") && !help.contains("TONLE_INVITATION="),
            "{help}"
        );
    }
}
