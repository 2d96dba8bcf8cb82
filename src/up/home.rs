//! The home of `up`: one data directory, one configuration file, a collector and an agent in it.
use crate::cli::UpOptions;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tonle_agent::evidence::targets::TargetFile;
use tonle_agent::evidence::toml_text;
use tonle_collector::country::Nation;

/// Configuration looked for in the data directory when none is named.
const CONFIG_FILE: &str = "tonle.toml";

/// The file's two tables; the keys of each are those of `agent.toml` and `collector.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HomeFile {
    agent: tonle_agent::config::Config,
    collector: tonle_collector::config::Config,
}

/// Both configurations, with the flags of the command line applied.
#[derive(Debug)]
pub(super) struct Home {
    /// The agent's.
    pub(super) agent: tonle_agent::config::Config,
    /// The collector's.
    pub(super) collector: tonle_collector::config::Config,
}

impl Home {
    /// Reads the configuration; flags win over the file, the data directory over both.
    pub(super) fn read(options: &UpOptions) -> anyhow::Result<Self> {
        let file = match config_path(options)? {
            Some(path) => read_file(&path)?,
            None => HomeFile::default(),
        };
        let mut home = Self {
            agent: file.agent,
            collector: file.collector,
        };
        home.agent.data_dir = options.data_dir().join("agent");
        home.collector.data_dir = options.data_dir().join("collector");
        home.agent.qos_only |= options.qos_only;
        if let Some(province) = &options.province {
            home.agent.province = Some(province.clone());
        }
        let addresses = [
            (options.listen, &mut home.collector.listen),
            (options.metrics_listen, &mut home.collector.metrics_listen),
            (options.servers_listen, &mut home.collector.servers.listen),
        ];
        for (flag, address) in addresses {
            if let Some(flag) = flag {
                *address = flag;
            }
        }
        Ok(home)
    }
}

impl Home {
    /// Every party that a round will contact, from the lists that this home's agent will be given.
    pub(super) fn contacts(&self) -> anyhow::Result<BTreeSet<String>> {
        let targets = if let Some(path) = &self.agent.targets {
            let text = std::fs::read_to_string(path);
            TargetFile::parse(
                &text.with_context(|| format!("cannot read targets {}", path.display()))?,
            )?
        } else {
            let country_dir = self.collector.country_dir.as_deref();
            Nation::read(country_dir, self.collector.targets.as_deref())?.targets
        };
        let mut lists = vec![&targets.quality];
        let mut controls = Vec::new();
        if !self.agent.qos_only {
            lists.push(&targets.openness);
            controls.clone_from(&self.collector.controls);
        }
        let values = lists
            .iter()
            .flat_map(|list| &list.targets)
            .map(|listed| listed.target.value.clone());
        let resolvers = targets
            .quality
            .public_resolvers
            .iter()
            .map(|address| format!("{address} (DNS)"));
        let mut contacts: BTreeSet<String> = values.chain(resolvers).chain(controls).collect();
        if !self.agent.qos_only && !targets.openness.targets.is_empty() {
            contacts.extend(self.agent.openness.contacts());
        }
        Ok(contacts)
    }
}

fn config_path(options: &UpOptions) -> anyhow::Result<Option<PathBuf>> {
    if let Some(path) = &options.config {
        if !path.exists() {
            bail!(
                "config file {} does not exist; check --config",
                path.display()
            );
        }
        return Ok(Some(path.clone()));
    }
    let beside = options.data_dir().join(CONFIG_FILE);
    Ok(beside.exists().then_some(beside))
}

fn read_file(path: &Path) -> anyhow::Result<HomeFile> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read config file {}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        anyhow::anyhow!(
            "config file {}: {}",
            path.display(),
            toml_text::reason(&text, &error)
        )
    })
}
