//! The seats of a device, opened together.
use super::{Device, OpenError, RoundError};
use crate::config::Config;
use tokio_util::sync::CancellationToken;

/// One membership, or two.
pub struct Seats {
    /// The membership for quality, or for all.
    pub first: Device,
    second: Option<Device>,
}

impl Seats {
    /// Opens what there is.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        Ok(Self::of(Device::open(config)?))
    }

    /// An open membership, with the second one beside it. One that cannot be opened does not keep the first from
    /// its work.
    #[must_use]
    pub fn of(first: Device) -> Self {
        let second = first.second().unwrap_or_else(|error| {
            tracing::error!(%error, "openness is not measured: {error}");
            None
        });
        Self { first, second }
    }

    /// The first one first.
    pub fn each(&self) -> impl Iterator<Item = &Device> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// Measures and uploads for each until cancelled. One that cannot go on ends the other, too, so that
    /// whoever watches the program learns of it.
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), RoundError> {
        let both = stop.child_token();
        let runs = self.each().map(|device| {
            let stop = both.clone();
            async move {
                let ended = device.run(&stop).await;
                stop.cancel();
                ended
            }
        });
        let ended = futures_util::future::join_all(runs).await;
        ended.into_iter().collect()
    }
}
