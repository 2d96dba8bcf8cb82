//! One test from its handshake to its end. How a conversation goes stands in `conversation`; after
//! its length the server ends it, and whatever happens it is cut off at the protocol's hard limit.
use super::sender::Sender;
use super::{Begun, Course as _, Protocol, Shared, TestCounters};
use crate::servers::front::Upgraded;
use crate::servers::websocket::conversation::{End, OnDrop, Outgoing, converse, orders};
use crate::servers::websocket::receiver::Receiver;
use std::sync::atomic::{AtomicU64, Ordering};
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::Direction;

/// Runs a granted test.
pub(super) async fn run<P: Protocol>(
    shared: &Shared<P>,
    direction: Direction,
    query: P::Query,
    upgraded: Upgraded,
) {
    let counters = &*shared.counters;
    let (started, moved) = match direction {
        Direction::Download => (&counters.downloads_started, &counters.sent_bytes),
        Direction::Upload => (&counters.uploads_started, &counters.received_bytes),
    };
    TestCounters::add(started, 1);
    counters.in_progress.fetch_add(1, Ordering::Relaxed);
    let _running = OnDrop(|| {
        counters.in_progress.fetch_sub(1, Ordering::Relaxed);
    });

    let Upgraded {
        stream,
        already_read,
        kernel,
        cancel,
    } = upgraded;
    let clock = Stopwatch::start();
    let client_name = P::client_name(&query).map(str::to_owned);
    let asked = P::congestion_control(&query);
    let wanted = asked.or(shared.congestion_control.as_deref());
    let congestion_control = kernel.use_congestion_control(wanted);
    let received_bytes = AtomicU64::new(0);
    let (pongs, close, inbox) = orders(cancel);
    let (read_half, write_half) = tokio::io::split(stream);
    let mut receiver = Receiver::new(read_half, &already_read, P::duty(direction), pongs);
    let mut sender = Sender {
        out: Outgoing::new(write_half, inbox),
        direction,
        clock,
        received: &received_bytes,
        course: shared.protocol.begin(Begun {
            direction,
            query,
            kernel,
            clock,
            congestion_control: congestion_control.clone(),
        }),
    };
    let conversation = async {
        let end = converse(sender.run(), &mut receiver, &close, &received_bytes).await;
        sender.out.shut_down(end).await;
        end
    };
    let end = tokio::time::timeout(shared.protocol.hard_limit(), conversation)
        .await
        .unwrap_or(End::CutOff);

    let ended = match end {
        End::Closed => &counters.closed,
        End::RuleBroken | End::Lost | End::CutOff => &counters.broken_off,
    };
    TestCounters::add(ended, 1);
    let size_bytes = match direction {
        Direction::Download => sender.course.sent_bytes(),
        Direction::Upload => received_bytes.load(Ordering::Relaxed),
    };
    TestCounters::add(moved, size_bytes);
    tracing::debug!(
        direction = direction.as_str(),
        ?end,
        size_bytes,
        duration_ms = clock.elapsed_us() / 1000,
        congestion_control,
        client_name,
        "{}: a test ended",
        P::NAME
    );
    sender.course.end().await;
}
