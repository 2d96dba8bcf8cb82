//! What a cell's agents say for and against one claim, whatever the statistic.

/// Bounds of a statistic and the two probabilities that a verdict needs. Values are in the unit of
/// the statistic; `claimed` is the value that the rule asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The statistic as measured.
    pub value: f64,
    /// Its one-sided lower bound at the rule's confidence; `None` where so few agents give none.
    pub low: Option<f64>,
    /// Its one-sided upper bound.
    pub high: Option<f64>,
    /// How probable evidence as strong as this, or stronger, that the rule is not met would be
    /// where the statistic is exactly what the rule asks for.
    pub chance_if_met: f64,
}
