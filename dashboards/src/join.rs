//! The page behind an invitation: what joining means and how it is done. It shows no secret: the
//! reader copies the address from the browser, because the part after `#` never reaches us.
use crate::address::segment;
use crate::frame::Frame;
use crate::language::Visit;
use crate::text::Text;
use askama::Template;

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Join<'a> {
    /// How the page is read.
    pub visit: &'a Visit,
    /// The invitation's secret, as it stands in the page's own address.
    pub token: &'a str,
}

#[derive(Template)]
#[template(path = "join.html")]
struct Page {
    frame: Frame,
}

/// The page as HTML.
#[must_use]
pub fn render(view: &Join<'_>) -> String {
    let path = format!("/join/{}", segment(view.token));
    let title = Text::new(view.visit.lang).get("page.join_title");
    let frame = Frame::new(view.visit, &path, &[], title).private();
    let page = Page { frame };
    page.render().expect("writing to a String cannot fail")
}
