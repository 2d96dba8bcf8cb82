//! The page of one province: every metric that has data, and the headline ones, by access class.
use crate::frame::Frame;
use crate::labels::{base, label};
use crate::language::Visit;
use crate::month;
use crate::selection::has_data;
use crate::state::{Cell, Meaning, figure, meanings};
use crate::strip::Axis;
use crate::units;
use askama::Template;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::{Country, ProvinceInfo};
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, State, Statement};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Province<'a> {
    /// How the page is read.
    pub visit: &'a Visit,
    /// The country.
    pub country: &'a Country,
    /// The province.
    pub province: &'a ProvinceInfo,
    /// The declared metrics.
    pub catalogue: &'a Catalogue,
    /// The month shown.
    pub period: LocalMonth,
    /// The province's statements of that month; a cell without one has no data.
    pub statements: &'a [Statement],
    /// The month that runs now, local time.
    pub this_month: LocalMonth,
    /// Independent agents that an estimate needs.
    pub floor: u64,
}

#[derive(Template)]
#[template(path = "province.html")]
struct Page {
    frame: Frame,
    intro: String,
    earlier: Option<(String, String)>,
    later: Option<(String, String)>,
    sections: Vec<Section>,
    volunteer: String,
    others: Vec<(String, String)>,
    meanings: Vec<Meaning>,
    json: String,
}

struct Section {
    access: &'static str,
    title: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    variant: String,
    /// The same metric month by month, where this month has anything.
    trend: Option<String>,
    cell: Cell,
}

/// The page as HTML.
#[must_use]
pub fn render(view: &Province<'_>) -> String {
    let code = &view.province.code;
    let period = view.period.to_string();
    let path = format!("/provinces/{}", crate::address::segment(code));
    let mut frame = Frame::new(view.visit, &path, &[("period", &period)], String::new());
    let text = frame.text;
    let name = text.pick(&view.province.en, &view.province.km);
    frame.title = text.fill("page.province_title", &[("province", name)]);
    let population = units::count(u64::try_from(view.province.population).unwrap_or(0));
    let floor = units::count(view.floor);
    let earlier = month::before(view.period);
    let later = month::after(view.period).filter(|month| *month <= view.this_month);
    let month_link = |key: &str, month: LocalMonth| {
        let href = frame.province(code).with("period", &month.to_string());
        let label = text.fill(key, &[("month", &text.month(month))]);
        (href.to_string(), label)
    };
    let json = frame
        .data("/api/v1/statements")
        .with("province", code)
        .with("period", &period);
    let other = |info: &ProvinceInfo| {
        let href = frame.province(&info.code).with("period", &period);
        (href.to_string(), text.pick(&info.en, &info.km).to_owned())
    };
    let page = Page {
        intro: text.fill(
            "page.province_intro",
            &[
                ("period", &text.month(view.period)),
                ("caption", &text.get("page.caption")),
                ("population", &population),
            ],
        ),
        earlier: earlier.map(|month| month_link("page.previous_month", month)),
        later: later.map(|month| month_link("page.next_month", month)),
        sections: Access::ALL
            .map(|access| section(view, access, &frame))
            .into(),
        volunteer: text.fill("page.volunteer_text", &[("floor", &floor)]),
        others: view
            .country
            .provinces
            .iter()
            .filter(|info| info.code != *code)
            .map(other)
            .collect(),
        meanings: meanings(text),
        json: json.to_string(),
        frame,
    };
    page.render().expect("writing to a String cannot fail")
}

/// One access class. Without any data it has no rows: the template says so in a sentence.
fn section(view: &Province<'_>, access: Access, frame: &Frame) -> Section {
    let text = frame.text;
    let trend = |metric: &str| {
        let address = frame
            .trend(&view.province.code)
            .with("metric", metric)
            .with("access", access.as_str())
            .with("period", &view.period.to_string());
        address.to_string()
    };
    let with_data: Vec<&Statement> = view
        .statements
        .iter()
        .filter(|statement| statement.access == access && has_data(statement))
        .collect();
    let mut rows = Vec::new();
    for metric in view.catalogue.metrics() {
        let mut of_metric: Vec<&Statement> = with_data
            .iter()
            .copied()
            .filter(|statement| base(&statement.metric) == metric.base)
            .collect();
        of_metric.sort_by(|a, b| a.metric.cmp(&b.metric));
        let name = text.pick(&metric.en, &metric.km);
        if of_metric.is_empty() && metric.headline {
            rows.push(Row {
                name: name.to_owned(),
                variant: String::new(),
                trend: None,
                cell: Cell::new(&State::NoData, &metric.unit, Axis::over([]), text),
            });
        }
        let figures = of_metric
            .iter()
            .filter_map(|statement| figure(&statement.state));
        let axis = Axis::over(figures);
        rows.extend(of_metric.iter().map(|statement| Row {
            name: name.to_owned(),
            variant: label(view.catalogue, &statement.metric, text).variant,
            trend: Some(trend(&statement.metric)),
            cell: Cell::new(&statement.state, &statement.unit, axis, text),
        }));
    }
    if with_data.is_empty() {
        rows.clear();
    }
    Section {
        access: access.as_str(),
        title: text.known("access", access.as_str()),
        rows,
    }
}
