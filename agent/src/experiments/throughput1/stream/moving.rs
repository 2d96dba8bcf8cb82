//! The load of one stream and the server's measurements beside it, until a limit or the peer ends
//! them.
use super::{Heard, Load, StreamPlan};
use crate::experiments::Run;
use crate::experiments::bulk::connection::Socket;
use crate::experiments::bulk::ending::{
    End, FAREWELL, ServerClose, Stop, next_message, next_message_before,
};
use crate::experiments::bulk::load::{RandomLoad, bytes_of_message};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::websocket::Message;
use tonle_wire::throughput1::Direction;
use tonle_wire::throughput1::scaling::Scaling;
use tonle_wire::throughput1::spec::MESSAGE_MAX_BYTES;

/// How much later than our clock the server's may end the test, microseconds.
const GRACE_US: i64 = 1_000_000;
/// How much earlier than our clock the server's may end it: its clock begins before ours.
const EARLY_US: i64 = 300_000;

/// One stream in progress.
struct Moving<'a> {
    run: &'a Run,
    plan: &'a StreamPlan,
    connected_us: i64,
}

/// Moves load in the plan's direction.
pub(super) async fn run(
    run: &Run,
    plan: &StreamPlan,
    connected_us: i64,
    socket: &mut Socket,
    load: &mut Load,
    heard: &mut Heard,
) -> End {
    let moving = Moving {
        run,
        plan,
        connected_us,
    };
    match plan.direction {
        Direction::Download => moving.download(socket, load, heard).await,
        Direction::Upload => moving.upload(socket, load, heard).await,
    }
}

impl Moving<'_> {
    /// Microseconds since the first stream connected.
    fn of_test_us(&self) -> i64 {
        self.run.clock.elapsed_us() - self.plan.begun_us
    }

    /// Microseconds since this stream connected.
    fn of_stream_us(&self) -> i64 {
        self.run.clock.elapsed_us() - self.connected_us
    }

    /// What a Close of the server means.
    fn closed_by_server(&self, load: &Load, heard: &Heard) -> End {
        let moved = match self.plan.direction {
            Direction::Download => load.payload_bytes,
            Direction::Upload => heard.last.map_or(0, |report| report.received_bytes),
        };
        if moved >= self.plan.limit_bytes {
            return End::by(Stop::Capped);
        }
        // The server times each stream from its own handshake.
        if self.of_stream_us() >= self.plan.length_us - EARLY_US {
            return End::by(Stop::TimeUp);
        }
        End::by(Stop::ServerClosed)
    }

    fn progress(&self) {
        let length_us = self.plan.length_us;
        let done_us = self.of_test_us().clamp(0, length_us)
            + match self.plan.direction {
                Direction::Download => 0,
                Direction::Upload => length_us,
            };
        (self.run.progress)(done_us.unsigned_abs(), 2 * length_us.unsigned_abs());
    }

    async fn download(&self, socket: &mut Socket, load: &mut Load, heard: &mut Heard) -> End {
        // A server that ignores the limit may send one message of measurements beyond it.
        let most_bytes = self
            .plan
            .limit_bytes
            .saturating_add(MESSAGE_MAX_BYTES as u64);
        loop {
            if self.run.bytes_used() >= self.plan.stop_at_bytes || load.payload_bytes > most_bytes {
                return End::by(Stop::Capped);
            }
            let left_us = self.plan.length_us + GRACE_US - self.of_test_us();
            let message = match next_message_before(socket, left_us).await {
                Ok(message) => message,
                Err(end) if end.stop == Stop::TimeUp => return Self::end_of_silence(load),
                Err(end) => return end,
            };
            match message {
                Message::Binary(payload) => {
                    load.payload_bytes += payload.len() as u64;
                    load.messages += 1;
                }
                Message::Text(text) => {
                    load.payload_bytes += text.len() as u64;
                    heard.text(text.as_bytes(), self.run.clock.elapsed_us());
                }
                Message::Close(frame) => {
                    heard.closed = Some(ServerClose::of(frame));
                    return self.closed_by_server(load, heard);
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
            load.note(self.of_stream_us(), load.payload_bytes);
            self.progress();
        }
    }

    /// Time is up and nothing is on its way: a server that never sent load did not serve.
    fn end_of_silence(load: &Load) -> End {
        if load.messages == 0 {
            return End::broken(Failure::GenericTimeout);
        }
        End::by(Stop::TimeUp)
    }

    async fn upload(&self, socket: &mut Socket, load: &mut Load, heard: &mut Heard) -> End {
        let left_us = self.plan.length_us - self.of_test_us();
        let left = Duration::from_micros(u64::try_from(left_us).unwrap_or(0));
        let (mut sink, mut stream) = socket.split();
        let mut series = Load::default();
        let end = tokio::select! {
            end = self.send(&mut sink, load) => Some(end),
            end = self.listen(&mut stream, heard, &mut series, None) => Some(end),
            () = tokio::time::sleep(left) => None,
        };
        let end = match end {
            Some(end) if end.stop != Stop::Broken => end,
            None => End::by(Stop::TimeUp),
            Some(broken) => broken,
        };
        // A server that closed has said all; of a broken connection its Close may still be there.
        let end = if heard.closed.is_some() {
            end
        } else {
            self.hear_the_rest(&mut stream, heard, &mut series, load, end)
                .await
        };
        load.series = series.series;
        if end.stop == Stop::ServerClosed {
            return self.closed_by_server(load, heard);
        }
        end
    }

    /// Waits for what the server says of the last bytes, and for its Close.
    async fn hear_the_rest(
        &self,
        stream: &mut SplitStream<&mut Socket>,
        heard: &mut Heard,
        series: &mut Load,
        load: &Load,
        end: End,
    ) -> End {
        let until_bytes = Some(load.payload_bytes);
        let listening = self.listen(stream, heard, series, until_bytes);
        match tokio::time::timeout(FAREWELL, listening).await {
            Ok(last) if last.stop == Stop::ServerClosed && end.stop == Stop::Broken => last,
            _ => end,
        }
    }

    /// Sends binary messages; returns when one may not be sent any more.
    async fn send(&self, sink: &mut SplitSink<&mut Socket, Message>, load: &mut Load) -> End {
        let random = RandomLoad::new(self.run.seed ^ u64::from(self.plan.index));
        let mut scaling = Scaling::new(Some(self.plan.limit_bytes));
        while self.of_test_us() < self.plan.length_us {
            let Some(size) = scaling.next_bytes() else {
                return End::by(Stop::Capped);
            };
            if self.run.bytes_used() + bytes_of_message(size) > self.plan.stop_at_bytes {
                return End::by(Stop::Capped);
            }
            load.payload_bytes += size as u64;
            load.messages += 1;
            if let Err(error) = sink.send(random.message(size)).await {
                return End::of_error(&error);
            }
            scaling.sent_binary(size);
            self.progress();
        }
        End::by(Stop::TimeUp)
    }

    /// Reads the server's measurements; returns when its side ended, or when it has received
    /// `until_bytes`. Load from the server of an upload counts for nothing, and above our cap it
    /// ends the stream.
    async fn listen(
        &self,
        stream: &mut SplitStream<&mut Socket>,
        heard: &mut Heard,
        series: &mut Load,
        until_bytes: Option<u64>,
    ) -> End {
        loop {
            if self.run.bytes_used() >= self.plan.stop_at_bytes {
                return End::by(Stop::Capped);
            }
            let message = match next_message(stream).await {
                Ok(message) => message,
                Err(end) => return end,
            };
            match message {
                Message::Text(text) => {
                    let report = heard.text(text.as_bytes(), self.run.clock.elapsed_us());
                    let Some(report) = report else { continue };
                    series.note(report.elapsed_us, report.received_bytes);
                    if until_bytes.is_some_and(|bytes| report.received_bytes >= bytes) {
                        return End::by(Stop::TimeUp);
                    }
                }
                Message::Close(frame) => {
                    heard.closed = Some(ServerClose::of(frame));
                    return End::by(Stop::ServerClosed);
                }
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}
