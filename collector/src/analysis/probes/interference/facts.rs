//! What became of each exchange with the echo, read from a record.
use crate::analysis::probes::attempts::{Name, at, shown};
use serde_json::Value;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// A request whose header names are in a random case.
    Headers,
    /// A request line that is none, by its kind.
    Line(String),
    /// A request under a name.
    Host(Name),
}

/// What came of it, as far as it tells who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// It came back as it was sent.
    Same,
    /// It came back, changed.
    Altered,
    /// Something else than the echo answered, by HTTP or in bytes of its own.
    Foreign,
    /// The connection was cut off.
    Cut,
    /// Nothing came back.
    Silent,
    /// Anything that says nothing of the line: no connection, an error of the device, a busy echo.
    Other,
}

impl Came {
    /// Whether the request reached the echo.
    pub(super) fn is_echo(self) -> bool {
        matches!(self, Self::Same | Self::Altered)
    }
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) sent: Sent,
    pub(super) came: Came,
    pub(super) at: String,
}

/// Every exchange of a record, and every connection that none followed.
pub(super) fn read(observations: &[Observation]) -> Vec<Exchange> {
    let seen = observations.iter().enumerate();
    seen.filter_map(|(index, seen)| {
        let came = match (seen.operation.as_str(), &seen.failure) {
            ("echo", _) => came(seen),
            ("connect", Some(_)) => Came::Other,
            _ => return None,
        };
        Some(Exchange {
            sent: sent(seen)?,
            came,
            at: at(index),
        })
    })
    .collect()
}

fn sent(seen: &Observation) -> Option<Sent> {
    match seen.detail.get("kind")?.as_str()? {
        "headers" => Some(Sent::Headers),
        "line" => {
            let kind = seen.detail.get("invalid")?.as_str()?;
            Some(Sent::Line(kind.to_owned()))
        }
        "host" => shown(seen).map(Sent::Host),
        _ => None,
    }
}

fn came(seen: &Observation) -> Came {
    let says = |key: &str| seen.detail.get(key).and_then(Value::as_bool);
    if says("busy") == Some(true) {
        return Came::Other;
    }
    match &seen.failure {
        None => match (says("echoed"), says("altered")) {
            (Some(true), Some(false)) => Came::Same,
            (Some(true), Some(true)) => Came::Altered,
            (Some(false), _) => Came::Foreign,
            _ => Came::Other,
        },
        Some(
            Failure::ConnectionReset
            | Failure::ConnectionAborted
            | Failure::ConnectionAlreadyClosed
            | Failure::Eof,
        ) => Came::Cut,
        Some(Failure::GenericTimeout) => Came::Silent,
        Some(_) => Came::Other,
    }
}
