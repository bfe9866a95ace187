//! Where the chunks of a file lie.

use std::collections::{BTreeMap, HashMap};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::XetHash;
use hub_xet::{Plan, PlanError, PlanXorb, Planner};
use serde::Serialize;

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
use crate::xet::{LISTS_AT_ONCE, XetFile, queries, read, store};

/// How many runs of chunks one answer names: some 80 MB of text at the worst. Clients make files of runs of half a MB and more, so these are
/// 64 GB at least, and commonly 8 TB.
const MAX_TERMS: usize = 1 << 17;

/// `GET /v1/reconstructions/{hash}`.
pub(super) async fn get_v1(app: web::Data<App>, read: CasRead, request: HttpRequest, base: BaseUrl) -> HubResult<HttpResponse> {
    let found = Found::find(&app, &read, &request).await?;
    let url = store_url(&app, &base);
    found
        .answer(app.get_ref().clone(), move |app, found| {
            let fetch_info = found.places(app, &url, |(start, end), (first, last), url| PlaceV1 {
                range: Span { start, end },
                url,
                url_range: Span { start: first, end: last },
            })?;
            Ok(AnswerV1 { offset_into_first_range: found.plan.offset_into_first_range, terms: found.terms(), fetch_info })
        })
        .await
}

/// `GET /v2/reconstructions/{hash}`: the same, in another form.
pub(super) async fn get_v2(app: web::Data<App>, read: CasRead, request: HttpRequest, base: BaseUrl) -> HubResult<HttpResponse> {
    let found = Found::find(&app, &read, &request).await?;
    let url = store_url(&app, &base);
    found
        .answer(app.get_ref().clone(), move |app, found| {
            // An address of its own for each range: it opens no more than that.
            let xorbs = found.places(app, &url, |(start, end), (first, last), url| PlaceV2 {
                url,
                ranges: [RangeV2 { chunks: Span { start, end }, bytes: Span { start: first, end: last } }],
            })?;
            Ok(AnswerV2 { offset_into_first_range: found.plan.offset_into_first_range, terms: found.terms(), xorbs })
        })
        .await
}

#[derive(Serialize)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Serialize)]
struct TermPart {
    hash: XetHash,
    unpacked_length: u32,
    range: Span,
}

#[derive(Serialize)]
struct AnswerV1 {
    offset_into_first_range: u64,
    terms: Vec<TermPart>,
    fetch_info: Places<PlaceV1>,
}

#[derive(Serialize)]
struct PlaceV1 {
    range: Span,
    url: String,
    url_range: Span,
}

#[derive(Serialize)]
struct AnswerV2 {
    offset_into_first_range: u64,
    terms: Vec<TermPart>,
    xorbs: Places<PlaceV2>,
}

#[derive(Serialize)]
struct PlaceV2 {
    url: String,
    ranges: [RangeV2; 1],
}

#[derive(Serialize)]
struct RangeV2 {
    chunks: Span,
    bytes: Span,
}

/// What lies where, by the hash of the xorb.
type Places<P> = BTreeMap<String, Vec<P>>;

struct Found {
    plan: Plan,
    nonces: HashMap<XetHash, i64>,
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
        let found = Self::plan(app, file, wanted(request)?).await?;
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
        Ok(found)
    }

    /// Plans with the lists of some xorbs at a time: all those of a file may be a thousand times as long as its terms.
    async fn plan(app: &App, file: std::sync::Arc<XetFile>, wanted: Option<std::ops::Range<u64>>) -> HubResult<Self> {
        let begun = move || Planner::new(&file.terms, wanted).map_err(no_plan);
        let mut planner = tokio::task::spawn_blocking(begun).await??;
        if planner.term_count() > MAX_TERMS {
            return Err(HubError::too_large(format!(
                "What is asked for lies in {} runs of chunks, and one answer names at most {MAX_TERMS}. Ask for parts of it by `Range`, \
                 or set HF_HUB_DISABLE_XET=1 and download it whole.",
                planner.term_count()
            )));
        }
        let hashes = planner.xorbs();
        let mut nonces = HashMap::with_capacity(hashes.len());
        for hashes in hashes.chunks(LISTS_AT_ONCE) {
            let window = store::load_window(app, hashes).await?;
            nonces.extend(window.xorbs.iter().map(|(hash, xorb)| (*hash, xorb.nonce)));
            let planning = move || {
                for xorb in window.xorbs.values() {
                    planner.add(&xorb.info).map_err(no_plan)?;
                }
                HubResult::Ok(planner)
            };
            planner = tokio::task::spawn_blocking(planning).await??;
        }
        Ok(Self { plan: planner.finish().map_err(no_plan)?, nonces })
    }

    /// The runs of chunks, in order.
    fn terms(&self) -> Vec<TermPart> {
        let part = |term: &hub_xet::Term| TermPart {
            hash: term.xorb,
            unpacked_length: term.raw_len,
            range: Span { start: term.start, end: term.end },
        };
        self.plan.terms.iter().map(part).collect()
    }

    /// Makes a place of each range: of its chunks, the end not included, its first and last byte, and its address.
    fn places<P>(&self, app: &App, url: &str, place: impl Fn((u32, u32), (u32, u32), String) -> P) -> HubResult<Places<P>> {
        let mut places = Places::new();
        for PlanXorb { hash, ranges } in &self.plan.xorbs {
            let nonce = self.nonces.get(hash).copied().ok_or_else(|| HubError::internal("a plan with an unknown xorb"))?;
            let mut list = Vec::with_capacity(ranges.len());
            for range in ranges {
                let (first, last) = (*range.bytes.start(), *range.bytes.end());
                let address = ranges::address(app, url, hash, nonce, first, last)?;
                list.push(place((range.chunks.start, range.chunks.end), (first, last), address));
            }
            places.insert(hash.to_hex(), list);
        }
        Ok(places)
    }

    /// Signs all addresses and writes the answer, on another thread: there may be very many.
    async fn answer<A, F>(self, app: App, make: F) -> HubResult<HttpResponse>
    where
        A: Serialize,
        F: FnOnce(&App, &Self) -> HubResult<A> + Send + 'static,
    {
        let write = move || serde_json::to_vec(&make(&app, &self)?).map_err(HubError::internal);
        let body = tokio::task::spawn_blocking(write).await??;
        Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .body(body))
    }
}

fn no_plan(error: PlanError) -> HubError {
    match error {
        PlanError::PastEnd { .. } => HubError::new(ErrorKind::RangeNotSatisfiable, error.to_string()),
        other => HubError::internal(other),
    }
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
