//! QUIC of the endpoints, where the probe asks for it: whether port 443 answers an Initial under the page's
//! name. No connection is completed, so no certificate is seen.
use super::Outside;
use super::asked::Asked;
use super::counters::ControlCounters;
use super::endpoints::{TLS_PORT, bare};
use super::names;
use futures_util::future::join_all;
use rustls_pki_types::ServerName;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tonle_net::meter::Meter;
use tonle_net::quic;
use tonle_wire::ooni::ControlTls;

/// Tries all endpoints at once; whoever asks has seen to it that they may be contacted.
pub(super) async fn try_all(
    outside: &Outside,
    asked: &Asked,
    endpoints: &[SocketAddr],
) -> BTreeMap<String, ControlTls> {
    let name = ServerName::try_from(bare(asked.host()).to_owned()).ok();
    let Some(name) = name.filter(|_| asked.wants_quic) else {
        return BTreeMap::new();
    };
    let spoken = endpoints.iter().filter(|one| one.port() == TLS_PORT);
    let tried = spoken.map(|endpoint| try_one(outside, *endpoint, &name));
    join_all(tried).await.into_iter().collect()
}

async fn try_one(
    outside: &Outside,
    endpoint: SocketAddr,
    name: &ServerName<'static>,
) -> (String, ControlTls) {
    let place = outside.connects.acquire().await;
    let _place = place.expect("the semaphore is never closed");
    ControlCounters::count(&outside.counters.endpoints);
    let meter = Meter::default();
    let seen = quic::probe(&outside.settings, &outside.clock, &meter, endpoint, name).await;
    let told = ControlTls {
        server_name: Some(name.to_str().into_owned()),
        status: Some(seen.succeeded()),
        failure: seen.failure.as_ref().map(names::of_handshake),
    };
    (endpoint.to_string(), told)
}
