//! One metric of one province month by month: a chart and the same figures as a table.
use crate::charts::series::{Point, Series};
use crate::frame::Frame;
use crate::labels::label;
use crate::language::Visit;
use crate::month;
use crate::selection::Selection;
use crate::state::{Cell, Meaning, figure, meanings};
use crate::strip::Axis;
use askama::Template;
use tonle_evidence::catalogue::{Better, Catalogue};
use tonle_evidence::country::ProvinceInfo;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, State, Statement};

/// Months that one page shows.
pub const MONTHS: usize = 12;

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Trend<'a> {
    /// How the page is read.
    pub visit: &'a Visit,
    /// The province.
    pub province: &'a ProvinceInfo,
    /// The declared metrics.
    pub catalogue: &'a Catalogue,
    /// What the reader chose; its month is the last one shown.
    pub selection: &'a Selection,
    /// The province's statements of the metric and access class, of the months shown; a month
    /// without one has no data.
    pub statements: &'a [Statement],
    /// The month that runs now, local time.
    pub this_month: LocalMonth,
}

#[derive(Template)]
#[template(path = "trend.html")]
struct Page {
    frame: Frame,
    intro: String,
    heading: String,
    access: Vec<Choice>,
    earlier: Option<(String, String)>,
    later: Option<(String, String)>,
    chart: Series,
    better: String,
    rows: Vec<Row>,
    province: String,
    province_title: String,
    meanings: Vec<Meaning>,
    json: String,
}

struct Choice {
    href: String,
    name: String,
    chosen: bool,
}

struct Row {
    month: String,
    cell: Cell,
    json: String,
    csv: String,
}

/// The months that end with `last`, in their order: [`MONTHS`] of them, fewer at the year 0.
#[must_use]
pub fn months(last: LocalMonth) -> Vec<LocalMonth> {
    let back = std::iter::successors(Some(last), |month| month::before(*month));
    let mut months: Vec<LocalMonth> = back.take(MONTHS).collect();
    months.reverse();
    months
}

impl Trend<'_> {
    fn state(&self, month: LocalMonth) -> &State {
        let selection = self.selection;
        let found = self.statements.iter().find(|statement| {
            statement.period == month
                && statement.province == self.province.code
                && statement.metric == selection.metric
                && statement.access == selection.access
        });
        found.map_or(&State::NoData, |statement| &statement.state)
    }

    fn href(&self, frame: &Frame, access: Access, month: LocalMonth) -> String {
        let address = frame
            .trend(&self.province.code)
            .with("metric", &self.selection.metric)
            .with("access", access.as_str())
            .with("period", &month.to_string());
        address.to_string()
    }

    fn access_choices(&self, frame: &Frame) -> Vec<Choice> {
        let choice = |access: Access| Choice {
            href: self.href(frame, access, self.selection.period),
            name: frame.text.known("access", access.as_str()),
            chosen: access == self.selection.access,
        };
        Access::ALL.map(choice).into()
    }

    fn row(&self, frame: &Frame, month: LocalMonth, cell: Cell) -> Row {
        let data = frame
            .data("/api/v1/statements")
            .with("province", &self.province.code)
            .with("metric", &self.selection.metric)
            .with("access", self.selection.access.as_str())
            .with("period", &month.to_string());
        Row {
            month: frame.text.month(month),
            cell,
            json: data.to_string(),
            csv: data.with("format", "csv").to_string(),
        }
    }
}

/// The page as HTML.
#[must_use]
pub fn render(view: &Trend<'_>) -> String {
    let selection = view.selection;
    let code = &view.province.code;
    let period = selection.period.to_string();
    let query = [
        ("metric", selection.metric.as_str()),
        ("access", selection.access.as_str()),
        ("period", period.as_str()),
    ];
    let path = format!("/provinces/{}/trend", crate::address::segment(code));
    let mut frame = Frame::new(view.visit, &path, &query, String::new());
    let text = frame.text;
    let months = months(selection.period);
    let first = months.first().copied().unwrap_or(selection.period);
    let province = text.pick(&view.province.en, &view.province.km);
    let facts = [
        (
            "metric",
            label(view.catalogue, &selection.metric, text).full(),
        ),
        ("province", province.to_owned()),
        ("access", text.known("access", selection.access.as_str())),
        ("first", text.month(first)),
        ("last", text.month(selection.period)),
        ("caption", text.get("page.caption")),
    ];
    let facts = facts
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    frame.title = text.fill("page.trend_title", &facts);
    let heading = text.fill("page.trend_chart", &facts);

    let declared = view.catalogue.get(&selection.metric);
    let unit = declared.map_or("", |metric| &metric.unit);
    let better = match declared.map(|metric| metric.better) {
        Some(Better::Lower) => text.get("page.lower_better"),
        Some(Better::Higher) => text.get("page.higher_better"),
        None => String::new(),
    };
    let states: Vec<&State> = months.iter().map(|month| view.state(*month)).collect();
    let axis = Axis::over(states.iter().filter_map(|state| figure(state)));
    let cells: Vec<Cell> = states
        .iter()
        .map(|state| Cell::new(state, unit, axis, text))
        .collect();
    let points: Vec<Point<'_>> = months
        .iter()
        .zip(&states)
        .zip(&cells)
        .map(|((month, state), cell)| Point {
            month: *month,
            state,
            words: format!("{}: {}", text.month(*month), cell.line()),
        })
        .collect();
    let link = |key: &str, month: LocalMonth| {
        let label = text.fill(key, &[("month", &text.month(month))]);
        (view.href(&frame, selection.access, month), label)
    };
    let later = (0..MONTHS).try_fold(selection.period, |month, _| month::after(month));
    let later = later.map(|month| month.min(view.this_month));
    let later = later.filter(|month| *month > selection.period);
    let json = frame
        .data("/api/v1/statements")
        .with("province", code)
        .with("period", &period);
    let page = Page {
        intro: text.fill("page.trend_intro", &facts),
        access: view.access_choices(&frame),
        earlier: month::before(first).map(|month| link("page.previous_month", month)),
        later: later.map(|month| link("page.next_month", month)),
        chart: Series::draw(&points, unit, heading.clone(), text),
        heading,
        better,
        rows: months
            .iter()
            .zip(cells)
            .map(|(month, cell)| view.row(&frame, *month, cell))
            .collect(),
        province: frame.province(code).with("period", &period).to_string(),
        province_title: text.fill("page.province_title", &[("province", province)]),
        meanings: meanings(text),
        json: json.to_string(),
        frame,
    };
    page.render().expect("writing to a String cannot fail")
}
