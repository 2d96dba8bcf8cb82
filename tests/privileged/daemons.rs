//! What NetworkManager and ModemManager say reaches records and budget; a real bus, on which
//! python3-dbusmock plays the daemons (`daemons.py`).
use crate::support::text;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// What stands nowhere in what the agent says or keeps; see `daemons.py`.
const SECRETS: [&str; 3] = ["356938035643809", "Sokha-Home-WiFi", "00:23:f8:7e:12:bb"];

/// Makes a bus, the daemons of a case on it, and a default route through an interface `wwan0`; then
/// runs a round and asks for the status.
const SCRIPT: &str = r#"
home=$1 case=$2 tonle=$3
ip link set lo up
ip tuntap add dev wwan0 mode tun
ip address add 10.9.0.2/24 dev wwan0
ip link set wwan0 up
ip route add default via 10.9.0.1 dev wwan0
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$home/bus"
dbus-daemon --session --nofork --nosyslog --address="$DBUS_SYSTEM_BUS_ADDRESS" 2>/dev/null &
bus=$!
until [ -S "$home/bus" ]; do sleep 0.05; done
mkfifo "$home/end"
/usr/bin/python3 "$4" "$case" "$home" <"$home/end" >/dev/null 2>"$home/daemons.log" &
daemons=$!
exec 9>"$home/end"
until [ -e "$home/ready" ]; do kill -0 $daemons || { cat "$home/daemons.log" >&2; exit 1; }; sleep 0.05; done
"$tonle" up --once --yes --json --qos-only --data "$home/data" --config "$home/tonle.toml" >"$home/round.json"
"$tonle" agent status --json --data "$home/data/agent" >"$home/status.json"
"$tonle" agent doctor --data "$home/data/agent" >"$home/doctor.txt" || true
exec 9>&-
wait $daemons || true
kill $bus
"#;

/// What the agent said with the daemons of a case.
struct Said {
    /// The technology of the record.
    technology: Value,
    /// Its context.
    context: Value,
    status: Value,
    doctor: String,
}

fn with(case: &str) -> Result<Said, Failed> {
    let home = tempfile::tempdir()?;
    let targets = home.path().join("targets.csv");
    std::fs::write(
        &targets,
        "experiment,value,category,path_class,stream,note\ndns,site.test,,domestic,quality,\n",
    )?;
    let resolv_conf = home.path().join("resolv.conf");
    std::fs::write(&resolv_conf, "nameserver [127.0.0.1]:9\n")?;
    let config = format!(
        "[agent]\nallow_loopback = true\nexperiments = ['dns']\ntargets = '{}'\nresolv_conf = '{}'\n",
        text(&targets),
        text(&resolv_conf)
    );
    std::fs::write(home.path().join("tonle.toml"), config)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/privileged/daemons.py");
    let output = Command::new("timeout")
        .args([
            "--kill-after=5",
            "90",
            "unshare",
            "-n",
            "sh",
            "-ec",
            SCRIPT,
            "sh",
        ])
        .args([
            text(home.path()),
            case,
            env!("CARGO_BIN_EXE_tonle"),
            text(&script),
        ])
        .output()?;
    if !output.status.success() {
        return Err(format!("{case}: {}", complaint(&output)).into());
    }
    keeps_secrets(home.path())?;
    let read = |name: &str| std::fs::read_to_string(home.path().join(name));
    let round: Value = serde_json::from_str(&read("round.json")?)?;
    let record = &round["records"][0];
    Ok(Said {
        technology: record["technology"].clone(),
        context: record["context"].clone(),
        status: serde_json::from_str(&read("status.json")?)?,
        doctor: read("doctor.txt")?,
    })
}

fn complaint(output: &Output) -> String {
    format!(
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )
}

/// No file of the agent's or of what it said holds a secret of the daemons.
fn keeps_secrets(home: &Path) -> Result<(), Failed> {
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            if kind.is_dir() {
                folders.push(entry);
            } else if kind.is_file() && !entry.ends_with("daemons.log") {
                let bytes = std::fs::read(&entry)?;
                let held = String::from_utf8_lossy(&bytes);
                if let Some(secret) = SECRETS.iter().find(|secret| held.contains(**secret)) {
                    return Err(format!("{} holds {secret}", entry.display()).into());
                }
            }
        }
    }
    Ok(())
}

fn equal(what: &str, found: &Value, expected: &Value) -> Result<(), Failed> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found}, not {expected}").into())
}

pub(crate) fn a_modem_tells_its_radio_and_that_the_line_costs_by_volume() -> Result<(), Failed> {
    let said = with("mobile")?;
    equal("interface", &said.context["interface"], &json!("cellular"))?;
    equal("metered", &said.context["metered"], &json!(true))?;
    equal(
        "technology",
        &said.technology["detected"],
        &json!("mobile4g"),
    )?;
    let radio = json!({
        "rat": "lte", "rsrp_dbm": -95, "rsrq_db_tenths": -105, "sinr_db_tenths": 123
    });
    equal("radio", &said.context["radio"], &radio)?;
    equal(
        "who said",
        &said.status["line"]["metered_said"],
        &json!("network_manager"),
    )?;
    if !said.doctor.contains("RSRP -95 dBm") {
        return Err(format!("doctor does not show the radio: {}", said.doctor).into());
    }
    let alone = with("modem")?;
    equal("without NetworkManager", &alone.context["radio"], &radio)?;
    equal("interface", &alone.context["interface"], &json!("cellular"))?;
    equal("metered", &alone.context["metered"], &Value::Null)
}

pub(crate) fn a_wifi_link_tells_its_rate_and_a_line_said_to_be_free_has_the_larger_budget()
-> Result<(), Failed> {
    let said = with("wifi")?;
    equal("rate", &said.context["link_rate_bps"], &json!(144_400_000))?;
    equal("signal", &said.context["wifi_signal_dbm"], &json!(-52))?;
    equal("metered", &said.context["metered"], &json!(false))?;
    equal("radio", &said.context["radio"], &Value::Null)?;
    let budget = &said.status["budget"]["monthly_budget_bytes"];
    equal("budget", budget, &json!(1_000_000_000))
}

pub(crate) fn daemons_that_answer_oddly_or_never_leave_values_absent() -> Result<(), Failed> {
    for case in ["odd", "slow"] {
        let said = with(case)?;
        for key in ["metered", "radio", "link_rate_bps", "wifi_signal_dbm"] {
            equal(&format!("{case}: {key}"), &said.context[key], &Value::Null)?;
        }
        let budget = &said.status["budget"]["monthly_budget_bytes"];
        equal("budget", budget, &json!(400_000_000))?;
    }
    Ok(())
}
