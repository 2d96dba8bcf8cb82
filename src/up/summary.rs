//! What `up` says of a round beyond the round itself: where the pages are, who took part.
use crate::cli::UpOptions;
use serde::Serialize;
use tonle_agent::consent;
use tonle_agent::device::Device;
use tonle_agent::output;
use tonle_agent::summary::Summary;
use tonle_collector::service::Service;

/// The result of a round of `up`.
#[derive(Serialize)]
pub(super) struct Report {
    page: String,
    device_page: String,
    metrics: String,
    collector_key: String,
    key_id: String,
    duration_ms: i64,
    #[serde(flatten)]
    round: Summary,
}

impl Report {
    pub(super) fn new(device: &Device, service: &Service, round: Summary, elapsed_us: i64) -> Self {
        let base = service.public_url().as_str();
        let enrolment = device.enrolment();
        let enrolled = enrolment.as_ref().map(|enrolment| &enrolment.enrolled);
        Self {
            page: base.to_owned(),
            device_page: enrolled
                .map(|enrolled| format!("{base}device/{}", enrolled.device_link))
                .unwrap_or_default(),
            metrics: format!("http://{}/metrics", service.metrics_addr),
            collector_key: service.admin.public_key().to_string(),
            key_id: enrolled
                .map(|enrolled| enrolled.key_id.clone())
                .unwrap_or_default(),
            duration_ms: elapsed_us / 1000,
            round,
        }
    }

    pub(super) fn print(&self, options: &UpOptions) {
        if options.json {
            return output::json(self);
        }
        self.round
            .table()
            .iter()
            .for_each(|line| output::line(line));
        self.words(options)
            .iter()
            .for_each(|line| output::line(line));
    }

    fn words(&self, options: &UpOptions) -> Vec<String> {
        let records = self.round.records.len().to_string();
        let processed = self.round.processed().to_string();
        let kilobytes = self.round.bytes_used.div_ceil(1000).to_string();
        let values = [
            ("records", records.as_str()),
            ("processed", &processed),
            ("kilobytes", &kilobytes),
            ("page", &self.page),
            ("device_page", &self.device_page),
        ];
        let no_answer = (!self.round.answered).then_some("up.no_answer");
        let keys = ["up.round"]
            .into_iter()
            .chain(no_answer)
            .chain(["up.pages"]);
        keys.map(|key| consent::words().fill(options.lang, key, &values))
            .collect()
    }
}
