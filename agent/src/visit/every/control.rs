//! Every control that is configured is asked of the first page, side by side ([`crate::control`]).
use super::Every;
use super::endpoints::{Candidate, Endpoint, Origin, plan};
use super::lookups::Looked;
use crate::control::{self, CONTROL_BYTES, Question};
use crate::openness::Control;
use crate::visit::page::Page;
use futures_util::future::join_all;
use std::net::IpAddr;

/// Most addresses that only controls know and that are measured.
const FOUND_MAX: usize = 8;

impl Every<'_> {
    /// Asks every control. Gives the endpoints at addresses that nobody else knows.
    pub(super) async fn ask_controls(
        &self,
        page: &Page,
        looked: &Looked,
        endpoints: &[Endpoint],
    ) -> Vec<Endpoint> {
        let controls = &self.visitor.run.openness.controls;
        let peers = endpoints.iter().map(|endpoint| endpoint.peer).collect();
        let question = Question::about(&page.url, peers);
        let asked = controls
            .iter()
            .map(|control| self.ask_control(page, control, &question));
        let mut found: Vec<Candidate> = Vec::new();
        for address in join_all(asked).await.into_iter().flatten() {
            let is_known = |known: &Candidate| known.address == address;
            if looked.candidates.iter().chain(&found).any(is_known) {
                continue;
            }
            found.push(Candidate {
                address,
                origin: Some(Origin::Control),
            });
        }
        if found.len() > FOUND_MAX {
            self.capped(page, "endpoints", found.len() - FOUND_MAX);
            found.truncate(FOUND_MAX);
        }
        plan(page, &found).0
    }

    /// The addresses that one control found for the page's name and that may be contacted.
    async fn ask_control(
        &self,
        page: &Page,
        control: &Control,
        question: &Question,
    ) -> Vec<IpAddr> {
        let run = self.visitor.run;
        if run.bytes_used() + CONTROL_BYTES > run.max_bytes {
            self.capped(page, "controls", 1);
            return Vec::new();
        }
        let patience = self.visitor.manner.patience;
        let mut found = control::ask(run, control, question, patience).await;
        found.retain(|address| run.net.may_contact(*address));
        found
    }
}
