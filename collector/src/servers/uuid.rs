//! Names of connections, as m-lab/uuid makes them: `<host>_<boot time>_unsafe_<socket cookie>`,
//! unique for this machine until it is set up anew. `unsafe` says that nobody handed out a prefix.

/// What the names of one machine have in common.
#[derive(Debug, Clone)]
pub(super) struct UuidPrefix(String);

impl UuidPrefix {
    /// This machine's; `None` where the kernel does not tell its name or when it was started.
    pub(super) fn of_this_machine() -> Option<Self> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        Self::new(host.trim(), boot_time_s(&stat)?)
    }

    /// `None` for a host name that would not stand in a file's name.
    fn new(host: &str, boot_time_s: u64) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let fits = !host.is_empty() && host.chars().all(is_plain);
        fits.then(|| Self(format!("{host}_{boot_time_s}_unsafe")))
    }

    /// The name of the connection with this `SO_COOKIE`.
    pub(super) fn of_cookie(&self, cookie: u64) -> String {
        format!("{}_{cookie:016X}", self.0)
    }
}

/// Line `btime` of `/proc/stat` (proc(5)): seconds since the Unix epoch.
fn boot_time_s(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
    line?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_form_of_the_stock_library() {
        let prefix = UuidPrefix::new("host", 1_563_200_740).unwrap();
        let name = prefix.of_cookie(0x157c6);
        assert_eq!(name, "host_1563200740_unsafe_00000000000157C6");
    }

    #[test]
    fn a_host_that_is_no_file_name_gives_no_prefix() {
        for host in ["", "a/b", "..\u{0}", "a b"] {
            assert!(UuidPrefix::new(host, 1).is_none(), "{host:?}");
        }
    }

    #[test]
    fn the_time_of_boot_is_one_line_among_others() {
        assert_eq!(
            boot_time_s("cpu 1 2\nbtime 1563200740\nx 1\n"),
            Some(1_563_200_740)
        );
        assert_eq!(boot_time_s("cpu 1 2\n"), None);
    }
}
