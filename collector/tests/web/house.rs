//! A collector without sockets: real stores in a temporary directory, the real router on top.
#![expect(clippy::unwrap_used, reason = "a fixture stops at the first surprise")]
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;
use tonle_collector::admin::{Admin, AdminSettings, InviteOptions};
use tonle_collector::analysis::Ground;
use tonle_collector::cells::{Cells, FILE_NAME, Progress};
use tonle_collector::incidents::IncidentLog;
use tonle_collector::journal::{Journal, NewEntry};
use tonle_collector::metrics::{self, Metrics};
use tonle_collector::web::{AppState, Parts, SignedTargets, router};
use tonle_dashboards::shapes::Shapes;
use tonle_evidence::SigningKey;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::composite::UseCases;
use tonle_evidence::country::Country;
use tonle_evidence::enrolment::{EnrolmentRequest, Invitation};
use tonle_evidence::entry::{Provenance, Tier};
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hash, Hex, Id64};
use tonle_evidence::record::{
    Claim, Clock, ClockState, Context, KIND_MEASUREMENT, Method, Outcome, PRIVATE_SCHEMA,
    PUBLIC_SCHEMA, PathClass, PlaceKind, Plan, Private, Province, ProvinceKnown, Public,
    QuotaState, Sample, Software, Stream, Target, Technology, seal,
};
use tonle_evidence::standard::Standards;
use tonle_evidence::strata::Strata;
use tonle_evidence::targets::TargetFile;
use tower::ServiceExt;

/// 2026-11-10T05:00:00Z, noon in Phnom Penh: the time that these tests live in.
pub(crate) const NOW_US: i64 = 1_794_286_800_000_000;
/// The metric that these tests measure.
pub(crate) const RTT: &str = "latency.rtt_median_us/icmp/domestic";

macro_rules! config {
    ($file:literal) => {
        include_str!(concat!("../../../configs/", $file))
    };
}

fn ground() -> Arc<Ground> {
    let country = Country::parse(
        config!("countries/kh/country.toml"),
        config!("countries/kh/operators.toml"),
        config!("countries/kh/provinces.geojson"),
    );
    Arc::new(Ground {
        country: country.unwrap(),
        catalogue: Catalogue::parse(config!("metrics.toml")).unwrap(),
        counts: Provenance::Signed,
    })
}

/// The country's own rules and those of others.
fn standards(catalogue: &Catalogue) -> Standards {
    let text = concat!(
        include_str!("../../../configs/countries/kh/standards.toml"),
        include_str!("standards.toml")
    );
    Standards::parse(text, catalogue).unwrap()
}

fn strata(country: &Country) -> Strata {
    Strata::parse(config!("countries/kh/weights.toml"), country).unwrap()
}

/// An enrolled agent of the tests.
pub(crate) struct Agent {
    key: SigningKey,
    key_id: String,
    tier: Tier,
    sequence: u64,
    /// The secret part of its page's address.
    pub(crate) device_link: String,
}

/// What a client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The collector.
pub(crate) struct House {
    dir: TempDir,
    ground: Arc<Ground>,
    admin: Arc<Admin>,
    journal: Journal,
    cells: Cells,
    progress: watch::Sender<Progress>,
    /// The log of incidents.
    pub(crate) incidents: Arc<IncidentLog>,
    web: Router,
    metrics: Router,
    agents: u8,
}

impl House {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ground = ground();
        let settings = AdminSettings {
            public_url: "http://collector.example/".parse().unwrap(),
            country: ground.country.clone(),
            ndt7_url: None,
            streams: tonle_evidence::record::Stream::ALL.to_vec(),
        };
        let admin = Arc::new(Admin::open(dir.path(), settings).unwrap());
        let journal = Journal::open(dir.path(), admin.signing_key().clone()).unwrap();
        let reader = journal.reader().unwrap();
        let cells = Cells::open(dir.path(), Arc::clone(&ground), &reader).unwrap();
        let incidents = Arc::new(IncidentLog::open(dir.path()).unwrap());
        let (progress, followed) = watch::channel(Progress::default());
        let targets = TargetFile::parse(config!("countries/kh/targets.csv")).unwrap();
        let state = AppState::new(Parts {
            ground: Arc::clone(&ground),
            standards: standards(&ground.catalogue),
            use_cases: UseCases::parse(config!("composites.toml"), &ground.catalogue).unwrap(),
            strata: Arc::new(strata(&ground.country)),
            shapes: Shapes::parse(config!("countries/kh/provinces.geojson")).unwrap(),
            admin: Arc::clone(&admin),
            journal: journal.clone(),
            cells: cells.reader(),
            incidents: Arc::clone(&incidents),
            progress: followed,
            targets: SignedTargets::sign(&targets, &SigningKey::from_bytes(&[8; 32])).unwrap(),
            metrics: Arc::new(Metrics::new()),
            base_path: String::new(),
        })
        .with_clock(|| NOW_US);
        Self {
            incidents,
            web: router(state.clone(), Router::new()),
            metrics: metrics::router(state),
            dir,
            ground,
            admin,
            journal,
            cells,
            progress,
            agents: 0,
        }
    }

    /// An invitation as an institution would make it.
    pub(crate) fn invite(&self, uses: u32, vouched: bool) -> Invitation {
        let options = InviteOptions {
            uses,
            vouched,
            ..InviteOptions::default()
        };
        self.admin.create_invitation(&options, NOW_US).unwrap()
    }

    /// A new agent that joins with this invitation.
    pub(crate) fn join(&mut self, invitation: &Invitation) -> Agent {
        self.agents += 1;
        let key = SigningKey::from_bytes(&[self.agents; 32]);
        let request = EnrolmentRequest::new(&invitation.token, &key, "1");
        let enrolled = self.admin.enrol(&request, NOW_US).unwrap();
        Agent {
            key,
            key_id: enrolled.key_id,
            tier: enrolled.tier,
            sequence: 0,
            device_link: enrolled.device_link,
        }
    }

    /// A new agent with an invitation of its own.
    pub(crate) fn join_alone(&mut self) -> Agent {
        let invitation = self.invite(1, false);
        self.join(&invitation)
    }

    /// Stores a signed record of this round-trip time, as intake would.
    pub(crate) async fn measure(&self, agent: &mut Agent, rtt_us: i64) -> Hash {
        let (public, private) = halves(agent, rtt_us);
        agent.sequence += 1;
        let envelope = Envelope::new(seal(&public, &private, &agent.key).unwrap());
        envelope.verify().unwrap();
        let mut entry = NewEntry::record(&envelope, agent.tier, NOW_US);
        // All live behind one address.
        entry.network.group_id = Some(Hex([5; 8]) as Id64);
        self.journal.append(vec![entry]).await.unwrap();
        envelope.hash()
    }

    /// Brings the derived store up to date, as the worker does.
    pub(crate) async fn catch_up(&mut self) {
        self.admin.drain_outbox(&self.journal).await.unwrap();
        let reader = self.journal.reader().unwrap();
        while self.cells.catch_up(&reader).unwrap() > 0 {}
        self.report();
    }

    fn report(&self) {
        self.progress.send_replace(Progress {
            processed_to: self.cells.processed_to().unwrap(),
            failing: false,
        });
    }

    /// Deletes `derived.sqlite` and opens it again, which rebuilds it.
    pub(crate) async fn lose_derived_store(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let file = self.dir.path().join(format!("{FILE_NAME}{suffix}"));
            let _ = std::fs::remove_file(file);
        }
        let reader = self.journal.reader().unwrap();
        let ground = Arc::clone(&self.ground);
        self.cells = Cells::open(self.dir.path(), ground, &reader).unwrap();
        assert_eq!(self.cells.processed_to().unwrap(), 0);
        self.catch_up().await;
    }

    /// What `tonle collector rebuild` does.
    pub(crate) fn rebuild(&mut self) -> u64 {
        let reader = self.journal.reader().unwrap();
        let dir: &Path = self.dir.path();
        let entries = Cells::rebuild(dir, Arc::clone(&self.ground), &reader, |_| ()).unwrap();
        self.cells = Cells::open(dir, Arc::clone(&self.ground), &reader).unwrap();
        self.report();
        entries
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer(self.web.clone(), request).await
    }

    /// `/metrics`, without the lines of the instance.
    pub(crate) async fn service_gauges(&self) -> String {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let all = answer(self.metrics.clone(), request).await.body;
        let of_service = |line: &&str| !line.contains("tonle_collector_");
        let lines: Vec<&str> = all.lines().filter(of_service).collect();
        lines.join("\n")
    }
}

async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

fn halves(agent: &Agent, rtt_us: i64) -> (Public, Private) {
    let t_start_us = NOW_US - 600_000_000;
    let public = Public {
        schema: PUBLIC_SCHEMA.into(),
        kind: KIND_MEASUREMENT.into(),
        method: Method {
            id: "latency".into(),
            version: 1,
            stream: Stream::Quality,
        },
        target: Target {
            value: "www.example.org".into(),
            category: None,
            path_class: PathClass::Domestic,
        },
        samples: vec![Sample {
            metric: RTT.into(),
            value: rtt_us,
            unit: "us".into(),
        }],
        observations: Vec::new(),
        outcome: Outcome::Completed,
        country: "KH".into(),
        province: Province {
            code: "KH-12".into(),
            known: ProvinceKnown::SelfDeclared,
        },
        place: PlaceKind::Home,
        operator: Claim {
            declared: Some("metfone".into()),
            detected: None,
        },
        technology: Claim {
            declared: Some(Technology::Fibre),
            detected: None,
        },
        context: context(),
        local_hour: "2026-11-10T11".into(),
        consent_version: "1".into(),
        software: Software {
            name: "tonle-agent".into(),
            version: "0.1.0".into(),
            build: "unknown".into(),
        },
    };
    let mut record_id = [0; 16];
    record_id[..8].copy_from_slice(&agent.sequence.to_be_bytes());
    let private = Private {
        schema: PRIVATE_SCHEMA.into(),
        record_id: Hex(record_id),
        key_id: agent.key_id.clone(),
        chain_id: Hex([1; 8]),
        sequence: agent.sequence,
        prev_hash: Hex::ZERO,
        t_start_us,
        t_end_us: t_start_us + 1_000_000,
        clock_offset_us: None,
        blind: Hex([9; 16]),
        bodies: Vec::new(),
    };
    (public, private)
}

fn context() -> Context {
    Context {
        interface: "ethernet".into(),
        ip_family: "ipv4".into(),
        metered: None,
        wifi_signal_dbm: None,
        link_rate_bps: None,
        radio: None,
        cross_traffic_bytes: None,
        plan: Plan {
            download_bps: None,
            upload_bps: None,
            quota: QuotaState::Unknown,
        },
        clock: Clock {
            state: ClockState::Synchronised,
            offset_us: None,
        },
        limited_by: None,
        bytes_used: 840,
    }
}
