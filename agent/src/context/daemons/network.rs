//! NetworkManager: what kind of link it is, whether it costs by volume, and the Wi-Fi's rate.
//!
//! Source: NetworkManager D-Bus reference, interfaces `Device`, `Device.Wireless`, `AccessPoint`.
use super::super::interface::Kind;
use super::bus::Bus;
use super::values;
use zbus::{OwnedObjectPath, OwnedVariant};

/// The daemon's name on the bus.
const NAME: &str = "org.freedesktop.NetworkManager";
const OBJECT: &str = "/org/freedesktop/NetworkManager";
const DEVICE: &str = "org.freedesktop.NetworkManager.Device";
const WIRELESS: &str = "org.freedesktop.NetworkManager.Device.Wireless";
const ACCESS_POINT: &str = "org.freedesktop.NetworkManager.AccessPoint";

/// What NetworkManager knows of the link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Kind of the interface, where it says one of those that a record distinguishes.
    pub(in crate::context) kind: Option<Kind>,
    /// Whether it costs by volume: as somebody set it, or guessed so. A guess that it does not is
    /// nobody's word, and so absent.
    pub metered: Option<bool>,
    /// Bit rate of the Wi-Fi link, bit/s.
    pub wifi_rate_bps: Option<i64>,
    /// Wi-Fi signal, dBm, reckoned back from NetworkManager's percentage.
    pub wifi_signal_dbm: Option<i64>,
    /// The modem's object at ModemManager.
    pub(super) modem: Option<String>,
}

impl Link {
    /// False for what is known to be something else.
    pub(super) fn may_be_a_modem(&self) -> bool {
        !matches!(self.kind, Some(Kind::Ethernet | Kind::Wifi | Kind::Tunnel))
    }
}

/// What it says of an interface; `None` when it does not run or does not know it.
pub(super) async fn ask(bus: &Bus, interface: &str) -> Option<Link> {
    if !bus.has(NAME).await {
        return None;
    }
    let device: OwnedObjectPath = bus
        .call(NAME, OBJECT, NAME, "GetDeviceByIpIface", &interface)
        .await?;
    let kind = of(bus, &device, DEVICE, "DeviceType").await;
    let kind = kind.and_then(|value| values::kind(&value));
    let metered = of(bus, &device, DEVICE, "Metered").await;
    let mut link = Link {
        kind,
        metered: metered.and_then(|value| values::metered(&value)),
        ..Link::default()
    };
    match kind {
        Some(Kind::Wifi) => wifi(bus, &device, &mut link).await,
        Some(Kind::Cellular) => {
            let object = of(bus, &device, DEVICE, "Udi").await;
            link.modem = object.and_then(|value| values::text(&value));
        }
        _ => {}
    }
    Some(link)
}

async fn wifi(bus: &Bus, device: &str, link: &mut Link) {
    let rate = of(bus, device, WIRELESS, "Bitrate").await;
    link.wifi_rate_bps = rate.and_then(|value| values::kbit_rate_bps(&value));
    let Some(point) = of(bus, device, WIRELESS, "ActiveAccessPoint").await else {
        return;
    };
    // An object's path counts the access points that were seen; it names none.
    let Some(point) = values::object(&point) else {
        return;
    };
    let strength = of(bus, &point, ACCESS_POINT, "Strength").await;
    link.wifi_signal_dbm = strength.and_then(|value| values::strength_dbm(&value));
}

async fn of(bus: &Bus, object: &str, interface: &str, property: &str) -> Option<OwnedVariant> {
    bus.get(NAME, object, interface, property).await
}
