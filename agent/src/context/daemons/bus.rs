//! The system's D-Bus as we use it: is a daemon there, one property of one object, one call.
use zbus::{Connection, OwnedVariant};

const BUS: &str = "org.freedesktop.DBus";
const BUS_OBJECT: &str = "/org/freedesktop/DBus";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A connection to the system's bus, which ends when it is dropped.
pub(super) struct Bus(Connection);

impl Bus {
    /// Connects to the bus that `DBUS_SYSTEM_BUS_ADDRESS` or the system's usual place names.
    pub(super) async fn system() -> Option<Self> {
        match Connection::system().await {
            Ok(connection) => Some(Self(connection)),
            Err(error) => {
                tracing::debug!(%error, "no system bus: {error}");
                None
            }
        }
    }

    /// Whether a daemon runs. Asked first, because a call to one that does not would start it.
    pub(super) async fn has(&self, daemon: &str) -> bool {
        let asked = self
            .0
            .call_method(Some(BUS), BUS_OBJECT, Some(BUS), "NameHasOwner", &daemon);
        let answer = asked.await.ok();
        answer.is_some_and(|answer| answer.body().deserialize() == Ok(true))
    }

    /// One property of an object of a daemon.
    pub(super) async fn get(
        &self,
        daemon: &str,
        object: &str,
        interface: &str,
        property: &str,
    ) -> Option<OwnedVariant> {
        let wanted = (interface, property);
        self.call(daemon, object, PROPERTIES, "Get", &wanted).await
    }

    /// The answer to a call, where it is of the type that is asked for.
    pub(super) async fn call<B, R>(
        &self,
        daemon: &str,
        object: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Option<R>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: serde::de::DeserializeOwned + zbus::Type,
    {
        let asked = self
            .0
            .call_method(Some(daemon), object, Some(interface), method, body);
        let answer = asked.await.map_err(|error| {
            tracing::debug!(%error, "{daemon} does not answer {method} of {interface}: {error}");
        });
        answer.ok()?.body().deserialize().ok()
    }
}
