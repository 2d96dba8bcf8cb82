//! `complaint`: documents one bad line by many tests on several days, for whoever the consumer complains to.
use super::signals::stop_on_signals;
use super::{Misuse, yes};
use crate::complaint::{UnderWay, Written, write};
use crate::config::Config;
use crate::device::Device;
use crate::files::DiskFiles;
use crate::identity::Enrolment;
use crate::output::{self, Bar};
use crate::profile::Profile;
use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonle_evidence::complaint::{Contract, Next, Promised, Terms};
use tonle_evidence::toml_text;
use tonle_net::clock::wall_us;

/// The experiment that a complaint rests on.
const THROUGHPUT: &str = "throughput";
/// Time before another try where nothing could be measured, seconds.
const RETRY_S: u64 = 60;
/// What the ledger may count for tests that the complaint's own budget bounds.
const LEDGER_MAX_BYTES: u64 = 1 << 50;

/// Arguments of `complaint`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tonle-agent complaint --download-max-bps 100000000 --download-normal-bps 80000000 --download-min-bps 50000000
                                     begin: 10 tests on each of 3 days, and wait between them
  tonle-agent complaint              go on where it was left; a kill costs at most the test in progress
  tonle-agent complaint --once       one test if it is due, then exit: for a timer
  tonle-agent complaint --status --json
  tonle-agent complaint --cancel     give it up

Use a cable, and let nobody else use the line meanwhile: a test with other traffic does not count and
is made again. Stop `tonle-agent run` first. When all tests are made, two files say what came of it: one
to read, and one that is signed and that `tonle verify` checks.

Exit codes: 0 complete (with --once, --status: it went well), 1 failed or stopped early, 2 misuse.")]
pub struct ComplaintArgs {
    /// Highest download rate of the contract, bit/s [default: the declared plan]
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub download_max_bps: Option<i64>,
    /// Normal download rate of the contract, bit/s
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub download_normal_bps: Option<i64>,
    /// Lowest download rate of the contract, bit/s
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub download_min_bps: Option<i64>,
    /// Highest upload rate of the contract, bit/s [default: the declared plan]
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub upload_max_bps: Option<i64>,
    /// Normal upload rate of the contract, bit/s
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub upload_normal_bps: Option<i64>,
    /// Lowest upload rate of the contract, bit/s
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(i64).range(1..))]
    pub upload_min_bps: Option<i64>,
    /// Other conditions than the built-in ones (TOML; docs/complaint.md)
    #[arg(long, value_name = "FILE")]
    pub terms: Option<PathBuf>,
    /// One test if it is due, then exit
    #[arg(long)]
    pub once: bool,
    /// Say how far it is, and measure nothing
    #[arg(long, conflicts_with_all = ["once", "cancel"])]
    pub status: bool,
    /// Give it up; records that were sent stay sent
    #[arg(long, conflicts_with = "once")]
    pub cancel: bool,
    /// Do not ask before it begins
    #[arg(long)]
    pub yes: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// How far it is, for a person or a program.
#[derive(Debug, Serialize)]
struct Standing {
    state: &'static str,
    days: usize,
    days_wanted: u32,
    today: u32,
    tests_per_day: u32,
    tests: usize,
    bytes_used: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at_us: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readable: Option<PathBuf>,
}

impl Standing {
    fn of(under_way: &UnderWay, now_us: i64, utc_offset_s: i32) -> Self {
        let progress = under_way.progress(now_us, utc_offset_s);
        let tests = under_way.tests(utc_offset_s);
        let (state, next_at_us) = match progress.next {
            Next::Now => ("due", None),
            Next::At(at_us) => ("waiting", Some(at_us)),
            Next::Complete => ("complete", None),
        };
        Self {
            state,
            days: progress.days.len(),
            days_wanted: under_way.terms.days,
            today: progress.today,
            tests_per_day: under_way.terms.tests_per_day,
            tests: tests.len(),
            bytes_used: tests.iter().map(|test| test.bytes_used).sum(),
            next_at_us,
            signed: None,
            readable: None,
        }
    }

    fn text(&self) -> String {
        let Self {
            days,
            days_wanted,
            today,
            tests_per_day,
            tests,
            bytes_used,
            ..
        } = self;
        let wait_s = self
            .next_at_us
            .map(|at_us| (at_us - wall_us()).max(0) / 1_000_000);
        let next = match wait_s {
            Some(wait_s) => format!("the next test is due in {wait_s} s"),
            None if self.state == "complete" => "complete".to_owned(),
            None => "a test is due".to_owned(),
        };
        format!(
            "{days} of {days_wanted} days, {today} of {tests_per_day} tests today, {tests} made in all with {bytes_used} bytes; {next}"
        )
    }

    fn say(&self, as_json: bool) {
        if as_json {
            output::json(self);
        } else {
            output::line(&self.text());
        }
    }
}

pub(super) async fn run(config: Config, args: &ComplaintArgs) -> anyhow::Result<ExitCode> {
    let data_dir = config.data_dir.clone();
    if args.cancel {
        if !UnderWay::remove(&data_dir)? {
            return Err(Misuse("no complaint is under way".to_owned()).into());
        }
        output::line("given up");
        return Ok(ExitCode::SUCCESS);
    }
    let under_way = UnderWay::load(&data_dir)?;
    if args.status {
        let Some(under_way) = under_way else {
            return Err(Misuse("no complaint is under way".to_owned()).into());
        };
        Standing::of(&under_way, wall_us(), offset_s(&config)?).say(args.json);
        return Ok(ExitCode::SUCCESS);
    }
    let utc_offset_s = offset_s(&config)?;
    let under_way = match under_way {
        Some(_) if args.terms.is_some() || contract(args, None) != Contract::default() => {
            let what =
                "a complaint is under way, under its own terms; go on without them, or --cancel it";
            return Err(Misuse(what.to_owned()).into());
        }
        Some(under_way) => under_way,
        None => match begin(&config, args)? {
            Some(begun) => begun,
            None => return Ok(ExitCode::FAILURE),
        },
    };
    let device = Device::open(config_of(config, &under_way.terms))?;
    go_on(&device, under_way, args, utc_offset_s).await
}

/// The country's clock, as the collector said when it was joined.
fn offset_s(config: &Config) -> anyhow::Result<i32> {
    let Some(enrolment) = Enrolment::load(&DiskFiles::new(&config.data_dir))? else {
        bail!("not joined; run `tonle agent join` with an invitation first");
    };
    Ok(enrolment.enrolled.country.utc_offset_s)
}

/// Whole tests, within the budget that was agreed to.
fn config_of(config: Config, terms: &Terms) -> Config {
    Config {
        early_stop: if terms.whole_tests {
            Some(false)
        } else {
            config.early_stop
        },
        run_max_bytes: Some(terms.test_max_bytes),
        monthly_budget_bytes: Some(LEDGER_MAX_BYTES),
        ..config
    }
}

fn contract(args: &ComplaintArgs, plan: Option<&Profile>) -> Contract {
    let declared = plan.map(|profile| &profile.declared);
    Contract {
        download: Promised {
            max_bps: args
                .download_max_bps
                .or(declared.and_then(|one| one.plan_download_bps)),
            normal_bps: args.download_normal_bps,
            min_bps: args.download_min_bps,
        },
        upload: Promised {
            max_bps: args
                .upload_max_bps
                .or(declared.and_then(|one| one.plan_upload_bps)),
            normal_bps: args.upload_normal_bps,
            min_bps: args.upload_min_bps,
        },
    }
}

/// A new complaint, after the consumer agreed to what it costs; `None` where they did not.
fn begin(config: &Config, args: &ComplaintArgs) -> anyhow::Result<Option<UnderWay>> {
    let terms = match &args.terms {
        None => Terms::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let bad = |reason: String| Misuse(format!("{}: {reason}", path.display()));
            toml::from_str(&text).map_err(|error| bad(toml_text::reason(&text, &error)))?
        }
    };
    terms.check().map_err(Misuse)?;
    let profile = Profile::load(&config.data_dir)?;
    let contract = contract(args, profile.as_ref());
    if contract == Contract::default() {
        let what = "say what the contract promises, such as --download-max-bps 100000000";
        return Err(Misuse(what.to_owned()).into());
    }
    output::note(&format!(
        "{} tests on each of {} days use up to {} bytes of data, {} each; use a cable, and let nobody else use the line.",
        terms.tests_per_day, terms.days, terms.max_bytes, terms.test_max_bytes
    ));
    if !args.yes {
        if !output::can_ask() {
            return Err(Misuse("nobody can be asked here; pass --yes to begin".to_owned()).into());
        }
        if !yes("Begin? [y/n] ")? {
            return Ok(None);
        }
    }
    let begun = UnderWay::new(terms, contract);
    begun.save(&config.data_dir)?;
    Ok(Some(begun))
}

async fn go_on(
    device: &Device,
    mut under_way: UnderWay,
    args: &ComplaintArgs,
    utc_offset_s: i32,
) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    loop {
        let now_us = wall_us();
        let standing = Standing::of(&under_way, now_us, utc_offset_s);
        match under_way.progress(now_us, utc_offset_s).next {
            Next::Complete => return finish(device, &under_way, args, standing).await,
            Next::At(_) if args.once => {
                standing.say(args.json);
                return Ok(ExitCode::SUCCESS);
            }
            Next::At(at_us) => {
                output::note(&standing.text());
                let wait_us = u64::try_from(at_us - now_us).unwrap_or(0);
                if !waited(&stop, Duration::from_micros(wait_us)).await {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Next::Now => {
                if under_way.room_bytes(utc_offset_s).is_none() {
                    bail!(
                        "the budget of {} bytes is used up; `--cancel`, and begin with another",
                        under_way.terms.max_bytes
                    );
                }
                output::note(&standing.text());
                let is_made = test(device, &mut under_way, utc_offset_s, &stop).await?;
                if stop.is_cancelled() || (args.once && !is_made) {
                    return Ok(ExitCode::FAILURE);
                }
                let after = Standing::of(&under_way, wall_us(), utc_offset_s);
                if args.once && after.state != "complete" {
                    after.say(args.json);
                    return Ok(ExitCode::SUCCESS);
                }
                if !is_made && !waited(&stop, Duration::from_secs(RETRY_S)).await {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
    }
}

/// False where it was told to stop meanwhile.
async fn waited(stop: &CancellationToken, time: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// One test, durable when this returns; false where none could be made.
async fn test(
    device: &Device,
    under_way: &mut UnderWay,
    utc_offset_s: i32,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let bar = Bar::new();
    let round = device.measure(THROUGHPUT, None, stop, &bar).await;
    bar.finish();
    let round = round?;
    for skipped in &round.skipped {
        output::note(&format!("{}: {}", skipped.experiment, skipped.reason));
    }
    if stop.is_cancelled() {
        return Ok(false);
    }
    let before = under_way.records.len();
    for record in &round.records {
        let line = device.waiting_envelope(record.hash);
        under_way
            .records
            .push(line.context("the record of this test is not in the spool")?);
    }
    under_way.save(device.data_dir())?;
    for test in under_way.tests(utc_offset_s).iter().skip(before) {
        let why: Vec<&str> = test.breaches.iter().map(|one| one.as_str()).collect();
        if !why.is_empty() {
            output::note(&format!("this test does not count: {}", why.join(", ")));
        }
    }
    if let Err(error) = device.upload(stop).await {
        tracing::warn!(%error, "the records wait on this device: {error}");
    }
    Ok(under_way.records.len() > before)
}

async fn finish(
    device: &Device,
    under_way: &UnderWay,
    args: &ComplaintArgs,
    standing: Standing,
) -> anyhow::Result<ExitCode> {
    device.upload(&CancellationToken::new()).await?;
    let Written {
        signed,
        readable,
        complaint,
    } = write(device, under_way, wall_us())?;
    UnderWay::remove(device.data_dir())?;
    if args.json {
        output::json(&Standing {
            signed: Some(signed),
            readable: Some(readable),
            ..standing
        });
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &complaint.findings {
        let said = if finding.deviates {
            "deviates"
        } else {
            "does not deviate"
        };
        let (direction, promised) = (&finding.direction, &finding.promised);
        output::line(&format!(
            "{direction} {promised}: {said} ({} of {})",
            finding.short, finding.of
        ));
    }
    output::line(&format!("to read: {}", readable.display()));
    output::line(&format!("signed:  {}", signed.display()));
    Ok(ExitCode::SUCCESS)
}
