//! The title of a page as Web Connectivity compares it.

/// Longest title that counts as one, characters.
const TITLE_MAX_CHARS: usize = 512;
const OPEN: &str = "<title>";
const CLOSE: &str = "</title>";

/// The text of the first `<title>` element, in any case of letters and without attributes, that has
/// 1 to 512 characters and no `<`; empty when there is none.
#[must_use]
pub fn title(page: &str) -> &str {
    // ASCII lower case keeps every byte position.
    let lower = page.to_ascii_lowercase();
    lower
        .match_indices(OPEN)
        .map(|(at, tag)| at + tag.len())
        .find_map(|start| text_at(page, &lower, start))
        .unwrap_or_default()
}

fn text_at<'a>(page: &'a str, lower: &str, start: usize) -> Option<&'a str> {
    let length = lower[start..].find('<')?;
    let end = start + length;
    let text = &page[start..end];
    let fits = (1..=TITLE_MAX_CHARS).contains(&text.chars().count());
    (fits && lower[end..].starts_with(CLOSE)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_that_fits_is_the_title() {
        let long = format!("<title>{}</title>", "x".repeat(513));
        for (page, expected) in [
            ("<TITLE>A page</Title>", "A page"),
            ("<title></title><title>second</title>", "second"),
            ("<title>a<b></title>", ""),
            ("<title lang=km>with attributes</title>", ""),
            ("<title>never closed", ""),
            ("no title", ""),
            (long.as_str(), ""),
            ("<title>ទំព័រ</title>", "ទំព័រ"),
        ] {
            assert_eq!(title(page), expected, "{page}");
        }
    }
}
