//! Services that are programs: started with their placeholders filled in, waited for, and ended.
mod output;
mod program;

pub(super) use program::Program;

use super::{ServiceError, Starter};
use crate::scenario::model::{Certificate, ServiceKind};
use output::Tail;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// Pause between attempts to reach a program's port.
const KNOCK_PAUSE: Duration = Duration::from_millis(20);
/// Time for one attempt.
const KNOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// What a scenario says of a program.
pub(super) struct Plan<'a> {
    command: &'a [String],
    env: &'a BTreeMap<String, String>,
    ready_port: Option<u16>,
    ready_line: Option<&'a str>,
    ready_within: Duration,
}

impl<'a> Plan<'a> {
    /// None: it is a built-in service.
    pub(super) fn of(kind: &'a ServiceKind) -> Option<Self> {
        let ServiceKind::Command {
            command,
            env,
            ready_port,
            ready_line,
            ready_within_ms,
        } = kind
        else {
            return None;
        };
        Some(Self {
            command,
            env,
            ready_port: *ready_port,
            ready_line: ready_line.as_deref(),
            ready_within: Duration::from_millis(*ready_within_ms),
        })
    }
}

/// Starts a program and waits until it is ready.
pub(super) async fn start(
    starter: &Starter<'_>,
    index: usize,
    plan: &Plan<'_>,
) -> Result<Program, ServiceError> {
    let service = starter.called(index, "command");
    let places = Places::prepare(starter, index, &service)?;
    let words = plan.command.iter().map(|word| places.fill(word).into());
    let words: Vec<OsString> = starter
        .context
        .wrapper
        .iter()
        .cloned()
        .chain(words)
        .collect();
    let Some((program, arguments)) = words.split_first() else {
        return Err(failed(service, "names no program".to_owned()));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(starter.context.environment.iter().map(|(k, v)| (k, v)))
        .envs(
            plan.env
                .iter()
                .map(|(name, text)| (name, places.fill(text))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let child = command.spawn().map_err(|error| {
        let why = format!("{} could not be started: {error}", program.display());
        failed(service.clone(), why)
    })?;
    let mut program = Program::new(service, child, plan.ready_line);
    let ready = ready(plan, &starter.context.addresses, program.tails());
    let why = tokio::select! {
        () = ready => None,
        how = program.wait() => Some(format!("ended before it was ready: {how}")),
        () = sleep(plan.ready_within) => {
            Some(format!("was not ready within {} ms", plan.ready_within.as_millis()))
        }
    };
    let Some(why) = why else {
        return Ok(program);
    };
    program.stop().await;
    Err(ServiceError::Command {
        service: program.service().to_owned(),
        why,
        output: program.output(),
    })
}

fn failed(service: String, why: String) -> ServiceError {
    ServiceError::Command {
        service,
        why,
        output: String::new(),
    }
}

/// Waits for the line and for the port, where they are asked for.
async fn ready(plan: &Plan<'_>, addresses: &[IpAddr], tails: [Tail; 2]) {
    if plan.ready_line.is_some() {
        let [out, err] = &tails;
        tokio::select! {
            () = out.seen() => {}
            () = err.seen() => {}
        }
    }
    if let Some(port) = plan.ready_port {
        while !accepts(addresses, port).await {
            sleep(KNOCK_PAUSE).await;
        }
    }
}

async fn accepts(addresses: &[IpAddr], port: u16) -> bool {
    for address in addresses {
        let knock = TcpStream::connect(SocketAddr::new(*address, port));
        if matches!(timeout(KNOCK_TIMEOUT, knock).await, Ok(Ok(_))) {
            return true;
        }
    }
    false
}

/// What the placeholders of a command stand for.
struct Places {
    texts: [(&'static str, String); 6],
}

impl Places {
    /// Makes the directory and the certificate.
    fn prepare(starter: &Starter<'_>, index: usize, service: &str) -> Result<Self, ServiceError> {
        let context = starter.context;
        let folder = context.folder.join(format!("service-{index}"));
        let failed = |path: &Path| {
            let (service, path) = (service.to_owned(), path.to_owned());
            |source| ServiceError::File {
                service,
                path,
                source,
            }
        };
        std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let leaf = starter.leaf(service, &Certificate::default())?;
        let write = |ending: &str, text: String| -> Result<PathBuf, ServiceError> {
            let path = context.folder.join(format!("service-{index}.{ending}"));
            std::fs::write(&path, text).map_err(failed(&path))?;
            Ok(path)
        };
        let cert = write("cert.pem", leaf.certificate_pem())?;
        let key = write("key.pem", leaf.key_pem())?;
        let text = |path: &Path| path.display().to_string();
        let address = context.addresses.first().map(ToString::to_string);
        Ok(Self {
            texts: [
                ("{dir}", text(&folder)),
                ("{scenario}", text(&starter.scenario.folder)),
                ("{ca}", text(context.authority.bundle())),
                ("{cert}", text(&cert)),
                ("{key}", text(&key)),
                ("{address}", address.unwrap_or_default()),
            ],
        })
    }

    fn fill(&self, text: &str) -> String {
        let texts = self.texts.iter();
        texts.fold(text.to_owned(), |filled, (name, value)| {
            filled.replace(name, value)
        })
    }
}
