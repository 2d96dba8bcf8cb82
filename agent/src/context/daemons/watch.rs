//! Asks the daemons again and again while a round goes on, so that a run's beginning and end can be
//! told without a wait.
use super::super::System;
use super::{Daemons, Told};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Time between two looks: what is told of a moment is at most this old.
const INTERVAL: Duration = Duration::from_secs(3);

/// The latest that was told; every clone sees the same.
#[derive(Debug, Clone, Default)]
pub struct Latest(Arc<Mutex<Told>>);

impl Latest {
    /// What was told last.
    #[must_use]
    pub fn told(&self) -> Told {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn put(&self, told: Told) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }
}

/// A companion of a round; ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    latest: Latest,
    asking: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks once, then goes on beside. Waits only for the first look.
    pub async fn begin(system: &System) -> Self {
        let latest = Latest::default();
        let Some(daemons) = Daemons::reach().await else {
            return Self {
                latest,
                asking: None,
            };
        };
        look(&daemons, system, &latest).await;
        let (again, system) = (latest.clone(), system.clone());
        let asking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                look(&daemons, &system, &again).await;
            }
        });
        Self {
            latest,
            asking: Some(asking),
        }
    }

    /// What is told last, for whoever asks.
    #[must_use]
    pub fn latest(&self) -> &Latest {
        &self.latest
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(asking) = &self.asking {
            asking.abort();
        }
    }
}

/// One look. Without a default route there is nothing to ask about.
async fn look(daemons: &Daemons, system: &System, latest: &Latest) {
    let told = match system.default_interface() {
        Some(interface) => daemons.ask(&interface).await,
        None => Told::default(),
    };
    latest.put(told);
}
