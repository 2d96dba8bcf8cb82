//! Other projects' programs against ours, unmodified: built by `tests/peers/build.sh` or installed,
//! ignored loudly where they are not there; a failure there under `LAB=require`.
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod agent;
mod ndt7;
mod program;
mod responsiveness;
mod server;
mod stamp;

type Check = fn() -> Result<(), Failed>;

/// A test with the files of `tests/peers`, or of the system, that it needs.
struct Needing {
    name: &'static str,
    needs: &'static [&'static str],
    check: Check,
}

/// The `ndt7-client` crate.
const NDT7_PEER: &str = "bin/ndt7-peer";
/// M-Lab's JavaScript client, installed.
const NDT7_JS: &str = "node/node_modules/@m-lab/ndt7/package.json";

const TESTS: &[Needing] = &[
    Needing {
        name: "the_ndt7_client_crate_measures_both_directions_over_ws",
        needs: &[NDT7_PEER],
        check: ndt7::the_crate_over_ws,
    },
    Needing {
        name: "the_ndt7_client_crate_measures_both_directions_over_wss",
        needs: &[NDT7_PEER],
        check: ndt7::the_crate_over_wss,
    },
    Needing {
        name: "several_stock_clients_measure_at_once",
        needs: &[NDT7_PEER],
        check: ndt7::several_at_once,
    },
    Needing {
        name: "m_labs_javascript_client_measures_both_directions_over_ws",
        needs: &[NDT7_JS],
        check: ndt7::javascript_over_ws,
    },
    Needing {
        name: "m_labs_javascript_client_measures_both_directions_over_wss",
        needs: &[NDT7_JS],
        check: ndt7::javascript_over_wss,
    },
    Needing {
        name: "curl_takes_every_object_of_responsiveness_over_http2",
        needs: &[responsiveness::CURL],
        check: responsiveness::curl_over_http2,
    },
    Needing {
        name: "curl_takes_every_object_of_responsiveness_over_http1_with_tls",
        needs: &[responsiveness::CURL],
        check: responsiveness::curl_over_http1_with_tls,
    },
    Needing {
        name: "curl_takes_every_object_of_responsiveness_without_tls",
        needs: &[responsiveness::CURL],
        check: responsiveness::curl_without_tls,
    },
    Needing {
        name: "the_stamp_suite_sender_loses_nothing_to_our_reflector_in_open_mode",
        needs: &[stamp::STAMP_SUITE],
        check: stamp::its_sender_in_open_mode,
    },
    Needing {
        name: "the_stamp_suite_sender_loses_nothing_in_a_granted_session",
        needs: &[stamp::STAMP_SUITE],
        check: stamp::its_sender_in_a_granted_session,
    },
    Needing {
        name: "our_stamp_measures_a_stamp_suite_reflector_in_open_mode",
        needs: &[stamp::STAMP_SUITE],
        check: stamp::our_experiment_in_open_mode,
    },
    Needing {
        name: "our_stamp_measures_a_stamp_suite_reflector_that_counts_with_a_key",
        needs: &[stamp::STAMP_SUITE],
        check: stamp::our_experiment_with_a_key_and_a_reflector_that_counts,
    },
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Tests of load, each for its ten seconds a direction: not beside each other.
    arguments.test_threads.get_or_insert(1);
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    let trials = TESTS.iter().map(|test| trial(test, required)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A file of `tests/peers`; an absolute path stays what it is.
pub(crate) fn peer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/peers")
        .join(name)
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn trial(test: &Needing, required: bool) -> Trial {
    let missing = test.needs.iter().find(|name| !peer(name).exists());
    let check = test.check;
    match missing {
        None => Trial::test(test.name, check),
        Some(name) if required => {
            let why = format!("LAB=require, but {} is not there", peer(name).display());
            Trial::test(test.name, move || Err(Failed::from(why)))
        }
        Some(name) => {
            eprintln!(
                "IGNORED: {} needs {}: run tests/peers/build.sh, or install it",
                test.name,
                peer(name).display()
            );
            Trial::test(test.name, check).with_ignored_flag(true)
        }
    }
}
