//! Servers that do not behave: the experiment ends in time, with the right failure or an end of its
//! own, and never takes more bytes than it was given.
use super::*;
use crate::experiments::bulk::peer::{PeerSocket, listen};
use tokio::io::AsyncWriteExt;

/// Bytes of a run here: far less than any of these servers would send.
const BUDGET: u64 = 1 << 20;
/// First two bytes of a frame: a final binary message whose length follows in 64 bits.
const LONG_BINARY: [u8; 2] = [0x82, 127];

/// Tests whose time is up soon; only a silent server waits for a message as long as stock clients.
fn impatient() -> Throughput {
    Throughput {
        timing: Timing {
            nominal_us: 1_000_000,
            cut_off_us: 1_500_000,
            capped_min_us: 1,
        },
        ..SHORT
    }
}

/// Time enough for any budget: what ends such a test is its bytes.
fn patient() -> Throughput {
    Throughput {
        timing: Timing {
            nominal_us: 30_000_000,
            cut_off_us: 30_000_000,
            capped_min_us: 1,
        },
        ..SHORT
    }
}

async fn measured(addr: SocketAddr) -> (Run, Recorded) {
    measured_by(&impatient(), addr).await
}

async fn measured_by(experiment: &Throughput, addr: SocketAddr) -> (Run, Recorded) {
    let run = new_run(BUDGET, true);
    let target = target(&format!("ws://{addr}/"), PathClass::Domestic);
    experiment.run(&run, &target).await.unwrap();
    let recorded = run.take();
    assert!(run.bytes_used() <= BUDGET, "{} bytes", run.bytes_used());
    (run, recorded)
}

fn transfers(recorded: &Recorded) -> Vec<&Observation> {
    let seen = recorded.observations.iter();
    seen.filter(|seen| seen.operation == "transfer").collect()
}

fn uploads(recorded: &Recorded) -> usize {
    let samples = recorded.samples.iter();
    samples.filter(|(name, _)| name.contains("upload")).count()
}

/// Writes bytes as they stand, again and again, until the client leaves.
async fn repeat(mut socket: PeerSocket, bytes: &[u8]) {
    while socket.get_mut().write_all(bytes).await.is_ok() {}
}

#[tokio::test]
async fn a_server_that_stalls_gives_no_rate() {
    let addr = peer::start(|_, socket| listen(socket)).await;
    let (_, recorded) = measured(addr).await;
    for transfer in transfers(&recorded) {
        assert!(transfer.duration_us() < 9_000_000, "{transfer:?}");
        assert_ne!(transfer.detail["stop"], "server_closed");
    }
    assert!(recorded.samples.is_empty(), "{:?}", recorded.samples);
}

#[tokio::test]
async fn a_server_that_goes_silent_is_given_up_after_a_messages_wait() {
    let addr = peer::start(|_, socket| listen(socket)).await;
    let patient = Throughput {
        timing: Timing {
            cut_off_us: 60_000_000,
            ..impatient().timing
        },
        ..SHORT
    };
    let run = new_run(BUDGET, true);
    let target = target(&format!("ws://{addr}/"), PathClass::Domestic);
    patient.run(&run, &target).await.unwrap();
    let recorded = run.take();
    let download = transfers(&recorded)[0];
    assert_eq!(download.failure, Some(Failure::GenericTimeout));
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_server_that_never_closes_is_left() {
    let addr = peer::start(|direction, socket| async move {
        let _ = behave(direction, socket, i64::MAX).await;
    })
    .await;
    let (_, recorded) = measured(addr).await;
    for transfer in transfers(&recorded) {
        let stop = transfer.detail["stop"].as_str().unwrap();
        assert!(["time_up", "bytes_cap"].contains(&stop), "{stop}");
    }
    assert_eq!(transfers(&recorded).len(), 2);
}

#[tokio::test]
async fn a_server_that_answers_byte_by_byte_is_left() {
    let addr = peer::start(|_, mut socket| async move {
        let stream = socket.get_mut();
        let head = [0x81, 126, 0x7f, 0xff];
        if stream.write_all(&head).await.is_err() {
            return;
        }
        while stream.write_all(b"{").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let (_, recorded) = measured(addr).await;
    assert_eq!(transfers(&recorded)[0].detail["stop"], "time_up");
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_frame_above_sixteen_mebibytes_breaks_the_protocol() {
    let addr = peer::start(|_, mut socket| async move {
        let mut head = LONG_BINARY.to_vec();
        head.extend((1_u64 << 40).to_be_bytes());
        let _ = socket.get_mut().write_all(&head).await;
        listen(socket).await;
    })
    .await;
    let (_, recorded) = measured(addr).await;
    let download = transfers(&recorded)[0];
    assert_eq!(download.failure, Some(Failure::HttpRequestFailed));
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_frame_that_is_larger_than_the_budget_is_not_read_to_its_end() {
    let addr = peer::start(|_, mut socket| async move {
        let mut head = LONG_BINARY.to_vec();
        head.extend((16_u64 << 20).to_be_bytes());
        let _ = socket.get_mut().write_all(&head).await;
        repeat(socket, &[7; 16 << 10]).await;
    })
    .await;
    let (_, recorded) = measured_by(&patient(), addr).await;
    assert_eq!(transfers(&recorded)[0].detail["stop"], "bytes_cap");
    assert_eq!(recorded.outcome, Some(Outcome::Capped));
}

#[tokio::test]
async fn floods_of_pings_and_of_text_end_at_the_budget_in_both_directions() {
    let ping: Vec<u8> = [&[0x89, 125][..], &[b'7'; 125]].concat();
    let text: Vec<u8> = [&[0x81, 120][..], &[b' '; 120]].concat();
    for flood in [ping, text] {
        let many = flood.repeat(100);
        let addr = peer::start(move |_, socket| {
            let many = many.clone();
            async move { repeat(socket, &many).await }
        })
        .await;
        let (_, recorded) = measured_by(&patient(), addr).await;
        let transfers = transfers(&recorded);
        assert_eq!(transfers[0].detail["stop"], "bytes_cap");
        assert_eq!(uploads(&recorded), 0, "nothing true was said of the upload");
    }
}

#[tokio::test]
async fn a_server_that_counts_more_than_was_sent_is_not_believed() {
    nothing_is_believed_of(&[
        r#"{"TCPInfo":{"BytesReceived":9007199254740991,"ElapsedTime":1000000}}"#,
        r#"{"AppInfo":{"NumBytes":99999999999999999999999,"ElapsedTime":1000000}}"#,
        r#"{"TCPInfo":{"BytesReceived":18446744073709551615,"ElapsedTime":1000000}}"#,
    ])
    .await;
}

#[tokio::test]
async fn lies_that_are_no_counts_give_no_rate_of_the_upload() {
    let long = format!(r#"{{"TCPInfo":{{"X":"{}"}}}}"#, "x".repeat(100_000));
    nothing_is_believed_of(&[
        r#"{"TCPInfo":{"BytesReceived":-1,"ElapsedTime":1000000}}"#,
        r#"{"TCPInfo":{"BytesReceived":1e9,"ElapsedTime":1000000}}"#,
        r#"{"TCPInfo":{"BytesReceived":60000.5,"ElapsedTime":-9223372036854775808}}"#,
        r#"{"TCPInfo":{"BytesReceived":60000,"ElapsedTime":0}}"#,
        r#"{"TCPInfo":[[[[[["#,
        "\u{0}\u{0}",
        &long,
    ])
    .await;
}

async fn nothing_is_believed_of(lies: &[&str]) {
    let tries = lies.iter().map(async |lie| {
        let (_, recorded) = measured(lying(lie).await).await;
        assert_eq!(uploads(&recorded), 0, "{lie}");
    });
    futures_util::future::join_all(tries).await;
}

/// A server whose every message is this text, and that reads what it is sent.
async fn lying(text: &str) -> SocketAddr {
    let text = text.to_owned();
    peer::start(move |_, socket| {
        let text = text.clone();
        async move {
            let (mut sink, mut stream) = socket.split();
            let lie = async {
                for _ in 0..5 {
                    if sink.send(Message::text(text.clone())).await.is_err() {
                        return;
                    }
                }
            };
            let listen = async { while let Some(Ok(_)) = stream.next().await {} };
            tokio::join!(lie, listen);
        }
    })
    .await
}
