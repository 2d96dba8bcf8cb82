//! A device without network: every failure has its right name, nothing is sampled, nothing waits.
//!
//! Needs a namespace without routes, so it is ignored by default and run by
//! `unshare -rn cargo test -p tonle-agent --test offline -- --ignored`.
use rustls::RootCertStore;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonle_agent::experiments::{Recorded, Run, by_name};
use tonle_evidence::failure::Failure;
use tonle_evidence::record::{PathClass, Target};
use tonle_net::settings::NetSettings;

async fn measured(experiment: &str, value: &str) -> Recorded {
    let net = NetSettings {
        resolvers: vec![SocketAddr::from(([1, 1, 1, 1], 53))],
        public_resolvers: vec![IpAddr::from([8, 8, 8, 8])],
        roots: Arc::new(RootCertStore::empty()),
        allow_loopback: false,
    };
    let run = Run::new(
        net,
        1 << 20,
        1,
        CancellationToken::new(),
        Arc::new(|_, _| {}),
    );
    let target = Target {
        value: value.to_owned(),
        category: None,
        path_class: PathClass::Abroad,
    };
    by_name(experiment)
        .expect("the experiment is in the list")
        .run(&run, &target)
        .await
        .expect("a network that fails is data, not a reason not to run");
    run.take()
}

#[tokio::test]
#[ignore = "needs a namespace without network: unshare -rn"]
async fn without_network_every_step_is_network_unreachable_and_nothing_is_sampled() {
    for (experiment, value, steps) in [
        ("latency", "site.example", 2),
        ("latency", "1.1.1.1", 2),
        ("dns", "site.example", 4),
        ("web_connectivity", "https://site.example/", 2),
        ("web_connectivity", "https://1.1.1.1/", 1),
    ] {
        let recorded = measured(experiment, value).await;
        let seen = &recorded.observations;
        assert_eq!(seen.len(), steps, "{experiment} {value}: {seen:?}");
        for step in seen {
            assert_eq!(step.failure, Some(Failure::NetworkUnreachable), "{step:?}");
            assert_eq!(step.detail["sent"], false, "{step:?}");
        }
        assert!(recorded.samples.is_empty());
    }
}
