//! Opening the data directory and everything in it.
use super::purse::FILE as BUDGET_FILE;
use super::{Device, State};
use crate::budget::Ledger;
use crate::config::{Config, ConfigError, OPENNESS_MAX_AGE_S, RESOLV_CONF};
use crate::consent::{Consent, ConsentError};
use crate::context::System;
use crate::files::DiskFiles;
use crate::http;
use crate::identity::{Enrolment, EnrolmentError, Identity, IdentityError};
use crate::locate::Locator;
use crate::openness::Openness;
use crate::outbox::{Outbox, OutboxError};
use crate::seat::{self, Seat};
use crate::spool::Limits;
use crate::targets;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tonle_evidence::record::Stream;
use tonle_net::clock::wall_us;
use tonle_net::datadir::{DataDir, DataDirError, Role};
use tonle_net::resolv_conf;
use tonle_net::roots::{self, RootsError};
use tonle_net::settings::NetSettings;

/// Why the agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Consent cannot be read.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// The enrolment cannot be read.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// The roots cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// No client towards the collector.
    #[error(transparent)]
    Client(#[from] http::ClientError),
    /// A list that is not consented to cannot be deleted.
    #[error(transparent)]
    Targets(#[from] targets::TargetsError),
    /// No key to sign with.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Spool, receipts or chain cannot be opened.
    #[error("cannot open the records on this device: {0}; check free space and permissions")]
    Outbox(#[from] OutboxError),
    /// A file of the state cannot be read or written.
    #[error("cannot use {0} in the data directory: {1}; check free space and permissions")]
    State(&'static str, io::Error),
}

pub(super) fn open(config: Config) -> Result<Device, OpenError> {
    let config = seat::first(config);
    config.validate()?;
    let net = surroundings(&config)?;
    let client = http::client(Arc::clone(&net.roots))?;
    let stamp_key = config.stamp_key()?;
    let openness = Openness::of(&config);
    let dir = DataDir::open(&config.data_dir, Role::Agent)?;
    seat::sweep(dir.path()).map_err(|error| OpenError::State("openness", error))?;
    let files = DiskFiles::new(dir.path());
    let consent = Consent::load(dir.path())?;
    forget_what_is_not_consented(dir.path(), &consent, &config)?;
    let enrolment = Enrolment::load(&files)?.map(Arc::new);
    let keeps_openness = targets::streams(&consent, &config).contains(&Stream::Openness);
    let is_bound = keeps_openness || config.seat == Seat::Openness;
    let mut outbox = open_outbox(&files, &config, is_bound)?;
    let had_openness =
        !consent.withdrawn.is_empty() || config.seat == Seat::Quality || config.qos_only;
    if !keeps_openness && had_openness {
        outbox.forget(Stream::Openness)?;
    }
    let state = State {
        ledger: stored_ledger(dir.path())?.map(Ledger::recovered),
        enrolment,
        uploader: None,
        keeps_openness,
        dated_offset_us: None,
        metered_as_told: None,
    };
    let device = Device {
        outbox: Arc::new(Mutex::new(outbox)),
        config,
        files,
        net,
        stamp_key,
        openness,
        client,
        system: System::default(),
        locator: Arc::new(Locator::open(dir.path())),
        dir,
        state: Mutex::new(state),
        rounds: Arc::default(),
    };
    Ok(device)
}

/// Resolvers, roots and permissions of the steps.
fn surroundings(config: &Config) -> Result<NetSettings, RootsError> {
    Ok(NetSettings {
        resolvers: resolvers(config),
        public_resolvers: Vec::new(),
        roots: roots::load(config.extra_roots.as_deref())?,
        allow_loopback: config.allow_loopback,
    })
}

/// The device's resolvers now. None at all is a fact that experiments record.
pub(super) fn resolvers(config: &Config) -> Vec<SocketAddr> {
    let path = config
        .resolv_conf
        .as_deref()
        .unwrap_or(Path::new(RESOLV_CONF));
    resolv_conf::read(path).unwrap_or_else(|error| {
        tracing::warn!(%error, "no resolver is known: {error}");
        Vec::new()
    })
}

fn forget_what_is_not_consented(
    data_dir: &Path,
    consent: &Consent,
    config: &Config,
) -> Result<(), targets::TargetsError> {
    let allowed = targets::streams(consent, config);
    let others = Stream::ALL
        .iter()
        .filter(|stream| !allowed.contains(stream));
    others
        .copied()
        .try_for_each(|stream| targets::delete(data_dir, stream))
}

/// Opens key, chain, spool and receipts. Nothing about openness stays longer than seven days, so a
/// device that measures it keeps no record longer.
pub(super) fn open_outbox(
    files: &DiskFiles,
    config: &Config,
    keeps_openness: bool,
) -> Result<Outbox<DiskFiles>, OpenError> {
    let max_age_s = if keeps_openness {
        config.spool_max_age_s.min(OPENNESS_MAX_AGE_S)
    } else {
        config.spool_max_age_s
    };
    let limits = Limits::new(config.spool_max_bytes, max_age_s);
    let identity = Identity::load_or_create(files)?;
    Ok(Outbox::open(files.clone(), identity, limits, wall_us())?)
}

/// True while another process has the data directory.
pub(crate) fn is_running(data_dir: &Path) -> bool {
    matches!(
        DataDir::open(data_dir, Role::Agent),
        Err(DataDirError::Locked { .. })
    )
}

/// The ledger; one that cannot be read begins anew, paced as on a first day.
pub(crate) fn stored_ledger(data_dir: &Path) -> Result<Option<Ledger>, OpenError> {
    match std::fs::read(data_dir.join(BUDGET_FILE)) {
        Ok(bytes) => match serde_json::from_slice::<Ledger>(&bytes) {
            Ok(ledger) => Ok(Some(ledger)),
            Err(error) => {
                tracing::warn!(%error, "{BUDGET_FILE} is damaged; counting begins anew");
                Ok(None)
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::State(BUDGET_FILE, error)),
    }
}
