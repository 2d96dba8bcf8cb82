//! The command `tonle verify`.
use crate::output;
use crate::report::{Report, verify};
use std::path::PathBuf;
use std::process::ExitCode;
use tonle_evidence::VerifyingKey;
use tonle_evidence::hash::PublicKey;

/// Something did not hold.
const FAILED: u8 = 1;
/// The command was used wrongly: nothing could be checked, or not all of it.
const MISUSE: u8 = 2;

/// Arguments of `tonle verify`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Each line of a file is checked by itself:
  a record's envelope   its signature, the hashes of both halves, the rules of the format
  a receipt             its path and the collector's signature (needs --collector-key); also as an
                        agent keeps it in receipts.log, beside the hash of its record
  a complaint           its signature, and that all it says follows from the records behind it
Then the chains: places without a record, records that do not follow the one before, and places
that several records claim are stated as facts. They are not failures: disks fill up, and backups
are restored.

In a folder, files ending in .ndjson, .jsonl and .log are read. Files must be uncompressed and on
this machine: URLs, bundles and releases are not read yet.

Examples:
  tonle verify records.ndjson
  tonle verify --collector-key 3ccd…2c91 evidence/
  tonle verify --json records.ndjson

Exit codes: 0 everything holds, 1 something does not, 2 misuse.")]
pub struct Args {
    /// File or folder to check
    #[arg(value_name = "FILE-OR-DIRECTORY")]
    pub path: PathBuf,
    /// The collector's public key, 64 hex digits: what receipts are checked against
    #[arg(long, value_name = "HEX", value_parser = collector_key)]
    pub collector_key: Option<VerifyingKey>,
    /// Print the whole report as JSON
    #[arg(long)]
    pub json: bool,
}

fn collector_key(text: &str) -> Result<VerifyingKey, String> {
    let key: PublicKey = text
        .parse()
        .map_err(|_| "a key is 64 hex digits".to_owned())?;
    VerifyingKey::from_bytes(&key.0).map_err(|_| "these digits are no Ed25519 key".to_owned())
}

/// Checks, prints the report, and says by the exit code whether everything holds.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    match verify(&args.path, args.collector_key.as_ref()) {
        Ok(report) => conclude(args, &report),
        Err(error) => misuse(&error.to_string()),
    }
}

fn conclude(args: &Args, report: &Report) -> ExitCode {
    if report.is_empty() {
        return misuse(&format!("{} holds nothing to check", args.path.display()));
    }
    if args.json {
        output::result(&format!("{}\n", report.to_json()));
    } else {
        output::result(&report.to_text());
    }
    if !report.holds() {
        return ExitCode::from(FAILED);
    }
    if report.receipts_unchecked > 0 {
        return misuse(&format!(
            "{} receipts were not checked: give --collector-key, the collector's public key",
            report.receipts_unchecked
        ));
    }
    ExitCode::SUCCESS
}

fn misuse(text: &str) -> ExitCode {
    output::error(text);
    ExitCode::from(MISUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Front {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        let words = ["verify"].iter().chain(arguments);
        Front::try_parse_from(words).map(|front| front.args)
    }

    #[test]
    fn the_command_is_sound() {
        Front::command().debug_assert();
    }

    #[test]
    fn a_key_that_is_none_is_refused_with_what_a_key_is() {
        let error = parse(&["--collector-key", "3ccd", "file"]).unwrap_err();
        assert!(error.to_string().contains("64 hex digits"), "{error}");
        let no_point = format!("02{}", "00".repeat(31));
        let error = parse(&["--collector-key", &no_point, "file"]).unwrap_err();
        assert!(error.to_string().contains("no Ed25519 key"), "{error}");
    }

    #[test]
    fn a_missing_file_is_misuse() {
        let args = parse(&["/nowhere/at/all.ndjson"]).unwrap();
        assert_eq!(run(&args), ExitCode::from(MISUSE));
    }

    #[test]
    fn an_empty_file_is_misuse_because_nothing_was_checked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let args = parse(&[file.path().to_str().unwrap()]).unwrap();
        assert_eq!(run(&args), ExitCode::from(MISUSE));
    }

    #[test]
    fn a_line_that_proves_nothing_is_a_failure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nothing\n").unwrap();
        let args = parse(&[file.path().to_str().unwrap()]).unwrap();
        assert_eq!(run(&args), ExitCode::from(FAILED));
    }
}
