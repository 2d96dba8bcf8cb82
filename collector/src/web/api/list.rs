//! Long lists as the API gives them: page by page, as JSON or as CSV (RFC 4180).
//!
//! A cursor names the last row of a page by its key, not by its place: rows that come and go before it do
//! not shift what follows. What may be said of a row is decided before it comes here, so that both forms say
//! the same.
use crate::web::problem::ApiError;
use axum::Json;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tonle_evidence::hash::sha256;

/// Rows of a page where no limit is asked for.
const LIMIT_DEFAULT: usize = 1_000;
/// Most rows of a page.
const LIMIT_MAX: usize = 10_000;
/// Characters of a cursor.
const CURSOR_CHARS: usize = 16;

/// A row of a list.
pub(super) trait Row {
    /// Names of its columns in CSV.
    const COLUMNS: &'static [&'static str];

    /// What names the row within its list.
    fn key(&self) -> String;

    /// Its fields in CSV, one per column; what does not apply is empty.
    fn fields(&self) -> Vec<String>;
}

/// Columns of some parts, one after the other; together they are `N`.
pub(super) const fn joined<const N: usize>(parts: &[&[&'static str]]) -> [&'static str; N] {
    let mut all = [""; N];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[at] = parts[part][index];
            index += 1;
            at += 1;
        }
        part += 1;
    }
    assert!(at == N, "the number of columns is not that of their names");
    all
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    /// The rows.
    pub(super) rows: Vec<T>,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

impl Format {
    /// Reads the parameter `format`.
    pub(super) fn of(wanted: Option<&str>) -> Result<Self, ApiError> {
        match wanted {
            None | Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(other) => {
                let detail = format!("format '{other}' is none of json, csv");
                Err(ApiError::BadRequest(detail))
            }
        }
    }
}

/// The page after `cursor`.
pub(super) fn page<T>(
    mut rows: Vec<T>,
    key: impl Fn(&T) -> String,
    limit: Option<usize>,
    cursor: Option<&str>,
) -> Result<Page<T>, ApiError> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("limit {limit} is not from 1 to {LIMIT_MAX}");
        return Err(ApiError::BadRequest(detail));
    }
    if let Some(cursor) = cursor {
        let last = rows.iter().position(|row| name(&key(row)) == cursor);
        let last = last.ok_or_else(|| {
            let detail = "cursor: it is none of this list; begin without one";
            ApiError::BadRequest(detail.to_owned())
        })?;
        rows.drain(..=last);
    }
    let next = (rows.len() > limit).then(|| name(&key(&rows[limit - 1])));
    rows.truncate(limit);
    Ok(Page { rows, next })
}

fn name(key: &str) -> String {
    sha256(key.as_bytes()).to_string()[..CURSOR_CHARS].to_owned()
}

/// The answer in its form; a header names the next page in both.
pub(super) fn answer<V: Serialize, T: Row>(
    format: Format,
    uri: &Uri,
    next: Option<&str>,
    view: V,
    rows: impl FnOnce(&V) -> &[T],
) -> Response {
    let mut response = match format {
        Format::Json => Json(view).into_response(),
        Format::Csv => {
            let kind = [(CONTENT_TYPE, "text/csv; charset=utf-8; header=present")];
            (kind, csv(rows(&view))).into_response()
        }
    };
    let link = next.map(|cursor| format!("<?{}>; rel=\"next\"", query_of_next(uri, cursor)));
    // A query that came in over HTTP can go out in a header.
    if let Some(Ok(link)) = link.map(|link| HeaderValue::from_str(&link)) {
        response.headers_mut().insert(LINK, link);
    }
    response
}

fn query_of_next(uri: &Uri, cursor: &str) -> String {
    let asked = uri.query().unwrap_or_default().split('&');
    let kept = asked.filter(|part| !part.is_empty() && !part.starts_with("cursor="));
    let cursor = format!("cursor={cursor}");
    kept.chain([cursor.as_str()]).collect::<Vec<_>>().join("&")
}

fn csv<T: Row>(rows: &[T]) -> String {
    let mut text = T::COLUMNS.join(",") + "\r\n";
    for row in rows {
        let fields: Vec<String> = row.fields().iter().map(|field| quoted(field)).collect();
        debug_assert_eq!(fields.len(), T::COLUMNS.len());
        text += &fields.join(",");
        text += "\r\n";
    }
    text
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

/// A number, or nothing.
pub(super) fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_one_after_the_other_are_the_list(count in 0u32..50, limit in 1usize..20) {
            let all: Vec<u32> = (0..count).collect();
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = page(all.clone(), u32::to_string, Some(limit), cursor.as_deref()).unwrap();
                prop_assert!(page.rows.len() <= limit);
                seen.extend(page.rows);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            prop_assert_eq!(seen, all);
        }

        #[test]
        fn no_limit_or_cursor_makes_it_panic(limit in any::<Option<usize>>(), cursor in "\\PC{0,20}") {
            let _ = page(vec![1, 2, 3], u32::to_string, limit, Some(&cursor));
            let _ = page(vec![1, 2, 3], u32::to_string, limit, None);
        }
    }

    #[test]
    fn rows_that_come_before_the_cursor_do_not_shift_the_next_page() {
        let first = page(vec![2, 4, 6, 8], u32::to_string, Some(2), None).unwrap();
        let more = vec![1, 2, 3, 4, 6, 8];
        let second = page(more, u32::to_string, Some(2), first.next.as_deref()).unwrap();
        assert_eq!(second.rows, [6, 8]);
        assert_eq!(second.next, None);
    }

    #[test]
    fn fields_that_would_break_a_line_are_quoted() {
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("KH-12"), "KH-12");
    }

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let uri = "/api/v1/x?metric=a/b&cursor=old&limit=2".parse().unwrap();
        assert_eq!(query_of_next(&uri, "new"), "metric=a/b&limit=2&cursor=new");
    }
}
