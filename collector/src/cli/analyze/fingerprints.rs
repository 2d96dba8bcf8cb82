//! The fingerprints built in, or those of a folder.
use crate::analysis::web::Fingerprints;
use anyhow::anyhow;
use std::path::Path;

/// Reads both tables of a folder, or those built in.
pub(super) fn load(folder: Option<&Path>) -> anyhow::Result<Fingerprints> {
    let Some(folder) = folder else {
        return Ok(Fingerprints::built_in().clone());
    };
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|error| {
            anyhow!(
                "cannot read {}: {error}; check --fingerprints",
                path.display()
            )
        })
    };
    let tables = (read("blocking.toml")?, read("server-side.toml")?);
    Fingerprints::parse(&tables.0, &tables.1)
        .map_err(|error| anyhow!("{}: {error}; check --fingerprints", folder.display()))
}
