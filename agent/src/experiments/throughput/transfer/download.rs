//! Receiving load and the server's measurements on one stream.
use super::{End, Heard, Limits, Load, MESSAGE_TIMEOUT, Stop};
use crate::experiments::Run;
use crate::experiments::throughput::connection::{Socket, is_spent};
use futures_util::StreamExt;
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::step::Step;
use tonle_net::websocket::{self, Message};

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
        let Some(left_us) = u64::try_from(left_us).ok().filter(|left_us| *left_us > 0) else {
            return End::by(Stop::TimeUp);
        };
        let left = Duration::from_micros(left_us);
        let message = match tokio::time::timeout(MESSAGE_TIMEOUT.min(left), socket.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) if is_spent(&error) => return End::by(Stop::Capped),
            Ok(Some(Err(error))) => return End::broken(websocket::failure(&error)),
            Ok(None) => return End::broken(Failure::Eof),
            Err(_) if left <= MESSAGE_TIMEOUT => return End::by(Stop::TimeUp),
            Err(_) => return End::broken(Failure::GenericTimeout),
        };
        match message {
            Message::Binary(payload) => load.add(payload.len()),
            Message::Text(text) => {
                load.payload_bytes += text.len() as u64;
                heard.text(text.as_bytes());
            }
            Message::Close(frame) => {
                heard.close_code = frame.map(|frame| frame.code.into());
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
