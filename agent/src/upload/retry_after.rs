//! The `Retry-After` header in both its forms (RFC 9110 section 10.2.3).
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// IMF-fixdate (RFC 9110 section 5.6.7), the one form of date that may be sent.
const HTTP_DATE: &[BorrowedFormatItem<'static>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Seconds to wait from `now_us` on; `None` for a header that says nothing.
#[must_use]
pub(super) fn parse(header: &str, now_us: i64) -> Option<u64> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(header.parse().unwrap_or(u64::MAX));
    }
    let wait_s = (http_date_us(header)? - now_us).div_euclid(1_000_000);
    Some(u64::try_from(wait_s).unwrap_or(0))
}

/// The instant of an HTTP date, microseconds since the Unix epoch.
#[must_use]
pub(crate) fn http_date_us(text: &str) -> Option<i64> {
    let date = PrimitiveDateTime::parse(text.trim(), HTTP_DATE).ok()?;
    date.assume_utc().unix_timestamp().checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_US: i64 = 784_111_777_000_000; // 1994-11-06T08:49:37Z

    #[test]
    fn both_forms_are_read() {
        assert_eq!(parse("120", NOW_US), Some(120));
        assert_eq!(parse("Sun, 06 Nov 1994 08:50:07 GMT", NOW_US), Some(30));
        assert_eq!(
            parse("Sun, 06 Nov 1994 08:49:00 GMT", NOW_US),
            Some(0),
            "in the past"
        );
        assert_eq!(parse("99999999999999999999999", NOW_US), Some(u64::MAX));
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for text in ["", "-5", "1.5", "soon", "Sun, 06 Nov 1994 08:50:07 CET"] {
            assert_eq!(parse(text, NOW_US), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in ".*", now_us: i64) {
            let _ = parse(&text, now_us);
        }
    }
}
