//! The line as the device sees it now, for a person.
use crate::config::Config;
use crate::context::System;
use crate::context::daemons::Told;
use crate::profile::Declared;
use serde::Serialize;
use std::fmt;
use tonle_evidence::hash::Hex;
use tonle_evidence::record::{Radio, Technology};

/// Who said whether the line costs by volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The volunteer.
    Declared,
    /// NetworkManager, as it was set or as it guesses.
    NetworkManager,
}

/// What the device knows of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineNow {
    /// Kind of the interface, in the words of a record.
    pub interface: &'static str,
    /// Whether it costs by volume, where somebody says.
    pub metered: Option<bool>,
    /// Who says so.
    pub metered_said: Option<Said>,
    /// Technology, where the device can tell.
    pub technology: Option<Technology>,
    /// The cellular radio, where there is one and it tells.
    pub radio: Option<Radio>,
    /// Rate of the link of cable or Wi-Fi, bit/s.
    pub link_rate_bps: Option<i64>,
    /// Wi-Fi signal, dBm.
    pub wifi_signal_dbm: Option<i64>,
}

impl LineNow {
    /// Looks now; `told` is what the system's daemons say.
    #[must_use]
    pub fn look(config: &Config, declared: Declared, told: &Told) -> Self {
        // No network is recognised here, so any salt does.
        let seen = System::default().look(&Hex([0; 16])).with(told);
        let declared = declared.with(config).metered;
        let metered = declared.or(told.metered());
        Self {
            interface: seen.interface(),
            metered,
            metered_said: metered.map(|_| match declared {
                Some(_) => Said::Declared,
                None => Said::NetworkManager,
            }),
            technology: seen.technology,
            radio: seen.radio,
            link_rate_bps: seen.link_rate_bps,
            wifi_signal_dbm: seen.wifi_signal_dbm,
        }
    }

    fn volume(&self) -> &'static str {
        match (self.metered, self.metered_said) {
            (Some(true), Some(Said::Declared)) => "costs by volume, as declared",
            (Some(true), _) => "costs by volume, as NetworkManager says or guesses",
            (Some(false), Some(Said::Declared)) => "does not cost by volume, as declared",
            (Some(false), _) => "does not cost by volume, as NetworkManager says",
            (None, _) => "may cost by volume, since nobody says that it does not",
        }
    }
}

impl fmt::Display for LineNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interface)?;
        if let Some(technology) = self.technology {
            write!(f, ", {technology}")?;
        }
        if let Some(radio) = &self.radio {
            write!(f, ", radio {}", radio.rat)?;
            let figures = [
                ("RSRP", radio.rsrp_dbm.map(|dbm| dbm * 10), "dBm"),
                ("RSRQ", radio.rsrq_db_tenths, "dB"),
                ("SINR", radio.sinr_db_tenths, "dB"),
            ];
            for (name, tenths, unit) in figures {
                if let Some(tenths) = tenths {
                    write!(f, ", {name} {} {unit}", Tenths(tenths))?;
                }
            }
        }
        if let Some(rate) = self.link_rate_bps {
            write!(f, ", link at {rate} bit/s")?;
        }
        if let Some(signal) = self.wifi_signal_dbm {
            write!(f, ", signal {signal} dBm")?;
        }
        write!(f, "; {}", self.volume())
    }
}

/// A number of tenths, written with its point.
struct Tenths(i64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, tenths) = (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10);
        match tenths {
            0 => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{tenths}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LineNow {
        LineNow {
            interface: "cellular",
            metered: Some(true),
            metered_said: Some(Said::NetworkManager),
            technology: Some(Technology::Mobile4g),
            radio: Some(Radio {
                rat: "lte".into(),
                rsrp_dbm: Some(-95),
                rsrq_db_tenths: Some(-105),
                sinr_db_tenths: Some(-4),
            }),
            link_rate_bps: None,
            wifi_signal_dbm: None,
        }
    }

    #[test]
    fn a_person_reads_radio_and_volume_with_their_units() {
        assert_eq!(
            line().to_string(),
            "cellular, mobile4g, radio lte, RSRP -95 dBm, RSRQ -10.5 dB, SINR -0.4 dB; \
             costs by volume, as NetworkManager says or guesses"
        );
    }

    #[test]
    fn a_line_of_which_nobody_says_anything_may_cost_by_volume() {
        let line = LineNow {
            metered: None,
            metered_said: None,
            technology: None,
            radio: None,
            ..line()
        };
        assert!(line.to_string().contains("may cost by volume"), "{line}");
    }
}
