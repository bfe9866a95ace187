//! The `Range` header: one range of bytes, as RFC 9110 has it.

use std::ops::Range;

use actix_web::http::header::{self, HeaderMap};

/// What part of a file a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: no range, several ranges, or one that makes no sense.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Bytes that are not there: 416.
    Outside,
}

/// Reads `Range`, for a file of `size` bytes whose quoted etag is `etag` (for `If-Range`).
pub fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::Whole };
    // Bytes that are no text are no tag of ours either.
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
        return Wanted::Whole;
    }
    parse(range, size)
}

fn parse(text: &str, size: u64) -> Wanted {
    let Some(spec) = text.trim().strip_prefix("bytes=") else { return Wanted::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return match number(last) {
            Some(0) => Wanted::Outside,
            Some(_) if size == 0 => Wanted::Outside,
            Some(count) => Wanted::Part(size.saturating_sub(count)..size),
            None => Wanted::Whole,
        };
    }
    let Some(first) = number(first) else { return Wanted::Whole };
    let last = match last {
        "" => u64::MAX,
        digits => match number(digits) {
            Some(last) if last >= first => last,
            _ => return Wanted::Whole,
        },
    };
    if first >= size {
        return Wanted::Outside;
    }
    Wanted::Part(first..last.saturating_add(1).min(size))
}

/// `parse` would take a sign.
fn number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, size: u64, expected: Wanted) {
        assert_eq!(parse(text, size), expected, "{text} of {size}");
    }

    #[test]
    fn single_ranges_are_understood() {
        check("bytes=0-0", 10, Wanted::Part(0..1));
        check("bytes=2-4", 10, Wanted::Part(2..5));
        check("bytes=2-", 10, Wanted::Part(2..10));
        check("bytes=2-99", 10, Wanted::Part(2..10));
        check("bytes=-3", 10, Wanted::Part(7..10));
        check("bytes=-99", 10, Wanted::Part(0..10));
        check("bytes=9-18446744073709551615", 10, Wanted::Part(9..10));
    }

    #[test]
    fn a_tag_that_is_no_text_is_no_tag_of_ours() {
        use actix_web::http::header::HeaderValue;
        let tag = |bytes: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-0"));
            headers.insert(header::IF_RANGE, HeaderValue::from_bytes(bytes).unwrap());
            wanted(&headers, 10, "\"etag\"")
        };
        assert_eq!(tag(b"\"etag\""), Wanted::Part(0..1));
        assert_eq!(tag(b"\"other\""), Wanted::Whole);
        assert_eq!(tag("é".as_bytes()), Wanted::Whole);
    }

    #[test]
    fn ranges_behind_the_end_are_outside() {
        check("bytes=10-", 10, Wanted::Outside);
        check("bytes=99-100", 10, Wanted::Outside);
        check("bytes=-0", 10, Wanted::Outside);
        check("bytes=0-0", 0, Wanted::Outside);
        check("bytes=-1", 0, Wanted::Outside);
    }

    #[test]
    fn nonsense_and_several_ranges_mean_the_whole() {
        for text in ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=+1-5", "items=0-1", "bytes=0-1,4-5"] {
            check(text, 10, Wanted::Whole);
        }
        check("bytes=99999999999999999999-", 10, Wanted::Whole);
    }
}
