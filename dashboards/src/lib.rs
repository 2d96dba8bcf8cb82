//! Everything a person looks at: view models in, complete pages out. No IO.
//!
//! A page is a function of its view model: [`national::render`], [`province::render`], [`trend::render`],
//! [`device::render`], [`join::render`], [`problem::render`]. What every page shares stands in
//! [`frame`]; strings come from `configs/words.toml` ([`text`]), numbers from [`units`].
pub mod address;
pub mod assets;
mod charts;
pub mod device;
pub mod frame;
pub mod join;
pub mod labels;
pub mod language;
pub mod lists;
pub mod map;
pub mod month;
pub mod national;
pub mod problem;
pub mod province;
pub mod selection;
pub mod shapes;
pub mod state;
pub mod strip;
pub mod text;
pub mod trend;
pub mod units;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod html;
#[cfg(test)]
mod tests;
