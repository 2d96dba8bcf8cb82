//! A figure month by month: medians as a line, intervals as a band, and a mark where there is no
//! estimate. A line joins neighbouring months only, so that no month is made up.
use super::axis::Axis;
use crate::state::{figure, symbol};
use crate::text::Text;
use crate::units::Scale;
use askama::Template;
use std::fmt::Write;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Figure, State};

/// The drawing in its own units; on the narrowest screen two of them are one CSS pixel.
const WIDTH: i32 = 640;
const HEIGHT: i32 = 330;
/// Left of the plot: the numbers of the axis.
const LEFT: i32 = 92;
const RIGHT: i32 = 12;
/// Above the plot: the unit.
const TOP: i32 = 44;
/// Below the plot: marks, months and years.
const BOTTOM: i32 = 92;
const PLOT_HEIGHT: i32 = HEIGHT - TOP - BOTTOM;

/// One month, and what its column says in words.
pub(crate) struct Point<'a> {
    pub(crate) month: LocalMonth,
    pub(crate) state: &'a State,
    pub(crate) words: String,
}

/// A chart, ready to be rendered into a page.
#[derive(Template)]
#[template(path = "series.html")]
pub(crate) struct Series {
    title: String,
    description: String,
    unit: &'static str,
    width: i32,
    height: i32,
    left: i32,
    right: i32,
    ticks: Vec<(i32, String)>,
    bands: Vec<String>,
    lines: Vec<String>,
    columns: Vec<Column>,
}

struct Column {
    x: i32,
    words: String,
    month: String,
    year: Option<String>,
    /// Heights of the interval's low end, the median and the high end.
    figure: Option<[i32; 3]>,
    symbol: &'static str,
}

impl Series {
    /// Draws the months in their order.
    pub(crate) fn draw(points: &[Point<'_>], unit: &str, title: String, text: Text) -> Self {
        let figures: Vec<Option<&Figure>> =
            points.iter().map(|point| figure(point.state)).collect();
        let ends = figures
            .iter()
            .flatten()
            .flat_map(|figure| [figure.low, figure.high]);
        let axis = Axis::over(ends);
        let highest = axis.ticks().last().unwrap_or(1);
        let scale = Scale::for_value(unit, highest);
        let height = |value| TOP + PLOT_HEIGHT - axis.position(value, PLOT_HEIGHT);
        let columns = columns(points, height);
        Self {
            description: description(points, text),
            title,
            unit: scale.suffix(),
            width: WIDTH,
            height: HEIGHT,
            left: LEFT,
            right: WIDTH - RIGHT,
            ticks: axis
                .ticks()
                .map(|tick| (height(tick), scale.number(tick)))
                .collect(),
            bands: runs(&columns).map(|run| band(&run)).collect(),
            lines: runs(&columns).map(|run| line(&run)).collect(),
            columns,
        }
    }
}

fn columns(points: &[Point<'_>], height: impl Fn(i64) -> i32) -> Vec<Column> {
    let count = i32::try_from(points.len().max(1)).unwrap_or(i32::MAX);
    let room = WIDTH - LEFT - RIGHT;
    let column = |(index, point): (usize, &Point<'_>)| {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        // A year at December would stand in the way of the next one's.
        let first = point.month.month == 1 || (index == 0 && point.month.month < 12);
        Column {
            x: LEFT
                + room.saturating_mul(index.saturating_mul(2).saturating_add(1))
                    / count.saturating_mul(2),
            words: point.words.clone(),
            month: point.month.month.to_string(),
            year: first.then(|| format!("{:04}", point.month.year)),
            figure: figure(point.state)
                .map(|figure| [figure.low, figure.median, figure.high].map(&height)),
            symbol: symbol(point.state),
        }
    };
    points.iter().enumerate().map(column).collect()
}

/// A month's place and the heights of its figure.
type Drawn = (i32, [i32; 3]);

/// Neighbouring months with a figure, wherever there are at least two.
fn runs(columns: &[Column]) -> impl Iterator<Item = Vec<Drawn>> {
    let runs = columns.chunk_by(|a, b| a.figure.is_some() == b.figure.is_some());
    let drawn = |run: &[Column]| -> Vec<Drawn> {
        let drawn = run
            .iter()
            .filter_map(|column| Some((column.x, column.figure?)));
        drawn.collect()
    };
    runs.map(drawn).filter(|run| run.len() > 1)
}

/// Along the high ends and back along the low ones.
fn band(run: &[Drawn]) -> String {
    let high = run.iter().map(|(x, [_, _, high])| (*x, *high));
    let low = run.iter().rev().map(|(x, [low, _, _])| (*x, *low));
    path(high.chain(low)) + "Z"
}

fn line(run: &[Drawn]) -> String {
    path(run.iter().map(|(x, [_, median, _])| (*x, *median)))
}

fn path(points: impl Iterator<Item = (i32, i32)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        write!(path, "{letter}{x} {y}").expect("writing to a String cannot fail");
    }
    path
}

/// The chart in words: how many months are in which state, and the newest estimate.
fn description(points: &[Point<'_>], text: Text) -> String {
    let count = |word: &str| {
        let of_word = points.iter().filter(|point| point.state.as_str() == word);
        of_word.count().to_string()
    };
    let [estimates, insufficient, suppressed, no_data] =
        ["estimate", "insufficient", "suppressed", "no_data"].map(count);
    let counts = [
        ("estimates", estimates.as_str()),
        ("insufficient", &insufficient),
        ("suppressed", &suppressed),
        ("no_data", &no_data),
    ];
    let all = text.fill("page.trend_desc", &counts);
    let newest = points
        .iter()
        .rev()
        .find(|point| figure(point.state).is_some());
    match newest {
        Some(point) => format!(
            "{all} {}",
            text.fill("page.trend_newest", &[("figure", &point.words)])
        ),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html;
    use proptest::prelude::*;
    use tonle_evidence::statement::Counts;
    use tonle_evidence::words::Lang;

    const COUNTS: Counts = Counts {
        agents: 6,
        agent_days: 6,
        records: 6,
    };

    fn state(kind: u8, mut ends: [i64; 3]) -> State {
        ends.sort_unstable();
        let [low, median, high] = ends;
        let figure = Figure {
            median,
            low,
            high,
            coverage_ppm: 950_000,
        };
        match kind {
            0 => State::NoData,
            1 => State::Suppressed,
            2 => State::Insufficient { counts: COUNTS },
            _ => State::Estimate {
                figure,
                counts: COUNTS,
            },
        }
    }

    fn drawn(states: &[State], words: &str, unit: &str) -> String {
        let point = |(index, state)| Point {
            month: LocalMonth {
                year: 2026,
                month: 1 + u8::try_from(index % 12).unwrap(),
            },
            state,
            words: words.to_owned(),
        };
        let points: Vec<Point<'_>> = states.iter().enumerate().map(point).collect();
        let text = Text::new(Lang::En);
        Series::draw(&points, unit, words.to_owned(), text)
            .render()
            .unwrap()
    }

    #[test]
    fn no_line_crosses_a_month_without_a_figure() {
        let figure = || state(3, [10, 20, 30]);
        let html = drawn(
            &[figure(), figure(), State::Suppressed, figure()],
            "words",
            "us",
        );
        assert_eq!(html.matches("class=\"line\"").count(), 1);
        assert_eq!(
            html.matches('L').count(),
            4,
            "two months joined, and nothing else"
        );
        assert_eq!(html.matches('▨').count(), 1);
    }

    #[test]
    fn text_in_a_chart_is_escaped() {
        let html = drawn(&[state(3, [1, 2, 3])], "<script>\"&", "us");
        assert!(!html.contains("<script"));
    }

    proptest! {
        #[test]
        fn any_numbers_make_a_whole_drawing_inside_its_frame(
            months in prop::collection::vec((0u8..5, any::<[i64; 3]>()), 0..40),
            unit in prop::sample::select(&["us", "bps", "ppm", "count", "other"]),
        ) {
            let states: Vec<State> = months.into_iter().map(|(kind, ends)| state(kind, ends)).collect();
            let svg = drawn(&states, "words", unit);
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
            for element in html::read(&format!("<!DOCTYPE html>{svg}")) {
                for (name, most) in [("x", WIDTH), ("y", HEIGHT), ("cx", WIDTH), ("cy", HEIGHT)] {
                    let value = element.attribute(name).unwrap_or("0");
                    prop_assert!((0..=most).contains(&value.parse().unwrap()), "{name}={value}");
                }
            }
        }
    }
}
