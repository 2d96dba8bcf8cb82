//! Whether this process may make network namespaces and TUN interfaces; the way to it without root.
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid};
use std::fs::{self, OpenOptions};
use std::io;
use tun_rs::DeviceBuilder;

/// Why the lab cannot run here, with the remedy.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error(
    "the lab cannot run here: {what}: {why}; run it as root, or with CAP_SYS_ADMIN and CAP_NET_ADMIN and access to /dev/net/tun"
)]
pub struct NoPrivilege {
    what: &'static str,
    why: String,
}

/// `CAP_NET_ADMIN` and `CAP_SYS_ADMIN` as bits of a capability set (capabilities(7)).
const NEEDED: u64 = (1 << 12) | (1 << 21);

/// Makes sure that this process can run the lab, and leaves nothing behind.
///
/// Without the capabilities it moves the process into a user namespace of its own, which only a
/// process with one thread may do: call it first in `main`.
pub fn acquire() -> Result<(), NoPrivilege> {
    let tun = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun");
    tun.map_err(|error| refused("open /dev/net/tun", &error))?;
    if !has_capabilities() {
        enter_user_namespace().map_err(|error| refused("make a user namespace", &error))?;
    }
    let probe = std::thread::spawn(probe).join();
    probe.unwrap_or_else(|_| Err(refused("try a namespace", &io::Error::other("panic"))))
}

fn has_capabilities() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = set.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    set.is_some_and(|set| set & NEEDED == NEEDED)
}

/// The caller becomes root of a new user namespace (`user_namespaces(7)`).
fn enter_user_namespace() -> io::Result<()> {
    let (user, group) = (Uid::effective(), Gid::effective());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// On a thread of its own: its namespaces end with it.
fn probe() -> Result<(), NoPrivilege> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
        .map_err(|error| refused("make a network namespace", &error.into()))?;
    let device = DeviceBuilder::new().enable(false).build_sync();
    device.map_err(|error| refused("make a TUN interface", &error))?;
    Ok(())
}

fn refused(what: &'static str, why: &io::Error) -> NoPrivilege {
    NoPrivilege {
        what,
        why: why.to_string(),
    }
}
