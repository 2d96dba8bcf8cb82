//! How much may be asked of the control server, and of others through it. In memory only.
//!
//! Agents of our collector have shares of their own: strangers cannot use up what is theirs, neither by
//! asking from the same address nor by asking for the same sites.
use super::config::ControlConfig;
use crate::limit::{Limiter, Rate};
use crate::servers::admission::{Admission, NoRoom, Permit, source_of};
use std::net::IpAddr;
use std::sync::Arc;
use tonle_evidence::hash::PublicKey;
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::Direction;

/// Why a request is not served now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    /// The server is full.
    #[error("too many requests at once; try later")]
    Overload,
    /// This source asks too much.
    #[error("too many requests from this source; try again in {0} s")]
    Source(u32),
    /// What it asks for has been asked for too often.
    #[error("too many requests for this destination; try again in {0} s")]
    Destination(u32),
}

/// On whose share a request is. Has no `Debug`, so that it cannot be logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// An enrolled agent's.
    Agent(PublicKey),
    /// That of whoever asks from there.
    Stranger(IpAddr),
}

/// See the top of this file.
pub(super) struct Quota {
    clock: Stopwatch,
    admission: Arc<Admission>,
    agents: Limiter<PublicKey>,
    sources: Limiter<IpAddr>,
    strangers: Limiter<()>,
    for_agents: Limiter<IpAddr>,
    for_strangers: Limiter<IpAddr>,
}

impl Quota {
    pub(super) fn new(config: &ControlConfig) -> Self {
        let admission = Admission::new(config.max_in_flight, config.max_per_source);
        let per_destination = config.contacts_per_destination_per_min;
        Self {
            clock: Stopwatch::start(),
            admission: Arc::new(admission),
            agents: per_min(config.requests_per_agent_per_min),
            sources: per_min(config.requests_per_source_per_min),
            strangers: per_min(config.requests_of_strangers_per_min),
            for_agents: per_min(per_destination),
            for_strangers: per_min(per_destination),
        }
    }

    /// Counts a request before anything else is done for it.
    pub(super) fn note_request(&self, who: Standing) -> Result<(), TooMuch> {
        let now_us = self.clock.elapsed_us();
        let source = match who {
            Standing::Agent(key) => {
                return self.agents.take(key, 1.0, now_us).map_err(TooMuch::Source);
            }
            Standing::Stranger(source) => source_of(source),
        };
        let taken = self.sources.take(source, 1.0, now_us);
        taken.map_err(TooMuch::Source)?;
        let taken = self.strangers.take((), 1.0, now_us);
        taken.map_err(|_| TooMuch::Overload)
    }

    /// Takes a place for a request that has been read.
    pub(super) fn admit(&self, who: Standing) -> Result<Permit, TooMuch> {
        let admitted = match who {
            Standing::Agent(_) => self.admission.admit_known(Direction::Download),
            Standing::Stranger(source) => self.admission.admit(Direction::Download, source),
        };
        admitted.map_err(|no_room| match no_room {
            NoRoom::Overload => TooMuch::Overload,
            NoRoom::Source => TooMuch::Source(1),
        })
    }

    /// Counts a contact with `address`.
    pub(super) fn note_contact(&self, who: Standing, address: IpAddr) -> Result<(), TooMuch> {
        let destinations = match who {
            Standing::Agent(_) => &self.for_agents,
            Standing::Stranger(_) => &self.for_strangers,
        };
        let taken = destinations.take(source_of(address), 1.0, self.clock.elapsed_us());
        taken.map_err(TooMuch::Destination)
    }
}

/// As many at once as in a minute.
fn per_min<K: Eq + std::hash::Hash>(requests: u32) -> Limiter<K> {
    let requests = f64::from(requests);
    Limiter::new(Rate::new(requests / 60.0, requests))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::hash::Hex;

    #[test]
    fn a_crowd_of_strangers_is_bounded_and_leaves_the_agents_theirs() {
        let quota = Quota::new(&ControlConfig {
            requests_of_strangers_per_min: 3,
            ..ControlConfig::default()
        });
        let from = |host| Standing::Stranger(IpAddr::from([198, 51, 100, host]));
        for host in 1..=3 {
            assert_eq!(quota.note_request(from(host)), Ok(()));
        }
        assert_eq!(quota.note_request(from(4)), Err(TooMuch::Overload));
        assert_eq!(quota.note_request(Standing::Agent(Hex([1; 32]))), Ok(()));
    }

    #[test]
    fn strangers_use_up_nothing_of_the_agents() {
        let quota = Quota::new(&ControlConfig {
            max_per_source: 1,
            requests_per_source_per_min: 1,
            requests_per_agent_per_min: 2,
            contacts_per_destination_per_min: 1,
            ..ControlConfig::default()
        });
        let here: IpAddr = "198.51.100.1".parse().unwrap();
        let (stranger, agent) = (Standing::Stranger(here), Standing::Agent(Hex([1; 32])));
        assert_eq!(quota.note_request(stranger), Ok(()));
        assert_eq!(quota.note_request(stranger), Err(TooMuch::Source(60)));
        assert_eq!(quota.note_contact(stranger, here), Ok(()));
        assert_eq!(
            quota.note_contact(stranger, here),
            Err(TooMuch::Destination(60))
        );
        let _place = quota.admit(stranger).unwrap();
        assert_eq!(quota.admit(stranger).unwrap_err(), TooMuch::Source(1));

        let _mine = quota.admit(agent).unwrap();
        let _more = quota.admit(agent).unwrap();
        assert_eq!(quota.note_contact(agent, here), Ok(()));
        assert_eq!(quota.note_request(agent), Ok(()));
        assert_eq!(quota.note_request(agent), Ok(()));
        assert_eq!(quota.note_request(agent), Err(TooMuch::Source(30)));
    }
}
