//! The page of one device, for its volunteer only: what its newest records say.
use crate::frame::Frame;
use crate::labels::label;
use crate::language::Visit;
use crate::text::Text;
use crate::units;
use askama::Template;
use std::collections::BTreeMap;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::entry::Mark;
use tonle_evidence::failure::Failure;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::record::{LimitedBy, Public, Sample};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Device<'a> {
    /// How the page is read.
    pub visit: &'a Visit,
    /// The country.
    pub country: &'a Country,
    /// The declared metrics.
    pub catalogue: &'a Catalogue,
    /// The secret part of the page's own address.
    pub link: &'a str,
    /// The device's key is no longer accepted.
    pub revoked: bool,
    /// Records of the device that are processed.
    pub processed: u64,
    /// Some newest records, maybe this device's, are not processed yet.
    pub catching_up: bool,
    /// The newest processed records, the newest first.
    pub records: &'a [DeviceRecord],
}

/// One record with what the collector knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Start, wall clock, microseconds since 1970 UTC.
    pub started_at_us: i64,
    /// The public half.
    pub public: Public,
    /// Why it enters no figure, in the collector's word for it.
    pub not_counted: Option<String>,
    /// What the checks at intake found.
    pub marks: Vec<Mark>,
}

#[derive(Template)]
#[template(path = "device.html")]
struct Page {
    frame: Frame,
    revoked: bool,
    processed: String,
    catching_up: bool,
    bytes: String,
    province: Option<String>,
    shown: String,
    rows: Vec<Row>,
}

struct Row {
    time: String,
    time_iso: String,
    experiment: String,
    target: String,
    outcome: String,
    values: Vec<(String, String)>,
    failures: Vec<FailureRow>,
    bytes: String,
    counted: String,
    notes: Vec<String>,
}

struct FailureRow {
    name: String,
    meaning: String,
    times: Option<String>,
}

/// The page as HTML.
#[must_use]
pub fn render(view: &Device<'_>) -> String {
    let path = format!("/device/{}", crate::address::segment(view.link));
    let text = Text::new(view.visit.lang);
    let frame = Frame::new(view.visit, &path, &[], text.get("page.device_title")).private();
    let bytes = view.records.iter().fold(0_i64, |sum, record| {
        sum.saturating_add(record.public.context.bytes_used)
    });
    let shown = units::count(view.records.len() as u64);
    let province = view.records.first().map(|record| {
        let code = &record.public.province.code;
        let info = view.country.province(code);
        info.map_or(code.as_str(), |info| text.pick(&info.en, &info.km))
            .to_owned()
    });
    let page = Page {
        revoked: view.revoked,
        processed: units::count(view.processed),
        catching_up: view.catching_up,
        bytes: units::quantity("bytes", bytes),
        province,
        shown: text.fill("page.device_shown", &[("n", &shown)]),
        rows: view
            .records
            .iter()
            .map(|record| row(record, view, text))
            .collect(),
        frame,
    };
    page.render().expect("writing to a String cannot fail")
}

fn row(record: &DeviceRecord, view: &Device<'_>, text: Text) -> Row {
    let public = &record.public;
    let (time, time_iso) = local_time(record.started_at_us, view.country.utc_offset_s, text);
    let counted = match record.not_counted {
        None => "page.counted",
        Some(_) => "page.not_counted",
    };
    let value = |sample: &Sample| {
        let name = label(view.catalogue, &sample.metric, text).full();
        (name, units::quantity(&sample.unit, sample.value))
    };
    Row {
        time,
        time_iso,
        experiment: text.known("experiment", &public.method.id),
        target: public.target.value.clone(),
        outcome: text.known("outcome", public.outcome.as_str()),
        values: public.samples.iter().map(value).collect(),
        failures: failures(public, text),
        bytes: units::quantity("bytes", public.context.bytes_used),
        counted: text.get(counted),
        notes: notes(record, text),
    }
}

/// The failures of a record by their names, each once with how often it happened.
fn failures(public: &Public, text: Text) -> Vec<FailureRow> {
    let mut counts: BTreeMap<&Failure, u64> = BTreeMap::new();
    let seen = public
        .observations
        .iter()
        .filter_map(|step| step.failure.as_ref());
    for failure in seen {
        *counts.entry(failure).or_default() += 1;
    }
    let row = |(failure, count): (&Failure, u64)| FailureRow {
        name: failure.name().to_owned(),
        meaning: text.failure(failure),
        times: (count > 1).then(|| text.fill("page.times", &[("n", &units::count(count))])),
    };
    counts.into_iter().map(row).collect()
}

/// What keeps a record, or a part of it, out of the published figures; and what was odd about it.
fn notes(record: &DeviceRecord, text: Text) -> Vec<String> {
    let reason = record.not_counted.as_deref();
    let marks = record.marks.iter().map(|mark| mark.as_str());
    let words = reason
        .into_iter()
        .chain(marks.filter(|mark| Some(*mark) != reason));
    let mut notes: Vec<String> = words.map(|word| text.known("note", word)).collect();
    let limit = record.public.context.limited_by;
    let is_known = |limit: &LimitedBy| !matches!(limit, LimitedBy::Line | LimitedBy::Unknown);
    if let Some(limit) = limit.filter(is_known) {
        let what = text.known("limit", limit.as_str());
        notes.push(text.fill("page.limited_by", &[("what", &what)]));
    }
    notes
}

/// An instant on the country's clock: for people and for machines.
fn local_time(at_us: i64, utc_offset_s: i32, text: Text) -> (String, String) {
    let hour = LocalHour::at(at_us, utc_offset_s);
    let local_s = at_us
        .div_euclid(1_000_000)
        .saturating_add(i64::from(utc_offset_s));
    let second_of_hour = local_s.rem_euclid(3600);
    let clock = format!(
        "{:02}:{:02}:{:02}",
        hour.hour,
        second_of_hour / 60,
        second_of_hour % 60
    );
    let month = text.month(hour.day.month());
    let offset_min = utc_offset_s / 60;
    let sign = if offset_min < 0 { '-' } else { '+' };
    let offset = offset_min.unsigned_abs();
    let iso = format!(
        "{}T{clock}{sign}{:02}:{:02}",
        hour.day,
        offset / 60,
        offset % 60
    );
    (format!("{} {month}, {clock}", hour.day.day), iso)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::words::Lang;

    #[test]
    fn times_are_local_and_say_so_to_machines() {
        let (shown, iso) = local_time(1_700_067_599_000_000, 7 * 3600, Text::new(Lang::En));
        assert_eq!(shown, "15 November 2023, 23:59:59");
        assert_eq!(iso, "2023-11-15T23:59:59+07:00");
    }
}
