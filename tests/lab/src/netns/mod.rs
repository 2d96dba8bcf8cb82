//! One host: a thread in network and mount namespaces of its own, with a runtime for its services.
//!
//! The namespaces are held by the thread, and by the programs it has started, alone: nothing has a
//! name, so nothing is left behind.
mod files;
pub(crate) mod netlink;
mod settings;

use crate::scenario::model::Host;
use netlink::Netlink;
use nix::sched::{CloneFlags, unshare};
use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;
use tun_rs::SyncDevice;

/// The loopback interface is the first of every network namespace.
const LOOPBACK: u32 = 1;

/// A running host. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Namespace {
    runtime: Handle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Starts a host whose own files lie in `dir`, and gives the hub's end of its interface.
    pub(crate) fn start(host: &Host, dir: &Path) -> io::Result<(Self, SyncDevice)> {
        let (host, dir) = (host.clone(), dir.to_owned());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (tell, told) = sync_channel(1);
        let thread = std::thread::Builder::new().name(format!("lab-{}", host.name));
        let thread = thread.spawn(move || live(&host, &dir, &tell, &stopped))?;
        let (runtime, device) = told
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the host's thread ended")))?;
        let namespace = Self {
            runtime,
            stop,
            thread: Some(thread),
        };
        Ok((namespace, device))
    }

    /// Does something on the host's thread and waits for it: what it opens and starts is in the
    /// host's namespaces.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let (tell, told) = sync_channel(1);
        self.runtime.spawn(async move {
            let _ = tell.send(work.await);
        });
        told.recv()
            .map_err(|_| io::Error::other("the host has ended"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Started = io::Result<(Handle, SyncDevice)>;

fn live(host: &Host, dir: &Path, tell: &SyncSender<Started>, stop: &CancellationToken) {
    match enter(host, dir) {
        Ok((runtime, device)) => {
            let _ = tell.send(Ok((runtime.handle().clone(), device)));
            runtime.block_on(stop.cancelled());
            runtime.shutdown_background();
        }
        Err(error) => {
            let _ = tell.send(Err(error));
        }
    }
}

fn enter(host: &Host, dir: &Path) -> io::Result<(Runtime, SyncDevice)> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
    files::mount_own(host, dir)?;
    settings::write(host)?;
    let mut netlink = Netlink::open()?;
    netlink.set_up(LOOPBACK)?;
    let device = crate::tun::interface(&mut netlink, &host.addresses)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok((runtime, device))
}
