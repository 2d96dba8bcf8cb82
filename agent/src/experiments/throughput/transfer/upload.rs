//! Sending load while the server's measurements come back.
use super::{End, FAREWELL, Heard, Limits, Load, MESSAGE_TIMEOUT, Stop};
use crate::experiments::Run;
use crate::experiments::throughput::connection::{Socket, is_spent};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::step::Step;
use tonle_net::websocket::{self, Bytes, Message};
use tonle_wire::ndt7::scaling::Scaling;
use tonle_wire::ndt7::spec::MESSAGE_SENT_MAX_BYTES;

/// What a message costs beside its payload: the frame's header and mask, and TLS records of 16 KiB
/// with 22 bytes each.
const MESSAGE_OVERHEAD_BYTES: u64 = 14 + 22 * (MESSAGE_SENT_MAX_BYTES as u64 / (16 << 10) + 1);

/// Sends until time is up, the rate is known, the cap is reached, the server closes or the
/// connection breaks.
pub(super) async fn run(
    run: &Run,
    step: &Step,
    socket: &mut Socket,
    limits: Limits,
    load: &mut Load,
    heard: &mut Heard,
) -> End {
    let nominal = Duration::from_micros(limits.timing.nominal_us.unsigned_abs());
    let (mut sink, mut stream) = socket.split();
    let end = tokio::select! {
        end = send(run, step, &mut sink, limits, load) => end,
        end = listen(&mut stream, heard) => return end,
        () = tokio::time::sleep(nominal) => return End::by(Stop::TimeUp),
    };
    if end.stop != Stop::Broken {
        return end;
    }
    // A server that closed may have reset what we sent after; its Close still says so.
    match tokio::time::timeout(FAREWELL, listen(&mut stream, heard)).await {
        Ok(heard_last) if heard_last.stop == Stop::ServerClosed => heard_last,
        _ => end,
    }
}

/// Sends binary messages; returns when one may not be sent any more.
async fn send(
    run: &Run,
    step: &Step,
    sink: &mut SplitSink<&mut Socket, Message>,
    limits: Limits,
    load: &mut Load,
) -> End {
    let mut random = vec![0; MESSAGE_SENT_MAX_BYTES];
    StdRng::seed_from_u64(run.seed).fill_bytes(&mut random);
    let random = Bytes::from(random);
    let mut scaling = Scaling::default();
    let nominal_us = limits.timing.nominal_us;
    while step.elapsed_us() < nominal_us {
        let size = scaling.size_bytes();
        let after = run.bytes_used() + size as u64 + MESSAGE_OVERHEAD_BYTES;
        if after > limits.stop_at_bytes {
            return End::by(Stop::Capped);
        }
        let message = Message::Binary(random.slice(..size));
        if let Err(error) = sink.send(message).await {
            return End::broken(websocket::failure(&error));
        }
        scaling.sent(size);
        load.add(size);
        let done_us = step.elapsed_us().clamp(0, nominal_us) + nominal_us;
        (run.progress)(done_us.unsigned_abs(), 2 * nominal_us.unsigned_abs());
    }
    End::by(Stop::TimeUp)
}

/// Reads the server's measurements; returns when the server's side ended. Load from the server of
/// an upload breaks the protocol.
async fn listen(stream: &mut SplitStream<&mut Socket>, heard: &mut Heard) -> End {
    loop {
        let message = match tokio::time::timeout(MESSAGE_TIMEOUT, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) if is_spent(&error) => return End::by(Stop::Capped),
            Ok(Some(Err(error))) => return End::broken(websocket::failure(&error)),
            Ok(None) => return End::broken(Failure::Eof),
            Err(_) => return End::broken(Failure::GenericTimeout),
        };
        match message {
            Message::Text(text) => {
                heard.text(text.as_bytes());
                if heard.knows_the_upload() {
                    return End::by(Stop::Stable);
                }
            }
            Message::Binary(_) => return End::broken(Failure::HttpRequestFailed),
            Message::Close(frame) => {
                heard.close_code = frame.map(|frame| frame.code.into());
                return End::by(Stop::ServerClosed);
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}
