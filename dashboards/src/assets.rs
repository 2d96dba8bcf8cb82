//! Files that pages refer to: one stylesheet and one icon, named by their content so that they can
//! be cached for ever.
use std::sync::LazyLock;
use tonle_evidence::hash::sha256;

/// Characters of the hash that stand in a name.
const HASH_CHARS: usize = 16;

/// A file served under `/assets/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The name under `/assets/`, with the hash of the content.
    pub name: String,
    /// Media type.
    pub content_type: &'static str,
    /// The content.
    pub body: &'static str,
}

static ASSETS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        asset(
            "style",
            "css",
            "text/css; charset=utf-8",
            include_str!("style.css"),
        ),
        asset("icon", "svg", "image/svg+xml", include_str!("icon.svg")),
    ]
});

fn asset(stem: &str, extension: &str, content_type: &'static str, body: &'static str) -> Asset {
    let hash = sha256(body.as_bytes()).to_string();
    Asset {
        name: format!("{stem}-{}.{extension}", &hash[..HASH_CHARS]),
        content_type,
        body,
    }
}

/// The file with this name, whose content can never be another.
#[must_use]
pub fn get(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The stylesheet of every page.
#[must_use]
pub fn stylesheet() -> &'static Asset {
    &ASSETS[0]
}

/// The icon of every page.
#[must_use]
pub fn icon() -> &'static Asset {
    &ASSETS[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_its_full_name_only() {
        assert_eq!(get(&stylesheet().name), Some(stylesheet()));
        assert_eq!(get("style.css"), None);
    }

    #[test]
    fn khmer_is_never_spaced_slanted_or_cased() {
        for property in ["letter-spacing", "text-transform", "italic"] {
            assert!(!stylesheet().body.contains(property), "{property}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        let body = stylesheet().body;
        assert!(!body.contains("url(") && !body.contains("@import"));
    }
}
