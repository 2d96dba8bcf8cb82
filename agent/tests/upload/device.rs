//! An agent's outbox on a real disk, filled with records of a made-up run.
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use tonle_agent::experiments::Recorded;
use tonle_agent::files::DiskFiles;
use tonle_agent::identity::Identity;
use tonle_agent::outbox::{Outbox, SharedOutbox, lock};
use tonle_agent::record::RunContext;
use tonle_agent::scrub::Scrubber;
use tonle_agent::spool::Limits;
use tonle_agent::upload::{Destination, Uploader};
use tonle_evidence::VerifyingKey;
use tonle_evidence::hash::Hash;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{
    Claim, ClockState, Method, Outcome, PathClass, PlaceKind, Plan, Province, ProvinceKnown,
    QuotaState, Software, Stream, Target,
};
use tonle_net::clock::wall_us;
use url::Url;

/// An agent's state in a folder of its own.
pub(crate) struct Device {
    pub(crate) folder: TempDir,
    pub(crate) outbox: SharedOutbox<DiskFiles>,
}

impl Device {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(&folder).shared();
        Self { folder, outbox }
    }

    /// Ends the process, so to say, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.outbox = open(&self.folder).shared();
    }

    /// Keeps records; returns their hashes in order.
    pub(crate) fn keep(&self, count: usize) -> Vec<Hash> {
        (0..count).map(|_| self.keep_one(20)).collect()
    }

    /// Keeps a record of about this many hundred bytes.
    pub(crate) fn keep_one(&self, observations: usize) -> Hash {
        let recorded = Recorded {
            observations: (0..observations).map(observation).collect(),
            ..Recorded::default()
        };
        let kept = lock(&self.outbox).keep(&context(), recorded, wall_us());
        kept.unwrap().hash
    }

    pub(crate) fn uploader(&self, collectors: Vec<Url>, key: VerifyingKey) -> Uploader<DiskFiles> {
        self.uploader_trusting(rustls::RootCertStore::empty(), collectors, key)
    }

    pub(crate) fn uploader_trusting(
        &self,
        roots: rustls::RootCertStore,
        collectors: Vec<Url>,
        key: VerifyingKey,
    ) -> Uploader<DiskFiles> {
        let client = tonle_agent::http::client(Arc::new(roots)).unwrap();
        let to = Destination { collectors, key };
        Uploader::new(SharedOutbox::clone(&self.outbox), client, to, 1)
    }

    pub(crate) fn waiting(&self) -> Vec<Hash> {
        let batch = lock(&self.outbox).batch(None, usize::MAX, usize::MAX);
        let items = batch.map(|batch| batch.items).unwrap_or_default();
        items.into_iter().map(|item| item.hash).collect()
    }

    /// Hashes of the receipts that are on disk and verify.
    pub(crate) fn receipts(&self, key: &VerifyingKey) -> Vec<Hash> {
        let kept = lock(&self.outbox).receipts().unwrap();
        kept.iter()
            .map(|kept| kept.receipt.open(key).unwrap().record_hash)
            .collect()
    }
}

fn open(folder: &TempDir) -> Outbox<DiskFiles> {
    let files = DiskFiles::new(folder.path());
    let identity = Identity::load_or_create(&files).unwrap();
    let limits = Limits::new(64 << 20, 7 * 86_400);
    Outbox::open(files, identity, limits, wall_us()).unwrap()
}

fn observation(number: usize) -> Observation {
    Observation {
        t_start_us: 0,
        t_end_us: i64::try_from(number).unwrap(),
        operation: "icmp_echo".into(),
        subject: Some("192.0.2.1".into()),
        failure: None,
        detail: BTreeMap::new(),
    }
}

fn context() -> RunContext {
    RunContext {
        method: Method {
            id: "latency".into(),
            version: 1,
            stream: Stream::Quality,
        },
        target: Target {
            value: "192.0.2.1".into(),
            category: None,
            path_class: PathClass::Abroad,
        },
        country: "XX".into(),
        utc_offset_s: 0,
        province: Province {
            code: "XX-1".into(),
            known: ProvinceKnown::SelfDeclared,
        },
        place: PlaceKind::Home,
        operator: Claim {
            declared: None,
            detected: None,
        },
        technology: Claim {
            declared: None,
            detected: None,
        },
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
        clock: ClockState::Synchronised,
        clock_offset_us: None,
        bytes_used: 0,
        consent_version: "q1".into(),
        software: Software {
            name: "tonle-agent".into(),
            version: "0.1.0".into(),
            build: "unknown".into(),
        },
        key_id: "k1".into(),
        t_start_us: wall_us(),
        duration_us: 1,
        outcome: Outcome::Completed,
        scrubber: Scrubber::default(),
    }
}
