//! The collector among the field's tools: the real program reads and writes OONI's measurements.
mod commands;
mod program;
