//! Lists of sites that the operator names: read at start, looked at again every day, and signed into
//! the openness list that agents fetch.
//!
//! Rules:
//! 1. A list that cannot be had now is used as it was last time; without a copy it is missing, which
//!    is logged, and asked for again within the hour. The collector starts in any case.
//! 2. What is fetched is a list of its own under its own licence: it stands in the data directory and
//!    in the signed document, with its attribution, and in no release of ours.
mod compose;
pub mod fetch;
mod kept;
mod site_list;
mod source;
#[cfg(test)]
mod tests;

pub use compose::{Read, compose};
pub use kept::{Copy, Shelf};
pub use site_list::{BadRow, NotAList, Site, SiteList};
pub use source::{ListConfig, Place, problems};

use fetch::{Fetched, LIST_MAX_BYTES, fetch};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonle_net::clock::wall_us;
use url::Url;

/// Time between two looks at the lists.
const REFRESH: Duration = Duration::from_hours(24);
/// Time until a list that could not be had is asked for again.
const RETRY: Duration = Duration::from_hours(1);

/// Why there is no newer version of a list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is too long.
    #[error("{0} is longer than {LIST_MAX_BYTES} bytes")]
    TooLong(PathBuf),
    /// The server did not give it.
    #[error("cannot fetch {0}: {1}")]
    Fetch(Url, String),
    /// It is something else.
    #[error("{0}: {1}")]
    NotAList(String, NotAList),
}

/// The lists of a configuration.
#[derive(Debug)]
pub struct Lists {
    configured: Vec<ListConfig>,
    shelf: Shelf,
    client: reqwest::Client,
}

impl Lists {
    /// Lists whose copies lie below a data directory.
    #[must_use]
    pub fn new(configured: Vec<ListConfig>, data_dir: &Path, client: reqwest::Client) -> Self {
        Self {
            configured,
            shelf: Shelf::below(data_dir),
            client,
        }
    }

    /// As [`at_hand`].
    #[must_use]
    pub fn at_hand(&self) -> Vec<Read> {
        at_hand(&self.configured, &self.shelf)
    }

    /// Asks for what stands elsewhere and keeps it. True when every list was had in its newest version.
    pub async fn refresh(&self) -> bool {
        let mut all = true;
        for list in &self.configured {
            let Place::Url(url) = list.place() else {
                continue;
            };
            if let Err(error) = self.refresh_one(list, url).await {
                tracing::warn!(reason = %error, "list of sites: {error}; the copy of last time is used, if there is one");
                all = false;
            }
        }
        all
    }

    async fn refresh_one(&self, list: &ListConfig, url: Url) -> Result<(), ListError> {
        let id = list.source().id;
        let here = self.shelf.copy(&id, url.as_str());
        let etag = here.and_then(|copy| copy.etag);
        let fetched = fetch(&self.client, &url, etag.as_deref()).await;
        match fetched.map_err(|reason| ListError::Fetch(url.clone(), reason))? {
            Fetched::Unchanged => Ok(()),
            Fetched::New { bytes, etag } => {
                parse(list, &bytes)?; // what is no list does not take the place of one
                let copy = Copy { bytes, etag };
                let kept = self.shelf.keep(&id, url.as_str(), &copy, wall_us());
                kept.map_err(|error| ListError::Fetch(url, error.to_string()))
            }
        }
    }

    /// Keeps the lists fresh until cancelled; `publish` takes each state.
    pub async fn run(&self, publish: impl Fn(Vec<Read>), cancel: CancellationToken) {
        loop {
            let wait = if self.refresh().await { REFRESH } else { RETRY };
            publish(self.at_hand());
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }
}

/// What is to be had without asking anybody: files, and copies of last time.
#[must_use]
pub fn at_hand(configured: &[ListConfig], shelf: &Shelf) -> Vec<Read> {
    let read = |list: &ListConfig| match list.place() {
        Place::File(path) => noted(list, from_file(&path).and_then(|bytes| parse(list, &bytes))),
        Place::Url(url) => {
            let copy = shelf.copy(&list.source().id, url.as_str())?;
            noted(list, parse(list, &copy.bytes))
        }
    };
    configured.iter().filter_map(read).collect()
}

/// A list as it was read; what went wrong is logged, and costs only this list.
fn noted(list: &ListConfig, read: Result<Read, ListError>) -> Option<Read> {
    match read {
        Ok(read) => {
            let (sites, skipped) = (read.sites.sites.len(), read.sites.skipped);
            tracing::info!(
                list.from,
                list.sites = sites,
                list.skipped = skipped,
                "{} has {sites} sites; {skipped} rows were left out",
                list.from
            );
            for bad in &read.sites.bad_rows {
                tracing::warn!(
                    list.line = bad.line,
                    "{} line {}: {}",
                    list.from,
                    bad.line,
                    bad.problem
                );
            }
            Some(read)
        }
        Err(error) => {
            tracing::error!(reason = %error, "list of sites: {error}");
            None
        }
    }
}

fn from_file(path: &Path) -> Result<Vec<u8>, ListError> {
    let failed = |error| ListError::File(path.to_owned(), error);
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let most = LIST_MAX_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LIST_MAX_BYTES {
        return Err(ListError::TooLong(path.to_owned()));
    }
    Ok(bytes)
}

fn parse(list: &ListConfig, bytes: &[u8]) -> Result<Read, ListError> {
    let sites = SiteList::parse(bytes);
    Ok(Read {
        source: list.source(),
        sites: sites.map_err(|error| ListError::NotAList(list.from.clone(), error))?,
    })
}
