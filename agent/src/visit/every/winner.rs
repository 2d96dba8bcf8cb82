//! Which of the connections fetches the page: exactly one, so that a site is asked once.
use super::Label;
use super::endpoints::Endpoint;
use crate::visit::page::Opened;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::observation::Observation;

/// How long a better one is waited for once there is one (OONI Web Connectivity 0.5).
const GRACE: Duration = Duration::from_millis(500);

/// A connection over which the page could be fetched.
pub(super) struct Ready {
    pub(super) endpoint: Endpoint,
    pub(super) opened: Opened,
    pub(super) label: Label,
    /// The steps that opened it.
    pub(super) steps: Vec<Observation>,
}

/// The first connection to an address that the system's resolver gave. Any other only wins when none
/// of these comes within [`GRACE`], by the rank of whoever gave its address. Nothing when none comes.
pub(super) async fn choose(mut offers: mpsc::Receiver<Ready>) -> Option<Ready> {
    let mut best = offers.recv().await?;
    let until = Instant::now() + GRACE;
    while best.endpoint.rank() > 0 {
        match timeout_at(until, offers.recv()).await {
            Ok(Some(other)) if other.endpoint.rank() < best.endpoint.rank() => best = other,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::super::endpoints::Origin;
    use super::*;
    use tokio::net::{TcpListener, TcpStream};
    use tonle_net::meter::{Meter, Metered};

    async fn ready(origin: Option<Origin>) -> Ready {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        let stream = TcpStream::connect(peer).await.unwrap();
        Ready {
            endpoint: Endpoint {
                peer,
                origin,
                is_secure: false,
                fetches_body: true,
            },
            opened: Opened::Clear(Metered::new(stream, Meter::default())),
            label: Label {
                transaction: 1,
                depth: 0,
            },
            steps: Vec::new(),
        }
    }

    /// Who wins of connections that are ready one after the other, so many milliseconds apart.
    async fn winner(order: &[Option<Origin>], apart_ms: u64) -> Option<Origin> {
        let mut all = Vec::new();
        for origin in order {
            all.push(ready(*origin).await);
        }
        tokio::time::pause();
        let (offer, offers) = mpsc::channel(8);
        let offering = async move {
            for one in all {
                // Whoever comes too late finds nobody.
                let _ = offer.send(one).await;
                tokio::time::sleep(Duration::from_millis(apart_ms)).await;
            }
        };
        let ((), won) = tokio::join!(offering, choose(offers));
        tokio::time::resume();
        won.unwrap().endpoint.origin
    }

    #[tokio::test]
    async fn the_first_to_an_address_of_the_systems_wins_at_once() {
        let (system, udp) = (Some(Origin::System), Some(Origin::Udp));
        assert_eq!(winner(&[system, udp], 1_000).await, system);
        assert_eq!(
            winner(&[None, system], 10).await,
            None,
            "a literal is as good"
        );
    }

    #[tokio::test]
    async fn a_better_one_is_waited_for_half_a_second() {
        let (system, udp, doh) = (Some(Origin::System), Some(Origin::Udp), Some(Origin::Doh));
        let control = Some(Origin::Control);
        assert_eq!(winner(&[control, doh, udp, system], 100).await, system);
        assert_eq!(winner(&[control, udp, doh], 100).await, udp);
        assert_eq!(winner(&[doh, system], 600).await, doh, "too late");
    }

    #[tokio::test]
    async fn nobody_wins_when_nobody_is_ready() {
        let (offer, offers) = mpsc::channel(1);
        drop(offer);
        assert!(choose(offers).await.is_none());
    }
}
