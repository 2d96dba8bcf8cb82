//! The hub's thread comes before ordinary ones: a busy machine must not make packets late.

/// Gives the calling thread the lowest real-time priority (sched(7)). Where that is not allowed,
/// the truth's `late_us` says what it cost.
#[expect(
    unsafe_code,
    reason = "no crate of the house sets a scheduling policy without it"
)]
pub(super) fn raise() {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the pointer is to a living value of the type that the call reads; 0 is this thread.
    let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) };
}
