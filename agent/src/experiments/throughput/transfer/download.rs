//! Receiving load and the server's measurements on one stream.
use super::{Heard, Limits, Load};
use crate::experiments::Run;
use crate::experiments::bulk::connection::Socket;
use crate::experiments::bulk::ending::{End, ServerClose, Stop, next_message_before};
use tonle_net::step::Step;
use tonle_net::websocket::Message;

/// Receives until the server closes, the rate is known, the cap is reached, time is up or the
/// connection breaks.
pub(super) async fn run(
    run: &Run,
    step: &Step,
    socket: &mut Socket,
    limits: Limits,
    load: &mut Load,
    heard: &mut Heard,
) -> End {
    let timing = limits.timing;
    loop {
        if run.bytes_used() >= limits.stop_at_bytes {
            return End::by(Stop::Capped);
        }
        let left_us = timing.cut_off_us - step.elapsed_us();
        let message = match next_message_before(socket, left_us).await {
            Ok(message) => message,
            Err(end) => return end,
        };
        match message {
            Message::Binary(payload) => load.add(payload.len()),
            Message::Text(text) => {
                load.payload_bytes += text.len() as u64;
                heard.text(text.as_bytes());
            }
            Message::Close(frame) => {
                heard.closed = Some(ServerClose::of(frame));
                return End::by(Stop::ServerClosed);
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        let elapsed_us = step.elapsed_us();
        if heard.watch.received_here(elapsed_us, load.payload_bytes) {
            return End::by(Stop::Stable);
        }
        let done_us = elapsed_us.clamp(0, timing.nominal_us);
        (run.progress)(done_us.unsigned_abs(), 2 * timing.nominal_us.unsigned_abs());
    }
}
