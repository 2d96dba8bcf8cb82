//! The lab with real kernels: what programs in it see is what the scenario says.
//!
//! Ignored, loudly, where namespaces cannot be made or a program is missing; a failure there under
//! `LAB=require`. A test that fails leaves its packets in a capture and names it.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::{Command, ExitCode, Stdio};

mod commands;
mod links;
mod support;

type Check = fn() -> Result<(), Failed>;

/// A test and the program it sends traffic with.
struct Needing {
    name: &'static str,
    program: &'static str,
    check: Check,
}

macro_rules! needing {
    ($program:literal: $($module:ident::$name:ident),+ $(,)?) => {
        [$(Needing { name: stringify!($name), program: $program, check: $module::$name }),+]
    };
}

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Timing is part of what is tested: one scenario at a time.
    arguments.test_threads = Some(1);
    let allowed = lab::privilege::acquire().map_err(|error| error.to_string());
    let fping = needing!("fping":
        links::the_round_trip_takes_the_delays_and_never_less,
        links::exactly_the_packets_of_the_pattern_are_lost,
        links::the_second_family_has_the_same_link,
        links::a_large_packet_is_answered_with_the_mtu,
        links::an_outage_begins_and_ends_at_its_times,
        links::what_the_hub_delivered_is_what_the_program_sent,
    );
    let curl = needing!("curl":
        links::a_download_takes_the_time_that_its_bytes_need,
        commands::any_program_resolves_and_verifies,
    );
    let sh = needing!("sh":
        commands::the_exit_code_is_the_commands,
        commands::each_host_has_its_own_resolvers,
        commands::nothing_is_left_when_the_lab_is_killed,
        commands::a_command_ends_with_all_that_it_started,
    );
    let all = fping.into_iter().chain(curl).chain(sh);
    let trials = all.map(|test| trial(&test, &allowed)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn trial(test: &Needing, allowed: &Result<(), String>) -> Trial {
    let missing = match allowed {
        Err(why) => Some(why.clone()),
        Ok(()) => (!exists(test.program)).then(|| format!("no program {:?}", test.program)),
    };
    let Some(why) = missing else {
        return Trial::test(test.name, test.check);
    };
    if std::env::var_os("LAB").is_some_and(|value| value == "require") {
        let why = format!("LAB=require, but {why}");
        return Trial::test(test.name, move || Err(Failed::from(why)));
    }
    eprintln!("IGNORED: {}: {why}", test.name);
    Trial::test(test.name, test.check).with_ignored_flag(true)
}

fn exists(program: &str) -> bool {
    let mut look = Command::new("sh");
    look.args(["-c", &format!("command -v {program}")]);
    look.stdout(Stdio::null()).stderr(Stdio::null());
    look.status().is_ok_and(|status| status.success())
}
