//! The collector as a running service: listeners, workers, shutdown.
//!
//! It starts in this order, so that every error is told before anything is served: configuration,
//! country, tables → listeners → data directory, stores → workers → serving. It stops when its
//! token is cancelled: listeners first, then whoever feeds the journal, then the journal.
mod alone;
mod http;
mod incidents;
mod tls;

pub use alone::ServersAlone;

use crate::admin::{Admin, AdminError, AdminSettings, InviteError, InviteOptions};
use crate::cells::{self, Cells, CellsError, Progress};
use crate::config::{Config, ConfigError};
use crate::country::{Nation, NationError};
use crate::incidents::{IncidentLog, LogError};
use crate::ingest::network::{BadNetworkTable, NetworkTable};
use crate::ingest::{self, Ingest};
use crate::journal::{Journal, JournalReader, ReadError};
use crate::lists::{self, Lists};
use crate::metrics::{self, Metrics};
use crate::servers::{BindError, Servers, Surroundings};
use crate::store::StoreError;
use crate::web::{self, AppState, SignedTargets};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonle_evidence::document::DocumentError;
use tonle_evidence::enrolment::Invitation;
use tonle_evidence::entry::Provenance;
use tonle_evidence::targets::TargetList;
use tonle_net::clock::wall_us;
use tonle_net::datadir::{Contents, DataDir, DataDirError, Role};
use tonle_net::roots;
use url::Url;
use utoipa_axum::router::OpenApiRouter;

/// How often the admin store is looked after.
const ADMIN_TICK: Duration = Duration::from_secs(1);
/// How long everything may take to end.
const STOP_MAX: Duration = Duration::from_millis(4_500);

/// Which parts of the collector run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Only {
    /// Pages and API, with the cells behind them.
    pub web: bool,
    /// Records and enrolments.
    pub ingest: bool,
    /// Measurement servers.
    pub servers: bool,
}

impl Only {
    /// Whether neither records nor pages are wanted: see [`ServersAlone`].
    #[must_use]
    pub fn is_servers_alone(self) -> bool {
        self.servers && !self.web && !self.ingest
    }
}

impl Default for Only {
    /// Everything.
    fn default() -> Self {
        Self {
            web: true,
            ingest: true,
            servers: true,
        }
    }
}

/// Why the service cannot start: one line with cause and remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The country's data.
    #[error(transparent)]
    Country(#[from] NationError),
    /// The network table.
    #[error(transparent)]
    NetworkTable(#[from] BadNetworkTable),
    /// A listener.
    #[error("cannot listen on {address}: {source}; stop what uses it, or give another `{key}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A listener of the measurement servers.
    #[error(transparent)]
    Servers(#[from] BindError),
    /// Certificate or key.
    #[error(
        "{path}: {reason}; give a PEM certificate chain as `tls_cert` and its key as `tls_key`"
    )]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The admin store.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] StoreError),
    /// The journal, for reading.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The derived store.
    #[error(transparent)]
    Cells(#[from] CellsError),
    /// The log of incidents.
    #[error(transparent)]
    Incidents(#[from] LogError),
    /// No client to fetch lists of sites with.
    #[error("cannot set up TLS towards the servers of lists: {0}")]
    Lists(String),
    /// The target lists.
    #[error("sign the target lists: {0}")]
    Targets(#[from] DocumentError),
}

/// A running collector.
#[derive(Debug)]
pub struct Service {
    /// Where pages, API and intake listen.
    pub web_addr: SocketAddr,
    /// Where `/metrics` listens.
    pub metrics_addr: SocketAddr,
    /// Where the measurement servers' common port is, if they run.
    pub servers_addr: Option<SocketAddr>,
    /// Who may take part.
    pub admin: Arc<Admin>,
    /// The journal.
    pub journal: Journal,
    progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    data_dir: DataDir,
}

/// Bound, not yet serving: every "address in use" is told before anything is opened.
struct Listeners {
    web: TcpListener,
    metrics: TcpListener,
    servers: Option<Servers>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Service {
    /// Starts everything. It serves when this returns, until `cancel`.
    pub async fn start(config: Config, cancel: CancellationToken) -> Result<Self, StartError> {
        Self::start_only(config, Only::default(), cancel).await
    }

    /// Starts some parts.
    pub async fn start_only(
        config: Config,
        only: Only,
        cancel: CancellationToken,
    ) -> Result<Self, StartError> {
        Self::start_with(config, only, Contents::Real, cancel).await
    }

    /// Starts the pages of a directory of synthetic data. Records are neither taken in nor measured: they are
    /// written by [`crate::synthetic::fill`].
    pub async fn start_synthetic(
        config: Config,
        cancel: CancellationToken,
    ) -> Result<Self, StartError> {
        let only = Only {
            web: true,
            ingest: false,
            servers: false,
        };
        Self::start_with(config, only, Contents::Synthetic, cancel).await
    }

    async fn start_with(
        config: Config,
        only: Only,
        contents: Contents,
        cancel: CancellationToken,
    ) -> Result<Self, StartError> {
        config.validate()?;
        let nation = nation_of(&config, contents)?;
        let network = network_of(&config)?;
        let data_dir = DataDir::open_with(&config.data_dir, Role::Collector, contents)?;
        let surroundings = surroundings(&config, &network);
        let members = Arc::clone(&surroundings.members);
        let listeners = Listeners::bind(&config, only, surroundings).await?;
        let (web_addr, metrics_addr) = listeners.addresses(&config)?;
        let servers_addr = listeners.servers.as_ref().map(Servers::front_addr);
        let public_url = config.public_url_at(web_addr);
        let servers_url = config.servers_url_at(&public_url, servers_addr);
        let mut targets = nation.targets;
        targets.openness.controls = config.controls_at(servers_url.as_deref());
        let client = lists::fetch::client(built_in_roots()).map_err(StartError::Lists)?;
        let alerts = client.clone();
        let lists = Lists::new(config.openness.lists.clone(), data_dir.path(), client);
        let own = targets.openness.clone();
        targets.openness = lists::compose(&own, &lists.at_hand());
        let admin = Arc::new(Admin::open(
            data_dir.path(),
            AdminSettings {
                ndt7_url: servers_url,
                public_url: public_url.clone(),
                country: nation.ground.country.clone(),
                streams: config.streams.clone(),
            },
        )?);
        let _ = members.set(Arc::clone(&admin)); // nobody set it before
        let metrics = Arc::new(Metrics::new());
        let journal = Journal::open_measured(
            data_dir.path(),
            admin.signing_key().clone(),
            Arc::clone(&metrics),
        )?;
        warn_without_controls(&config, &targets.openness);
        let country = nation.ground.country.clone();
        let ground = Arc::new(nation.ground);
        let cells = Cells::open(data_dir.path(), Arc::clone(&ground), &journal.reader()?)?;
        let (told, progress) = watch::channel(Progress::default());
        let service = Self {
            web_addr,
            metrics_addr,
            servers_addr,
            admin: Arc::clone(&admin),
            journal: journal.clone(),
            progress: progress.clone(),
            cancel,
            tasks: TaskTracker::new(),
            data_dir,
        };
        let signed = SignedTargets::default();
        for stream in &config.streams {
            signed.publish(targets.list(*stream), admin.signing_key())?;
        }
        let ooni = config.ooni.accept.then(|| ingest::ooni::Parts {
            targets: signed.clone(),
            country,
        });
        let mut state = AppState::new(web::Parts {
            ground: Arc::clone(&ground),
            standards: nation.standards,
            use_cases: nation.use_cases,
            strata: Arc::new(nation.strata),
            shapes: nation.shapes,
            admin: Arc::clone(&admin),
            journal: journal.clone(),
            cells: cells.reader(),
            incidents: Arc::new(IncidentLog::open(service.data_dir.path())?),
            progress,
            targets: signed.clone(),
            metrics: Arc::clone(&metrics),
            base_path: public_url.path().trim_end_matches('/').to_owned(),
        });
        if let Some(servers) = &listeners.servers {
            state = state.with_servers(servers.counters());
        }
        let intake = only.ingest.then(|| {
            let hall = Ingest::new(ingest::Parts {
                admin,
                journal: journal.clone(),
                catalogue: Arc::new(ground.catalogue.clone()),
                network,
                trusted_proxies: config.proxies().expect("validated above"),
                limits: config.limits(),
                metrics,
            });
            ingest::routes(hall, ooni)
        });
        if only.web {
            service.spawn_incidents(&config, &state, alerts);
            service.spawn_cells(cells, journal.reader()?, told);
        }
        service.spawn_admin();
        if !config.openness.lists.is_empty() {
            service.spawn_lists(lists, own, signed);
        }
        service.spawn_listeners(listeners, state, intake.unwrap_or_default());
        Ok(service)
    }

    /// Where agents and browsers reach this collector.
    #[must_use]
    pub fn public_url(&self) -> &Url {
        &self.admin.settings().public_url
    }

    /// The folder of its state.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// Waits until so many entries are in the cells, telling how many are; false when it stops before.
    pub async fn processed(&self, entries: u64, mut told: impl FnMut(u64)) -> bool {
        let mut progress = self.progress.clone();
        loop {
            let processed_to = progress.borrow_and_update().processed_to;
            told(processed_to);
            if processed_to >= entries {
                return true;
            }
            tokio::select! {
                changed = progress.changed() => if changed.is_err() { return false },
                () = self.cancel.cancelled() => return false,
            }
        }
    }

    /// Makes an invitation.
    pub fn invite(&self, options: &InviteOptions) -> Result<Invitation, InviteError> {
        self.admin.create_invitation(options, wall_us())
    }

    /// Waits until the token is cancelled and everything has ended, at most five seconds after.
    pub async fn wait(self) {
        self.tasks.close();
        self.cancel.cancelled().await;
        let ending = async {
            self.tasks.wait().await;
            self.journal.close().await;
        };
        if timeout(STOP_MAX, ending).await.is_err() {
            tracing::warn!("some requests did not end in time and are broken off");
        }
        drop(self.data_dir); // held until here: nobody else may open the stores before
    }

    fn spawn_cells(&self, cells: Cells, reader: JournalReader, told: watch::Sender<Progress>) {
        let (committed, cancel) = (self.journal.committed(), self.cancel.clone());
        self.tasks
            .spawn(cells::run_worker(cells, reader, committed, told, cancel));
    }

    /// Each day: the lists of sites, signed anew.
    fn spawn_lists(&self, lists: Lists, own: TargetList, signed: SignedTargets) {
        let (admin, cancel) = (Arc::clone(&self.admin), self.cancel.clone());
        let publish = move |read: Vec<lists::Read>| {
            let list = lists::compose(&own, &read);
            if let Err(error) = signed.publish(&list, admin.signing_key()) {
                tracing::error!(reason = %error, "the openness list stays as it was: {error}");
            }
        };
        self.tasks
            .spawn(async move { lists.run(publish, cancel).await });
    }

    /// Each second: what a command changed, what the journal is owed, keys whose month is over.
    fn spawn_admin(&self) {
        let (admin, journal) = (Arc::clone(&self.admin), self.journal.clone());
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            let mut ticks = interval(ADMIN_TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                if let Err(error) = look_after(&admin, &journal).await {
                    tracing::error!(reason = %error, "admin store: {error}");
                }
            }
        });
    }

    fn spawn_listeners(&self, listeners: Listeners, state: AppState, intake: OpenApiRouter) {
        let metrics = metrics::router(state.clone());
        let router = web::router(state, intake);
        let stop = || self.cancel.clone();
        let (web, tls) = (listeners.web, listeners.tls);
        self.tasks.spawn(http::serve(web, tls, router, stop()));
        let own = http::serve(listeners.metrics, None, metrics, stop());
        self.tasks.spawn(own);
        if let Some(servers) = listeners.servers {
            self.tasks.spawn(servers.serve(stop()));
        }
    }
}

/// The roots that every program of ours trusts.
fn built_in_roots() -> Arc<rustls::RootCertStore> {
    roots::load(None).expect("only a file of extra roots can be unreadable")
}

impl Listeners {
    async fn bind(
        config: &Config,
        only: Only,
        surroundings: Surroundings,
    ) -> Result<Self, StartError> {
        let tls = tls::of_config(config)?;
        Ok(Self {
            web: bind(config.listen, "listen").await?,
            metrics: bind(config.metrics_listen, "metrics_listen").await?,
            servers: if only.servers {
                Some(Servers::bind(&config.servers, tls.clone(), surroundings).await?)
            } else {
                None
            },
            tls,
        })
    }

    fn addresses(&self, config: &Config) -> Result<(SocketAddr, SocketAddr), StartError> {
        let web = self.web.local_addr();
        let metrics = self.metrics.local_addr();
        Ok((
            web.map_err(listen_error(config.listen, "listen"))?,
            metrics.map_err(listen_error(config.metrics_listen, "metrics_listen"))?,
        ))
    }
}

fn warn_without_controls(config: &Config, openness: &TargetList) {
    if config.ooni.accept && openness.controls.is_empty() {
        tracing::warn!("clients of OONI's get no control server; name some in `controls`");
    }
}

/// The country, and whose records count in it.
fn nation_of(config: &Config, contents: Contents) -> Result<Nation, NationError> {
    let mut nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    nation.ground.counts = match contents {
        Contents::Real => Provenance::Signed,
        Contents::Synthetic => Provenance::Synthetic,
    };
    Ok(nation)
}

/// The table of networks that the configuration names.
fn network_of(config: &Config) -> Result<Arc<NetworkTable>, BadNetworkTable> {
    let table = match &config.asn_table {
        Some(path) => NetworkTable::open(path)?,
        None => NetworkTable::none(),
    };
    Ok(Arc::new(table))
}

/// What the measurement servers are told of the world.
fn surroundings(config: &Config, network: &Arc<NetworkTable>) -> Surroundings {
    Surroundings {
        network: Arc::clone(network),
        trusted_proxies: config.proxies().expect("validated before"),
        ..Surroundings::default()
    }
}

async fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(listen_error(address, key))
}

fn listen_error(address: SocketAddr, key: &'static str) -> impl Fn(std::io::Error) -> StartError {
    move |source| StartError::Listen {
        address,
        key,
        source,
    }
}

async fn look_after(admin: &Arc<Admin>, journal: &Journal) -> anyhow::Result<()> {
    let own = Arc::clone(admin);
    tokio::task::spawn_blocking(move || {
        own.refresh()?;
        own.destroy_old_group_keys(wall_us())
    })
    .await??;
    admin.drain_outbox(journal).await?;
    Ok(())
}
