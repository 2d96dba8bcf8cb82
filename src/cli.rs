//! The command tree of `tonle`.
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use tonle_agent::evidence::words::Lang;

/// Where `up` keeps everything unless told otherwise.
pub const DEFAULT_DATA_DIR: &str = "./tonle-data";
/// Where `up --synthetic` does: data of the two kinds are never in one folder.
pub const DEFAULT_SYNTHETIC_DIR: &str = "./tonle-synthetic";

/// Measures what internet people really get, and says so by province.
#[derive(Debug, Parser)]
#[command(name = "tonle", version, arg_required_else_help = true)]
pub struct Tonle {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a collector, its measurement servers and one agent on this machine
    Up(UpOptions),
    /// What runs at the volunteer's (also the program tonle-agent)
    Agent(tonle_agent::cli::Cli),
    /// What runs at the institution that hosts the data (also the program tonle-collector)
    Collector(tonle_collector::cli::Cli),
    /// Check records and receipts that somebody else made
    Verify(tonle_verify::cli::Args),
}

/// Options of `up`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  tonle up                          ask, measure once, show the page, go on by schedule
  tonle up --yes --province KH-12   do not ask; the province is declared
  tonle up --once --json            one round, a summary for machines, then exit
  tonle up --qos-only               no list of sites is ever fetched
  tonle up --listen 127.0.0.1:9000  pages and API on another port
  tonle up --synthetic 300          the pages of a nation made by a program; nothing is measured

Exit codes: 0 done, 1 failed, 2 misuse.")]
pub struct UpOptions {
    /// Folder that holds all state; made if missing, resumed if not (default ./tonle-data, or
    /// ./tonle-synthetic)
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration with the tables `[agent]` and `[collector]`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of pages and API (default 127.0.0.1:8080)
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Address of /metrics (default 127.0.0.1:9091)
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,
    /// Address of the measurement servers (default 127.0.0.1:8081)
    #[arg(long, alias = "ndt7-listen", value_name = "ADDR")]
    pub servers_listen: Option<SocketAddr>,
    /// Province this device stands in, such as KH-12
    #[arg(long, value_name = "CODE")]
    pub province: Option<String>,
    /// Leave the openness stream out: no list of sites is fetched, no site is tested
    #[arg(long)]
    pub qos_only: bool,
    /// One round of every experiment that is on by default, then exit
    #[arg(long)]
    pub once: bool,
    /// Accept the printed consent texts without asking
    #[arg(long)]
    pub yes: bool,
    /// Show the pages of a nation of N agents made by a program, in place of measuring
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        conflicts_with_all = ["province", "qos_only", "yes", "servers_listen"],
    )]
    pub synthetic: Option<u32>,
    /// Days that they measured
    #[arg(
        long,
        value_name = "D",
        default_value_t = 35,
        value_parser = clap::value_parser!(u32).range(1..=1_000),
        requires = "synthetic",
    )]
    pub days: u32,
    /// What their chance is drawn from: the same seed gives the same nation
    #[arg(long, value_name = "S", default_value_t = 1, requires = "synthetic")]
    pub seed: u64,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// Language of texts: en or km
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = lang)]
    pub lang: Lang,
    /// What is logged to standard error, such as `info` or `tonle_agent=debug`
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    pub log: String,
}

impl UpOptions {
    /// The folder of all state.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        let default = if self.synthetic.is_some() {
            DEFAULT_SYNTHETIC_DIR
        } else {
            DEFAULT_DATA_DIR
        };
        self.data.clone().unwrap_or_else(|| default.into())
    }
}

fn lang(tag: &str) -> Result<Lang, String> {
    Lang::from_tag(tag).ok_or_else(|| format!("'{tag}' is neither en nor km"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_sound() {
        Tonle::command().debug_assert();
    }
}
