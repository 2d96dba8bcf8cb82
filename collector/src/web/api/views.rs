//! What the API answers with. Each view writes exactly the JSON of the evidence type that it shows,
//! which a test checks, and adds the description that `OpenAPI` needs.
use super::list::{Row, joined, text};
use super::wider::WiderView;
use serde::Serialize;
use tonle_evidence::catalogue::{Better, Metric};
use tonle_evidence::country::{Country, Operator, PeakHours, ProvinceInfo};
use tonle_evidence::document::SignedDocument;
use tonle_evidence::statement::{Counts, Figure, LeftOut, State, Statement};
use tonle_evidence::targets::ListSource;
use utoipa::ToSchema;

/// How many stood behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountsView {
    /// Independent agents.
    agents: u64,
    /// Days on which an agent gave at least one value, summed over agents.
    agent_days: u64,
    /// Records behind them.
    records: u64,
}

/// An estimate with its interval, in the metric's unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FigureView {
    /// Median over independent agents.
    median: i64,
    /// Lower end of the interval.
    low: i64,
    /// Upper end of the interval.
    high: i64,
    /// Probability with which the interval covers the median, parts per million.
    coverage_ppm: u32,
}

/// Samples that enter no figure, for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOutView {
    /// `not_limited_by_line`, `limit_not_known`, `busy_line`, `out_of_range` or `wrong_unit`.
    reason: String,
    /// How many samples.
    samples: u64,
}

impl From<LeftOut> for LeftOutView {
    fn from(left_out: LeftOut) -> Self {
        Self {
            reason: left_out.reason,
            samples: left_out.samples,
        }
    }
}

/// What is said of one metric in one province over one month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementView {
    /// Full metric id.
    #[schema(example = "latency.rtt_median_us/icmp/domestic")]
    metric: String,
    /// Unit of every value.
    #[schema(example = "us")]
    unit: String,
    /// ISO 3166-2 code.
    #[schema(example = "KH-12")]
    province: String,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Hours of the day: `all`, `peak`, `off_peak`, or one of them (`hour_00` to `hour_23`).
    window: &'static str,
    /// `no_data`, `suppressed`, `insufficient` or `estimate`.
    state: &'static str,
    /// In the state `estimate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<FigureView>,
    /// In the states `insufficient` and `estimate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
    /// Where this is no estimate: the finest stratum around the province that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pooled: Option<WiderView>,
    /// Samples that were measured and enter no figure, over the whole day, by reason; where counts
    /// are shown only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOutView>,
    /// Caption of every figure.
    caption: String,
}

impl From<Statement> for StatementView {
    fn from(statement: Statement) -> Self {
        let (figure, counts) = match statement.state {
            State::NoData | State::Suppressed => (None, None),
            State::Insufficient { counts } => (None, Some(counts)),
            State::Estimate { figure, counts } => (Some(figure), Some(counts)),
        };
        Self {
            metric: statement.metric,
            unit: statement.unit,
            province: statement.province,
            access: statement.access.as_str(),
            period: statement.period.to_string(),
            window: statement.window.as_str(),
            state: statement.state.as_str(),
            figure: figure.map(FigureView::from),
            counts: counts.map(CountsView::from),
            pooled: statement.pooled.map(WiderView::from),
            left_out: statement
                .left_out
                .into_iter()
                .map(LeftOutView::from)
                .collect(),
            caption: statement.caption,
        }
    }
}

impl Row for StatementView {
    const COLUMNS: &'static [&'static str] = &joined::<32>(&[
        &[
            "metric", "unit", "province", "access", "period", "window", "state",
        ],
        FigureView::COLUMNS,
        CountsView::COLUMNS,
        WiderView::POOLED_COLUMNS,
        &["left_out", "caption"],
    ]);

    fn key(&self) -> String {
        format!("{} {} {}", self.metric, self.province, self.access)
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = vec![
            self.metric.clone(),
            self.unit.clone(),
            self.province.clone(),
            self.access.to_owned(),
            self.period.clone(),
            self.window.to_owned(),
            self.state.to_owned(),
        ];
        fields.extend(FigureView::fields(self.figure.as_ref()));
        fields.extend(CountsView::fields(self.counts.as_ref()));
        fields.extend(WiderView::fields(self.pooled.as_ref()));
        let left_out = self.left_out.iter();
        let left_out = left_out.map(|one| format!("{} {}", one.reason, one.samples));
        fields.push(left_out.collect::<Vec<_>>().join("; "));
        fields.push(self.caption.clone());
        fields
    }
}

impl FigureView {
    /// Names of [`FigureView::fields`].
    pub(super) const COLUMNS: &'static [&'static str] = &["median", "low", "high", "coverage_ppm"];

    /// Median, both ends and coverage; empty where there is none.
    pub(super) fn fields(figure: Option<&Self>) -> [String; 4] {
        [
            text(figure.map(|one| one.median)),
            text(figure.map(|one| one.low)),
            text(figure.map(|one| one.high)),
            text(figure.map(|one| one.coverage_ppm)),
        ]
    }
}

impl CountsView {
    /// Names of [`CountsView::fields`].
    pub(super) const COLUMNS: &'static [&'static str] = &["agents", "agent_days", "records"];

    /// Agents, agent-days and records; empty where none may be shown.
    pub(super) fn fields(counts: Option<&Self>) -> [String; 3] {
        [
            text(counts.map(|one| one.agents)),
            text(counts.map(|one| one.agent_days)),
            text(counts.map(|one| one.records)),
        ]
    }
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        Self {
            agents: counts.agents,
            agent_days: counts.agent_days,
            records: counts.records,
        }
    }
}

impl From<Figure> for FigureView {
    fn from(figure: Figure) -> Self {
        Self {
            median: figure.median,
            low: figure.low,
            high: figure.high,
            coverage_ppm: figure.coverage_ppm,
        }
    }
}

/// A declared metric.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MetricView {
    /// Full id.
    id: String,
    /// Unit of its values.
    unit: String,
    /// `lower` or `higher`.
    better: &'static str,
    /// The experiment that writes it.
    experiment: String,
    /// Stands on the overview pages.
    headline: bool,
    /// Largest plausible value.
    max: i64,
    /// English label, of the part of the id before the first slash.
    en: String,
    /// Khmer label.
    km: String,
}

impl MetricView {
    pub(super) fn new(id: &str, metric: &Metric) -> Self {
        Self {
            id: id.to_owned(),
            unit: metric.unit.clone(),
            better: match metric.better {
                Better::Lower => "lower",
                Better::Higher => "higher",
            },
            experiment: metric.experiment.clone(),
            headline: metric.headline,
            max: metric.max,
            en: metric.en.clone(),
            km: metric.km.clone(),
        }
    }
}

/// A first-level division.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProvinceView {
    /// ISO 3166-2 code.
    #[schema(example = "KH-12")]
    code: String,
    /// English name.
    en: String,
    /// Local name.
    km: String,
    /// Census population.
    population: i64,
    /// The middle of its shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    centre: Option<CentreView>,
}

/// A point of the globe, millionths of a degree.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CentreView {
    /// North of the equator.
    #[schema(example = 11_550_933)]
    lat_udeg: i64,
    /// East of Greenwich.
    #[schema(example = 104_871_772)]
    lon_udeg: i64,
}

/// An operator and the networks it runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorView {
    /// Short id.
    id: String,
    /// Name as people know it.
    name: String,
    /// Autonomous systems.
    asns: Vec<u32>,
}

/// The country whose figures are published here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountryView {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "KH")]
    code: String,
    /// English name.
    en: String,
    /// Local name.
    km: String,
    /// Local time minus UTC, seconds.
    utc_offset_s: i32,
    /// Hours in which networks are busiest, where declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<PeakHoursView>,
    /// Provinces in order of their numbers.
    provinces: Vec<ProvinceView>,
    /// Operators.
    operators: Vec<OperatorView>,
}

impl From<&ProvinceInfo> for ProvinceView {
    fn from(province: &ProvinceInfo) -> Self {
        Self {
            code: province.code.clone(),
            en: province.en.clone(),
            km: province.km.clone(),
            population: province.population,
            centre: province.centre.map(|centre| CentreView {
                lat_udeg: centre.lat_udeg,
                lon_udeg: centre.lon_udeg,
            }),
        }
    }
}

impl From<&Operator> for OperatorView {
    fn from(operator: &Operator) -> Self {
        Self {
            id: operator.id.clone(),
            name: operator.name.clone(),
            asns: operator.asns.clone(),
        }
    }
}

/// Hours of every day, on the country's clock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeakHoursView {
    /// First hour, 0 to 23.
    from_hour: u8,
    /// The hour that is no peak hour any more, 1 to 24.
    until_hour: u8,
}

impl From<PeakHours> for PeakHoursView {
    fn from(peak: PeakHours) -> Self {
        Self {
            from_hour: peak.from_hour,
            until_hour: peak.until_hour,
        }
    }
}

impl From<&Country> for CountryView {
    fn from(country: &Country) -> Self {
        Self {
            code: country.code.clone(),
            en: country.en.clone(),
            km: country.km.clone(),
            utc_offset_s: country.utc_offset_s,
            peak: country.peak.map(PeakHoursView::from),
            provinces: country.provinces.iter().map(ProvinceView::from).collect(),
            operators: country.operators.iter().map(OperatorView::from).collect(),
        }
    }
}

/// Exact bytes under the collector's signature.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedDocumentView {
    /// Exact JSON bytes, base64.
    body: String,
    /// Ed25519 signature over type and body (DSSE), base64.
    sig: String,
}

/// Where sites of the openness list come from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListSourceView {
    /// Short name, as the list's targets have it.
    id: String,
    /// Whom to name.
    attribution: String,
    /// Licence of the list, an SPDX id.
    licence: String,
    /// Where it was read, for a list from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<ListSource> for ListSourceView {
    fn from(source: ListSource) -> Self {
        Self {
            id: source.id,
            attribution: source.attribution,
            licence: source.licence,
            url: source.url,
        }
    }
}

impl From<&SignedDocument> for SignedDocumentView {
    fn from(document: &SignedDocument) -> Self {
        Self {
            body: document.body.clone(),
            sig: document.sig.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ground;
    use tonle_evidence::statement::{Access, CAPTION, SpeaksOf, Weighted, Wider, Window};

    fn statement(state: State) -> Statement {
        Statement {
            metric: "latency.rtt_median_us/icmp/domestic".into(),
            unit: "us".into(),
            province: "KH-12".into(),
            access: Access::Fixed,
            period: "2026-11".parse().unwrap(),
            window: Window::Peak,
            state,
            pooled: Some(Wider {
                speaks_of: SpeaksOf::Region {
                    region: "coast".into(),
                },
                state,
                weighted: match state {
                    State::Estimate { figure, .. } => Some(Weighted {
                        figure,
                        effective_agents_milli: 21_500,
                    }),
                    _ => None,
                },
                covered_population_ppm: state.shows_counts().then_some(700_000),
            }),
            left_out: vec![LeftOut {
                reason: "busy_line".into(),
                samples: 3,
            }],
            caption: CAPTION.into(),
        }
    }

    #[test]
    fn a_statement_is_written_as_its_evidence_type_is_read() {
        let counts = Counts {
            agents: 6,
            agent_days: 12,
            records: 50,
        };
        let figure = Figure {
            median: 20,
            low: 10,
            high: 30,
            coverage_ppm: 968_750,
        };
        let states = [
            State::NoData,
            State::Suppressed,
            State::Insufficient { counts },
            State::Estimate { figure, counts },
        ];
        for state in states {
            let written = serde_json::to_value(StatementView::from(statement(state))).unwrap();
            assert_eq!(written, serde_json::to_value(statement(state)).unwrap());
            let read: Statement = serde_json::from_value(written).unwrap();
            assert_eq!(read, statement(state));
            let fields = StatementView::from(statement(state)).fields();
            assert_eq!(fields.len(), StatementView::COLUMNS.len());
        }
    }

    #[test]
    fn a_country_is_written_as_its_evidence_type_is_read() {
        let country = ground().country;
        let written = serde_json::to_value(CountryView::from(&country)).unwrap();
        assert_eq!(serde_json::from_value::<Country>(written).unwrap(), country);
    }
}
