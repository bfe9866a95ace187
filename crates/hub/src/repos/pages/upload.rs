//! Adding files in the browser. One form sends them all through the hub. A script does what programs do instead: it hashes
//! the files, sends large ones in parts to where the batch endpoint says, and commits all of them at once.

use actix_multipart::{Field as Part, Multipart};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use futures::StreamExt as _;
use hub_types::RepoPath;

use super::BASES;
use super::branch_files::branch_place;
use super::context::{Place, View, header_of, layout_of};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::csrf;
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::RepoWrite;
use crate::repos::uploads::{FormUpload, Note};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::web::security_headers::policy_for_store;

/// The longest text field, in bytes.
const MAX_TEXT_BYTES: usize = 4096;
/// The most files in one form.
const MAX_FILES: usize = 1000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/upload.html")]
struct UploadPage {
    layout: Layout,
    header: RepoHeader,
    crumbs: Vec<Crumb>,
    branch: String,
    /// Where the form goes.
    action: String,
    /// Where to go back to.
    cancel_href: String,
    files: Field,
    /// The folder the files go to.
    folder: String,
    summary: Field,
    /// The root folder of the branch.
    tree_href: String,
    /// Where a script asks what to do with large files.
    batch_href: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/upload/{{tail:.*}}"), crate::web::read().to(show_upload))
            .route(&format!("{base}/upload/{{tail:.*}}"), web::post().to(post_upload));
    }
}

async fn show_upload(page: PageRequest, write: RepoWrite) -> HubResult<HttpResponse> {
    page.require_session()?;
    let place = branch_place(&page, &write).await?;
    let shown = upload_page(&page, &write, &place, &Refusal::default()).await?;
    let response = page.show(shown).await?;
    allow_store(&page, response)
}

/// Lets the scripts of a page send to the store, if that is where large files go.
pub(super) fn allow_store(page: &PageRequest, mut response: HttpResponse) -> HubResult<HttpResponse> {
    if page.app.store.presigns_uploads() {
        let policy = policy_for_store(&page.app.store.public_origin()?);
        let policy = HeaderValue::from_str(&policy).map_err(HubError::internal)?;
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

async fn upload_page(page: &PageRequest, write: &RepoWrite, place: &Place, refusal: &Refusal) -> HubResult<UploadPage> {
    let (header, _) = header_of(page, write, RepoTab::Files).await?;
    let mut files = Field::new("files", "Files");
    files.error = refusal.message_elsewhere(&["summary"]);
    Ok(UploadPage {
        layout: layout_of(page, &write.repo, "Upload files"),
        header,
        crumbs: place.crumbs(write.repo.id.name(), View::Tree),
        branch: place.revision.clone(),
        action: place.href(View::Upload, &place.path),
        cancel_href: place.href(View::Tree, &place.path),
        files,
        folder: place.path.clone(),
        summary: refusal.mark(Field::new("summary", "Commit message")),
        tree_href: place.href(View::Tree, ""),
        batch_href: format!("{}.git/info/lfs/objects/batch", write.repo.path()),
    })
}

async fn post_upload(page: PageRequest, write: RepoWrite, form: Multipart) -> HubResult<HttpResponse> {
    page.require_session()?;
    let place = branch_place(&page, &write).await?;
    match take_form(&page, &write, &place, form).await {
        Ok(count) => {
            let files = if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") };
            Ok(page.redirect_saying(&place.href(View::Tree, &place.path), &format!("{files} uploaded.")))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = upload_page(&page, &write, &place, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Reads the parts in the order of the form: its token, the message, the files.
async fn take_form(page: &PageRequest, write: &RepoWrite, place: &Place, mut form: Multipart) -> HubResult<usize> {
    let mut upload = FormUpload::begin(&page.app, write, &place.revision).await?;
    let mut note = Note::default();
    let mut checked = false;
    while let Some(part) = form.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
        match part.name().unwrap_or_default() {
            csrf::FIELD => {
                let token = text(part).await?;
                csrf::check(&page.app, page.http(), Some(&token))?;
                checked = true;
            }
            "summary" => note.summary = text(part).await?.trim().to_owned(),
            "description" => note.description = text(part).await?,
            "files" if !checked => csrf::check(&page.app, page.http(), None)?,
            "files" => take_file(&mut upload, place, part).await?,
            _ => drop(text(part).await?),
        }
    }
    if !checked {
        csrf::check(&page.app, page.http(), None)?;
    }
    let count = upload.count();
    if count == 0 {
        return Err(HubError::bad_request("Choose at least one file.").at("files"));
    }
    let counted = format!("Upload {count} {}", if count == 1 { "file" } else { "files" });
    if note.summary.is_empty() {
        note.summary = counted;
    }
    upload.commit(note).await?;
    Ok(count)
}

async fn take_file(upload: &mut FormUpload<'_>, place: &Place, part: Part) -> HubResult<()> {
    let Some(name) = file_name(&part) else { return Ok(()) };
    if upload.count() >= MAX_FILES {
        return Err(HubError::bad_request(format!("At most {MAX_FILES} files go in one form. `hf upload` takes any number.")));
    }
    let path = if place.path.is_empty() { name } else { format!("{}/{name}", place.path) };
    upload.add(RepoPath::new(&path)?, part).await
}

/// What a part's file is called. A form without a chosen file sends a part without a name.
pub(super) fn file_name(part: &Part) -> Option<String> {
    let disposition = part.content_disposition()?;
    disposition.get_filename().filter(|name| !name.is_empty()).map(str::to_owned)
}

pub(super) async fn text(mut part: Part) -> HubResult<String> {
    let bytes = part.bytes(MAX_TEXT_BYTES).await;
    let bytes = bytes.map_err(|_| HubError::too_large("A field of this form is too long."))?;
    let bytes = bytes.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| HubError::bad_request("The form is not UTF-8."))
}
