//! The reflector's socket: one task that answers packets in the order in which they came.
use super::sessions::{Arrived, Dropped};
use super::{Shared, StampCounters};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonle_net::clock::wall_ns;
use tonle_net::clock_state;
use tonle_net::kernel_time::{Received, TimedSocket};
use tonle_wire::stamp::{ErrorEstimate, PACKET_MAX_BYTES, TimeFormat, Timestamp};

/// Pause after a failed receive: what fails at once would fail in a busy loop.
const RECEIVE_PAUSE: Duration = Duration::from_millis(100);
/// How long the kernel's word on its clock is believed, microseconds.
const CLOCK_STATE_AGE_US: i64 = 1_000_000;

/// A bound reflector that does not answer yet.
pub(in crate::servers) struct Reflector {
    pub(super) socket: TimedSocket,
    pub(super) shared: Arc<Shared>,
}

impl Reflector {
    /// Answers until `cancel` fires.
    pub(in crate::servers) async fn serve(self, cancel: CancellationToken) {
        let answering = async {
            let mut estimate = Estimate::default();
            let mut buffer = [0; PACKET_MAX_BYTES];
            loop {
                let received = self.socket.receive(&self.shared.clock, &mut buffer).await;
                match received {
                    Ok(received) => self.take(&buffer[..received.bytes], &received, &mut estimate),
                    Err(error) => {
                        tracing::warn!(%error, "servers: cannot receive STAMP packets: {error}");
                        tokio::time::sleep(RECEIVE_PAUSE).await;
                    }
                }
            }
        };
        let _: Option<()> = cancel.run_until_cancelled(answering).await;
    }

    fn take(&self, bytes: &[u8], received: &Received, estimate: &mut Estimate) {
        let counters = &self.shared.counters;
        let counter = match self.reflect(bytes, received, estimate) {
            Ok(reply) => match self.socket.answer_now(&reply, received) {
                Ok(()) => &counters.reflected,
                Err(_) => &counters.unsent,
            },
            Err(Dropped::Length) => &counters.dropped_length,
            Err(Dropped::Session) => &counters.dropped_session,
            Err(Dropped::Hmac) => &counters.dropped_hmac,
            Err(Dropped::Excess) => &counters.dropped_excess,
        };
        StampCounters::count(counter);
    }

    fn reflect(
        &self,
        bytes: &[u8],
        received: &Received,
        estimate: &mut Estimate,
    ) -> Result<Vec<u8>, Dropped> {
        if received.truncated {
            return Err(Dropped::Length);
        }
        let arrived = Arrived {
            bytes,
            from: received.source.ok_or(Dropped::Session)?.ip(),
            receive: Timestamp::from_unix_ns(received.wall_ns, TimeFormat::Ntp),
            ttl: received.ttl,
        };
        let now_us = self.shared.clock.elapsed_us();
        let error_estimate = estimate.at(now_us);
        self.shared.sessions().reflect(now_us, arrived, || {
            let now = Timestamp::from_unix_ns(wall_ns(), TimeFormat::Ntp);
            (now, error_estimate)
        })
    }
}

/// How good the clock is, asked again once a second.
#[derive(Default)]
struct Estimate {
    asked: Option<(i64, ErrorEstimate)>,
}

impl Estimate {
    fn at(&mut self, now_us: i64) -> ErrorEstimate {
        match self.asked {
            Some((at_us, estimate)) if now_us - at_us < CLOCK_STATE_AGE_US => estimate,
            _ => {
                let estimate = ErrorEstimate::of_clock(clock_state::is_steered());
                self.asked = Some((now_us, estimate));
                estimate
            }
        }
    }
}
