//! What the service says of the month that runs, made from statements: a gauge never says more than
//! a page.
use super::register;
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts, Registry};
use tonle_evidence::statement::{State, Statement};

metrics! {
    /// What the service says of the month that runs: headline metrics only, nothing for states
    /// without counts.
    pub(super) struct ServiceGauges, prefix "tonle_"
    {
        /// 1 for the state of a statement, insufficient or estimate; the others have no gauge.
        statement_state: IntGaugeVec ["metric" "province" "access" "state"],
        /// Independent agents behind a statement, among volunteers measured.
        statement_agents: IntGaugeVec ["metric" "province" "access"],
        /// Median over independent agents, in the metric's unit, among volunteers measured.
        estimate_median: IntGaugeVec ["metric" "unit" "province" "access"],
        /// Lower end of the interval of the median, in the metric's unit.
        estimate_low: IntGaugeVec ["metric" "unit" "province" "access"],
        /// Upper end of the interval of the median, in the metric's unit.
        estimate_high: IntGaugeVec ["metric" "unit" "province" "access"],
    }
}

impl ServiceGauges {
    /// Gauges of these statements.
    pub(super) fn of(statements: &[Statement]) -> Self {
        let gauges = Self::new();
        for statement in statements {
            gauges.say(statement);
        }
        gauges
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn say(&self, statement: &Statement) {
        let (figure, counts) = match &statement.state {
            State::NoData | State::Suppressed => return,
            State::Insufficient { counts } => (None, counts),
            State::Estimate { figure, counts } => (Some(figure), counts),
        };
        let metric = statement.metric.as_str();
        let province = statement.province.as_str();
        let access = statement.access.as_str();
        let state = statement.state.as_str();
        self.statement_state
            .with_label_values(&[metric, province, access, state])
            .set(1);
        self.statement_agents
            .with_label_values(&[metric, province, access])
            .set(i64::try_from(counts.agents).unwrap_or(i64::MAX));
        let Some(figure) = figure else { return };
        let labels = [metric, statement.unit.as_str(), province, access];
        self.estimate_median
            .with_label_values(&labels)
            .set(figure.median);
        self.estimate_low.with_label_values(&labels).set(figure.low);
        self.estimate_high
            .with_label_values(&labels)
            .set(figure.high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::TextEncoder;
    use tonle_evidence::statement::{Access, CAPTION, Counts, Figure, Window};

    fn text_of(state: State) -> String {
        let statement = Statement {
            metric: "latency.rtt_median_us/icmp/domestic".into(),
            unit: "us".into(),
            province: "KH-12".into(),
            access: Access::Fixed,
            period: "2026-11".parse().unwrap(),
            window: Window::Peak,
            state,
            pooled: None,
            left_out: Vec::new(),
            caption: CAPTION.into(),
        };
        let gauges = ServiceGauges::of(&[statement]);
        TextEncoder::new()
            .encode_to_string(&gauges.gather())
            .unwrap()
    }

    #[test]
    fn a_gauge_says_no_more_than_a_page() {
        assert_eq!(text_of(State::NoData), "");
        assert_eq!(text_of(State::Suppressed), "");
        let counts = Counts {
            agents: 5,
            agent_days: 9,
            records: 30,
        };
        let insufficient = text_of(State::Insufficient { counts });
        assert!(insufficient.contains("tonle_statement_agents{"));
        assert!(!insufficient.contains("tonle_estimate_"));
        let figure = Figure {
            median: 21_000,
            low: 20_000,
            high: 22_000,
            coverage_ppm: 968_750,
        };
        let estimate = text_of(State::Estimate { figure, counts });
        let median = "tonle_estimate_median{access=\"fixed\",\
                      metric=\"latency.rtt_median_us/icmp/domestic\",province=\"KH-12\",unit=\"us\"} 21000";
        assert!(estimate.contains(median), "{estimate}");
    }
}
