//! The conversation of `join`: texts, questions, and the place.
use super::{JoinArgs, Misuse, PlaceArgs};
use crate::consent::{self, Consents, OPENNESS_VERSION, QUALITY_VERSION};
use crate::device::Device;
use crate::output;
use crate::profile::Declared;
use anyhow::bail;
use std::process::ExitCode;
use tonle_evidence::country::Country;
use tonle_evidence::enrolment::Invitation;
use tonle_evidence::record::Stream;
use tonle_evidence::words::Lang;

/// Joins: nothing is contacted before the person has agreed.
pub(super) async fn join(device: &Device, args: &JoinArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    let invitation: Invitation = args
        .invitation
        .parse()
        .map_err(|error| Misuse(format!("{error}")))?;
    let Some(consents) = consents(args, lang)? else {
        bail!("{}", consent::words().get(lang, "agent.join.declined"));
    };
    if let Some(province) = &args.place.province {
        device.check_province(&invitation, province).await?;
    }
    device.join(&invitation, &consents).await?;
    let enrolment = device.enrolment().expect("join keeps the enrolment");
    let country = &enrolment.enrolled.country;
    let mut place = args.place.clone();
    let tagged = device
        .config()
        .province
        .clone()
        .or(enrolment.enrolled.province.clone());
    if place.province.is_none() && tagged.is_none() && output::can_ask() {
        place.province = ask_province(country, lang)?;
    }
    let has_province = place.province.is_some() || tagged.is_some();
    device.declare(declared(&place, device, tagged))?;
    if !has_province {
        output::note(
            "no province was chosen: measurements count in none until you run `tonle agent confirm --province CODE`",
        );
    }
    let values = [
        ("country", country.en.as_str()),
        ("key_id", &enrolment.enrolled.key_id),
    ];
    output::line(&consent::words().fill(lang, "agent.join.joined", &values));
    Ok(ExitCode::SUCCESS)
}

/// What was said on the command line over what the configuration says.
pub(super) fn declared(place: &PlaceArgs, device: &Device, tagged: Option<String>) -> Declared {
    over(
        place,
        Declared {
            province: tagged,
            ..Declared::default()
        }
        .with(device.config()),
    )
}

/// What was said on the command line over `before`.
pub(super) fn over(place: &PlaceArgs, before: Declared) -> Declared {
    let place = place.clone();
    Declared {
        province: place.province.or(before.province),
        place: place.place.or(before.place),
        operator: place.operator.or(before.operator),
        technology: place.technology.or(before.technology),
        plan_download_bps: place.plan_download_bps.or(before.plan_download_bps),
        plan_upload_bps: place.plan_upload_bps.or(before.plan_upload_bps),
        quota: place.quota.or(before.quota),
        metered: place.metered.or(before.metered),
    }
}

/// Prints the texts and takes the answers; `None` when the person does not agree.
fn consents(args: &JoinArgs, lang: Lang) -> anyhow::Result<Option<Consents>> {
    let Some(quality) = agreed(Stream::Quality, args.accept.as_deref(), lang)? else {
        return Ok(None);
    };
    let openness = if args.qos_only || (args.accept.is_some() && args.accept_openness.is_none()) {
        None
    } else {
        agreed(Stream::Openness, args.accept_openness.as_deref(), lang)?
    };
    Ok(Some(Consents { quality, openness }))
}

/// The accepted version of one text, from the command line or from the person.
pub(super) fn agreed(
    stream: Stream,
    accepted: Option<&str>,
    lang: Lang,
) -> anyhow::Result<Option<String>> {
    output::note(consent::text(stream, lang).trim_end());
    output::note("");
    if let Some(version) = accepted {
        return Ok(Some(version.to_owned()));
    }
    if !output::can_ask() {
        let remedy = match stream {
            Stream::Quality => format!(
                "--accept {QUALITY_VERSION} (and --accept-openness {OPENNESS_VERSION} or --qos-only)"
            ),
            Stream::Openness => format!("--accept-openness {OPENNESS_VERSION}"),
        };
        return Err(Misuse(format!(
            "nobody can be asked here; read the text and pass {remedy}"
        ))
        .into());
    }
    let question = consent::words().get(lang, &format!("agent.join.ask_{stream}"));
    let version = consent::current_version(stream).to_owned();
    Ok(yes(&question)?.then_some(version))
}

/// Asks until the answer is yes or no; the end of input is a no.
pub fn yes(question: &str) -> anyhow::Result<bool> {
    loop {
        match output::ask(question)?
            .map(|answer| answer.to_lowercase())
            .as_deref()
        {
            Some("yes") => return Ok(true),
            Some("no") | None => return Ok(false),
            Some(_) => {}
        }
    }
}

/// Asks for a province by number or code; an empty answer chooses none.
fn ask_province(country: &Country, lang: Lang) -> anyhow::Result<Option<String>> {
    for (index, province) in country.provinces.iter().enumerate() {
        output::note(&format!(
            "{:>3}  {:<6} {} / {}",
            index + 1,
            province.code,
            province.en,
            province.km
        ));
    }
    let question = consent::words().get(lang, "agent.join.ask_province");
    loop {
        let Some(answer) = output::ask(&question)?.filter(|answer| !answer.is_empty()) else {
            return Ok(None);
        };
        if let Some(code) = chosen(country, &answer) {
            return Ok(Some(code));
        }
    }
}

/// The province of an answer: its number in the list, or its code.
fn chosen(country: &Country, answer: &str) -> Option<String> {
    let by_number = answer
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    let by_number = by_number.and_then(|index| country.provinces.get(index));
    let province = by_number.or_else(|| country.province(&answer.to_uppercase()));
    province.map(|province| province.code.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::country::ProvinceInfo;

    #[test]
    fn a_province_is_chosen_by_number_or_code() {
        let province = |code: &str| ProvinceInfo {
            code: code.into(),
            en: "Somewhere".into(),
            km: "Somewhere".into(),
            population: 1,
            centre: None,
        };
        let country = Country {
            code: "XX".into(),
            en: "Testland".into(),
            km: "Testland".into(),
            utc_offset_s: 0,
            peak: None,
            provinces: vec![province("XX-3"), province("XX-7")],
            operators: Vec::new(),
        };
        assert_eq!(chosen(&country, "2").as_deref(), Some("XX-7"));
        assert_eq!(chosen(&country, "xx-3").as_deref(), Some("XX-3"));
        assert_eq!(chosen(&country, "0"), None);
        assert_eq!(chosen(&country, "3"), None);
    }
}
