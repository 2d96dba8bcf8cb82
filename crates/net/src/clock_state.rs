//! Whether the wall clock can be believed.
use std::path::Path;
use tonle_evidence::record::ClockState;

/// Made by systemd-timesyncd after its first synchronisation.
const TIMESYNCD_MARKER: &str = "/run/systemd/timesync/synchronized";

/// What the system says of its clock: good enough for a date.
#[must_use]
pub fn state() -> ClockState {
    if Path::new(TIMESYNCD_MARKER).exists() {
        return ClockState::Synchronised;
    }
    kernel_state()
}

/// Whether the clock is steered by an outside source at this moment, as the kernel itself sees it:
/// what the S bit of a STAMP packet claims. A synchronisation in the past is not enough for it.
#[must_use]
pub fn is_steered() -> bool {
    kernel_state() == ClockState::Synchronised
}

/// The kernel's own flag, set by every NTP daemon that disciplines the clock.
#[expect(
    unsafe_code,
    reason = "no safe wrapper of adjtimex(2) is among the dependencies"
)]
fn kernel_state() -> ClockState {
    // SAFETY: an all-zero `timex` is valid (plain integers), `modes == 0` makes the call read-only
    // and unprivileged, and the kernel writes only into the struct that outlives the call.
    let (answer, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    match answer {
        -1 => ClockState::Unknown,
        libc::TIME_ERROR => ClockState::Unsynchronised,
        _ if status & libc::STA_UNSYNC != 0 => ClockState::Unsynchronised,
        _ => ClockState::Synchronised,
    }
}
