//! Adding files in the browser. One form sends them all; a script shows how far it is.

use actix_multipart::{Field as Part, Multipart};
use actix_web::{HttpResponse, web};
use askama::Template;
use futures::StreamExt as _;
use hub_types::{RefName, RepoPath};

use super::BASES;
use super::context::{Place, View, header_of, layout_of};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::csrf;
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::uploads::FormUpload;
use crate::repos::{RepoWrite, queries};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

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
    summary: Field,
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
    page.show(shown).await
}

/// Files go to a branch, to a folder that may not be there yet.
async fn branch_place(page: &PageRequest, write: &RepoWrite) -> HubResult<Place> {
    let place = Place::of(page, &write.repo).await?;
    let branch = RefName::branch(&place.revision).map_err(|_| HubError::revision_not_found(&place.revision))?;
    let found = queries::find_ref(&page.app.pool, write.repo.pk, &branch).await?;
    found.map(|_| place).ok_or_else(|| HubError::revision_not_found(branch.as_str()))
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
        summary: refusal.mark(Field::new("summary", "Commit message")),
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
    let mut summary = String::new();
    let mut checked = false;
    while let Some(part) = form.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
        match part.name().unwrap_or_default() {
            csrf::FIELD => {
                let token = text(part).await?;
                csrf::check(&page.app, page.http(), Some(&token))?;
                checked = true;
            }
            "summary" => summary = text(part).await?,
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
    upload.commit(if summary.trim().is_empty() { &counted } else { summary.trim() }).await?;
    Ok(count)
}

async fn take_file(upload: &mut FormUpload<'_>, place: &Place, part: Part) -> HubResult<()> {
    let named = part.content_disposition().and_then(|disposition| disposition.get_filename().map(str::to_owned));
    // A form without a chosen file sends a part without a name.
    let Some(name) = named.filter(|name| !name.is_empty()) else { return Ok(()) };
    if upload.count() >= MAX_FILES {
        return Err(HubError::bad_request(format!("At most {MAX_FILES} files go in one form. `hf upload` takes any number.")));
    }
    let path = if place.path.is_empty() { name } else { format!("{}/{name}", place.path) };
    upload.add(RepoPath::new(&path)?, part).await
}

async fn text(mut part: Part) -> HubResult<String> {
    let bytes = part.bytes(MAX_TEXT_BYTES).await;
    let bytes = bytes.map_err(|_| HubError::too_large("A field of this form is too long."))?;
    let bytes = bytes.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| HubError::bad_request("The form is not UTF-8."))
}
