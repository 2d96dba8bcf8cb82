//! The system's own lookup: `getaddrinfo`, which is what programs of the device are told of a name,
//! with the hosts file, caches and whatever else the device has between them and DNS.
//!
//! Operation `resolve` as in [`super`], with `engine: "getaddrinfo"`, `resolver: "system"`,
//! `query_type: "ANY"` (one call for both families) and, where it failed, `getaddrinfo_error`: the
//! code of the C library; `sent: false` where the device had no way to anybody.
//!
//! The call blocks and cannot be taken back, so it stands on a thread of its own. Whoever no longer
//! waits (time is up, the run is cancelled) leaves the thread behind; it ends when the C library gives
//! up, and its result is dropped. It keeps no program from exiting, and there are never more than
//! [`THREADS_MAX`] of them.
use super::judge;
use super::query::Asked;
use crate::classify;
use crate::clock::Stopwatch;
use crate::meter::{Meter, UDP_OVERHEAD_BYTES};
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use crate::tcp::has_route;
use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;

/// Longest wait for the system (OONI Web Connectivity 0.5 waits as long).
pub const TIMEOUT: Duration = Duration::from_secs(4);
/// Most calls that are under way in the whole program, those that nobody waits for included.
pub const THREADS_MAX: usize = 16;
/// What a lookup costs on the line, counted before it is asked: two questions and their answers.
const LOOKUP_BYTES: u64 = 4 * UDP_OVERHEAD_BYTES + 2 * (40 + 120);

/// Addresses that every way to the Internet leads to; nothing is sent to them.
const ON_THE_INTERNET: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111)),
];

static ROOM: Semaphore = Semaphore::const_new(THREADS_MAX);

/// Addresses, and the name that they really belong to where that is another.
type Found = (Vec<IpAddr>, Option<String>);

/// Asks the system for the addresses of `host`, both families at once.
pub async fn lookup(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    host: &str,
    timeout: Duration,
) -> Asked {
    let mut step = Step::start(clock, "resolve", &*scrub::host(host));
    step.fact("engine", "getaddrinfo");
    step.fact("resolver", "system");
    step.fact("query_type", "ANY");
    let deadline = Instant::now() + timeout;
    let Ok(Ok(room)) = timeout_at(deadline, ROOM.acquire()).await else {
        step.fact("sent", false);
        let failure = Failure::unknown("too many lookups of the system hang");
        return judge::failed(step, failure);
    };
    let asked = match ask(room, host.to_owned()) {
        Ok(asked) => asked,
        Err(error) => {
            step.fact("sent", false);
            return judge::failed(step, classify::io_error(&error));
        }
    };
    meter.add(LOOKUP_BYTES);
    let answered = timeout_at(deadline, asked).await;
    step.result_known();
    if !matches!(answered, Ok(Ok(Ok(_)))) && is_offline(settings) {
        step.fact("sent", false);
    }
    match answered {
        Ok(Ok(Ok((addresses, alias)))) => {
            let aliases = alias.into_iter().filter(|alias| alias != host).collect();
            judge::addressed(step, settings, (addresses, aliases), None)
        }
        Ok(Ok(Err(error))) => {
            step.fact("getaddrinfo_error", error.error_num());
            judge::failed(step, failure_of(error))
        }
        Ok(Err(_)) => judge::failed(step, Failure::unknown("the lookup's thread ended")),
        Err(_) => judge::failed(step, Failure::GenericTimeout),
    }
}

/// Whether the device has no way to anybody who could be asked: neither to the Internet nor to a
/// resolver in its own network. A stub on the device itself is no way.
fn is_offline(settings: &NetSettings) -> bool {
    let resolvers = settings.resolvers.iter().map(SocketAddr::ip);
    let elsewhere = resolvers.filter(|address| !address.is_loopback());
    !ON_THE_INTERNET.into_iter().chain(elsewhere).any(has_route)
}

/// Calls `getaddrinfo` on a thread that outlives whoever waits.
fn ask(
    room: SemaphorePermit<'static>,
    host: String,
) -> std::io::Result<oneshot::Receiver<Result<Found, LookupError>>> {
    let (answer, asked) = oneshot::channel();
    let thread = std::thread::Builder::new().name("getaddrinfo".to_owned());
    thread.spawn(move || {
        let found = call(&host);
        drop(room);
        // Nobody waits any more: nothing to do.
        let _ = answer.send(found);
    })?;
    Ok(asked)
}

fn call(host: &str) -> Result<Found, LookupError> {
    let hints = AddrInfoHints {
        // No AI_ADDRCONFIG: an IPv6 address is a fact also where the device has no IPv6.
        flags: libc::AI_CANONNAME,
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let mut addresses = Vec::new();
    let mut alias = None;
    for one in getaddrinfo(Some(host), None, Some(hints))?.flatten() {
        if !addresses.contains(&one.sockaddr.ip()) {
            addresses.push(one.sockaddr.ip());
        }
        alias = alias.or(one.canonname);
    }
    Ok((addresses, alias))
}

/// The field's names of what the C library says. Android says `EAI_NODATA` whatever happened.
fn failure_of(error: LookupError) -> Failure {
    match error.kind() {
        LookupErrorKind::NoName => Failure::DnsNxdomain,
        LookupErrorKind::NoData if cfg!(target_os = "android") => Failure::AndroidDnsCacheNoData,
        LookupErrorKind::NoData => Failure::DnsNoAnswer,
        LookupErrorKind::Again => Failure::DnsTemporaryFailure,
        LookupErrorKind::Fail => Failure::DnsNonRecoverableFailure,
        LookupErrorKind::System | LookupErrorKind::IO => classify::io_error(&error.into()),
        _ => Failure::DnsServerMisbehaving,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use serde_json::json;

    async fn asked(settings: &NetSettings, host: &str) -> Asked {
        lookup(
            settings,
            &Stopwatch::start(),
            &Meter::default(),
            host,
            TIMEOUT,
        )
        .await
    }

    #[tokio::test]
    async fn the_system_knows_its_own_name_without_asking_anybody() {
        let asked = asked(&testing::settings(), "localhost").await;
        assert_eq!(asked.observation.failure, None);
        assert_eq!(asked.observation.subject.as_deref(), Some("loopback"));
        assert_eq!(asked.observation.detail["engine"], "getaddrinfo");
        assert_eq!(asked.observation.detail["query_type"], "ANY");
        assert!(asked.addresses.iter().all(IpAddr::is_loopback));
        assert!(!asked.addresses.is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_may_not_be_contacted_is_a_bogon_with_its_addresses() {
        let mut strict = testing::settings();
        strict.allow_loopback = false;
        let asked = asked(&strict, "127.0.0.1").await;
        assert_eq!(asked.observation.failure, Some(Failure::DnsBogon));
        assert_eq!(asked.observation.detail["addresses"], json!(["loopback"]));
        assert!(asked.addresses.is_empty());
    }

    #[test]
    fn what_the_c_library_says_has_the_fields_names() {
        for (code, failure) in [
            (libc::EAI_NONAME, Failure::DnsNxdomain),
            (libc::EAI_NODATA, Failure::DnsNoAnswer),
            (libc::EAI_AGAIN, Failure::DnsTemporaryFailure),
            (libc::EAI_FAIL, Failure::DnsNonRecoverableFailure),
            (libc::EAI_FAMILY, Failure::DnsServerMisbehaving),
        ] {
            assert_eq!(failure_of(LookupError::new(code)), failure, "{code}");
        }
    }

    #[tokio::test]
    async fn time_that_is_up_is_a_timeout_and_the_thread_gives_its_room_back() {
        let before = ROOM.available_permits();
        let late = lookup(
            &testing::settings(),
            &Stopwatch::start(),
            &Meter::default(),
            "localhost",
            Duration::ZERO,
        )
        .await;
        assert!(late.observation.failure.is_none() || late.addresses.is_empty());
        while ROOM.available_permits() < before.min(THREADS_MAX) {
            tokio::task::yield_now().await;
        }
    }
}
