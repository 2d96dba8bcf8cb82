//! Kernel settings of a host's network namespace.
use crate::scenario::model::{CongestionControl, Host};
use std::fs;
use std::io;

/// What the lab wants, and can do without where the machine does not allow it to be written.
const WANTED: &[(&str, &str)] = &[
    // An answer may come from an address that no route of the host would choose.
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv6/conf/all/disable_ipv6", "0"),
    ("ipv6/conf/default/disable_ipv6", "0"),
    // Quiet interfaces: no search for routers.
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
    // ICMP that answers many packets at once is part of the truth.
    ("ipv4/icmp_ratelimit", "0"),
    ("ipv6/icmp/ratelimit", "0"),
];

/// Writes the settings; before the interface is made, which takes the defaults over.
pub(super) fn write(host: &Host) -> io::Result<()> {
    for (name, value) in WANTED {
        let _ = fs::write(path(name), value);
    }
    let ping = path("ipv4/ping_group_range");
    if let Some(control) = host.congestion_control {
        let name = match control {
            CongestionControl::Reno => "reno",
        };
        fs::write(path("ipv4/tcp_congestion_control"), name)?;
    }
    if !host.unprivileged_icmp {
        return fs::write(ping, "1 0");
    }
    // In a user namespace only its own group can be named.
    fs::write(&ping, "0 2147483647").or_else(|_| fs::write(&ping, "0 0"))
}

fn path(name: &str) -> String {
    format!("/proc/sys/net/{name}")
}
