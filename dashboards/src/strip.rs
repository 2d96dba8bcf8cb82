//! An interval as a small drawing: a bar from its low to its high end with a mark at the median.
use crate::text::Text;
use crate::units::Scale;
use tonle_evidence::statement::Figure;

/// Width of the drawing in its own units; also its natural width in CSS pixels.
const WIDTH: i64 = 120;
/// Room on each side, so that a mark at an end is not cut.
const MARGIN: i64 = 6;

/// What the drawings of one column share: they all start at zero and end at `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    end: i64,
}

impl Axis {
    /// An axis that holds every figure.
    pub fn over<'a>(figures: impl IntoIterator<Item = &'a Figure>) -> Self {
        let highest = figures.into_iter().map(|figure| figure.high).max();
        Self {
            end: highest.unwrap_or(0).max(1),
        }
    }

    /// Where a value stands, in units of the drawing; values outside stand at the ends.
    fn position(self, value: i64) -> i64 {
        let inside = i128::from(value.clamp(0, self.end));
        let room = i128::from(WIDTH - 2 * MARGIN);
        let offset = inside * room / i128::from(self.end);
        MARGIN + i64::try_from(offset).expect("at most the width of the drawing")
    }
}

/// One drawing, ready for the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// The same in words.
    pub title: String,
    pub(crate) low: i64,
    pub(crate) median: i64,
    pub(crate) high: i64,
}

impl Strip {
    /// Draws a figure on an axis.
    #[must_use]
    pub fn draw(figure: &Figure, axis: Axis, scale: Scale, text: Text) -> Self {
        let title = text.fill(
            "page.strip",
            &[
                ("median", &scale.quantity(figure.median)),
                ("low", &scale.quantity(figure.low)),
                ("high", &scale.quantity(figure.high)),
                ("start", &scale.quantity(0)),
                ("end", &scale.quantity(axis.end)),
            ],
        );
        Self {
            title,
            low: axis.position(figure.low),
            median: axis.position(figure.median),
            high: axis.position(figure.high),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_drawing_keeps_the_order_and_stays_inside(mut ends: [i64; 3], other: i64) {
            ends.sort_unstable();
            let [low, median, high] = ends;
            let figure = Figure { median, low, high, coverage_ppm: 950_000 };
            let axis = Axis { end: other.max(high).max(1) };
            let at = |value| axis.position(value);
            prop_assert!(at(low) <= at(median) && at(median) <= at(high));
            prop_assert!(at(low) >= MARGIN && at(high) <= WIDTH - MARGIN);
            let _ = figure;
        }
    }
}
