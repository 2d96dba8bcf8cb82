//! The second collector, which openness goes to: joining it, working for both, leaving it.
use super::joining::{agreed, over, yes};
use super::{JoinArgs, LeaveArgs, Misuse, PlaceArgs};
use crate::categories::Categories;
use crate::config::Config;
use crate::consent::{self, Consent, Consents, QUALITY_VERSION};
use crate::context::System;
use crate::device::{Device, RoundError};
use crate::profile::{Declared, Profile};
use crate::{output, seat, targets};
use anyhow::{Context as _, bail};
use std::process::ExitCode;
use tonle_evidence::enrolment::Invitation;
use tonle_evidence::record::{ProvinceKnown, Stream};
use tonle_evidence::words::Lang;
use tonle_net::clock::wall_us;

/// Joins a second collector for openness. Nothing is contacted before the person has agreed.
pub(super) async fn join(config: Config, args: &JoinArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    let invitation: Invitation = args
        .invitation
        .parse()
        .map_err(|error| Misuse(format!("{error}")))?;
    let openness = seat::second(&config);
    let first = Device::open(config)?;
    let Some(enrolment) = first.enrolment() else {
        bail!("join a collector for quality first: `tonle agent join` with its invitation");
    };
    if first.config().qos_only {
        return Err(Misuse(
            "the configuration says `qos_only`: this agent measures no openness".to_owned(),
        )
        .into());
    }
    if invitation.collector_key == enrolment.collector_key {
        return Err(Misuse(
            "this is the collector that the agent joined already; `tonle agent consent` agrees to openness there"
                .to_owned(),
        )
        .into());
    }
    if seat::has_second(first.data_dir()) {
        bail!("a second collector was joined already; `tonle agent leave --openness` ends that");
    }
    if !Consent::load(first.data_dir())?.allows(Stream::Quality) {
        return Err(RoundError::NoConsent.into());
    }
    let Some(version) = agreed(Stream::Openness, args.accept_openness.as_deref(), lang)? else {
        bail!("{}", consent::words().get(lang, "agent.join.declined"));
    };
    // Before anything changes here: an invitation is used up by joining, and the agreement is given up for it.
    first.check_openness(&invitation).await?;
    give_up_openness(&first)?;
    let second = Device::open(openness)?;
    second.begin_beside(&first)?;
    Categories::stored(first.data_dir())?.store(second.data_dir())?;
    let consents = Consents {
        quality: QUALITY_VERSION.to_owned(),
        openness: Some(version),
    };
    second
        .join(&invitation, &consents)
        .await
        .context("openness is measured for nobody now; join again, or agree to it where quality goes with `tonle agent consent`")?;
    let joined = second.enrolment().expect("join keeps the enrolment");
    if !joined.enrolled.streams.contains(&Stream::Openness) {
        second.leave()?;
        bail!(
            "this collector takes no openness records, so it was left; openness is measured for nobody now"
        );
    }
    first.keep_own_part()?;
    if let Err(error) = declare(&first, &second, &args.place) {
        output::note(&format!(
            "the place could not be taken over ({error:#}); say it with `tonle agent confirm`"
        ));
    }
    let values = [
        ("country", joined.enrolled.country.en.as_str()),
        ("key_id", &joined.enrolled.key_id),
    ];
    output::line(&consent::words().fill(lang, "agent.join.joined_openness", &values));
    Ok(ExitCode::SUCCESS)
}

/// The agreement to openness was about the first collector: kept, it would send openness there again some day.
fn give_up_openness(first: &Device) -> anyhow::Result<()> {
    let mut consent = Consent::load(first.data_dir())?;
    if consent.withdraw(Stream::Openness, wall_us()) {
        consent.store(first.data_dir())?;
    }
    targets::delete(first.data_dir(), Stream::Openness)?;
    Ok(())
}

/// What the volunteer said of place and line holds for the second seat, too; a province that is not confirmed on
/// the present network is not confirmed by this.
fn declare(first: &Device, second: &Device, place: &PlaceArgs) -> anyhow::Result<()> {
    let Some(profile) = Profile::load(first.data_dir())? else {
        return Ok(());
    };
    let enrolment = first.enrolment().ok_or(RoundError::NotJoined)?;
    let network = System::default().look(&profile.salt).network;
    let declared = profile.declared.clone().with(first.config());
    let here = profile.province(&declared, network, &enrolment.enrolled.country);
    let is_confirmed = here.known == ProvinceKnown::SelfDeclared;
    let declared = Declared {
        province: declared.province.filter(|_| is_confirmed),
        ..declared
    };
    Ok(second.declare(over(place, declared))?)
}

/// Leaves the second collector: its key and all that was for it.
pub(super) fn leave(config: &Config, args: &LeaveArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    if !seat::has_second(&config.data_dir) {
        bail!("no second collector was joined; `tonle agent status` shows what was");
    }
    // Held while the second seat goes: a running agent has it.
    let first = Device::open(config.clone())?;
    let second = Device::open(seat::second(config))?;
    if !args.yes {
        if !output::can_ask() {
            return Err(
                Misuse("nobody can be asked here; pass --yes to leave for good".into()).into(),
            );
        }
        if !yes(&consent::words().get(lang, "agent.leave.ask"))? {
            return Ok(ExitCode::FAILURE);
        }
    }
    first.take_back_from(&second)?;
    second.leave()?;
    drop(first);
    output::line(&consent::words().get(lang, "agent.leave.done_openness"));
    Ok(ExitCode::SUCCESS)
}
