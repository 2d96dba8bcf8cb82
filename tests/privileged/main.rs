//! Tests that need a kernel feature or a tool: ignored, loudly, where it is missing; a failure
//! there under `LAB=require`.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::{Command, ExitCode, Stdio};

mod daemons;
mod full_disk;
mod icmp;
mod offline;
mod support;
mod syncs;

type Check = fn() -> Result<(), Failed>;

/// A test with the commands that must succeed for it to mean anything.
struct Needing {
    name: &'static str,
    needs: &'static [&'static [&'static str]],
    check: Check,
}

const TESTS: &[Needing] = &[
    Needing {
        name: "a_receipt_leaves_only_after_the_journal_is_synced",
        needs: &[&["strace", "-f", "-o", "/dev/null", "true"]],
        check: syncs::a_receipt_leaves_only_after_the_journal_is_synced,
    },
    Needing {
        name: "a_full_disk_is_a_clear_error_and_loses_nothing",
        needs: &[&[
            "unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt",
        ]],
        check: full_disk::a_full_disk_is_a_clear_error_and_loses_nothing,
    },
    Needing {
        name: "without_any_network_every_failure_has_its_right_name",
        needs: &[&["unshare", "-n", "ip", "link", "set", "lo", "up"]],
        check: offline::without_any_network_every_failure_has_its_right_name,
    },
    Needing {
        name: "latency_needs_no_privilege_where_the_datagram_socket_is_open",
        needs: &[&["unshare", "-n", "ip", "link", "set", "lo", "up"]],
        check: icmp::latency_needs_no_privilege_where_the_datagram_socket_is_open,
    },
    Needing {
        name: "a_modem_tells_its_radio_and_that_the_line_costs_by_volume",
        needs: BUS,
        check: daemons::a_modem_tells_its_radio_and_that_the_line_costs_by_volume,
    },
    Needing {
        name: "a_wifi_link_tells_its_rate_and_a_line_said_to_be_free_has_the_larger_budget",
        needs: BUS,
        check: daemons::a_wifi_link_tells_its_rate_and_a_line_said_to_be_free_has_the_larger_budget,
    },
    Needing {
        name: "daemons_that_answer_oddly_or_never_leave_values_absent",
        needs: BUS,
        check: daemons::daemons_that_answer_oddly_or_never_leave_values_absent,
    },
];

/// What the tests of the daemons need beside a network of their own.
const BUS: &[&[&str]] = &[
    &[
        "unshare", "-n", "ip", "tuntap", "add", "dev", "wwan0", "mode", "tun",
    ],
    &["dbus-daemon", "--version"],
    &["/usr/bin/python3", "-c", "import dbusmock"],
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    let trials = TESTS.iter().map(|test| trial(test, required)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn trial(test: &Needing, required: bool) -> Trial {
    let missing = test.needs.iter().find(|command| !succeeds(command));
    let check = test.check;
    match missing {
        None => Trial::test(test.name, check),
        Some(command) if required => {
            let why = format!(
                "LAB=require, but this machine cannot run: {}",
                command.join(" ")
            );
            Trial::test(test.name, move || Err(Failed::from(why)))
        }
        Some(command) => {
            eprintln!("IGNORED: {} needs: {}", test.name, command.join(" "));
            Trial::test(test.name, check).with_ignored_flag(true)
        }
    }
}

fn succeeds(command: &[&str]) -> bool {
    let status = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
