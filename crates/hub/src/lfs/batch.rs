//! `POST …/info/lfs/objects/batch`: what to do with up to a thousand objects.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpRequest, HttpResponse, web};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_storage::PresignedGet;
use hub_types::Sha256;
use serde::{Deserialize, Serialize};

use super::LFS_JSON;
use super::links::{DOWNLOAD_VALID, Grant, Operation, UPLOAD_VALID};
use super::plan::{Planner, UploadActions};
use super::reuse;
use crate::app::App;
use crate::downloads::client::Client;
use crate::error::{HubError, HubResult};
use crate::fetches::{Content, Fetcher};
use crate::objects::{self, Held};
use crate::quotas;
use crate::recalls::{self, Standing};
use crate::repos::access::{RepoContent, RepoRead, RepoWrite};
use crate::web::base_url::BaseUrl;
use crate::web::extract::Json;

/// More objects than any client asks for at once.
const MAX_OBJECTS: usize = 1000;
/// The SHA-256 of nothing: the one object the hub has without being sent it.
pub(super) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// How many addresses are made at once: uploads in parts are begun on S3, and some signatures take a millisecond.
const BEGIN_AT_ONCE: usize = 8;

#[derive(Debug, Deserialize)]
pub(super) struct BatchRequest {
    operation: String,
    transfers: Option<Vec<String>>,
    hash_algo: Option<String>,
    #[serde(default)]
    objects: Vec<WantedObject>,
}

#[derive(Debug, Deserialize)]
struct WantedObject {
    oid: String,
    size: i64,
}

#[derive(Debug, Serialize)]
struct BatchResponse {
    transfer: &'static str,
    hash_algo: &'static str,
    objects: Vec<ObjectEntry>,
}

/// An entry without actions and error means: the hub has it, nothing to do. (`actions` must be absent then.)
#[derive(Debug, Serialize)]
struct ObjectEntry {
    oid: String,
    size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<BTreeMap<&'static str, Action>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ObjectError>,
}

#[derive(Debug, Serialize)]
struct Action {
    href: String,
    header: BTreeMap<String, String>,
    expires_in: u64,
}

#[derive(Debug, Serialize)]
struct ObjectError {
    code: u16,
    message: String,
}

pub(super) async fn post_batch(
    app: web::Data<App>,
    read: RepoRead,
    base: BaseUrl,
    http: HttpRequest,
    body: Json<BatchRequest>,
) -> HubResult<HttpResponse> {
    let Json(request) = body;
    if !matches!(request.hash_algo.as_deref(), None | Some("sha256" | "sha_256")) {
        return Err(HubError::conflict("The hub knows large files by their SHA-256 only: use `hash_algo` `sha256`."));
    }
    if request.objects.len() > MAX_OBJECTS {
        return Err(HubError::too_large(format!("A batch holds at most {MAX_OBJECTS} objects. Ask in several batches.")));
    }
    let response = match request.operation.as_str() {
        "upload" => {
            app.require_changes()?;
            upload(&app, &read.into_write()?, &base, &request).await?
        }
        // What was deleted from a bucket is nobody's any more, though it may still be stored.
        "download" if !read.repo.repo_type.has_git() => {
            return Err(HubError::unprocessable("Files of a bucket are downloaded by their paths, not by their SHA-256."));
        }
        "download" => {
            let content = read.into_content(&app).await?;
            let answer = download(&app, &content, &base, &request).await?;
            note_fetches(&app, &content, &answer);
            if answer.objects.iter().any(|object| object.actions.is_some())
                && let Some(client) = Client::of(&app, &http, content.viewer.user.as_ref().map(|user| user.pk))
            {
                app.downloads.note(content.repo.pk, content.repo.head_oid, client);
            }
            answer
        }
        _ => return Err(HubError::unprocessable("`operation` must be `upload` or `download`.")),
    };
    Ok(HttpResponse::Ok().content_type(LFS_JSON).body(serde_json::to_string(&response).map_err(HubError::internal)?))
}

/// Whoever has the addresses fetches the bytes, from here or from the store itself.
fn note_fetches(app: &App, content: &RepoContent, answer: &BatchResponse) {
    let given = answer.objects.iter().filter(|object| object.actions.is_some());
    let contents = given.filter_map(|object| object.oid.parse().ok().map(Content::Large));
    let user_pk = content.viewer.user.as_ref().map(|user| user.pk);
    app.fetches.note_all(Fetcher { repo_pk: content.repo.pk, commit: None, user_pk }, contents);
}

async fn upload(app: &App, write: &RepoWrite, base: &BaseUrl, request: &BatchRequest) -> HubResult<BatchResponse> {
    let knows = |wanted: &str| request.transfers.iter().flatten().any(|transfer| transfer == wanted);
    let knows_parts = knows("multipart");
    // A client that names nothing else wants to be able to go on where it was: the hub's own page.
    let above = if knows("basic") { app.config.lfs_multipart_above_bytes } else { app.config.lfs_part_bytes };
    let wanted: Vec<(Sha256, u64)> = request.objects.iter().filter_map(|object| parse(object).ok()).collect();
    let oids: Vec<Sha256> = wanted.iter().map(|(oid, _)| *oid).collect();
    let held = reuse::hold(app, write, &oids).await?;
    let new: HashMap<Sha256, u64> = wanted.iter().filter(|(oid, _)| !held.contains_key(oid)).copied().collect();
    if !new.is_empty() {
        quotas::require_room(app, write.repo.pk, new.values().fold(0, |sum, size| sum.saturating_add(*size))).await?;
    }
    let large = |(oid, size): &(Sha256, u64)| !held.contains_key(oid) && *size > above;
    let in_parts = knows_parts && wanted.iter().any(large);
    let planner = Planner { app, base, repo_pk: write.repo.pk, in_parts };
    let entries = stream::iter(&request.objects).map(|object| upload_entry(planner, object, &held));
    let objects = entries.buffered(BEGIN_AT_ONCE).try_collect().await?;
    let transfer = if in_parts { "multipart" } else { "basic" };
    Ok(BatchResponse { transfer, hash_algo: "sha256", objects })
}

async fn upload_entry(planner: Planner<'_>, wanted: &WantedObject, held: &HashMap<Sha256, u64>) -> HubResult<ObjectEntry> {
    let (oid, size) = match parse(wanted) {
        Ok(object) => object,
        Err(message) => return Ok(refused(wanted, 422, message)),
    };
    match held.get(&oid) {
        Some(found) if *found == size => Ok(ObjectEntry::plain(wanted)),
        Some(found) => Ok(refused(wanted, 422, format!("This object has {found} bytes, not {size}."))),
        None => {
            let actions = Some(upload_actions(planner.upload(oid, size).await?));
            Ok(ObjectEntry { authenticated: Some(true), actions, ..ObjectEntry::plain(wanted) })
        }
    }
}

fn upload_actions(planned: UploadActions) -> BTreeMap<&'static str, Action> {
    let expires_in = UPLOAD_VALID.as_secs();
    let upload = Action { href: planned.href, header: planned.header, expires_in };
    let verify = Action { href: planned.verify, header: BTreeMap::new(), expires_in };
    BTreeMap::from([("upload", upload), ("verify", verify)])
}

async fn download(app: &App, content: &RepoContent, base: &BaseUrl, request: &BatchRequest) -> HubResult<BatchResponse> {
    let oids: Vec<Sha256> = request.objects.iter().filter_map(|object| Some(parse(object).ok()?.0)).collect();
    let held = objects::list_held(&app.pool, content.repo.pk, &oids).await?;
    let contents: Vec<Content> = oids.iter().copied().map(Content::Large).collect();
    let recalled = recalls::among(app, content.repo.pk, &contents).await?;
    let entries = stream::iter(&request.objects).map(|wanted| download_entry(app, content, base, wanted, (&held, &recalled)));
    let objects = entries.buffered(BEGIN_AT_ONCE).try_collect().await?;
    Ok(BatchResponse { transfer: "basic", hash_algo: "sha256", objects })
}

async fn download_entry(
    app: &App,
    content: &RepoContent,
    base: &BaseUrl,
    wanted: &WantedObject,
    (held, recalled): (&HashMap<Sha256, Held>, &HashMap<Content, Standing>),
) -> HubResult<ObjectEntry> {
    let oid = match parse(wanted) {
        Ok((oid, _)) => oid,
        Err(message) => return Ok(refused(wanted, 422, message)),
    };
    if let Some(standing) = recalled.get(&Content::Large(oid)).filter(|_| held.contains_key(&oid)) {
        return Ok(refused(wanted, 451, standing.refusal().message_at(base.as_str()).into_owned()));
    }
    let Some(found @ Held { size, .. }) = held.get(&oid) else {
        return Ok(refused(wanted, 404, format!("{} has no large file with this SHA-256.", content.repo.id)));
    };
    let href = match found.plain_key(&oid).filter(|_| app.store.presigns_reads()) {
        Some(key) => app.store.presign_get(&key, DOWNLOAD_VALID, &PresignedGet::default()).await?.into(),
        None => Grant::whole(content.repo.pk, oid, *size).url(app, base, Operation::Get, DOWNLOAD_VALID),
    };
    let action = Action { href, header: BTreeMap::new(), expires_in: DOWNLOAD_VALID.as_secs() };
    let size = i64::try_from(*size).unwrap_or(i64::MAX);
    let actions = Some(BTreeMap::from([("download", action)]));
    Ok(ObjectEntry { size, authenticated: Some(true), actions, ..ObjectEntry::plain(wanted) })
}

fn parse(wanted: &WantedObject) -> Result<(Sha256, u64), String> {
    let oid: Sha256 = wanted.oid.parse().map_err(|_| "`oid` must be the SHA-256 of the file, 64 hex digits.".to_owned())?;
    let size = u64::try_from(wanted.size).map_err(|_| "`size` cannot be negative.".to_owned())?;
    if (size == 0) != (oid.to_hex() == EMPTY) {
        return Err("`oid` and `size` do not fit: exactly one SHA-256 belongs to an empty file.".to_owned());
    }
    Ok((oid, size))
}

impl ObjectEntry {
    fn plain(wanted: &WantedObject) -> Self {
        Self { oid: wanted.oid.clone(), size: wanted.size, authenticated: None, actions: None, error: None }
    }
}

fn refused(wanted: &WantedObject, code: u16, message: String) -> ObjectEntry {
    ObjectEntry { error: Some(ObjectError { code, message }), ..ObjectEntry::plain(wanted) }
}
