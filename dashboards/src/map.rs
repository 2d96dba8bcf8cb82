//! The map of one metric: classes of the estimates, patterns for every other state.
use crate::frame::Frame;
use crate::shapes::Shapes;
use crate::state::Cell;
use crate::units::Scale;
use askama::Template;
use tonle_evidence::country::Country;
use tonle_evidence::statement::State;

/// Most classes that a reader can tell apart.
const MAX_CLASSES: usize = 5;
/// Room that a label needs, in units of the map.
const LABEL_ROOM: i32 = 34;

/// One province's part of the map.
pub(crate) struct Place<'a> {
    pub(crate) code: &'a str,
    pub(crate) state: &'a State,
    pub(crate) cell: &'a Cell,
}

/// A map, ready to be rendered into a page.
#[derive(Template)]
#[template(path = "map.html")]
pub(crate) struct Map {
    title: String,
    description: String,
    width: i32,
    height: i32,
    areas: Vec<Area>,
}

struct Area {
    href: String,
    title: String,
    class: String,
    path: String,
    label: Option<(i32, i32, String)>,
}

/// One class of the legend.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LegendClass {
    pub(crate) number: usize,
    pub(crate) range: String,
}

/// Estimates sorted into classes of about equal numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    /// Smallest and largest median of each class, in order.
    ends: Vec<(i64, i64)>,
}

impl Classes {
    /// Classes of the medians among these states. Equal medians never fall into two classes.
    pub(crate) fn of<'a>(states: impl Iterator<Item = &'a State>) -> Self {
        let median = |state: &State| match state {
            State::Estimate { figure, .. } => Some(figure.median),
            _ => None,
        };
        let mut medians: Vec<i64> = states.filter_map(median).collect();
        medians.sort_unstable();
        let count = medians.len().min(MAX_CLASSES);
        let upper = |class: usize| medians[(class * medians.len()).div_ceil(count) - 1];
        let mut uppers: Vec<i64> = (1..=count).map(upper).collect();
        uppers.dedup();
        let mut rest = medians.as_slice();
        let mut ends = Vec::with_capacity(uppers.len());
        for upper in uppers {
            let (class, others) = rest.split_at(rest.partition_point(|median| *median <= upper));
            ends.push((class[0], upper));
            rest = others;
        }
        Self { ends }
    }

    /// The class of a median, from 1.
    fn number(&self, median: i64) -> usize {
        1 + self
            .ends
            .iter()
            .take_while(|(_, upper)| *upper < median)
            .count()
    }

    /// What stands in the legend.
    pub(crate) fn legend(&self, unit: &str) -> Vec<LegendClass> {
        let class = |(index, &(low, high)): (usize, &(i64, i64))| {
            let scale = Scale::for_value(unit, low);
            let range = if low == high {
                scale.quantity(high)
            } else {
                format!("{}–{}", scale.number(low), scale.quantity(high))
            };
            LegendClass {
                number: index + 1,
                range,
            }
        };
        self.ends.iter().enumerate().map(class).collect()
    }
}

impl Map {
    /// Draws the places; a shape without a place has no data.
    pub(crate) fn draw(
        frame: &Frame,
        country: &Country,
        shapes: &Shapes,
        classes: &Classes,
        places: &[Place<'_>],
        title: String,
    ) -> Self {
        let text = frame.text;
        let count = |word: &str| {
            let of_word = places.iter().filter(|place| place.state.as_str() == word);
            of_word.count().to_string()
        };
        let counts = ["estimate", "insufficient", "suppressed", "no_data"].map(count);
        let description = text.fill(
            "page.map_desc",
            &[
                ("estimates", &counts[0]),
                ("insufficient", &counts[1]),
                ("suppressed", &counts[2]),
                ("no_data", &counts[3]),
            ],
        );
        let mut areas = Vec::with_capacity(shapes.provinces.len());
        for shape in &shapes.provinces {
            let Some(place) = places.iter().find(|place| place.code == shape.code) else {
                continue;
            };
            let info = country.province(place.code);
            let name = info.map_or(place.code, |info| text.pick(&info.en, &info.km));
            let (class, mark) = match place.state {
                State::Estimate { figure, .. } => {
                    let number = classes.number(figure.median);
                    (format!("class-{number}"), number.to_string())
                }
                other => (other.as_str().to_owned(), place.cell.symbol.to_owned()),
            };
            let fits = shape.room >= LABEL_ROOM;
            areas.push(Area {
                href: frame.province(place.code).to_string(),
                title: format!("{name}: {}", place.cell.line()),
                class,
                path: shape.path.clone(),
                label: fits.then_some((shape.label.0, shape.label.1, mark)),
            });
        }
        Self {
            title,
            description,
            width: shapes.width,
            height: shapes.height,
            areas,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonle_evidence::statement::{Counts, Figure};

    fn estimate(median: i64) -> State {
        let counts = Counts {
            agents: 6,
            agent_days: 6,
            records: 6,
        };
        let figure = Figure {
            median,
            low: median,
            high: median,
            coverage_ppm: 968_750,
        };
        State::Estimate { figure, counts }
    }

    #[test]
    fn without_an_estimate_there_is_no_class() {
        let classes = Classes::of([State::Suppressed, State::NoData].iter());
        assert_eq!(classes.legend("us"), []);
    }

    #[test]
    fn equal_medians_are_one_class() {
        let states = [estimate(7), estimate(7), estimate(7)];
        assert_eq!(Classes::of(states.iter()).legend("count").len(), 1);
    }

    proptest! {
        #[test]
        fn a_larger_median_is_never_in_a_lower_class(medians in prop::collection::vec(0i64..1000, 1..40)) {
            let states: Vec<State> = medians.iter().map(|median| estimate(*median)).collect();
            let classes = Classes::of(states.iter());
            let mut sorted = medians;
            sorted.sort_unstable();
            let numbers: Vec<usize> = sorted.iter().map(|median| classes.number(*median)).collect();
            prop_assert!(numbers.is_sorted());
            prop_assert_eq!(numbers[0], 1);
            prop_assert_eq!(*numbers.last().unwrap(), classes.legend("count").len());
            prop_assert!(*numbers.last().unwrap() <= MAX_CLASSES);
        }
    }
}
