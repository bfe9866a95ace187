//! Where the chunks of a file lie.

use std::collections::BTreeSet;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::XetHash;
use hub_xet::{Plan, PlanError, PlanXorb, plan};
use serde_json::{Map, Value, json};

use super::tokens::{CasRead, store_url};
use super::{hash_of, ranges};
use crate::app::App;
use crate::downloads::client::{Client, is_from_start};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::fetches::{Content, Fetcher};
use crate::recalls;
use crate::repos::buckets;
use crate::repos::buckets::batch::EMPTY_FILE;
use crate::web::base_url::BaseUrl;
use crate::xet::{XetFile, queries, read, store};

/// `GET /v1/reconstructions/{hash}`.
pub(super) async fn get_v1(app: web::Data<App>, read: CasRead, request: HttpRequest, base: BaseUrl) -> HubResult<HttpResponse> {
    let found = Found::find(&app, &read, &request).await?;
    let url = store_url(&app, &base);
    let mut fetch_info = Map::new();
    for PlanXorb { hash, ranges } in &found.plan.xorbs {
        let mut list = Vec::with_capacity(ranges.len());
        for range in ranges {
            let (first, last) = (*range.bytes.start(), *range.bytes.end());
            let address = ranges::address(&app, &url, hash, found.nonce(hash)?, first, last)?;
            list.push(json!({
                "range": { "start": range.chunks.start, "end": range.chunks.end },
                "url": address,
                "url_range": { "start": first, "end": last },
            }));
        }
        fetch_info.insert(hash.to_hex(), Value::Array(list));
    }
    Ok(found.answer("fetch_info", fetch_info))
}

/// `GET /v2/reconstructions/{hash}`: the same, in another form.
pub(super) async fn get_v2(app: web::Data<App>, read: CasRead, request: HttpRequest, base: BaseUrl) -> HubResult<HttpResponse> {
    let found = Found::find(&app, &read, &request).await?;
    let url = store_url(&app, &base);
    let mut xorbs = Map::new();
    for PlanXorb { hash, ranges } in &found.plan.xorbs {
        let mut list = Vec::with_capacity(ranges.len());
        for range in ranges {
            let (first, last) = (*range.bytes.start(), *range.bytes.end());
            // An address of its own for each range: it opens no more than that.
            let address = ranges::address(&app, &url, hash, found.nonce(hash)?, first, last)?;
            list.push(json!({ "url": address, "ranges": [{
                "chunks": { "start": range.chunks.start, "end": range.chunks.end },
                "bytes": { "start": first, "end": last },
            }] }));
        }
        xorbs.insert(hash.to_hex(), Value::Array(list));
    }
    Ok(found.answer("xorbs", xorbs))
}

struct Found {
    plan: Plan,
    nonces: std::collections::HashMap<XetHash, i64>,
}

impl Found {
    /// Finds a file through the repository that the token is for, and plans what is asked of it.
    async fn find(app: &App, access: &CasRead, request: &HttpRequest) -> HubResult<Self> {
        let hash = hash_of(request)?;
        // `HfFileSystem` asks so of an empty file of a bucket, and takes this for its end.
        if hash == EMPTY_FILE && !access.repo.repo_type.has_git() {
            return Err(HubError::new(ErrorKind::RangeNotSatisfiable, "An empty file has no chunks: there is nothing to fetch."));
        }
        let unknown = || HubError::not_found("The repository has no file with this hash.");
        let (oid, _) = queries::find_held_file(&app.pool, access.repo.pk, &hash).await?.ok_or_else(unknown)?;
        // A bucket has no history: what was deleted is gone.
        if !access.repo.repo_type.has_git() && !buckets::has_oid(&app.pool, access.repo.pk, &oid).await? {
            return Err(unknown());
        }
        recalls::check(app, access.repo.pk, Content::Large(oid)).await?;
        let file = read::find(app, &hash).await?.ok_or_else(unknown)?;
        let wanted = wanted(request)?;
        let end = wanted.as_ref().map_or(file.size, |range| range.end);
        let xorbs = xorbs_within(&file, wanted.as_ref().map_or(0, |range| range.start), end);
        let xorbs = store::load(app, &xorbs).await?;
        if access.audience.is_none() && is_from_start(request) {
            let who = Fetcher { repo_pk: access.repo.pk, commit: None, user_pk: access.user_pk };
            app.fetches.note(who, Content::Large(oid));
        }
        if access.audience.is_none()
            && access.repo.repo_type.has_git()
            && is_from_start(request)
            && let Some(client) = Client::of(app, request, access.user_pk)
        {
            app.downloads.note(access.repo.pk, access.repo.head_oid, client);
        }
        let nonces = xorbs.iter().map(|(hash, xorb)| (*hash, xorb.nonce)).collect();
        let planning = move || plan(&file.terms, wanted, |hash| xorbs.get(hash).map(|xorb| std::sync::Arc::clone(&xorb.info)));
        let plan = tokio::task::spawn_blocking(planning).await?.map_err(|error| match error {
            PlanError::PastEnd { .. } => HubError::new(ErrorKind::RangeNotSatisfiable, error.to_string()),
            other => HubError::internal(other),
        })?;
        Ok(Self { plan, nonces })
    }

    fn nonce(&self, hash: &XetHash) -> HubResult<i64> {
        self.nonces.get(hash).copied().ok_or_else(|| HubError::internal("a plan with an unknown xorb"))
    }

    fn answer(&self, name: &str, places: Map<String, Value>) -> HttpResponse {
        let terms: Vec<Value> = self
            .plan
            .terms
            .iter()
            .map(|term| {
                json!({
                    "hash": term.xorb, "unpacked_length": term.raw_len, "range": { "start": term.start, "end": term.end },
                })
            })
            .collect();
        let mut body = Map::new();
        body.insert("offset_into_first_range".to_owned(), self.plan.offset_into_first_range.into());
        body.insert("terms".to_owned(), Value::Array(terms));
        body.insert(name.to_owned(), Value::Object(places));
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "private, no-store")).json(body)
    }
}

/// The xorbs of the terms that a range touches.
fn xorbs_within(file: &XetFile, start: u64, end: u64) -> Vec<XetHash> {
    let mut at = 0;
    let mut xorbs = BTreeSet::new();
    for term in &file.terms {
        let next = at + u64::from(term.raw_len);
        if next > start && at < end {
            xorbs.insert(term.xorb);
        }
        at = next;
    }
    xorbs.into_iter().collect()
}

/// The range of the file that is asked for; `None` for all of it.
fn wanted(request: &HttpRequest) -> HubResult<Option<std::ops::Range<u64>>> {
    let Some(value) = request.headers().get(header::RANGE) else { return Ok(None) };
    let bad = || HubError::bad_request("`Range` must be of the form `bytes=0-99`.");
    let text = value.to_str().map_err(|_| bad())?;
    let (first, last) = text.trim().strip_prefix("bytes=").and_then(|spec| spec.split_once('-')).ok_or_else(bad)?;
    let first: u64 = first.parse().map_err(|_| bad())?;
    let end = match last {
        "" => u64::MAX,
        digits => digits.parse::<u64>().map_err(|_| bad())?.saturating_add(1),
    };
    if end <= first {
        return Err(bad());
    }
    Ok(Some(first..end))
}
