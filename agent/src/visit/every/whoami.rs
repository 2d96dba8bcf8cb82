//! From where the resolvers of a page ask on our behalf ([`crate::whoami`]).
use super::Every;
use crate::whoami::identity_of;
use std::net::SocketAddr;
use tokio::time::Instant;
use tonle_net::dns::{Asked, Patience, QueryType, query};
use tonle_net::scrub;

/// The name under which the system's lookup is remembered and recorded.
const SYSTEM: &str = "system";

impl Every<'_> {
    /// Asks through the system and through the public resolver of this page, side by side.
    pub(super) async fn identities(&self, resolver: Option<SocketAddr>) {
        let Some(name) = self.visitor.run.openness.whoami.clone() else {
            return;
        };
        let by_system = self.identity(&name, SYSTEM, self.system_says(&name));
        let by_udp = async {
            let Some(resolver) = resolver else { return };
            let written = scrub::endpoint(resolver);
            let run = self.visitor.run;
            let asked = async {
                let question = (name.as_str(), QueryType::A);
                let patience = Patience::FIRST_ANSWER;
                let asked = query(
                    &run.net, &run.clock, &run.meter, resolver, question, patience,
                );
                vec![asked.await]
            };
            self.identity(&name, &written, asked).await;
        };
        tokio::join!(by_system, by_udp);
    }

    /// What one resolver says, asked only where it was not asked a moment ago.
    async fn identity(&self, name: &str, resolver: &str, ask: impl Future<Output = Vec<Asked>>) {
        let run = self.visitor.run;
        if let Some(mut said) = run.openness.remembered(resolver, Instant::now()) {
            let now_us = run.clock.elapsed_us();
            (said.t_start_us, said.t_end_us) = (now_us, now_us);
            said.detail.insert("remembered".to_owned(), true.into());
            run.observe(said);
            return;
        }
        let said = identity_of(name, resolver, &ask.await);
        run.openness
            .remember(resolver, said.clone(), Instant::now());
        run.observe(said);
    }
}
