//! URLs that carry a permission: for one operation on one object of one repository, until they expire.
//!
//! The signature covers the whole rest of the address as it is written, so there is nothing to normalise and nothing
//! that could be added.

use std::time::Duration;

use actix_web::HttpRequest;
use hub_types::Sha256;

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects::staging::PartUpload;
use crate::web::base_url::BaseUrl;
use crate::web::extract::Query;

/// How long upload URLs work. Long: Python's client asks once for many files and sends them one after the other.
pub(super) const UPLOAD_VALID: Duration = Duration::from_secs(24 * 3600);
/// How long download URLs work.
pub(super) const DOWNLOAD_VALID: Duration = Duration::from_secs(6 * 3600);

const PURPOSE: &str = "lfs";

/// What a URL allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Send the object by one `PUT`.
    Put,
    /// Send a part by `PUT`.
    Part,
    /// Put the parts together by `POST`.
    Complete,
    /// Have an upload checked by `POST`.
    Verify,
    /// Read the object.
    Get,
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Part => "part",
            Self::Complete => "complete",
            Self::Verify => "verify",
            Self::Get => "get",
        }
    }
}

/// The object a URL is about.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// The repository, by key: it may be renamed while an upload runs.
    pub repo_pk: i64,
    /// The object.
    pub oid: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// For [`Operation::Part`] and [`Operation::Complete`]: the upload.
    pub parts: Option<PartsOf>,
    /// For [`Operation::Part`]: its number, from 1.
    pub number: u16,
}

/// Which upload in parts a URL belongs to.
#[derive(Debug, Clone)]
pub(super) struct PartsOf {
    /// The size of a part in bytes.
    pub part_bytes: u64,
    /// See [`PartUpload::handle`].
    pub handle: String,
}

impl Grant {
    /// A grant for an object as a whole.
    pub(super) fn whole(repo_pk: i64, oid: Sha256, size: u64) -> Self {
        Self { repo_pk, oid, size, parts: None, number: 0 }
    }

    /// A grant for part `number` of an upload, or with 0 for putting it together.
    pub(super) fn of_parts(upload: &PartUpload, number: u16) -> Self {
        let parts = PartsOf { part_bytes: upload.part_bytes, handle: upload.handle.clone() };
        Self { repo_pk: upload.repo_pk, oid: upload.oid, size: upload.size, parts: Some(parts), number }
    }

    /// The upload in parts that this is about.
    pub(super) fn upload(&self) -> HubResult<PartUpload> {
        let PartsOf { part_bytes, handle } = self.parts.clone().ok_or_else(bad_link)?;
        Ok(PartUpload { repo_pk: self.repo_pk, oid: self.oid, size: self.size, part_bytes, handle })
    }

    /// The URL.
    pub(super) fn url(&self, app: &App, base: &BaseUrl, operation: Operation, valid: Duration) -> String {
        let expires = crate::clock::now().timestamp() + i64::try_from(valid.as_secs()).unwrap_or_default();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("size", &self.size.to_string()).append_pair("expires", &expires.to_string());
        if let Some(parts) = &self.parts {
            query.append_pair("part_bytes", &parts.part_bytes.to_string()).append_pair("upload", &parts.handle);
        }
        if self.number > 0 {
            query.append_pair("number", &self.number.to_string());
        }
        let text = format!("/lfs/{}/{}/{}?{}", operation.word(), self.repo_pk, self.oid, query.finish());
        let signature = app.signer.sign(PURPOSE, &text);
        base.join(&format!("{text}&sig={signature}"))
    }

    /// Reads and checks the URL of a request.
    ///
    /// # Errors
    /// 403 for a URL that the hub did not make or that has expired.
    pub(super) fn of_request(app: &App, request: &HttpRequest, operation: Operation) -> HubResult<Self> {
        let address = request.uri().path_and_query().map(|address| address.as_str()).unwrap_or_default();
        let (text, signature) = address.rsplit_once("&sig=").ok_or_else(bad_link)?;
        if !app.signer.verify(PURPOSE, text, signature) {
            return Err(bad_link());
        }
        let (path, query) = text.split_once('?').ok_or_else(bad_link)?;
        let mut segments = path.trim_start_matches("/lfs/").split('/');
        if segments.next() != Some(operation.word()) {
            return Err(bad_link());
        }
        let repo_pk = segments.next().and_then(|text| text.parse().ok()).ok_or_else(bad_link)?;
        let oid = segments.next().and_then(|text| text.parse().ok()).ok_or_else(bad_link)?;
        let query = Query::parse(query);
        let number = |key| query.get(key).and_then(|text| text.parse::<u64>().ok());
        if number("expires").is_none_or(|at| at < crate::clock::now().timestamp().unsigned_abs()) {
            return Err(HubError::forbidden("This address has expired. Ask the LFS batch endpoint for a new one."));
        }
        let parts = match (number("part_bytes"), query.get("upload")) {
            (Some(part_bytes), Some(handle)) => Some(PartsOf { part_bytes, handle: handle.to_owned() }),
            _ => None,
        };
        let size = number("size").ok_or_else(bad_link)?;
        let number = number("number").and_then(|number| u16::try_from(number).ok()).unwrap_or(0);
        Ok(Self { repo_pk, oid, size, parts, number })
    }
}

fn bad_link() -> HubError {
    HubError::forbidden("This address was not made by the hub, or it was changed. Ask the LFS batch endpoint for a new one.")
}
