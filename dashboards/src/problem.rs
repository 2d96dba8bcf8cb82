//! What a person sees when there is no page. It never says what is inside the program.
use crate::frame::Frame;
use crate::language::Visit;
use crate::text::Text;
use askama::Template;

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Nothing has this address.
    NotFound,
    /// A parameter of the address names nothing.
    BadRequest,
    /// The fault is ours.
    Internal,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    frame: Frame,
    explanation: String,
}

/// The page as HTML.
#[must_use]
pub fn render(visit: &Visit, problem: Problem) -> String {
    let text = Text::new(visit.lang);
    let (title, explanation) = match problem {
        Problem::NotFound => ("page.not_found", "page.not_found_text"),
        Problem::BadRequest => ("page.bad_request", "page.bad_request_text"),
        Problem::Internal => ("page.internal", "page.internal_text"),
    };
    // The language switch leads home: the address that failed is not repeated.
    let page = Page {
        frame: Frame::new(visit, "/", &[], text.get(title)).private(),
        explanation: text.get(explanation),
    };
    page.render().expect("writing to a String cannot fail")
}
