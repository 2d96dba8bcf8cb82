//! Our agent and collector, unmodified, on lines of the lab whose truth is known. Ignored loudly where
//! the lab cannot run; a failure there under `LAB=require`.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

mod bench;
mod favoured;
mod locate;
mod path;
mod record;
mod responsiveness;
mod several;
mod stamp;
mod traffic;
mod train;

type Check = fn() -> Result<(), Failed>;

const TESTS: &[(&str, Check)] = &[
    (
        "a_path_is_what_the_hub_saw_without_privilege_and_without_the_volunteers_side",
        path::a_path_is_what_the_hub_saw,
    ),
    (
        "the_collector_says_where_paths_lead_and_which_leave_as_the_others",
        path::the_collector_says_where_paths_lead,
    ),
    (
        "a_fair_line_is_not_said_to_favour_tests",
        favoured::a_fair_line_is_not_accused,
    ),
    (
        "a_network_that_lets_only_tests_run_faster_is_found",
        favoured::a_network_that_lets_tests_run_faster_is_found,
    ),
    (
        "a_network_that_knows_tests_by_their_port_is_found",
        favoured::a_network_that_knows_tests_by_their_port_is_found,
    ),
    (
        "the_next_server_that_locate_names_is_measured_with_once_the_volunteer_agreed",
        locate::the_next_server_is_measured_with,
    ),
    (
        "over_several_streams_the_line_is_what_limits_both_directions",
        several::the_line_limits_both_directions,
    ),
    (
        "a_deep_queue_and_a_short_one_separate_clearly",
        responsiveness::queues_separate,
    ),
    (
        "probes_take_at_most_their_share_of_a_slow_line",
        responsiveness::probes_are_few,
    ),
    (
        "loss_towards_the_server_is_counted_exactly_and_there_only",
        stamp::loss_towards_the_server,
    ),
    (
        "loss_from_the_server_is_counted_exactly_and_there_only",
        stamp::loss_from_the_server,
    ),
    (
        "copies_and_packets_out_of_order_are_no_loss",
        stamp::copies_and_disorder,
    ),
    ("latency_under_load_is_the_queues_own", stamp::under_load),
];

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // They measure time: not beside each other.
    arguments.test_threads = Some(1);
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (&missing, required) {
        skipped(why);
    }
    let trials = TESTS.iter().map(|(name, check)| {
        let (check, missing) = (*check, missing.clone());
        let is_ignored = missing.is_some() && !required;
        Trial::test(*name, move || match missing {
            Some(why) => Err(format!("LAB=require, but {why}").into()),
            None => check(),
        })
        .with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn skipped(why: &str) {
    eprintln!("LAB SKIPPED: {} tests of lines ({why})", TESTS.len());
}
