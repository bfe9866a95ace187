//! Files in comments: forms and programs that bring some, and showing them to those who see the repository.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures::StreamExt as _;
use hub_storage::StorageKey;
use url::form_urlencoded::Serializer;

use crate::accounts::page::CheckedForm;
use crate::accounts::{Viewer, csrf};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects::serve::FileAnswer;
use crate::repos::RepoRead;
use crate::repos::discussions::{self, Sender};
use crate::repos::queries::attachments::{Attachment, find_attachment};
use crate::repos::queries::find_repo_by_pk;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, app_of};

/// How many files come with one form.
const MOST_FILES: usize = 10;
/// All that a form brings, in bytes.
const MAX_FORM_BYTES: usize = 20 * 1024 * 1024;
/// Shown directly, a file is a document without rights, that nothing is loaded for.
const POLICY: &str = "default-src 'none'; media-src 'self'; sandbox; frame-ancestors 'none'";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/uploads", web::post().to(post_upload)).route("/uploads/{id}/{name}", crate::web::read().to(show));
}

/// Takes a file before it is known which comment will name it (`HfApi.upload_attachment`), and says where it is.
async fn post_upload(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    body: web::Payload,
) -> HubResult<HttpResponse> {
    let sender = Sender::somewhere(&viewer)?;
    let made = discussions::receive(&app, sender, query.get("name").unwrap_or_default(), body.into_inner()).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(base.join(&made.url)))
}

/// Shows pictures, films and sound, and has everything else saved. Whoever may not see the repository learns of nothing.
async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> HubResult<HttpResponse> {
    let (id, name) = path.into_inner();
    let missing = || HubError::not_found("There is no such file: the comment that had it is gone, or you may not see it.");
    let key = StorageKey::attachment(&id);
    if key.parse_attachment().is_none() {
        return Err(missing());
    }
    let found = find_attachment(&app.pool, &id).await?.filter(|found| found.name == name).ok_or_else(missing)?;
    if !may_see(&app, viewer, &found).await? {
        return Err(missing());
    }
    let is_shown = ["image/", "video/", "audio/"].iter().any(|kind| found.content_type.starts_with(kind));
    // Names are of letters that need no quoting.
    let disposition = format!("{}; filename=\"{}\"", if is_shown { "inline" } else { "attachment" }, found.name);
    let headers = [
        ("content-security-policy", POLICY.to_owned()),
        ("cross-origin-resource-policy", "same-origin".to_owned()),
        ("cache-control", "private, max-age=3600".to_owned()),
    ];
    let answer = FileAnswer {
        size: found.size_bytes.unsigned_abs(),
        etag: &format!("\"{id}\""),
        content_type: &found.content_type,
        disposition: Some(&disposition),
        headers: &headers,
    };
    answer.send_stored(&app, &request, &key).await
}

/// Whether somebody sees a file: what a comment leads to with those who see the repository, what none has yet only who sent it, also where
/// it was sent for that repository.
async fn may_see(app: &App, viewer: Viewer, found: &Attachment) -> HubResult<bool> {
    let is_sender = viewer.user.as_ref().is_some_and(|user| found.user_pk == Some(user.pk));
    let Some(repo_pk) = found.repo_pk else { return Ok(is_sender) };
    if !found.is_used && !is_sender {
        return Ok(false);
    }
    let repo = find_repo_by_pk(&app.pool, repo_pk).await?;
    Ok(repo.is_some_and(|repo| RepoRead::check(repo, viewer).is_ok()))
}

/// A form of ours, with files or without: it cannot be had without its token being checked.
#[derive(Debug)]
pub(super) struct CommentForm {
    fields: Query,
    files: Vec<(String, Vec<u8>)>,
}

impl CommentForm {
    /// A field's text without spaces around it, empty when it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default().trim()
    }

    /// A field's text, and after it how to see the files that came with it.
    ///
    /// # Errors
    /// As [`discussions::attach`].
    pub(super) async fn text_with_files(&self, app: &App, read: &RepoRead, name: &str) -> HubResult<String> {
        let mut text = self.text(name).to_owned();
        for (file, bytes) in &self.files {
            let attached = discussions::attach(app, read, file, bytes.clone().into()).await?;
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&attached.markdown);
        }
        Ok(text)
    }

    /// Reads the parts of a form, of which the token comes first.
    async fn read(request: &HttpRequest, mut parts: Multipart) -> HubResult<Self> {
        let app = app_of(request)?;
        let (mut checked, mut left) = (false, MAX_FORM_BYTES);
        let (mut fields, mut files) = (Vec::new(), Vec::new());
        while let Some(part) = parts.next().await {
            let mut part = part.map_err(broken)?;
            let name = part.name().unwrap_or_default().to_owned();
            let file = part.content_disposition().and_then(|what| what.get_filename()).map(str::to_owned);
            let mut bytes = Vec::new();
            while let Some(chunk) = part.next().await {
                let chunk = chunk.map_err(broken)?;
                left = left.checked_sub(chunk.len()).ok_or_else(discussions::too_large)?;
                bytes.extend_from_slice(&chunk);
            }
            match file {
                Some(file) if checked && !bytes.is_empty() => files.push((file, bytes)),
                Some(_) => {}
                None => {
                    let text = String::from_utf8(bytes).map_err(|_| HubError::bad_request("The form is not UTF-8."))?;
                    if name == csrf::FIELD {
                        csrf::check(app, request, Some(&text))?;
                        checked = true;
                    }
                    fields.push((name, text));
                }
            }
            if !checked {
                csrf::check(app, request, None)?;
            }
            if files.len() > MOST_FILES || fields.len() > 100 {
                return Err(too_many());
            }
        }
        if !checked {
            csrf::check(app, request, None)?;
        }
        let fields = Serializer::new(String::new()).extend_pairs(fields).finish();
        Ok(Self { fields: Query::parse(&fields), files })
    }
}

fn broken(error: actix_multipart::MultipartError) -> HubError {
    HubError::bad_request(format!("The form could not be read: {error}"))
}

fn too_many() -> HubError {
    HubError::bad_request(format!("Add at most {MOST_FILES} files at once, and the others with another comment."))
}

impl FromRequest for CommentForm {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if !kind.starts_with("multipart/form-data") {
                let form = <CheckedForm as FromRequest>::from_request(&request, &mut payload).await?;
                return Ok(Self { fields: form.fields().clone(), files: Vec::new() });
            }
            let parts = Multipart::from_request(&request, &mut payload).await;
            let parts = parts.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
            Self::read(&request, parts).await
        })
    }
}
