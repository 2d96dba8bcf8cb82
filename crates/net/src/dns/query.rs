//! One question over UDP, listened to until the window closes, and over TCP when it was cut.
use super::judge;
use super::message::{Answer, QueryType, Question, Reply};
use crate::classify;
use crate::clock::Stopwatch;
use crate::meter::{Meter, TCP_OPEN_CLOSE_BYTES, UDP_OVERHEAD_BYTES};
use crate::resolv_conf::{self, ResolverKind};
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use crate::tcp::has_route;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// Most replies after the first that are kept one by one.
const LATE_MAX: usize = 16;
/// Most refusals by ICMP that are listened past.
const REFUSALS_MAX: u32 = 16;

/// How long a question is listened to.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Longest wait for the first matching answer (OONI waits 4 s).
    pub answer: Duration,
    /// How long to go on listening after it (OONI listens 500 ms).
    pub listen: Duration,
    /// Whether a refusal by ICMP ends the wait. Where nobody listens the host itself refuses, and an
    /// injected answer may come after that.
    pub ends_refused: bool,
}

impl Patience {
    /// As OONI Web Connectivity 0.5 does.
    pub const FULL: Self = Self {
        answer: Duration::from_secs(4),
        listen: Duration::from_millis(500),
        ends_refused: true,
    };
    /// Without listening for late answers: for a measurement of something else than the resolver.
    pub const FIRST_ANSWER: Self = Self {
        answer: Duration::from_secs(4),
        listen: Duration::ZERO,
        ends_refused: true,
    };
    /// For an address that runs no resolver, where nothing is to be heard (ts-012 of the OONI
    /// specification waits 3 s).
    pub const SILENCE: Self = Self {
        answer: Duration::from_secs(3),
        listen: Duration::from_millis(500),
        ends_refused: false,
    };
}

/// What came of a question.
#[derive(Debug)]
pub struct Asked {
    /// The step.
    pub observation: Observation,
    /// Addresses of the first answer that may be contacted.
    pub addresses: Vec<IpAddr>,
}

/// Asks `resolver` for `query_type` of `name`. A resolver of the device is asked wherever it
/// stands; any other must be on the Internet.
pub async fn query(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    resolver: SocketAddr,
    (name, query_type): (&str, QueryType),
    patience: Patience,
) -> Asked {
    let mut step = Step::start(clock, "resolve", &*scrub::host(name));
    step.fact("query_type", query_type.as_str());
    let question = Question::new(name, query_type, rand::random());
    match ask(&mut step, settings, meter, resolver, question, patience).await {
        Ok(answer) => judge::answered(step, settings, answer),
        Err(failure) => judge::failed(step, failure),
    }
}

/// Asks a question of any kind; of one that has no form nothing is sent. Notes how it went.
pub(super) async fn ask(
    step: &mut Step,
    settings: &NetSettings,
    meter: &Meter,
    resolver: SocketAddr,
    question: Option<Question>,
    patience: Patience,
) -> Result<Answer, Failure> {
    step.fact("transport", "udp");
    if resolver.port() != 53 {
        step.fact("port", resolver.port());
    }
    step.fact("resolver", written(resolver.ip(), None));
    if !settings.resolvers.contains(&resolver) && !settings.may_contact(resolver.ip()) {
        step.fact("contacted", false);
        return Err(Failure::DnsBogon);
    }
    let question = question.ok_or(Failure::DnsNonRecoverableFailure)?;
    let answered = exchange(step, meter, resolver, &question, patience).await;
    if answered.is_err() {
        step.result_known();
        if !has_route(resolver.ip()) {
            step.fact("sent", false);
        }
    }
    answered
}

async fn exchange(
    step: &mut Step,
    meter: &Meter,
    resolver: SocketAddr,
    question: &Question,
    patience: Patience,
) -> Result<Answer, Failure> {
    let socket = open(resolver)
        .await
        .map_err(|error| classify::io_error(&error))?;
    let own = socket.local_addr().ok().map(|local| local.ip());
    step.fact("resolver", written(resolver.ip(), own));
    let asked_at = Instant::now();
    let bytes = question.to_bytes();
    socket
        .send(&bytes)
        .await
        .map_err(|error| classify::io_error(&error))?;
    meter.add(bytes.len() as u64 + UDP_OVERHEAD_BYTES);
    let mut heard = Heard::default();
    let listened = heard.listen(step, meter, &socket, question, patience).await;
    heard.note(step);
    let answer = match listened {
        Some(answer) if !answer.truncated => return Ok(answer),
        Some(truncated) => truncated,
        None => return Err(heard.failure()),
    };
    debug_assert!(answer.truncated);
    step.fact("udp_truncated", true);
    step.fact("transport", "tcp");
    let whole = over_tcp(meter, resolver, question, bytes);
    let answered = timeout_at(asked_at + patience.answer, whole).await;
    step.result_known();
    answered.unwrap_or(Err(Failure::GenericTimeout))
}

/// A socket that hears only `resolver`; its port is the kernel's random choice.
async fn open(resolver: SocketAddr) -> io::Result<UdpSocket> {
    let unspecified: IpAddr = match resolver {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((unspecified, 0)).await?;
    socket.connect(resolver).await?;
    Ok(socket)
}

/// What a socket heard besides the first matching answer.
#[derive(Default)]
struct Heard {
    wrong_id: u32,
    wrong_question: u32,
    malformed: u32,
    refusals: u32,
    late: Vec<(i64, Answer)>,
    broken: Option<Failure>,
}

impl Heard {
    /// Listens until the window closes; a truncated answer closes it, because TCP has the rest.
    async fn listen(
        &mut self,
        step: &mut Step,
        meter: &Meter,
        socket: &UdpSocket,
        question: &Question,
        patience: Patience,
    ) -> Option<Answer> {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let mut first: Option<Answer> = None;
        let mut closes = Instant::now() + patience.answer;
        while let Ok(received) = timeout_at(closes, socket.recv(&mut buffer)).await {
            let length = match received {
                Ok(length) => length,
                Err(error) => {
                    self.broken = Some(classify::io_error(&error));
                    self.refusals += 1;
                    if patience.ends_refused || self.refusals >= REFUSALS_MAX {
                        break;
                    }
                    continue;
                }
            };
            meter.add(length as u64 + UDP_OVERHEAD_BYTES);
            match question.read(&buffer[..length]) {
                Reply::WrongId => self.wrong_id += 1,
                Reply::WrongQuestion => self.wrong_question += 1,
                Reply::Malformed => self.malformed += 1,
                Reply::Answer(answer) if first.is_some() => {
                    if self.late.len() < LATE_MAX {
                        self.late.push((step.elapsed_us(), answer));
                    }
                }
                Reply::Answer(answer) if answer.truncated => return Some(answer),
                Reply::Answer(answer) => {
                    step.result_known();
                    closes = Instant::now() + patience.listen;
                    first = Some(answer);
                }
            }
        }
        first
    }

    /// Why there is no answer, by the strongest thing that was heard.
    fn failure(&self) -> Failure {
        if let Some(failure) = &self.broken {
            return failure.clone();
        }
        if self.wrong_id > 0 {
            return Failure::DnsReplyWithWrongQueryId;
        }
        if self.malformed + self.wrong_question > 0 {
            return Failure::DnsServerMisbehaving;
        }
        Failure::GenericTimeout
    }

    fn note(&self, step: &mut Step) {
        for (key, count) in [
            ("wrong_id_replies", self.wrong_id),
            ("wrong_question_replies", self.wrong_question),
            ("malformed_replies", self.malformed),
        ] {
            if count > 0 {
                step.fact(key, count);
            }
        }
        if self.late.is_empty() {
            return;
        }
        let after_us: Vec<i64> = self.late.iter().map(|(after_us, _)| *after_us).collect();
        let rcodes: Vec<u16> = self.late.iter().map(|(_, late)| late.rcode).collect();
        let joined = |late: &Answer| {
            let addresses: Vec<_> = late.addresses.iter().copied().map(scrub::address).collect();
            addresses.join(" ")
        };
        let addresses: Vec<String> = self.late.iter().map(|(_, late)| joined(late)).collect();
        step.fact("late_after_us", after_us);
        step.fact("late_rcode", rcodes);
        step.fact("late_addresses", addresses);
    }
}

/// RFC 7766: the same message behind its length.
async fn over_tcp(
    meter: &Meter,
    resolver: SocketAddr,
    question: &Question,
    bytes: Vec<u8>,
) -> Result<Answer, Failure> {
    let received = async {
        let mut stream = TcpStream::connect(resolver).await?;
        meter.add(TCP_OPEN_CLOSE_BYTES);
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes()[..], &bytes].concat();
        stream.write_all(&framed).await?;
        let mut reply = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut reply).await?;
        meter.add((framed.len() + reply.len() + 2) as u64);
        io::Result::Ok(reply)
    };
    let reply = received.await.map_err(|error| classify::io_error(&error))?;
    match question.read(&reply) {
        Reply::Answer(answer) => Ok(answer),
        Reply::WrongId => Err(Failure::DnsReplyWithWrongQueryId),
        Reply::WrongQuestion | Reply::Malformed => Err(Failure::DnsServerMisbehaving),
    }
}

/// The resolver as it may be written. One that shares the network of `own`, the device's address
/// towards it, is the home router under a public address (usual with IPv6).
fn written(resolver: IpAddr, own: Option<IpAddr>) -> String {
    let is_neighbour =
        own.is_some_and(|own| share_network(own.to_canonical(), resolver.to_canonical()));
    match resolv_conf::kind(resolver) {
        ResolverKind::Loopback => "loopback_resolver".to_owned(),
        ResolverKind::Lan => "lan_resolver".to_owned(),
        ResolverKind::Public if is_neighbour => "lan_resolver".to_owned(),
        ResolverKind::Public => resolver.to_canonical().to_string(),
    }
}

fn share_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..3] == other.octets()[..3],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.segments()[..4] == other.segments()[..4],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_under_a_public_address_is_not_written() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            written(ip("2a01:4f8:1:2::1"), Some(ip("2a01:4f8:1:2:aaaa::9"))),
            "lan_resolver"
        );
        assert_eq!(
            written(ip("2a01:4f8:1:2::1"), Some(ip("2a01:4f8:9:9::9"))),
            "2a01:4f8:1:2::1"
        );
        assert_eq!(
            written(ip("36.37.1.1"), Some(ip("36.37.1.77"))),
            "lan_resolver"
        );
        assert_eq!(written(ip("1.1.1.1"), Some(ip("192.168.1.7"))), "1.1.1.1");
        assert_eq!(written(ip("192.168.1.1"), None), "lan_resolver");
        assert_eq!(written(ip("127.0.0.53"), None), "loopback_resolver");
    }
}
