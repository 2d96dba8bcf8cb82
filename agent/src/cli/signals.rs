//! Ctrl-C and SIGTERM: the first ends everything cleanly, the second at once.
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process ended by the second signal (128 + SIGINT, as shells report it).
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels.
pub fn stop_on_signals() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let first = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first.is_cancelled() {
                exit_at_once();
            }
            first.cancel();
        }
    });
    Ok(stop)
}

#[expect(
    clippy::exit,
    reason = "the person asked twice; what counts is already on disk"
)]
fn exit_at_once() -> ! {
    std::process::exit(INTERRUPTED)
}
