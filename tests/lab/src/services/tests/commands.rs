//! Services that are programs: readiness, placeholders, failures, and their end.
use super::{Bench, ServiceError, bench, try_bench};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::net::TcpListener;
use std::time::Duration;

/// A service that runs a script of `sh`.
fn script(script: &str, more: &str) -> String {
    format!(
        "[[service]]\nhost = \"server\"\nkind = \"command\"\n\
         command = [\"sh\", \"-c\", '''{script}''']\n{more}\n"
    )
}

fn said(bench: &Bench) -> String {
    bench.running.outputs().remove(0).1
}

#[tokio::test]
async fn placeholders_and_environment_reach_the_program() {
    let text = script(
        "cat {ca} {cert} {key} | grep -c BEGIN; ls -d {dir}; echo {address} $BENCH $MINE; \
         echo ready; exec sleep 1000",
        "ready_line = \"ready\"\nenv = { MINE = \"{address}!\" }",
    );
    let bench = bench(30, &text).await;
    let address = bench.address;
    let dir = bench.folder.path().join("service-0");
    let expected = format!("3\n{}\n{address} yes {address}!\nready\n", dir.display());
    assert_eq!(said(&bench), expected);
}

#[tokio::test]
async fn a_port_that_accepts_makes_a_program_ready() {
    let listener = TcpListener::bind((super::address(31), 5600)).unwrap();
    let bench = bench(31, &script("exec sleep 1000", "ready_port = 5600")).await;
    listener.accept().unwrap();
    bench.running.stop().await;
}

#[tokio::test]
async fn a_program_that_ends_early_is_shown_with_its_last_words() {
    let text = script(
        "echo half; echo no such option >&2; exit 3",
        "ready_line = \"up\"",
    );
    let Err(ServiceError::Command {
        service,
        why,
        output,
    }) = try_bench(32, &text).await
    else {
        panic!("it started");
    };
    assert_eq!(service, "service[0] (command on server)");
    assert_eq!(why, "ended before it was ready: exit status: 3");
    assert_eq!(output, "half\nno such option\n");
}

#[tokio::test]
async fn a_program_that_is_not_ready_in_time_is_ended_and_shown() {
    let text = script(
        "echo waiting; exec sleep 1000",
        "ready_line = \"never\"\nready_within_ms = 200",
    );
    let error = try_bench(33, &text).await.err().unwrap();
    let text = error.to_string();
    assert!(
        text.contains("was not ready within 200 ms\nwaiting\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let text = "[[service]]\nhost = \"server\"\nkind = \"command\"\ncommand = [\"/no/such\"]\n";
    let error = try_bench(34, text).await.err().unwrap();
    assert!(
        error.to_string().contains("/no/such could not be started"),
        "{error}"
    );
}

/// Waits until a process is gone, or at least a zombie of somebody else's.
async fn is_gone(pid: i32) -> bool {
    for _ in 0..500 {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let zombie = state
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim().starts_with('Z'));
        if zombie || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn what_a_program_started_ends_with_it() {
    for stop in [true, false] {
        let text = script(
            "sleep 1000 & echo $!; echo ready; wait",
            "ready_line = \"ready\"",
        );
        let bench = bench(35, &text).await;
        let child: i32 = said(&bench).lines().next().unwrap().parse().unwrap();
        if stop {
            bench.running.stop().await;
        } else {
            drop(bench);
        }
        assert!(is_gone(child).await);
    }
}
