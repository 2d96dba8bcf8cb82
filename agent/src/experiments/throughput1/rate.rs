//! Pure: which rate a direction gives, if any. The rules stand at the top of `throughput1`.
use super::stream::Stream;
use crate::experiments::bulk::ending::Stop;
use crate::experiments::throughput::limit::{self, Sender};
use crate::experiments::throughput::witness::Moved;
use tonle_wire::ndt7::messages::MAX_INTEGER;
use tonle_wire::throughput1::Direction;
use tonle_wire::throughput1::spec::MESSAGE_START_BYTES;

/// A direction is full when every stream ran for this share of its length (rule 2).
const FULL_SHARE: (i64, i64) = (4, 5);
/// How far the server's clock may be from ours, microseconds (rule 3): a delay either way.
const CLOCK_SLACK_US: i64 = 2_000_000;

/// One direction that was measured.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) direction: Direction,
    /// Streams asked for.
    pub(super) asked: u32,
    /// When the first stream connected, microseconds of the run.
    pub(super) begun_us: i64,
    /// Streams that connected.
    pub(super) streams: Vec<Stream>,
}

/// What the receivers counted, and the microseconds it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) bytes: i64,
    pub(super) elapsed_us: i64,
}

impl Counted {
    pub(super) fn rate_bps(self) -> Option<i64> {
        if self.elapsed_us <= 0 {
            return None;
        }
        let rate_bps = i128::from(self.bytes) * 8_000_000 / i128::from(self.elapsed_us);
        let rate_bps = i64::try_from(rate_bps).ok();
        rate_bps.filter(|rate_bps| (0..=MAX_INTEGER).contains(rate_bps))
    }
}

impl Test {
    fn any_stopped_by(&self, stop: Stop) -> bool {
        self.streams.iter().any(|stream| stream.stop == stop)
    }

    pub(super) fn was_cancelled(&self) -> bool {
        self.any_stopped_by(Stop::Cancelled)
    }

    /// A byte limit, the server's or ours, ended a stream.
    pub(super) fn was_capped(&self) -> bool {
        self.any_stopped_by(Stop::Capped)
    }

    /// Which limit ended the test, in a word.
    pub(super) fn ended_by(&self) -> &'static str {
        let of_streams = [
            (Stop::Cancelled, "cancelled"),
            (Stop::Broken, "broken"),
            (Stop::Stalled, "stalled"),
            (Stop::Capped, "bytes_cap"),
            (Stop::ServerClosed, "server"),
        ];
        let found = of_streams
            .into_iter()
            .find(|(stop, _)| self.any_stopped_by(*stop));
        found.map_or("length", |(_, word)| word)
    }

    /// What the receivers counted (rules 1 and 3).
    pub(super) fn counted(&self) -> Option<Counted> {
        let counts = self.streams.iter().map(|stream| match self.direction {
            Direction::Download => Some((stream.payload_bytes, stream.ended_us - self.begun_us)),
            Direction::Upload => received_by_server(stream, self.begun_us),
        });
        let counts: Vec<(u64, i64)> = counts.collect::<Option<_>>()?;
        let bytes = counts.iter().map(|(bytes, _)| bytes).sum::<u64>();
        Some(Counted {
            bytes: i64::try_from(bytes).ok()?,
            elapsed_us: counts.iter().map(|(_, elapsed_us)| *elapsed_us).max()?,
        })
    }

    /// What a verdict on its limit asks for.
    pub(super) fn moved(&self) -> Moved {
        let sender = Sender::of_streams(self.streams.iter().map(|stream| {
            let lasted_us = stream.ended_us - stream.connected_us;
            match self.direction {
                Direction::Download => {
                    let of_server = stream.heard.tcp;
                    of_server.map(|tcp| (tcp, tcp.elapsed_us.unwrap_or(0)))
                }
                Direction::Upload => stream.own.map(|tcp| (tcp, lasted_us)),
            }
        }));
        let sum = |of: fn(&Stream) -> i64| self.streams.iter().map(of).sum::<i64>();
        let (with_tcp, app_limited) = (
            sum(|stream| stream.heard.with_tcp),
            sum(|stream| stream.heard.app_limited),
        );
        let ends = self.streams.iter().map(|stream| stream.ended_us);
        Moved {
            direction: self.direction,
            stop: self.stop(),
            rate_bps: self.counted().and_then(Counted::rate_bps),
            elapsed_us: ends.max().unwrap_or(self.begun_us) - self.begun_us,
            sender,
            app_limited_ppm: limit::ppm(Some(app_limited), with_tcp),
            server_busy_ppm: None,
        }
    }

    /// What ended it: of several streams whatever leaves it without a result, then a cap. A stream that did
    /// not connect leaves it without one, too.
    fn stop(&self) -> Stop {
        if self.streams.len() < self.asked as usize {
            return Stop::Broken;
        }
        let order = [Stop::Cancelled, Stop::Broken, Stop::Stalled, Stop::Capped];
        let found = order.into_iter().find(|stop| self.any_stopped_by(*stop));
        found.unwrap_or(Stop::TimeUp)
    }

    /// Smallest minimum that a kernel of the server saw, microseconds.
    pub(super) fn min_rtt_us(&self) -> Option<i64> {
        let known = self
            .streams
            .iter()
            .filter_map(|stream| stream.heard.min_rtt_us);
        known.min().map(i64::from)
    }

    /// (metric without variants, value); none when the direction has no rate.
    pub(super) fn samples(&self, length_us: i64, capped_min_us: i64) -> Vec<(&'static str, i64)> {
        let Some(rate_bps) = self.rate_bps(length_us, capped_min_us) else {
            return Vec::new();
        };
        match self.direction {
            Direction::Upload => vec![("upload_bps", rate_bps)],
            // One minimum per run is enough.
            Direction::Download => std::iter::once(("download_bps", rate_bps))
                .chain(self.min_rtt_us().map(|rtt_us| ("min_rtt_us", rtt_us)))
                .collect(),
        }
    }

    fn rate_bps(&self, length_us: i64, capped_min_us: i64) -> Option<i64> {
        if self.was_cancelled() || self.streams.len() < self.asked as usize {
            return None;
        }
        let needed_us = if self.was_capped() {
            capped_min_us
        } else {
            length_us / FULL_SHARE.1 * FULL_SHARE.0
        };
        let shortest_us = self
            .streams
            .iter()
            .map(|stream| stream.ended_us - self.begun_us)
            .min()?;
        let counted = self.counted()?;
        let is_enough = shortest_us >= needed_us.max(1)
            && counted.bytes >= i64::try_from(MESSAGE_START_BYTES).ok()?;
        counted.rate_bps().filter(|_| is_enough)
    }
}

/// What the server says it received of a stream, and when, in microseconds since the first stream
/// connected; `None` when it said nothing or what cannot be.
fn received_by_server(stream: &Stream, begun_us: i64) -> Option<(u64, i64)> {
    let report = stream.heard.last?;
    let heard_after_us = report.heard_us - stream.connected_us;
    let clocks_agree =
        (heard_after_us.saturating_sub(report.elapsed_us)).saturating_abs() <= CLOCK_SLACK_US;
    let is_possible = report.received_bytes <= stream.payload_bytes && clocks_agree;
    is_possible.then_some((
        report.received_bytes,
        stream.connected_us - begun_us + report.elapsed_us,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::stream::{Heard, Report};
    use super::*;
    use proptest::prelude::*;
    use tonle_wire::ndt7::TcpInfo;

    const LENGTH_US: i64 = 5_000_000;
    const CAPPED_MIN_US: i64 = 1_000_000;

    fn stream(payload_bytes: u64, ended_us: i64, stop: Stop) -> Stream {
        Stream {
            connected_us: 100,
            ended_us,
            payload_bytes,
            stop,
            heard: Heard::default(),
            own: None,
        }
    }

    /// What a kernel says that was busy all the while, and held back for so much of it.
    fn kernel(held_back_us: i64) -> TcpInfo {
        TcpInfo {
            busy_time_us: Some(5_000_000),
            rwnd_limited_us: Some(held_back_us),
            sndbuf_limited_us: Some(0),
            elapsed_us: Some(5_000_000),
            ..TcpInfo::default()
        }
    }

    fn download(streams: Vec<Stream>) -> Test {
        Test {
            direction: Direction::Download,
            asked: 2,
            begun_us: 100,
            streams,
        }
    }

    fn upload(reports: [(u64, i64, i64); 2]) -> Test {
        let streams = reports.map(|(received_bytes, elapsed_us, heard_us)| Stream {
            heard: Heard {
                last: Some(Report {
                    received_bytes,
                    elapsed_us,
                    heard_us,
                }),
                ..Heard::default()
            },
            ..stream(2_000_000, 5_000_100, Stop::TimeUp)
        });
        Test {
            direction: Direction::Upload,
            ..download(streams.into())
        }
    }

    fn samples(test: &Test) -> Vec<(&'static str, i64)> {
        test.samples(LENGTH_US, CAPPED_MIN_US)
    }

    #[test]
    fn goodput_is_the_sum_of_streams_over_the_time_since_the_first_connected() {
        let test = download(vec![
            stream(1_000_000, 5_000_100, Stop::TimeUp),
            stream(1_500_000, 4_900_000, Stop::TimeUp),
        ]);
        assert_eq!(samples(&test), [("download_bps", 4_000_000)]);
        assert_eq!(test.ended_by(), "length");
    }

    #[test]
    fn the_sender_is_judged_over_the_sum_of_its_streams_and_not_where_one_says_nothing() {
        let mut test = download(vec![
            stream(1_000_000, 5_000_100, Stop::TimeUp),
            stream(1_000_000, 5_000_100, Stop::TimeUp),
        ]);
        test.streams[0].heard.tcp = Some(kernel(4_000_000));
        assert_eq!(test.moved().sender, None, "one says nothing");
        test.streams[1].heard.tcp = Some(kernel(0));
        let moved = test.moved();
        let sender = moved.sender.unwrap();
        assert_eq!(
            (sender.busy_ppm, sender.window_ppm),
            (Some(1_000_000), Some(400_000))
        );
        assert_eq!(moved.rate_bps, Some(3_200_000));
        assert_eq!(moved.stop, Stop::TimeUp);
        // On an upload the sender is this device.
        test.direction = Direction::Upload;
        assert_eq!(test.moved().sender, None);
    }

    #[test]
    fn a_direction_without_a_result_has_nothing_to_be_limited_and_a_cap_is_its_limit() {
        let ended = |stops: &[Stop]| {
            let streams = stops.iter().map(|stop| stream(1_000_000, 5_000_100, *stop));
            download(streams.collect()).moved().stop
        };
        assert_eq!(
            ended(&[Stop::TimeUp]),
            Stop::Broken,
            "the other did not connect"
        );
        assert_eq!(ended(&[Stop::TimeUp, Stop::Broken]), Stop::Broken);
        assert_eq!(ended(&[Stop::Capped, Stop::TimeUp]), Stop::Capped);
        assert_eq!(ended(&[Stop::ServerClosed, Stop::TimeUp]), Stop::TimeUp);
    }

    #[test]
    fn upload_is_what_the_server_received_on_its_own_clock() {
        let test = upload([
            (1_000_000, 4_000_000, 4_010_000),
            (500_000, 3_900_000, 3_950_000),
        ]);
        assert_eq!(samples(&test), [("upload_bps", 3_000_000)]);
    }

    #[test]
    fn counters_that_cannot_be_give_no_rate() {
        let more_than_we_sent =
            upload([(3_000_000, 4_000_000, 4_010_000), (5, 4_000_000, 4_010_000)]);
        assert!(samples(&more_than_we_sent).is_empty());
        let hurried = upload([(1_000_000, 1_000_000, 4_010_000), (5, 4_000_000, 4_010_000)]);
        assert!(samples(&hurried).is_empty(), "its second is ours of four");
        let mut silent = upload([(1_000_000, 4_000_000, 4_010_000); 2]);
        silent.streams[1].heard.last = None;
        assert!(samples(&silent).is_empty());
    }

    #[test]
    fn a_missing_stream_or_a_short_one_gives_no_rate() {
        let alone = download(vec![stream(1_000_000, 5_000_100, Stop::TimeUp)]);
        assert!(samples(&alone).is_empty());
        let broken = download(vec![
            stream(1_000_000, 5_000_100, Stop::TimeUp),
            stream(1_000_000, 3_999_999, Stop::Broken),
        ]);
        assert!(samples(&broken).is_empty());
        assert_eq!(broken.ended_by(), "broken");
    }

    #[test]
    fn a_capped_test_needs_one_second_and_no_more() {
        let capped = |ended_us| {
            download(vec![
                stream(1_000_000, ended_us, Stop::Capped),
                stream(1_000_000, ended_us, Stop::Capped),
            ])
        };
        assert!(samples(&capped(1_000_000)).is_empty());
        let enough = capped(1_000_100);
        assert_eq!(samples(&enough), [("download_bps", 16_000_000)]);
        assert_eq!(enough.ended_by(), "bytes_cap");
    }

    #[test]
    fn the_smallest_minimum_of_all_streams_counts() {
        let mut test = download(vec![
            stream(1_000_000, 5_000_100, Stop::TimeUp),
            stream(1_000_000, 5_000_100, Stop::TimeUp),
        ]);
        test.streams[0].heard.min_rtt_us = Some(9_000);
        test.streams[1].heard.min_rtt_us = Some(8_000);
        assert_eq!(samples(&test)[1], ("min_rtt_us", 8_000));
    }

    proptest! {
        #[test]
        fn no_numbers_of_a_server_make_it_panic(
            received in any::<[u64; 2]>(), elapsed in any::<[i64; 2]>(), heard_us in 0_i64..90_000_000,
        ) {
            let test = upload([(received[0], elapsed[0], heard_us), (received[1], elapsed[1], heard_us)]);
            for (_, value) in samples(&test) {
                prop_assert!((0..=MAX_INTEGER).contains(&value));
            }
        }
    }
}
