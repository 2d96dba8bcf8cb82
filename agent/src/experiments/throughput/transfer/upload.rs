//! Sending load while the server's measurements come back.
use super::{Heard, Limits, Load};
use crate::experiments::Run;
use crate::experiments::bulk::connection::Socket;
use crate::experiments::bulk::ending::{End, FAREWELL, ServerClose, Stop, next_message};
use crate::experiments::bulk::load::{RandomLoad, bytes_of_message};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::step::Step;
use tonle_net::websocket::Message;
use tonle_wire::ndt7::scaling::Scaling;

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
    let random = RandomLoad::new(run.seed);
    let mut scaling = Scaling::default();
    let nominal_us = limits.timing.nominal_us;
    while step.elapsed_us() < nominal_us {
        let size = scaling.size_bytes();
        if run.bytes_used() + bytes_of_message(size) > limits.stop_at_bytes {
            return End::by(Stop::Capped);
        }
        if let Err(error) = sink.send(random.message(size)).await {
            return End::of_error(&error);
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
        let message = match next_message(stream).await {
            Ok(message) => message,
            Err(end) => return end,
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
                heard.closed = Some(ServerClose::of(frame));
                return End::by(Stop::ServerClosed);
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}
