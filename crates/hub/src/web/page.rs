//! Pages of a listing: how many, and where the next one is.

use actix_web::HttpRequest;
use url::form_urlencoded::Serializer;

use super::base_url::BaseUrl;
use super::extract::Query;
use crate::error::HubResult;

/// The page size asked for with `limit`, within bounds.
///
/// # Errors
/// 400 when it is not a number.
pub fn page_size(query: &Query, default: usize, most: usize) -> HubResult<usize> {
    let wanted = query.number("limit")?;
    Ok(wanted.map_or(default, |limit| usize::try_from(limit).unwrap_or(most)).clamp(1, most))
}

/// The `Link` header to the next page: the present address with every filter, and `key` set anew. Absolute, with
/// one space before `rel` in double quotes, as the clients' parsers need it.
pub fn next_link(request: &HttpRequest, base: &BaseUrl, query: &Query, key: &str, value: &str) -> (&'static str, String) {
    let mut pairs = Serializer::new(String::new());
    pairs.extend_pairs(query.pairs().iter().filter(|(name, _)| name != key)).append_pair(key, value);
    let address = base.join(&format!("{}?{}", request.uri().path(), pairs.finish()));
    ("Link", format!("<{address}>; rel=\"next\""))
}
