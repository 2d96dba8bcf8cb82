//! ModemManager: the radio of the modem behind an interface.
//!
//! Source: ModemManager D-Bus reference, interfaces `Modem` and `Modem.Signal`. A modem tells signal
//! figures only once somebody asked it to (`mmcli -m any --signal-setup=30`); we do not, because
//! that changes how the device works.
use super::bus::Bus;
use super::values::{self, Generation};
use std::collections::HashMap;
use tonle_evidence::record::{Radio, Technology};
use zbus::{OwnedObjectPath, OwnedVariant};

/// The daemon's name on the bus.
const NAME: &str = "org.freedesktop.ModemManager1";
const OBJECT: &str = "/org/freedesktop/ModemManager1";
const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";
const MODEM: &str = "org.freedesktop.ModemManager1.Modem";
const SIGNAL: &str = "org.freedesktop.ModemManager1.Modem.Signal";
/// Modems that are looked at: a device has one, a bench of them some.
const MODEMS_MAX: usize = 8;

/// What the modem says of its radio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modem {
    /// The access technology in use.
    pub technology: Technology,
    /// As a record has it.
    pub radio: Radio,
}

impl Modem {
    /// Whether it says how good its signal is.
    #[must_use]
    pub fn tells_signal(&self) -> bool {
        let radio = &self.radio;
        let figures = [radio.rsrp_dbm, radio.rsrq_db_tenths, radio.sinr_db_tenths];
        figures.iter().any(Option::is_some)
    }
}

/// What it says of the modem behind an interface: `object` where NetworkManager named it, else the
/// one that has this interface as a port.
pub(super) async fn ask(bus: &Bus, interface: &str, object: Option<String>) -> Option<Modem> {
    if !bus.has(NAME).await {
        return None;
    }
    let object = match object {
        Some(object) => object,
        None => find(bus, interface).await?,
    };
    let in_use = of(bus, &object, MODEM, "AccessTechnologies").await?;
    let generation = values::generation(&in_use)?;
    let figures = match generation {
        Generation::Lte => of(bus, &object, SIGNAL, "Lte").await,
        Generation::Nr => of(bus, &object, SIGNAL, "Nr5g").await,
        Generation::Gsm | Generation::Umts | Generation::Other => None,
    };
    let figure = |name, range| {
        let figures = figures.as_ref()?;
        values::tenths(figures, name, range)
    };
    Some(Modem {
        technology: generation.technology(),
        radio: Radio {
            rat: generation.as_str().to_owned(),
            rsrp_dbm: figure("rsrp", values::RSRP_TENTHS).map(|tenths| tenths / 10),
            rsrq_db_tenths: figure("rsrq", values::RSRQ_TENTHS),
            sinr_db_tenths: figure("snr", values::SINR_TENTHS),
        },
    })
}

/// The modem that has this interface as its port.
async fn find(bus: &Bus, interface: &str) -> Option<String> {
    type Properties = HashMap<String, HashMap<String, OwnedVariant>>;
    let objects: HashMap<OwnedObjectPath, Properties> = bus
        .call(NAME, OBJECT, OBJECTS, "GetManagedObjects", &())
        .await?;
    // The answer holds serial numbers too: only its keys are taken.
    let mut modems: Vec<OwnedObjectPath> = objects.into_keys().collect();
    modems.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    for modem in modems.iter().take(MODEMS_MAX) {
        let ports = of(bus, modem, MODEM, "Ports").await;
        if ports.is_some_and(|ports| values::has_port(&ports, interface)) {
            return Some(modem.as_str().to_owned());
        }
    }
    None
}

async fn of(bus: &Bus, object: &str, interface: &str, property: &str) -> Option<OwnedVariant> {
    bus.get(NAME, object, interface, property).await
}
