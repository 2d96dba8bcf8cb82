//! What NetworkManager and ModemManager say of the line, over the system's D-Bus, where they are.
//!
//! 1. Properties are read, one by one; nothing is set, and no daemon is started by being asked.
//! 2. Never asked for: names and numbers of networks, cells, subscribers and devices (SSID, BSSID,
//!    cell id, IMEI, IMSI, ICCID, telephone number, MAC address).
//! 3. A daemon that is absent, refuses, is slow (half a second) or answers otherwise than documented
//!    leaves a value absent. It never is an error, and holds up nothing but the first look of a round.
mod bus;
mod modem;
mod network;
mod values;
mod watch;

pub use modem::Modem;
pub use network::Link;
pub use watch::{Latest, Watch};

use super::System;
use super::interface::Kind;
use bus::Bus;
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for the bus, and again for each daemon.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the daemons said last of the interface that the default route uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What NetworkManager said; absent when it is not there or does not know the interface.
    pub link: Option<Link>,
    /// What ModemManager said of the modem behind the interface.
    pub modem: Option<Modem>,
}

impl Told {
    /// Whether the line costs by volume, as far as the system was told or guesses so.
    #[must_use]
    pub fn metered(&self) -> Option<bool> {
        self.link.as_ref().and_then(|link| link.metered)
    }

    /// The kind of an interface that the kernel takes for `seen`: a modem may look like a cable to
    /// it, and for some it has no word.
    pub(super) fn kind_of(&self, seen: Kind) -> Kind {
        let told = self.link.as_ref().and_then(|link| link.kind);
        match (seen, told) {
            (_, Some(Kind::Cellular)) => Kind::Cellular,
            _ if self.modem.is_some() => Kind::Cellular,
            (Kind::Unknown, Some(told)) => told,
            _ => seen,
        }
    }

    /// Wi-Fi signal, dBm.
    #[must_use]
    pub fn wifi_signal_dbm(&self) -> Option<i64> {
        self.link.as_ref().and_then(|link| link.wifi_signal_dbm)
    }

    /// Bit rate of the Wi-Fi link, bit/s.
    #[must_use]
    pub fn wifi_rate_bps(&self) -> Option<i64> {
        self.link.as_ref().and_then(|link| link.wifi_rate_bps)
    }
}

/// The daemons of a running system.
struct Daemons {
    bus: Bus,
}

impl Daemons {
    /// Reaches the bus; `None` where there is none, or none that lets us in.
    async fn reach() -> Option<Self> {
        let bus = timeout(PATIENCE, Bus::system()).await.ok()??;
        Some(Self { bus })
    }

    /// What they say of an interface now.
    async fn ask(&self, interface: &str) -> Told {
        let link = timeout(PATIENCE, network::ask(&self.bus, interface)).await;
        let link = link.ok().flatten();
        let modem = if link.as_ref().is_none_or(Link::may_be_a_modem) {
            let object = link.as_ref().and_then(|link| link.modem.clone());
            let asking = modem::ask(&self.bus, interface, object);
            timeout(PATIENCE, asking).await.ok().flatten()
        } else {
            None
        };
        Told { link, modem }
    }
}

/// Asks once, for whoever shows it to a person.
pub async fn told_now(system: &System) -> Told {
    let (Some(interface), Some(daemons)) = (system.default_interface(), Daemons::reach().await)
    else {
        return Told::default();
    };
    daemons.ask(&interface).await
}

#[cfg(test)]
mod tests;
