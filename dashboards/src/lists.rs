//! The page that names whose lists of sites volunteers are asked to visit, and under which terms.
use crate::frame::Frame;
use crate::language::Visit;
use crate::text::Text;
use askama::Template;
use tonle_evidence::targets::ListSource;

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Lists<'a> {
    /// How the page is read.
    pub visit: &'a Visit,
    /// The sources, in the order of the list.
    pub sources: &'a [ListSource],
    /// How many targets the list has.
    pub targets: usize,
}

#[derive(Template)]
#[template(path = "lists.html")]
struct Page<'a> {
    frame: Frame,
    count: String,
    sources: &'a [ListSource],
}

/// The page as HTML.
#[must_use]
pub fn render(view: &Lists<'_>) -> String {
    let text = Text::new(view.visit.lang);
    let count = view.targets.to_string();
    let page = Page {
        count: text.fill("page.lists_count", &[("targets", &count)]),
        frame: Frame::new(view.visit, "/lists", &[], text.get("page.lists_title")),
        sources: view.sources,
    };
    page.render().expect("writing to a String cannot fail")
}
