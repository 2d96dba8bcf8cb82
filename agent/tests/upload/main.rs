//! From the spool to a collector over real sockets: what is believed, what stays, what is lost (nothing).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod device;
mod relay;
mod server;

use device::Device;
use relay::Relay;
use server::{Answer, Batch, Collector, Store, receipt_of, url_of};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonle_agent::outbox::lock;
use tonle_agent::upload::{Stop, UploadReport, Uploader};
use tonle_evidence::SigningKey;
use tonle_evidence::hash::{Hash, sha256};
use tonle_evidence::receipt::ItemResult;
use tonle_net::clock::wall_us;

async fn drain(device: &Device, collector: &Collector) -> UploadReport {
    let uploader = device.uploader(vec![collector.url()], collector.key);
    drain_with(&uploader).await
}

async fn drain_with<F: tonle_agent::files::Files>(uploader: &Uploader<F>) -> UploadReport {
    uploader.drain(&CancellationToken::new()).await
}

fn set(hashes: &[Hash]) -> BTreeSet<Hash> {
    hashes.iter().copied().collect()
}

#[tokio::test]
async fn every_record_is_stored_and_its_receipt_held_before_it_leaves() {
    let mut device = Device::new();
    let kept = device.keep(250);
    let collector = Collector::honest().await;
    let report = drain(&device, &collector).await;
    assert_eq!(report.acknowledged, kept);
    assert_eq!((report.left, report.stop), (0, None));
    assert_eq!(set(&collector.stored()), set(&kept));
    device.restart();
    assert_eq!(device.receipts(&collector.key), kept);
    assert!(device.waiting().is_empty());
}

#[tokio::test]
async fn over_a_line_that_keeps_breaking_no_record_is_lost_and_none_leaves_unproved() {
    for seed in 0..6 {
        let mut device = Device::new();
        let mut kept = device.keep(40);
        let collector = Collector::honest().await;
        let relay = Relay::cutting(collector.port, 30_000, seed).await;
        for attempt in 0.. {
            let uploader = device.uploader(vec![url_of(relay.port)], collector.key);
            let report = drain_with(&uploader).await;
            let stored = set(&collector.stored());
            let proved = set(&device.receipts(&collector.key));
            let waiting = set(&device.waiting());
            let is_safe = |hash: &Hash| {
                waiting.contains(hash) || (stored.contains(hash) && proved.contains(hash))
            };
            assert!(kept.iter().all(is_safe));
            assert!(report.acknowledged.iter().all(|hash| proved.contains(hash)));
            if report.left == 0 && relay.cuts() >= 5 {
                break;
            }
            if report.left == 0 {
                kept.extend(device.keep(40));
            }
            assert!(attempt < 500, "the line is cut, but not for ever");
            device.restart();
        }
        assert_eq!(set(&collector.stored()), set(&kept));
    }
}

#[tokio::test]
async fn a_receipt_of_another_key_settles_nothing() {
    let device = Device::new();
    let kept = device.keep(3);
    let forger = SigningKey::from_bytes(&[66; 32]);
    let collector = Collector::scripted(move |batch: &Batch, _: &mut Store| {
        let false_receipt = |record: &tonle_evidence::envelope::Envelope| ItemResult::Stored {
            record_hash: record.hash(),
            receipt: receipt_of(record.hash(), 0, &forger),
        };
        Answer::reply(batch.records.iter().map(false_receipt).collect(), wall_us())
    })
    .await;
    let report = drain(&device, &collector).await;
    assert_eq!(report.stop, Some(Stop::NotBelieved(3)));
    assert!(report.acknowledged.is_empty());
    assert_eq!(device.waiting(), kept);
    assert!(device.receipts(&collector.key).is_empty());
}

#[tokio::test]
async fn a_true_receipt_of_another_record_settles_nothing() {
    let device = Device::new();
    let kept = device.keep(2);
    let collector = Collector::scripted(|batch: &Batch, store: &mut Store| {
        let first = store.store(&batch.records[0]);
        Answer::reply(vec![first.clone(), first], wall_us())
    })
    .await;
    let report = drain(&device, &collector).await;
    assert_eq!(report.acknowledged, kept[..1]);
    assert_eq!(report.stop, Some(Stop::NotBelieved(1)));
    assert_eq!(device.waiting(), kept[1..]);
}

#[tokio::test]
async fn an_impostor_does_not_keep_records_from_the_alternate() {
    let device = Device::new();
    let kept = device.keep(4);
    let impostor = Collector::scripted(|batch: &Batch, _: &mut Store| {
        let forged = |_: &_| ItemResult::Stored {
            record_hash: sha256(b"anything"),
            receipt: receipt_of(sha256(b"anything"), 0, &SigningKey::from_bytes(&[66; 32])),
        };
        Answer::reply(batch.records.iter().map(forged).collect(), wall_us())
    })
    .await;
    let collector = Collector::honest().await;
    let uploader = device.uploader(vec![impostor.url(), collector.url()], collector.key);
    assert_eq!(drain_with(&uploader).await.stop, Some(Stop::NotBelieved(4)));
    assert_eq!(drain_with(&uploader).await.acknowledged, kept);
}

#[tokio::test]
async fn a_collector_that_cannot_be_reached_is_passed_over_for_the_alternate() {
    let device = Device::new();
    let kept = device.keep(4);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let broken = Collector::scripted(|_: &Batch, _: &mut Store| Answer::status(500)).await;
    let collector = Collector::honest().await;
    let urls = vec![url_of(closed), broken.url(), collector.url()];
    let report = drain_with(&device.uploader(urls, collector.key)).await;
    assert_eq!((report.acknowledged, report.stop), (kept, None));
}

#[tokio::test]
async fn refused_records_go_apart_and_later_ones_stay_without_holding_up_the_rest() {
    let device = Device::new();
    let kept = device.keep(5);
    let collector = Collector::scripted(|batch: &Batch, store: &mut Store| {
        let mut results: Vec<ItemResult> = batch.records.iter().map(|r| store.store(r)).collect();
        results[1] = ItemResult::Refused {
            reason: "format".into(),
            detail: "cannot be read".into(),
        };
        results[2] = ItemResult::Retry {
            reason: "storage".into(),
            detail: "in a minute".into(),
        };
        Answer::reply(results, wall_us())
    })
    .await;
    let report = drain(&device, &collector).await;
    assert_eq!(report.acknowledged, [kept[0], kept[3], kept[4]]);
    assert_eq!(report.refused, [kept[1]]);
    assert_eq!((report.left, report.stop), (1, None));
    assert_eq!(device.waiting(), [kept[2]]);
    let refused = lock(&device.outbox).refused().unwrap();
    assert_eq!(
        (refused[0].record_hash, refused[0].reason.as_str()),
        (kept[1], "format")
    );
}

#[tokio::test]
async fn a_batch_too_large_is_halved_and_only_the_line_at_fault_is_refused() {
    for status in [413, 422] {
        let device = Device::new();
        let mut kept = device.keep(5);
        kept.push(device.keep_one(400));
        kept.extend(device.keep(5));
        let collector = Collector::scripted(move |batch: &Batch, store: &mut Store| {
            let is_too_large =
                batch.lines.len() > 3 || batch.lines.iter().any(|l| l.len() > 20_000);
            if is_too_large {
                return Answer::status(status);
            }
            store.honest(batch)
        })
        .await;
        let report = drain(&device, &collector).await;
        assert_eq!(report.refused, [kept[5]]);
        assert_eq!(report.acknowledged.len(), 10);
        assert_eq!((report.left, report.stop), (0, None));
        let refused = lock(&device.outbox).refused().unwrap();
        assert_eq!(refused[0].detail, "no: because of the script");
    }
}

#[tokio::test]
async fn a_collector_without_zstd_gets_plain_lines() {
    let device = Device::new();
    let kept = device.keep(3);
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let encodings = Arc::clone(&seen);
    let collector = Collector::scripted(move |batch: &Batch, store: &mut Store| {
        encodings.lock().unwrap().push(batch.encoding.clone());
        if batch.encoding.is_some() {
            return Answer::status(415);
        }
        store.honest(batch)
    })
    .await;
    assert_eq!(drain(&device, &collector).await.acknowledged, kept);
    assert_eq!(*seen.lock().unwrap(), [Some("zstd".to_owned()), None]);
}

#[tokio::test]
async fn whatever_else_is_answered_every_record_stays() {
    let detail = || "no: because of the script".to_owned();
    let busy = |retry_after_s| Stop::Busy {
        retry_after_s,
        detail: detail(),
    };
    let forbidden = |status| Stop::Forbidden {
        status,
        detail: detail(),
    };
    let unexpected = |status| Stop::Unexpected {
        status,
        detail: detail(),
    };
    let long_ago = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT";
    for (status, header, stop) in [
        (429, "retry-after: 7", busy(Some(7))),
        (503, long_ago, busy(Some(0))),
        (503, "", busy(None)),
        (401, "", forbidden(401)),
        (403, "", forbidden(403)),
        (302, "location: http://127.0.0.1:1/portal", unexpected(302)),
        (400, "", unexpected(400)),
        (404, "", unexpected(404)),
        (409, "", unexpected(409)),
        (500, "", unexpected(500)),
    ] {
        let device = Device::new();
        let kept = device.keep(2);
        let collector = Collector::scripted(move |_: &Batch, _: &mut Store| {
            Answer::with_header(status, header)
        })
        .await;
        let report = drain(&device, &collector).await;
        assert_eq!(report.stop, Some(stop), "{status}");
        assert_eq!((report.left, device.waiting()), (2, kept), "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_reply_settles_nothing() {
    let too_few = |batch: &Batch, store: &mut Store| {
        Answer::reply(vec![store.store(&batch.records[0])], wall_us())
    };
    let portal = |_: &Batch, _: &mut Store| Answer {
        status: 200,
        headers: "content-type: text/html\r\n".into(),
        body: b"<html>please log in</html>".to_vec(),
    };
    let endless = |_: &Batch, _: &mut Store| Answer {
        status: 200,
        headers: String::new(),
        body: vec![b' '; 5 << 20],
    };
    for collector in [
        Collector::scripted(too_few).await,
        Collector::scripted(portal).await,
        Collector::scripted(endless).await,
    ] {
        let device = Device::new();
        let kept = device.keep(2);
        let report = drain(&device, &collector).await;
        assert!(matches!(
            report.stop,
            Some(Stop::Unexpected { .. } | Stop::Unreachable(_))
        ));
        assert_eq!(device.waiting(), kept);
    }
}

#[tokio::test]
async fn cancelling_ends_a_drain_that_waits_for_an_answer() {
    let device = Device::new();
    let kept = device.keep(2);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let uploader = device.uploader(vec![url_of(port)], key);
    let cancel = CancellationToken::new();
    let accept_then_cancel = async {
        let connection = silent.accept().await.unwrap();
        cancel.cancel();
        connection
    };
    let (report, _connection) = tokio::join!(uploader.drain(&cancel), accept_then_cancel);
    assert_eq!(report.stop, Some(Stop::Cancelled));
    assert_eq!(device.waiting(), kept);
}

#[tokio::test]
async fn the_clock_offset_comes_from_the_answer() {
    const HOUR_US: i64 = 3_600_000_000;
    let device = Device::new();
    device.keep(1);
    let collector = Collector::scripted(|batch: &Batch, store: &mut Store| {
        let results = batch
            .records
            .iter()
            .map(|record| store.store(record))
            .collect();
        Answer::reply(results, wall_us() + HOUR_US)
    })
    .await;
    let uploader = device.uploader(vec![collector.url()], collector.key);
    assert_eq!(uploader.clock_offset(), None);
    drain_with(&uploader).await;
    let clock = uploader.clock_offset().unwrap();
    assert!(
        (clock.offset_us - HOUR_US).abs() <= clock.uncertainty_us,
        "{clock:?}"
    );
}

#[tokio::test]
async fn a_running_uploader_sends_what_is_kept_and_ends_when_told() {
    let device = Device::new();
    let kept = device.keep(3);
    let cancel = CancellationToken::new();
    let done = cancel.clone();
    let collector = Collector::scripted(move |batch: &Batch, store: &mut Store| {
        done.cancel();
        store.honest(batch)
    })
    .await;
    device
        .uploader(vec![collector.url()], collector.key)
        .run(cancel)
        .await;
    assert_eq!(set(&collector.stored()), set(&kept));
}

#[tokio::test]
async fn over_tls_only_a_collector_with_a_trusted_certificate_gets_records() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let collector = Collector::behind_tls(tokio_rustls::TlsAcceptor::from(Arc::new(config))).await;
    let url = format!("https://localhost:{}/tonle/", collector.port);
    let device = Device::new();
    let kept = device.keep(2);

    let distrusting = device.uploader(vec![url.parse().unwrap()], collector.key);
    let report = drain_with(&distrusting).await;
    assert!(
        matches!(report.stop, Some(Stop::Unreachable(_))),
        "{:?}",
        report.stop
    );
    assert_eq!(device.waiting(), kept);

    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting = device.uploader_trusting(roots, vec![url.parse().unwrap()], collector.key);
    assert_eq!(drain_with(&trusting).await.acknowledged, kept);
}
