//! Charts as inline SVG: statements in, drawings out. No IO, and no floating-point number.
//!
//! A chart never stands alone: its page has the same numbers as a table, and the addresses of both
//! as JSON and CSV. What else was considered stands in `docs/charts.md`.
pub(crate) mod axis;
pub(crate) mod series;
