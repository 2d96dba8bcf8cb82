//! The front door: `tonle up | agent … | collector … | verify …`, nothing but delegation.
use clap::Parser;
use std::process::ExitCode;
use tonle::cli::Tonle;

fn main() -> ExitCode {
    tonle::run(Tonle::parse())
}
