//! Percent-encoding of names in URLs, one rule for all links the hub makes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a path segment keeps as it is: RFC 3986 unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes one path segment; a `/` in it becomes `%2F`.
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Encodes a path, keeping its slashes.
pub fn encode_path(path: &str) -> String {
    path.split('/').map(encode_segment).collect::<Vec<_>>().join("/")
}

/// Decodes a raw path tail into its segments. `%2F` inside a segment separates too: clients send
/// `refs%2Fpr%2F1` and `dir%2Ffile` as one segment. Gives `None` for bytes that are not UTF-8.
pub fn decode_tail(raw: &str) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    for segment in raw.split('/') {
        segments.push(percent_decode_str(segment).decode_utf8().ok()?.into_owned());
    }
    Some(segments)
}
