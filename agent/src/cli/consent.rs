//! `tonle agent consent`: what was agreed to, agreeing to more, taking an agreement back.
use super::ConsentArgs;
use crate::config::Config;
use crate::consent::{self, Consent, Topic};
use crate::files::DiskFiles;
use crate::identity::Enrolment;
use crate::{output, seat, targets};
use anyhow::bail;
use std::process::ExitCode;
use tonle_evidence::record::Stream;
use tonle_evidence::words::Lang;
use tonle_net::clock::wall_us;

/// Works beside a running agent, which reads the file anew before each round and each upload.
pub(super) fn run(config: &Config, args: &ConsentArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    let data_dir = &config.data_dir;
    if Enrolment::load(&DiskFiles::new(data_dir))?.is_none() {
        bail!("not joined; run `tonle agent join` with an invitation first");
    }
    for topic in Topic::ALL {
        output::note(consent::text(topic, lang).trim_end());
        output::note("");
    }
    let now_us = wall_us();
    change(data_dir, |consent| {
        if let Some(version) = &args.accept {
            consent.accept(Stream::Quality, version, now_us)?;
        }
        if let Some(version) = &args.accept_mlab {
            consent.accept(Topic::Mlab, version, now_us)?;
        }
        if args.withdraw_mlab {
            consent.withdraw(Topic::Mlab, now_us);
        }
        Ok(())
    })?;
    // Where openness has a seat of its own, the agreement lies there.
    let openness = seat::of_stream(config, Stream::Openness).data_dir;
    change(&openness, |consent| {
        if let Some(version) = &args.accept_openness {
            consent.accept(Stream::Openness, version, now_us)?;
        }
        if args.withdraw_openness {
            consent.withdraw(Stream::Openness, now_us);
            targets::delete(&openness, Stream::Openness)?;
        }
        if let Some(version) = &args.accept_localisation {
            if !consent.allows(Stream::Openness) {
                bail!(
                    "localisation presupposes openness; agree to {} with --accept-openness too",
                    consent::OPENNESS_VERSION
                );
            }
            consent.accept(Topic::Localisation, version, now_us)?;
        }
        if args.withdraw_localisation {
            consent.withdraw(Topic::Localisation, now_us);
        }
        Ok(())
    })?;
    for topic in Topic::ALL {
        let place = match topic {
            Topic::Openness | Topic::Localisation => &openness,
            Topic::Quality | Topic::Mlab => data_dir,
        };
        let said = match Consent::load(place)?.version(topic) {
            Some(version) => format!("{topic}: agreed to {version}"),
            None => format!("{topic}: not agreed to"),
        };
        output::line(&said);
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes what a data directory holds; nothing is written where nothing changed.
fn change(
    data_dir: &std::path::Path,
    how: impl FnOnce(&mut Consent) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut consent = Consent::load(data_dir)?;
    let before = consent.clone();
    how(&mut consent)?;
    if consent != before {
        consent.store(data_dir)?;
    }
    Ok(())
}
