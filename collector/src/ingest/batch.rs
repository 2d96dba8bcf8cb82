//! The lines of a batch, one by one: read, known key, signature, form, marks. Blocking, no IO.
//!
//! Rules, in order; the first that fails decides, and a bad line never touches the others:
//! 1. The line is an envelope, else refused for ever.
//! 2. Its key is enrolled, else to be sent again later (the enrolment may still be on its way); a
//!    revoked key is refused for ever.
//! 3. Its stream is hosted here, else refused for ever: whoever hosts quality stores nothing of openness.
//! 4. The signature is the key's, else refused for ever.
//! 5. A type, schema or kind that this version does not know is stored and marked.
//! 6. What it does know must have its form, else refused for ever.
use super::network::NetworkTable;
use super::plausibility;
use crate::admin::{Admin, AgentRow};
use crate::analysis::resolver_address;
use crate::journal::{ChainPlace, NetworkIdentity, NewEntry};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::entry::Mark;
use tonle_evidence::envelope::{Envelope, EnvelopeError};
use tonle_evidence::receipt::ItemResult;
use tonle_evidence::record::{
    KIND_MEASUREMENT, PRIVATE_SCHEMA, PUBLIC_SCHEMA, Private, Public, Stream,
};
use tonle_evidence::strict_json;

/// What all lines of a batch share.
#[derive(Clone)]
pub struct Arrival {
    /// Collector's clock, microseconds since the Unix epoch.
    pub received_at_us: i64,
    /// What is left of the source address.
    pub network: NetworkIdentity,
    /// Who terminated TLS.
    pub tls: &'static str,
}

/// What lines are held against.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Who is enrolled, and what is hosted.
    pub admin: &'a Admin,
    /// What kinds of records there are.
    pub catalogue: &'a Catalogue,
    /// Networks of addresses.
    pub networks: &'a NetworkTable,
}

/// What is to be done with a line.
pub enum Checked {
    /// Append it.
    Append(Box<NewEntry>),
    /// The key is not enrolled.
    UnknownKey,
    /// The key was revoked.
    Revoked,
    /// It is not acceptable, now or later.
    Refused(EnvelopeError),
    /// It is of a stream that is not hosted here.
    NotHosted(Stream),
}

/// Checks one line.
#[must_use]
pub fn check(line: &[u8], arrival: &Arrival, known: Known<'_>) -> Checked {
    let admin = known.admin;
    let envelope = match Envelope::from_line(line) {
        Ok(envelope) => envelope,
        Err(error) => return Checked::Refused(error),
    };
    let Some(agent) = admin.agent_by_key(&envelope.record.key) else {
        return Checked::UnknownKey;
    };
    if agent.is_revoked(arrival.received_at_us) {
        return Checked::Revoked;
    }
    if let Some(stream) = stream_of(&envelope)
        && !admin.settings().streams.contains(&stream)
    {
        return Checked::NotHosted(stream);
    }
    match accept(&envelope, &agent, arrival, known) {
        Ok(entry) => Checked::Append(Box::new(entry)),
        Err(error) => Checked::Refused(error),
    }
}

fn accept(
    envelope: &Envelope,
    agent: &Arc<AgentRow>,
    arrival: &Arrival,
    known: Known<'_>,
) -> Result<NewEntry, EnvelopeError> {
    envelope.verify()?;
    let read = read(envelope, known.catalogue, arrival.received_at_us)?;
    let mut entry = NewEntry::record(envelope, agent.tier, arrival.received_at_us);
    entry.chain = read.chain;
    entry.marks = read.marks;
    entry.network = arrival.network.clone();
    let resolver = read.resolver.map(|address| known.networks.lookup(address));
    entry.network.resolver_asn = resolver.and_then(|network| network.asn);
    arrival.tls.clone_into(&mut entry.tls);
    Ok(entry)
}

/// The stream that a record says it is of, in whatever version it is written.
fn stream_of(envelope: &Envelope) -> Option<Stream> {
    let public = strict_json::parse(&envelope.record.public).ok()?;
    public["method"]["stream"].as_str()?.parse().ok()
}

/// What is read of a record.
#[derive(Default)]
struct Read {
    chain: Option<ChainPlace>,
    marks: Vec<Mark>,
    /// An address of the network that the device's own resolver asks from.
    resolver: Option<IpAddr>,
}

impl Read {
    fn marked(chain: Option<ChainPlace>, mark: Mark) -> Self {
        Self {
            chain,
            marks: vec![mark],
            resolver: None,
        }
    }
}

fn read(
    envelope: &Envelope,
    catalogue: &Catalogue,
    received_at_us: i64,
) -> Result<Read, EnvelopeError> {
    if !envelope.is_current() {
        return Ok(Read::marked(None, Mark::NewerVersion));
    }
    let in_half = |half| move |source| EnvelopeError::Half { half, source };
    let public = strict_json::parse(&envelope.record.public).map_err(in_half("public"))?;
    let private = strict_json::parse(&envelope.record.private).map_err(in_half("private"))?;
    let is_schema = |half: &Value, schema: &str| half["schema"] == schema;
    if !is_schema(&public, PUBLIC_SCHEMA) || !is_schema(&private, PRIVATE_SCHEMA) {
        return Ok(Read::marked(chain_of(&private), Mark::NewerVersion));
    }
    if public["kind"] != KIND_MEASUREMENT {
        return Ok(Read::marked(chain_of(&private), Mark::UnknownKind));
    }
    let private: Private = strict_json::from_value(private).map_err(in_half("private"))?;
    let public: Public = strict_json::from_value(public).map_err(in_half("public"))?;
    let chain = ChainPlace {
        chain_id: private.chain_id,
        sequence: private.sequence,
    };
    Ok(Read {
        chain: Some(chain),
        marks: plausibility::marks(&public, &private, catalogue, received_at_us),
        resolver: resolver_address(&public),
    })
}

/// The place in its chain of a private half that this version may not read in full.
fn chain_of(private: &Value) -> Option<ChainPlace> {
    Some(ChainPlace {
        chain_id: private["chain_id"].as_str()?.parse().ok()?,
        sequence: private["sequence"].as_u64()?,
    })
}

/// The answer to a line of a stream that is not hosted here.
#[must_use]
pub fn not_hosted(stream: Stream) -> ItemResult {
    ItemResult::Refused {
        reason: "stream".to_owned(),
        detail: format!("this collector does not host {stream} records; nothing of it was kept"),
    }
}

/// The answer to a line that is refused for ever.
#[must_use]
pub fn refused(error: &EnvelopeError) -> ItemResult {
    let reason = match error {
        EnvelopeError::TooLong(_) => "too_long",
        EnvelopeError::Key | EnvelopeError::Signature => "signature",
        _ => "format",
    };
    ItemResult::Refused {
        reason: reason.to_owned(),
        detail: format!("{error}; keep it aside, it will not be accepted"),
    }
}

/// The answer to a line of a revoked key.
#[must_use]
pub fn revoked() -> ItemResult {
    ItemResult::Refused {
        reason: "revoked".to_owned(),
        detail: "this key was revoked; join again with a new invitation".to_owned(),
    }
}

/// The answer to a line of a key that nobody enrolled.
#[must_use]
pub fn unknown_key() -> ItemResult {
    ItemResult::Retry {
        reason: "unknown_key".to_owned(),
        detail: "this key is not enrolled here; join with an invitation, then send again"
            .to_owned(),
    }
}

/// The answer to a line beyond what its key may send now.
#[must_use]
pub fn rate_limited() -> ItemResult {
    ItemResult::Retry {
        reason: "rate_limited".to_owned(),
        detail: "this key sends too much; send again later".to_owned(),
    }
}
