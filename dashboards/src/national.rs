//! The national page: every province for one metric on a map and in a table, and the main metrics
//! beside each other.
use crate::frame::Frame;
use crate::labels::{Label, label};
use crate::language::Visit;
use crate::map::{Classes, LegendClass, Map, Place};
use crate::month;
use crate::selection::{Selection, has_data, headline_ids, overview_metrics};
use crate::shapes::Shapes;
use crate::state::{Cell, Meaning, figure, meanings};
use crate::strip::Axis;
use askama::Template;
use std::collections::BTreeSet;
use tonle_evidence::catalogue::{Better, Catalogue};
use tonle_evidence::country::Country;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, State, Statement};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct National<'a> {
    /// How the page is read.
    pub visit: &'a Visit,
    /// The country.
    pub country: &'a Country,
    /// Its shapes.
    pub shapes: &'a Shapes,
    /// The declared metrics.
    pub catalogue: &'a Catalogue,
    /// What the reader chose.
    pub selection: &'a Selection,
    /// Statements of the chosen month; a cell without one has no data.
    pub statements: &'a [Statement],
    /// The month that runs now, local time: there is nothing to see after it.
    pub this_month: LocalMonth,
}

#[derive(Template)]
#[template(path = "national.html")]
struct Page {
    frame: Frame,
    intro: String,
    metrics: Vec<MetricGroup>,
    access: Vec<Choice>,
    period: String,
    last_period: String,
    action: String,
    earlier: Option<(String, String)>,
    later: Option<(String, String)>,
    map: Map,
    legend: Vec<LegendClass>,
    better: String,
    metric: Label,
    detail: String,
    detail_rows: Vec<Row>,
    columns: Vec<Column>,
    overview_rows: Vec<OverviewRow>,
    meanings: Vec<Meaning>,
    json: String,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct MetricGroup {
    name: String,
    choices: Vec<Choice>,
}

struct Row {
    name: String,
    href: String,
    cell: Cell,
}

struct Column {
    label: Label,
    href: String,
}

struct OverviewRow {
    name: String,
    href: String,
    cells: Vec<Cell>,
}

impl National<'_> {
    fn state(&self, province: &str, metric: &str) -> &State {
        let found = self.statements.iter().find(|statement| {
            statement.province == province
                && statement.metric == metric
                && statement.access == self.selection.access
        });
        found.map_or(&State::NoData, |statement| &statement.state)
    }

    /// The cells of one metric, province by province, on one axis.
    fn cells(&self, metric: &str, frame: &Frame) -> Vec<(&State, Cell)> {
        let unit = self.catalogue.get(metric).map_or("", |metric| &metric.unit);
        let provinces = self.country.provinces.iter();
        let states: Vec<&State> = provinces
            .map(|province| self.state(&province.code, metric))
            .collect();
        let axis = Axis::over(states.iter().filter_map(|state| figure(state)));
        let cell = |state: &State| Cell::new(state, unit, axis, frame.text);
        states
            .into_iter()
            .map(|state| (state, cell(state)))
            .collect()
    }

    fn rows(&self, frame: &Frame) -> impl Iterator<Item = (String, String)> {
        let text = frame.text;
        self.country.provinces.iter().map(move |province| {
            let name = text.pick(&province.en, &province.km).to_owned();
            let month = self.selection.period.to_string();
            let href = frame.province(&province.code).with("period", &month);
            (name, href.to_string())
        })
    }

    /// The headline metrics and whatever else has data, by what they measure.
    fn metric_groups(&self, frame: &Frame) -> Vec<MetricGroup> {
        let mut offered: BTreeSet<&str> = headline_ids(self.catalogue).into_iter().collect();
        offered.insert(&self.selection.metric);
        let with_data = self
            .statements
            .iter()
            .filter(|statement| has_data(statement));
        offered.extend(with_data.map(|statement| statement.metric.as_str()));
        let group = |metric: &tonle_evidence::catalogue::Metric| {
            let of_base = self
                .catalogue
                .iter()
                .filter(|(id, declared)| declared.base == metric.base && offered.contains(id));
            let choice = |(id, _): (&str, _)| {
                let label = label(self.catalogue, id, frame.text);
                Choice {
                    value: id.to_owned(),
                    label: label.full(),
                    chosen: id == self.selection.metric,
                }
            };
            MetricGroup {
                name: frame.text.pick(&metric.en, &metric.km).to_owned(),
                choices: of_base.map(choice).collect(),
            }
        };
        let groups = self.catalogue.metrics().iter().map(group);
        groups.filter(|group| !group.choices.is_empty()).collect()
    }

    fn access_choices(&self, frame: &Frame) -> Vec<Choice> {
        let choice = |access: Access| Choice {
            value: access.as_str().to_owned(),
            label: frame.text.known("access", access.as_str()),
            chosen: access == self.selection.access,
        };
        Access::ALL.map(choice).into()
    }

    fn columns(&self, metrics: &[&str], frame: &Frame) -> Vec<Column> {
        let column = |metric: &&str| {
            let href = frame
                .home()
                .with("metric", metric)
                .with("access", self.selection.access.as_str())
                .with("period", &self.selection.period.to_string());
            Column {
                label: label(self.catalogue, metric, frame.text),
                href: href.to_string(),
            }
        };
        metrics.iter().map(column).collect()
    }

    fn overview_rows(&self, metrics: &[&str], frame: &Frame) -> Vec<OverviewRow> {
        let mut columns: Vec<_> = metrics
            .iter()
            .map(|metric| self.cells(metric, frame).into_iter())
            .collect();
        let next_cell = |column: &mut std::vec::IntoIter<(&State, Cell)>| {
            let (_, cell) = column.next().expect("a cell for every province");
            cell
        };
        self.rows(frame)
            .map(|(name, href)| OverviewRow {
                name,
                href,
                cells: columns.iter_mut().map(next_cell).collect(),
            })
            .collect()
    }

    /// A link to another month of the same view.
    fn month_link(&self, frame: &Frame, key: &str, month: LocalMonth) -> (String, String) {
        let href = frame
            .home()
            .with("metric", &self.selection.metric)
            .with("access", self.selection.access.as_str())
            .with("period", &month.to_string());
        let label = frame.text.fill(key, &[("month", &frame.text.month(month))]);
        (href.to_string(), label)
    }
}

/// The page as HTML.
#[must_use]
pub fn render(view: &National<'_>) -> String {
    let selection = view.selection;
    let period = selection.period.to_string();
    let query = [
        ("metric", selection.metric.as_str()),
        ("access", selection.access.as_str()),
        ("period", period.as_str()),
    ];
    let mut frame = Frame::new(view.visit, "/", &query, String::new());
    let text = frame.text;
    let country = text.pick(&view.country.en, &view.country.km);
    frame.title = text.fill("page.national_title", &[("country", country)]);

    let access = text.known("access", selection.access.as_str());
    let month_name = text.month(selection.period);
    let metric = label(view.catalogue, &selection.metric, text);
    let facts = [
        ("metric", metric.full()),
        ("access", access),
        ("period", month_name),
        ("caption", text.get("page.caption")),
    ];
    let facts = facts
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));

    let cells = view.cells(&selection.metric, &frame);
    let classes = Classes::of(cells.iter().map(|(state, _)| *state));
    let places: Vec<Place<'_>> = view
        .country
        .provinces
        .iter()
        .zip(&cells)
        .map(|(province, (state, cell))| Place {
            code: &province.code,
            state,
            cell,
        })
        .collect();
    let map_title = text.fill("page.map_title", &facts);
    let map = Map::draw(
        &frame,
        view.country,
        view.shapes,
        &classes,
        &places,
        map_title,
    );

    let declared = view.catalogue.get(&selection.metric);
    let better = match declared.map(|metric| metric.better) {
        Some(Better::Lower) => text.get("page.lower_better"),
        Some(Better::Higher) => text.get("page.higher_better"),
        None => String::new(),
    };
    let columns = overview_metrics(selection, view.catalogue, view.statements);
    let earlier = month::before(selection.period);
    let later = month::after(selection.period).filter(|month| *month <= view.this_month);
    let json = query.iter().fold(
        frame.data("/api/v1/statements"),
        |address, (name, value)| address.with(name, value),
    );
    let page = Page {
        intro: text.fill("page.national_intro", &facts),
        metrics: view.metric_groups(&frame),
        access: view.access_choices(&frame),
        last_period: view.this_month.to_string(),
        action: frame.data("/").to_string(),
        earlier: earlier.map(|month| view.month_link(&frame, "page.previous_month", month)),
        later: later.map(|month| view.month_link(&frame, "page.next_month", month)),
        map,
        legend: classes.legend(declared.map_or("", |metric| &metric.unit)),
        better,
        detail: text.fill("page.detail", &facts),
        metric,
        detail_rows: view
            .rows(&frame)
            .zip(cells)
            .map(|((name, href), (_, cell))| Row { name, href, cell })
            .collect(),
        columns: view.columns(&columns, &frame),
        overview_rows: view.overview_rows(&columns, &frame),
        meanings: meanings(text),
        json: json.to_string(),
        period,
        frame,
    };
    page.render().expect("writing to a String cannot fail")
}
