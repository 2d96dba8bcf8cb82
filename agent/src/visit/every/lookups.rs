//! Who is asked for the page's name, and what they say.
//!
//! A name that only exists inside somebody's own network is asked of the system alone: it is nobody
//! else's business.
use super::endpoints::{Candidate, Origin};
use super::{Every, Kind, Label};
use crate::steps::left_device;
use crate::visit::page::Page;
use crate::whereabouts;
use std::net::{IpAddr, SocketAddr};
use tokio::time::Instant;
use tonle_evidence::observation::Observation;
use tonle_net::dns::{Asked, QueryType, https, query};
use tonle_net::scrub;

/// What is known of the page's host.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Addresses that may be contacted, each once, those of the best origin first.
    pub(super) candidates: Vec<Candidate>,
    /// Whether any question left the device; true for a literal, which needs none.
    pub(super) left: bool,
    asked: Vec<(Origin, Vec<Observation>)>,
}

impl Looked {
    /// The lookups that gave an address of this origin; those of the system where nobody did, and
    /// for what controls know.
    pub(super) fn steps_of(&self, origin: Option<Origin>) -> Vec<Observation> {
        let wanted = match origin {
            None | Some(Origin::Control) => Origin::System,
            Some(origin) => origin,
        };
        let found = self.asked.iter().find(|(of, _)| *of == wanted);
        found.map(|(_, steps)| steps.clone()).unwrap_or_default()
    }

    fn add(&mut self, origin: Origin, asked: Vec<Asked>) {
        let mut steps = Vec::new();
        for one in asked {
            self.left |= left_device(&one.observation);
            steps.push(one.observation);
            for address in one.addresses {
                self.add_address(address, Some(origin));
            }
        }
        self.asked.push((origin, steps));
    }

    fn add_address(&mut self, address: IpAddr, origin: Option<Origin>) {
        if self.candidates.iter().all(|known| known.address != address) {
            self.candidates.push(Candidate { address, origin });
        }
    }
}

impl Every<'_> {
    /// Looks the host up by everybody at once.
    pub(super) async fn look_up(&self, page: &Page) -> Looked {
        let mut looked = Looked::default();
        let host = page.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(literal) = bare.parse() {
            looked.left = true;
            looked.add_address(literal, None);
            return looked;
        }
        if is_of_the_home(host) {
            looked.add(Origin::System, self.ask_system(host, page.depth).await);
            return looked;
        }
        let resolver = self.visitor.run.openness.any_resolver();
        let identities = async {
            if page.depth == 0 {
                self.identities(resolver).await;
            }
        };
        let (by_system, by_udp, by_doh, ()) = tokio::join!(
            self.ask_system(host, page.depth),
            self.ask_udp(resolver, host, page.depth),
            self.ask_doh(host, page.depth),
            identities,
        );
        looked.add(Origin::System, by_system);
        looked.add(Origin::Udp, by_udp);
        looked.add(Origin::Doh, by_doh);
        looked
    }

    /// What programs of the device are told.
    async fn ask_system(&self, host: &str, depth: u32) -> Vec<Asked> {
        let asked = self.system_says(host).await;
        self.noted(Kind::System, depth, asked)
    }

    /// The system's lookup, not recorded.
    pub(super) async fn system_says(&self, host: &str) -> Vec<Asked> {
        whereabouts::system_says(self.visitor.run, host, self.visitor.manner.patience).await
    }

    async fn ask_udp(&self, resolver: Option<SocketAddr>, host: &str, depth: u32) -> Vec<Asked> {
        let Some(resolver) = resolver else {
            return Vec::new();
        };
        let run = self.visitor.run;
        let patience = self.visitor.manner.patience;
        let ask = |query_type| {
            let question = (host, query_type);
            query(
                &run.net, &run.clock, &run.meter, resolver, question, patience,
            )
        };
        let (a, aaaa) = tokio::join!(ask(QueryType::A), ask(QueryType::Aaaa));
        let mut asked = vec![a, aaaa];
        for one in &mut asked {
            let detail = &mut one.observation.detail;
            detail.insert("engine".to_owned(), "udp".into());
            let written = scrub::endpoint(resolver);
            detail.insert("resolver".to_owned(), written.into());
        }
        self.noted(Kind::Udp, depth, asked)
    }

    async fn ask_doh(&self, host: &str, depth: u32) -> Vec<Asked> {
        let run = self.visitor.run;
        let Some(url) = run.openness.doh_now(Instant::now()) else {
            return Vec::new();
        };
        let whereabouts = whereabouts::of(run, &url, self.visitor.manner.patience).await;
        let resolver = https::Resolver {
            url: &url,
            addresses: &whereabouts.addresses,
        };
        let asked = https::lookup(
            &run.net,
            &run.clock,
            &run.meter,
            resolver,
            host,
            https::TIMEOUT,
        );
        let mut asked: Vec<Asked> = asked.await.into();
        if whereabouts.is_out_of_reach {
            let details = asked.iter_mut().map(|one| &mut one.observation.detail);
            details.for_each(|detail| drop(detail.insert("sent".to_owned(), false.into())));
        }
        self.noted(Kind::Doh, depth, asked)
    }

    /// Labels what one lookup saw and records it.
    fn noted(&self, kind: Kind, depth: u32, mut asked: Vec<Asked>) -> Vec<Asked> {
        let label = Label {
            transaction: self.transactions.next(kind),
            depth,
        };
        asked.sort_by_key(|one| one.observation.t_end_us);
        for one in &mut asked {
            label.put_on(&mut one.observation);
            self.visitor.run.observe(one.observation.clone());
        }
        asked
    }
}

/// Whether a name is written by its kind only, because it names something of the volunteer's.
fn is_of_the_home(host: &str) -> bool {
    scrub::host(host) != host
}
