//! The files that make a host's programs resolve names as its scenario says, seen by that host only.
use crate::scenario::model::Host;
use nix::mount::{MsFlags, mount};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

const RESOLVERS: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
const ORDER: &str = "/etc/nsswitch.conf";
const SYS: &str = "/sys";
/// A caching daemon of the machine would answer from outside of the lab.
const CACHE_DAEMON: &str = "/run/nscd";

/// Puts the host's own files in place of the machine's, for this thread and the programs that it
/// starts. They lie in `dir`.
pub(super) fn mount_own(host: &Host, dir: &Path) -> io::Result<()> {
    make_private()?;
    let mut resolvers = String::new();
    for resolver in &host.resolvers {
        writeln!(resolvers, "nameserver {resolver}").expect("text takes all");
    }
    cover(RESOLVERS, &dir.join("resolv.conf"), &resolvers)?;
    cover(
        HOSTS,
        &dir.join("hosts"),
        "127.0.0.1 localhost\n::1 localhost\n",
    )?;
    if Path::new(ORDER).exists() {
        cover(
            ORDER,
            &dir.join("nsswitch.conf"),
            "passwd: files\ngroup: files\nhosts: files dns\n",
        )?;
    }
    if host.vpn {
        // A view of this network namespace: /sys/class/net shows the interface with its kind.
        mount(
            Some("sysfs"),
            SYS,
            Some("sysfs"),
            MsFlags::MS_RDONLY,
            None::<&str>,
        )?;
    }
    if Path::new(CACHE_DAEMON).is_dir() {
        mount(
            Some("none"),
            CACHE_DAEMON,
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&str>,
        )?;
    }
    Ok(())
}

/// Mounts of this namespace stay in it.
fn make_private() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?)
}

fn cover(target: &str, source: &Path, text: &str) -> io::Result<()> {
    if !Path::new(target).exists() {
        let why = format!("this machine has no {target}; make an empty one");
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    fs::write(source, text)?;
    let none = None::<&str>;
    Ok(mount(Some(source), target, none, MsFlags::MS_BIND, none)?)
}
