//! Where the tests of a server are, and where its files.
use super::transfer;
use crate::experiments::Run;
use crate::experiments::bulk::connection::Server;

/// Bytes of the file that is asked for to learn where files are: the smallest there is.
const SMALLEST_BYTES: u64 = 1_000;

/// The two places of one machine.
pub(super) struct Places {
    pub(super) tests: Server,
    /// Absent: where the tests are.
    files: Option<Server>,
}

impl Places {
    /// Asks the server for a file. One that sends us elsewhere keeps its files there: under another
    /// name or port, at the address that answered. Nobody can send us to an address.
    ///
    /// `None` when there is no answer; the steps are recorded.
    pub(super) async fn of(run: &Run, mut tests: Server) -> Option<Self> {
        let (seen, fetched, peer) = transfer::fetch(run, &tests, SMALLEST_BYTES).await?;
        run.observe(seen);
        let to = fetched?.redirect;
        tests.stay_at(peer);
        let files = to.and_then(|to| tests.neighbour(&to, peer));
        Some(Self { tests, files })
    }

    /// Where files are.
    pub(super) fn files(&self) -> &Server {
        self.files.as_ref().unwrap_or(&self.tests)
    }

    /// Whether files have a place of their own.
    pub(super) fn are_apart(&self) -> bool {
        self.files.is_some()
    }
}
