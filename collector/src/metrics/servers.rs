//! What the measurement servers counted, read anew for each answer.
use super::register;
use crate::servers::{
    ArchiveCounters, ControlCounters, EchoCounters, FilesCounters, FrontCounters,
    ResponsivenessCounters, ServersCounters, StampCounters, TestCounters,
};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use std::sync::atomic::{AtomicU64, Ordering};

metrics! {
    /// Counters of every measurement server.
    pub(super) struct ServersMetrics, prefix "tonle_collector_"
    {
        /// Connections and requests that came to no protocol, by reason: full, broken or path.
        front_refused_total: IntCounterVec ["reason"],
        /// Echoes asked for, by result: given or refused.
        echoes_total: IntCounterVec ["result"],
        /// Plain files asked for, by result: begun, request (none such), overload or source.
        files_total: IntCounterVec ["result"],
        /// ndt7 subtests begun, by direction.
        ndt7_tests_total: IntCounterVec ["direction"],
        /// ndt7 subtests ended, by how: closed, or broken off as stock uploads are.
        ndt7_ends_total: IntCounterVec ["how"],
        /// ndt7 requests refused, by reason: request, token, overload or source.
        ndt7_refused_total: IntCounterVec ["reason"],
        /// Payload bytes of ndt7 load, by direction.
        ndt7_load_bytes_total: IntCounterVec ["direction"],
        /// ndt7 subtests archived, by result: kept or failed.
        ndt7_archived_total: IntCounterVec ["result"],
        /// ndt7 subtests running now.
        ndt7_running_tests: IntGauge,
        /// Objects of responsiveness begun, by kind: configuration, small, download or upload.
        responsiveness_objects_total: IntCounterVec ["kind"],
        /// Requests of responsiveness refused, by reason: request, token, overload or source.
        responsiveness_refused_total: IntCounterVec ["reason"],
        /// Bytes of load of responsiveness, by direction.
        responsiveness_load_bytes_total: IntCounterVec ["direction"],
        /// Loads of responsiveness running now.
        responsiveness_running_loads: IntGauge,
        /// throughput1 streams begun, by direction.
        throughput1_streams_total: IntCounterVec ["direction"],
        /// throughput1 streams ended, by how: closed, or broken off.
        throughput1_ends_total: IntCounterVec ["how"],
        /// throughput1 requests refused, by reason: request, token, overload or source.
        throughput1_refused_total: IntCounterVec ["reason"],
        /// Payload bytes of throughput1 load, by direction.
        throughput1_load_bytes_total: IntCounterVec ["direction"],
        /// throughput1 streams running now.
        throughput1_running_streams: IntGauge,
        /// STAMP sessions asked for, by answer: granted, request, token, overload or source.
        stamp_sessions_total: IntCounterVec ["answer"],
        /// STAMP packets received, by fate: reflected, length, session, hmac, excess or unsent.
        stamp_packets_total: IntCounterVec ["fate"],
        /// Requests to the control server, by result: answered (agent: enrolled ones), greeted, or why refused.
        control_requests_total: IntCounterVec ["result"],
        /// What the control server did for them, by kind: endpoint or page; forbidden: left undone.
        control_contacts_total: IntCounterVec ["kind"],
        /// Requests that the control server answers now.
        control_running_requests: IntGauge,
    }
}

impl ServersMetrics {
    /// Everything as it is counted now.
    pub(super) fn of(counters: &ServersCounters) -> Self {
        let metrics = Self::new();
        metrics.read_front(&counters.front);
        metrics.read_echo(&counters.echo);
        metrics.read_files(&counters.files);
        metrics.read_archive(&counters.ndt7_archive);
        let ndt7 = OfTests {
            begun: &metrics.ndt7_tests_total,
            ends: &metrics.ndt7_ends_total,
            refused: &metrics.ndt7_refused_total,
            load_bytes: &metrics.ndt7_load_bytes_total,
            running: &metrics.ndt7_running_tests,
        };
        ndt7.read(&counters.ndt7);
        let throughput1 = OfTests {
            begun: &metrics.throughput1_streams_total,
            ends: &metrics.throughput1_ends_total,
            refused: &metrics.throughput1_refused_total,
            load_bytes: &metrics.throughput1_load_bytes_total,
            running: &metrics.throughput1_running_streams,
        };
        throughput1.read(&counters.throughput1);
        metrics.read_responsiveness(&counters.responsiveness);
        metrics.read_stamp(&counters.stamp);
        metrics.read_control(&counters.control);
        metrics
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn read_front(&self, counters: &FrontCounters) {
        let refused = &self.front_refused_total;
        read(refused, "full", &counters.refused_connections);
        read(refused, "broken", &counters.broken_requests);
        read(refused, "path", &counters.unknown_paths);
    }

    fn read_echo(&self, counters: &EchoCounters) {
        read(&self.echoes_total, "given", &counters.given);
        read(&self.echoes_total, "refused", &counters.refused);
    }

    fn read_archive(&self, counters: &ArchiveCounters) {
        let archived = &self.ndt7_archived_total;
        read(archived, "kept", &counters.kept);
        read(archived, "failed", &counters.failures);
    }

    fn read_files(&self, counters: &FilesCounters) {
        let files = &self.files_total;
        read(files, "begun", &counters.begun);
        read(files, "request", &counters.refused_requests);
        read(files, "overload", &counters.refused_overload);
        read(files, "source", &counters.refused_source);
    }

    fn read_responsiveness(&self, counters: &ResponsivenessCounters) {
        let objects = &self.responsiveness_objects_total;
        read(objects, "configuration", &counters.configurations);
        read(objects, "small", &counters.small_objects);
        read(objects, "download", &counters.downloads_started);
        read(objects, "upload", &counters.uploads_started);
        let refused = &self.responsiveness_refused_total;
        read(refused, "request", &counters.refused_requests);
        read(refused, "token", &counters.refused_token);
        read(refused, "overload", &counters.refused_overload);
        read(refused, "source", &counters.refused_source);
        let load = &self.responsiveness_load_bytes_total;
        read(load, "download", &counters.sent_bytes);
        read(load, "upload", &counters.received_bytes);
        let running = counters.in_progress.load(Ordering::Relaxed);
        self.responsiveness_running_loads.set(running);
    }

    fn read_stamp(&self, counters: &StampCounters) {
        let sessions = &self.stamp_sessions_total;
        read(sessions, "granted", &counters.granted);
        read(sessions, "request", &counters.refused_requests);
        read(sessions, "token", &counters.refused_token);
        read(sessions, "overload", &counters.refused_overload);
        read(sessions, "source", &counters.refused_source);
        let packets = &self.stamp_packets_total;
        read(packets, "reflected", &counters.reflected);
        read(packets, "length", &counters.dropped_length);
        read(packets, "session", &counters.dropped_session);
        read(packets, "hmac", &counters.dropped_hmac);
        read(packets, "excess", &counters.dropped_excess);
        read(packets, "unsent", &counters.unsent);
    }

    fn read_control(&self, counters: &ControlCounters) {
        let requests = &self.control_requests_total;
        read(requests, "answered", &counters.answered);
        read(requests, "agent", &counters.answered_agents);
        read(requests, "greeted", &counters.greeted);
        read(requests, "request", &counters.refused_requests);
        read(requests, "token", &counters.refused_token);
        read(requests, "overload", &counters.refused_overload);
        read(requests, "source", &counters.refused_source);
        read(requests, "destination", &counters.refused_destination);
        let contacts = &self.control_contacts_total;
        read(contacts, "endpoint", &counters.endpoints);
        read(contacts, "page", &counters.pages);
        read(contacts, "forbidden", &counters.forbidden);
        let running = counters.in_progress.load(Ordering::Relaxed);
        self.control_running_requests.set(running);
    }
}

/// The metrics of one protocol's tests.
struct OfTests<'a> {
    begun: &'a IntCounterVec,
    ends: &'a IntCounterVec,
    refused: &'a IntCounterVec,
    load_bytes: &'a IntCounterVec,
    running: &'a IntGauge,
}

impl OfTests<'_> {
    fn read(&self, counters: &TestCounters) {
        read(self.begun, "download", &counters.downloads_started);
        read(self.begun, "upload", &counters.uploads_started);
        read(self.ends, "closed", &counters.closed);
        read(self.ends, "broken_off", &counters.broken_off);
        read(self.refused, "request", &counters.refused_requests);
        read(self.refused, "token", &counters.refused_token);
        read(self.refused, "overload", &counters.refused_overload);
        read(self.refused, "source", &counters.refused_source);
        read(self.load_bytes, "download", &counters.sent_bytes);
        read(self.load_bytes, "upload", &counters.received_bytes);
        self.running
            .set(counters.in_progress.load(Ordering::Relaxed));
    }
}

fn read(family: &IntCounterVec, label: &str, counter: &AtomicU64) {
    let total = counter.load(Ordering::Relaxed);
    family.with_label_values(&[label]).inc_by(total);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_counted_is_shown_under_its_label() {
        let counters = ServersCounters::default();
        counters.ndt7.uploads_started.store(3, Ordering::Relaxed);
        counters.front.unknown_paths.store(2, Ordering::Relaxed);
        let metrics = ServersMetrics::of(&counters);
        let tests = &metrics.ndt7_tests_total;
        assert_eq!(tests.with_label_values(&["upload"]).get(), 3);
        assert_eq!(tests.with_label_values(&["download"]).get(), 0);
        let refused = &metrics.front_refused_total;
        assert_eq!(refused.with_label_values(&["path"]).get(), 2);
    }
}
