//! The list of services: `configs/services.toml`, built in, or a file in its place.
use crate::experiments::CannotRun;
use rand::seq::IndexedRandom;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tonle_net::settings::NetSettings;

const BUILT_IN: &str = include_str!("../../../../configs/services.toml");
/// Most services of a list, groups of a service, and hosts or ports of a group: a run is bounded.
const ENTRIES_MAX: usize = 32;
/// Largest file, bytes.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Every service that is known.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// The date of the list.
    pub(super) version: String,
    service: Vec<Service>,
}

/// One service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    id: String,
    /// For whoever edits the list.
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    roots: String,
    pub(super) group: Vec<Group>,
}

/// Places of which one is enough.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) reach: Reach,
    hosts: Vec<String>,
    ports: Vec<u16>,
    most: Option<usize>,
    /// Networks that its addresses lie in; empty where that is not known.
    #[serde(default)]
    pub(super) asns: Vec<u32>,
}

/// What counts as reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reach {
    /// A connection.
    Tcp,
    /// A handshake with the service's own certificate.
    Tls,
}

impl Reach {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl List {
    /// The list of a file, else the one built in.
    pub(super) fn load(file: Option<&PathBuf>) -> Result<Self, CannotRun> {
        let Some(path) = file else {
            return Self::parse(BUILT_IN).map_err(CannotRun::Missing);
        };
        let unusable = |why: String| CannotRun::Missing(format!("services of {why}"));
        let text = read(path).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
        Self::parse(&text).map_err(|why| unusable(format!("{}: {why}", path.display())))
    }

    /// Reads a list and checks its bounds.
    fn parse(text: &str) -> Result<Self, String> {
        let list: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let is_bounded = |count: usize| (1..=ENTRIES_MAX).contains(&count);
        let is_sound = |group: &Group| {
            is_bounded(group.hosts.len())
                && is_bounded(group.ports.len())
                && !group.ports.contains(&0)
                && group.asns.len() <= ENTRIES_MAX
                && group.most != Some(0)
        };
        if !is_bounded(list.service.len()) {
            return Err(format!("wants 1 to {ENTRIES_MAX} services"));
        }
        let is_unsound = |service: &&Service| {
            !is_bounded(service.group.len()) || !service.group.iter().all(is_sound)
        };
        if let Some(unsound) = list.service.iter().find(is_unsound) {
            return Err(format!(
                "service '{}' wants 1 to {ENTRIES_MAX} groups, each with as many hosts and ports",
                unsound.id
            ));
        }
        Ok(list)
    }

    /// The service of this id.
    pub(super) fn service(&self, id: &str) -> Result<&Service, CannotRun> {
        let found = self.service.iter().find(|service| service.id == id);
        let ids: Vec<&str> = self.service.iter().map(|one| one.id.as_str()).collect();
        found.ok_or_else(|| CannotRun::Target {
            target: id.to_owned(),
            reason: format!("it is none of the services {}", ids.join(", ")),
        })
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > FILE_MAX_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    std::fs::read_to_string(path)
}

impl Service {
    /// The surroundings, with the roots that the service's own programs trust.
    pub(super) fn surroundings(&self, net: &NetSettings) -> Result<NetSettings, CannotRun> {
        if self.roots.is_empty() {
            return Ok(net.clone());
        }
        let unusable = |why: String| CannotRun::Missing(format!("roots of {}: {why}", self.id));
        let mut roots = (*net.roots).clone();
        for root in CertificateDer::pem_slice_iter(self.roots.as_bytes()) {
            let root = root.map_err(|error| unusable(error.to_string()))?;
            roots
                .add(root)
                .map_err(|error| unusable(error.to_string()))?;
        }
        Ok(NetSettings {
            roots: Arc::new(roots),
            ..net.clone()
        })
    }
}

impl Group {
    /// The hosts of one run.
    pub(super) fn draw(&self, random: &mut impl rand::Rng) -> Vec<String> {
        let most = self.most.unwrap_or(self.hosts.len());
        self.hosts.sample(random, most).cloned().collect()
    }

    pub(super) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Most endpoints of a run.
    pub(super) fn endpoints(&self) -> usize {
        self.most.unwrap_or(usize::MAX).min(self.hosts.len()) * self.ports.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::net;
    use proptest::prelude::*;
    use rand::SeedableRng;

    #[test]
    fn the_list_built_in_is_usable_with_its_roots() {
        let list = List::load(None).unwrap();
        for service in &list.service {
            assert!(service.surroundings(&net()).is_ok(), "{}", service.id);
        }
        let signal = list.service("signal").unwrap();
        assert_eq!(signal.surroundings(&net()).unwrap().roots.len(), 1);
    }

    #[test]
    fn a_group_without_ports_or_hosts_is_refused() {
        let text = |hosts: &str, ports: &str| {
            format!(
                "version = 'x'\n[[service]]\nid = 'a'\nsource = ''\n[[service.group]]\nid = 'g'\nreach = 'tcp'\nhosts = {hosts}\nports = {ports}\n"
            )
        };
        assert!(List::parse(&text("['a.example']", "[443]")).is_ok());
        for (hosts, ports) in [("[]", "[443]"), ("['a']", "[]"), ("['a']", "[0]")] {
            assert!(List::parse(&text(hosts, ports)).is_err());
        }
    }

    #[test]
    fn an_unknown_service_is_refused_with_the_known_ones() {
        let error = List::load(None).unwrap().service("icq").unwrap_err();
        assert!(error.to_string().contains("telegram"), "{error}");
    }

    #[test]
    fn a_run_draws_no_more_hosts_than_its_group_says() {
        let list = List::load(None).unwrap();
        let chat = &list.service("whatsapp").unwrap().group[0];
        let mut random = rand::rngs::StdRng::seed_from_u64(1);
        assert_eq!(chat.draw(&mut random).len(), 4);
        assert_eq!(chat.endpoints(), 8);
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_refused(text in "\\PC{0,200}") {
            let _ = List::parse(&text);
        }
    }
}
