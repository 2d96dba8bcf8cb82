//! How commands run: names, trust, exit codes, and what is left of them.
use crate::support::{ensure, in_lab, on_client, text};
use libtest_mimic::Failed;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

pub(crate) fn the_exit_code_is_the_commands() -> Result<(), Failed> {
    in_lab("", |lab| {
        for (line, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
            let (output, _) = on_client(lab, line)?;
            ensure(output.status.code() == Some(code), || {
                format!("{line}: {}", output.status)
            })?;
        }
        let missing = lab.command("client", "no-such-program")?.output()?;
        ensure(missing.status.code() == Some(127), || {
            missing.status.to_string()
        })
    })
}

pub(crate) fn each_host_has_its_own_resolvers() -> Result<(), Failed> {
    let machines = std::fs::read_to_string("/etc/resolv.conf")?;
    in_lab("", |lab| {
        let (_, client) = on_client(lab, "cat /etc/resolv.conf")?;
        ensure(client == "nameserver 8.8.8.8\n", || client.clone())?;
        let server = lab.command("server", "cat")?.args(["/etc/resolv.conf"]);
        ensure(server.output()?.stdout.is_empty(), || {
            "not empty".to_owned()
        })
    })?;
    let after = std::fs::read_to_string("/etc/resolv.conf")?;
    ensure(after == machines, || {
        "the machine's own file changed".to_owned()
    })
}

pub(crate) fn any_program_resolves_and_verifies() -> Result<(), Failed> {
    in_lab("", |lab| {
        let get = "curl -sS -o /dev/null -w '%{http_code} %{ssl_verify_result}' ";
        let (_, text) = on_client(lab, &format!("{get} https://www.example.org/"))?;
        ensure(text == "200 0", || text.clone())?;
        let (unknown, text) = on_client(lab, &format!("{get} https://www.example.com/"))?;
        ensure(unknown.status.code() == Some(6), || text)
    })
}

pub(crate) fn a_command_ends_with_all_that_it_started() -> Result<(), Failed> {
    let marker = format!("{}.25", 70_000 + std::process::id());
    in_lab("", |lab| {
        on_client(lab, &format!("setsid sleep {marker} >/dev/null 2>&1 &"))?;
        ensure(!runs(&marker)?, || "still running".to_owned())
    })
}

pub(crate) fn nothing_is_left_when_the_lab_is_killed() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let scenario = dir.path().join("killed.toml");
    let marker = format!("{}.75", 70_000 + std::process::id());
    let service = format!(
        "[[service]]\nhost = \"server\"\nkind = \"command\"\ncommand = [\"sleep\", \"{marker}\"]\n"
    );
    std::fs::write(&scenario, text("") + &service)?;
    let line = format!("setsid sleep {marker} & echo $LAB_CA; wait");
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("run")
        .arg(&scenario)
        .args(["--", "sh", "-c", &line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = BufReader::new(lab.stdout.take().ok_or("no output")?);
    let mut bundle = String::new();
    output.read_line(&mut bundle)?;
    let bundle = std::path::PathBuf::from(bundle.trim_end());
    ensure(bundle.exists() && runs(&marker)?, || {
        "did not run".to_owned()
    })?;
    lab.kill()?;
    lab.wait()?;
    // The pipe ends when the last process that could write to it has ended.
    std::io::copy(&mut output, &mut std::io::sink())?;
    until(|| Ok(!runs(&marker)? && !bundle.exists()))
}

fn runs(marker: &str) -> Result<bool, Failed> {
    for entry in std::fs::read_dir("/proc")? {
        let line = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        if words.next().is_some_and(|word| word.ends_with(b"sleep"))
            && words.next() == Some(marker.as_bytes())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks until it is so; the kernel and the janitor end on their own time.
fn until(so: impl Fn() -> Result<bool, Failed>) -> Result<(), Failed> {
    for _ in 0..1000 {
        if so()? {
            return Ok(());
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    Err("after ten seconds something is still there".into())
}
