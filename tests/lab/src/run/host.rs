//! A host with its services.
use super::EndedService;
use crate::netns::Namespace;
use crate::scenario::model::{Host, Scenario};
use crate::services::{self, HostContext, Running, ServiceError};
use crate::trust::Authority;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tun_rs::SyncDevice;

/// A running host. Its services end before its namespaces.
#[derive(Debug)]
pub(super) struct RunningHost {
    host: Host,
    folder: PathBuf,
    services: Option<Running>,
    namespace: Namespace,
}

impl RunningHost {
    /// Starts a host without services; the hub's end of its interface.
    pub(super) fn start(host: &Host, folder: PathBuf) -> io::Result<(Self, SyncDevice)> {
        std::fs::create_dir(&folder)?;
        let (namespace, device) = Namespace::start(host, &folder)?;
        let running = Self {
            host: host.clone(),
            folder,
            services: None,
            namespace,
        };
        Ok((running, device))
    }

    /// Starts its services and waits until they are ready.
    pub(super) fn start_services(
        &mut self,
        scenario: &Scenario,
        authority: &Arc<Authority>,
        environment: &[(OsString, OsString)],
        wrapper: &[OsString],
    ) -> Result<(), ServiceError> {
        let context = HostContext {
            addresses: self.host.addresses.clone(),
            authority: Arc::clone(authority),
            folder: self.folder.clone(),
            environment: environment.to_vec(),
            wrapper: wrapper.to_vec(),
        };
        let (scenario, host) = (scenario.clone(), self.host.clone());
        let started = self
            .namespace
            .run(async move { services::start(&scenario, &host, &context).await });
        let started = started.unwrap_or_else(|error| {
            Err(ServiceError::Command {
                service: format!("services of {}", self.host.name),
                why: error.to_string(),
                output: String::new(),
            })
        });
        self.services = Some(started?);
        Ok(())
    }

    pub(super) fn name(&self) -> &str {
        &self.host.name
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Commands among its services that have ended.
    pub(super) fn ended_services(&mut self) -> Vec<EndedService> {
        let Some(services) = &mut self.services else {
            return Vec::new();
        };
        let ended = services.ended();
        let outputs = services.outputs();
        let with_output = ended.into_iter().map(|(service, status)| EndedService {
            output: outputs
                .iter()
                .find(|(name, _)| *name == service)
                .map(|(_, output)| output.clone())
                .unwrap_or_default(),
            service,
            status,
        });
        with_output.collect()
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        if let Some(services) = self.services.take() {
            // A host whose thread has ended has no services left.
            let _ = self.namespace.run(services.stop());
        }
    }
}
