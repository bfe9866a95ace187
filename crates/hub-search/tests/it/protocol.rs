//! What Meilisearch 1.50 takes: requests as they come, and the fields that its routes accept. It refuses unknown ones, and so does this.
//! The stand-in that whole hubs are tested with (`tests/src/meili.rs`) has it, too.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
};

use serde_json::Value;

const SEARCH_FIELDS: &[&str] = &[
    "indexUid",
    "q",
    "offset",
    "limit",
    "page",
    "hitsPerPage",
    "attributesToRetrieve",
    "attributesToCrop",
    "cropLength",
    "cropMarker",
    "attributesToHighlight",
    "highlightPreTag",
    "highlightPostTag",
    "showMatchesPosition",
    "showRankingScore",
    "showRankingScoreDetails",
    "filter",
    "sort",
    "distinct",
    "facets",
    "matchingStrategy",
    "attributesToSearchOn",
    "rankingScoreThreshold",
    "locales",
    "hybrid",
    "vector",
    "retrieveVectors",
    "media",
    "personalize",
    "useNetwork",
    "federationOptions",
    "exhaustiveFacetCount",
    "showPerformanceDetails",
];
const SETTINGS: &[&str] = &[
    "displayedAttributes",
    "searchableAttributes",
    "filterableAttributes",
    "sortableAttributes",
    "rankingRules",
    "stopWords",
    "nonSeparatorTokens",
    "separatorTokens",
    "dictionary",
    "synonyms",
    "distinctAttribute",
    "proximityPrecision",
    "typoTolerance",
    "faceting",
    "pagination",
    "embedders",
    "searchCutoffMs",
    "localizedAttributes",
    "facetSearch",
    "prefixSearch",
    "chat",
    "vectorStore",
];
const BROWSE_FIELDS: &[&str] = &["offset", "limit", "fields", "retrieveVectors", "ids", "filter", "sort"];

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) body: Value,
}

/// Reads a request. It must come with the key that all tests have.
pub(crate) fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut len, mut has_key) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        has_key |= header == "authorization: bearer a-key";
        if let Some(value) = header.strip_prefix("content-length: ") {
            len = value.parse().unwrap();
        }
    }
    assert!(has_key, "{line}");
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Request { line: line.trim().trim_end_matches(" HTTP/1.1").to_owned(), body }
}

/// What Meilisearch checks of a request before it does anything.
pub(crate) fn check(request: &Request) {
    let known = |value: &Value, fields: &[&str]| {
        for field in value.as_object().unwrap().keys() {
            assert!(fields.contains(&field.as_str()), "Unknown field `{field}`: {request:?}");
        }
    };
    if request.line == "POST /multi-search" {
        known(&request.body, &["queries", "federation"]);
        for query in request.body["queries"].as_array().unwrap() {
            known(query, SEARCH_FIELDS);
            assert!(query["indexUid"].is_string() && query["filter"].is_string());
            let finite = !query["page"].is_null() || !query["hitsPerPage"].is_null();
            let offset = !query["offset"].is_null() || !query["limit"].is_null();
            assert!(!(finite && offset), "pages are asked for in one way or the other");
        }
    } else if request.line.contains("/settings") {
        known(&request.body, SETTINGS);
    } else if request.line.ends_with("/documents/fetch") {
        known(&request.body, BROWSE_FIELDS);
    } else if request.line.contains("/documents?") {
        for document in request.body.as_array().unwrap() {
            let key = if document["pk"].is_null() { &document["index"] } else { &document["pk"] };
            assert!(key.is_i64() || key.is_string(), "{document}");
        }
    } else if request.line == "POST /swap-indexes" {
        known(&request.body[0], &["indexes", "rename"]);
    }
}
