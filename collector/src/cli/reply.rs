//! `reply` and `sign-reply`: what an operator or authority says of an incident.
use crate::config::Config;
use crate::incidents::{FILE_NAME, IncidentLog, reply};
use crate::output;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use tonle_evidence::SigningKey;
use tonle_net::clock::wall_us;

/// Longest text that is read, bytes.
const FILE_MAX_BYTES: u64 = reply::DOCUMENT_MAX_BYTES as u64;

#[derive(Debug, Args)]
pub(super) struct ReplyArgs {
    /// The incident's id, as /api/v1/incidents gives it
    incident: String,
    /// The signed reply, as sign-reply makes it
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Who signed it: the name or key of one who may reply by the configuration
    #[arg(long, value_name = "KEY")]
    key: String,
}

#[derive(Debug, Args)]
pub(super) struct SignReplyArgs {
    /// The incident's id, as /api/v1/incidents gives it
    incident: String,
    /// What is to be said, as plain text
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// File with the Ed25519 secret key: 32 bytes in hex
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Attaches a signed reply. The service may run.
pub(super) fn attach(config: &Config, args: &ReplyArgs) -> anyhow::Result<()> {
    super::check_data(config, FILE_NAME)?;
    let document = read(&args.file)?;
    let may_reply = &config.incidents.may_reply;
    let now_us = wall_us();
    let checked = reply::check(may_reply, &args.key, &args.incident, &document, now_us)?;
    let log = IncidentLog::open(&config.data_dir)?;
    log.attach(&args.incident, &checked)?;
    output::line(format_args!(
        "the reply of {} is attached to incident {}",
        checked.name, args.incident
    ));
    Ok(())
}

/// Signs a reply and prints it.
pub(super) fn sign(args: &SignReplyArgs) -> anyhow::Result<()> {
    let secret = read(&args.key)?;
    let wrong = || {
        let path = args.key.display();
        anyhow!("{path} holds no Ed25519 secret key: 32 bytes in hex")
    };
    let bytes = hex::decode(secret.trim()).map_err(|_| wrong())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
    let text = read(&args.file)?;
    let key = SigningKey::from_bytes(&bytes);
    output::line(reply::sign(&key, &args.incident, text.trim())?);
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let about = || format!("cannot read {}", path.display());
    let size = std::fs::metadata(path).with_context(about)?.len();
    ensure!(
        size <= FILE_MAX_BYTES,
        "{} is longer than {FILE_MAX_BYTES} bytes",
        path.display()
    );
    std::fs::read_to_string(path).with_context(about)
}
