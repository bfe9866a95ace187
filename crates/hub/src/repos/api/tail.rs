use actix_web::HttpRequest;

use crate::error::{HubError, HubResult};
use crate::web::extract::raw_param;
use crate::web::links::decode_tail;

/// The revision and the path that follow `tree/`, `commits/`, … in an address.
#[derive(Debug)]
pub(super) struct RevisionPath {
    pub(super) revision: String,
    pub(super) path: String,
}

impl RevisionPath {
    /// Reads the parameter `tail`. The revision may be one encoded segment, or three of a special ref.
    pub(super) fn of(request: &HttpRequest) -> HubResult<Self> {
        let segments = decode_tail(raw_param(request, "tail")).ok_or_else(|| HubError::revision_not_found("?"))?;
        let (revision, path) = hub_types::split_revision(&segments);
        let revision = revision.map(|revision| revision.as_str().to_owned()).unwrap_or_default();
        Ok(Self { revision, path: path.join("/").trim_matches('/').to_owned() })
    }
}

/// All that follows, as one name: a branch or tag.
pub(super) fn whole_tail(request: &HttpRequest) -> HubResult<String> {
    let segments = decode_tail(raw_param(request, "tail")).ok_or_else(|| HubError::revision_not_found("?"))?;
    Ok(segments.join("/"))
}
