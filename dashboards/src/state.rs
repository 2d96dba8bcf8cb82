//! One cell of a table: a state in words and a mark, and only what that state may show.
use crate::strip::{Axis, Strip};
use crate::text::Text;
use crate::units::{self, Scale};
use tonle_evidence::statement::{Counts, Figure, State};

/// A state, ready for a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The state's word in stylesheets.
    pub class: &'static str,
    /// The state's mark; its word always stands beside it.
    pub symbol: &'static str,
    /// The state's word.
    pub word: String,
    /// The figure of an estimate.
    pub figure: Option<Shown>,
    /// Counts, in the states that may show them.
    pub counts: Option<ShownCounts>,
}

/// A figure with its interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Median with its unit.
    pub median: String,
    /// Ends of the interval, in the unit of the median.
    pub interval: String,
    /// How surely the interval covers the median.
    pub coverage: String,
    /// The interval as a drawing.
    pub strip: Strip,
}

/// Counts as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCounts {
    /// Independent agents, with the word.
    pub agents_words: String,
    /// Independent agents.
    pub agents: String,
    /// Agent-days.
    pub agent_days: String,
    /// Records.
    pub records: String,
}

/// The mark of a state.
#[must_use]
pub fn symbol(state: &State) -> &'static str {
    match state {
        State::NoData => "○",
        State::Suppressed => "▨",
        State::Insufficient { .. } => "◐",
        State::Estimate { .. } => "●",
    }
}

/// The word of a state.
#[must_use]
pub fn word(state: &State, text: Text) -> String {
    text.get(match state {
        State::NoData => "state.no_data",
        State::Suppressed => "state.suppressed",
        State::Insufficient { .. } => "state.insufficient",
        State::Estimate { .. } => "state.estimate",
    })
}

/// The figure of an estimate.
pub(crate) fn figure(state: &State) -> Option<&Figure> {
    match state {
        State::Estimate { figure, .. } => Some(figure),
        _ => None,
    }
}

impl Cell {
    /// The cell of a state whose values are in `unit`, drawn on an axis shared with its neighbours.
    #[must_use]
    pub fn new(state: &State, unit: &str, axis: Axis, text: Text) -> Self {
        let (figure, counts) = match state {
            State::NoData | State::Suppressed => (None, None),
            State::Insufficient { counts } => (None, Some(counts)),
            State::Estimate { figure, counts } => (Some(figure), Some(counts)),
        };
        Self {
            class: state.as_str(),
            symbol: symbol(state),
            word: word(state, text),
            figure: figure.map(|figure| Shown::new(figure, unit, axis, text)),
            counts: counts.map(|counts| ShownCounts::new(counts, text)),
        }
    }

    /// The cell in one line, for titles.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = vec![self.word.clone()];
        if let Some(figure) = &self.figure {
            parts.push(figure.median.clone());
            parts.push(figure.interval.clone());
        }
        if let Some(counts) = &self.counts {
            parts.push(counts.agents_words.clone());
        }
        parts.join(", ")
    }
}

impl Shown {
    fn new(figure: &Figure, unit: &str, axis: Axis, text: Text) -> Self {
        let scale = Scale::for_value(unit, figure.median);
        let ends = [
            ("low", scale.number(figure.low)),
            ("high", scale.quantity(figure.high)),
        ];
        let ends = ends.each_ref().map(|(name, value)| (*name, value.as_str()));
        let coverage = units::quantity("ppm", i64::from(figure.coverage_ppm));
        Self {
            median: scale.quantity(figure.median),
            interval: text.fill("page.interval", &ends),
            coverage: text.fill("page.coverage", &[("percent", &coverage)]),
            strip: Strip::draw(figure, axis, scale, text),
        }
    }
}

impl ShownCounts {
    fn new(counts: &Counts, text: Text) -> Self {
        let agents = units::count(counts.agents);
        Self {
            agents_words: text.fill("page.n_agents", &[("n", &agents)]),
            agents,
            agent_days: units::count(counts.agent_days),
            records: units::count(counts.records),
        }
    }
}

/// The explanation of one state, for the legend.
pub(crate) struct Meaning {
    pub(crate) class: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) word: String,
    pub(crate) explanation: String,
}

/// The four states and what they mean.
pub(crate) fn meanings(text: Text) -> Vec<Meaning> {
    let rows = [
        ("estimate", "●", "state.estimate", "state.estimate_means"),
        (
            "insufficient",
            "◐",
            "state.insufficient",
            "state.insufficient_means",
        ),
        (
            "suppressed",
            "▨",
            "state.suppressed",
            "state.suppressed_means",
        ),
        ("no_data", "○", "state.no_data", "state.no_data_means"),
    ];
    let row = |(class, symbol, word, explanation)| Meaning {
        class,
        symbol,
        word: text.get(word),
        explanation: text.get(explanation),
    };
    rows.map(row).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::words::Lang;

    const COUNTS: Counts = Counts {
        agents: 7,
        agent_days: 70,
        records: 700,
    };

    fn states() -> [State; 4] {
        let figure = Figure {
            median: 23_400,
            low: 20_100,
            high: 31_000,
            coverage_ppm: 984_375,
        };
        let counts = COUNTS;
        [
            State::NoData,
            State::Suppressed,
            State::Insufficient { counts },
            State::Estimate { figure, counts },
        ]
    }

    #[test]
    fn every_state_has_a_word_and_a_mark_of_its_own() {
        for lang in Lang::ALL {
            let text = Text::new(lang);
            let [a, b, c, d] = states().map(|state| (symbol(&state), word(&state, text)));
            let mut marks = [a.0, b.0, c.0, d.0];
            let mut words = [a.1, b.1, c.1, d.1];
            marks.sort_unstable();
            words.sort_unstable();
            assert!(marks.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(words.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }

    #[test]
    fn a_state_shows_no_number_that_it_may_not() {
        let axis = Axis::over([]);
        for state in &states()[..2] {
            let cell = Cell::new(state, "ppm", axis, Text::new(Lang::En));
            assert!(
                !cell
                    .line()
                    .contains(|c: char| c.is_ascii_digit() || c == '%')
            );
        }
    }

    #[test]
    fn an_estimate_always_shows_its_interval_and_counts() {
        let [.., estimate] = states();
        let cell = Cell::new(&estimate, "us", Axis::over([]), Text::new(Lang::En));
        let line = cell.line().replace('\u{a0}', " ");
        assert_eq!(line, "estimate, 23.4 ms, 20.1 to 31.0 ms, 7 agents");
    }
}
