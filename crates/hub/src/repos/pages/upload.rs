//! Adding files in the browser. One form sends them all through the hub. A script does what programs do instead: it hashes
//! the files, sends large ones in parts to where the batch endpoint says, and commits all of them at once.

use actix_multipart::{Field as Part, Multipart};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use futures::StreamExt as _;
use hub_types::RepoPath;

use super::BASES;
use super::branch_files::change_place;
use super::context::{Place, View, header_of, layout_of};
use super::target::{Target, TargetView, To};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::csrf;
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
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
    /// Where the files go.
    target: TargetView,
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

async fn show_upload(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (place, target) = change_place(&page, read).await?;
    let shown = upload_page(&page, &target, &place, To::Here, &Refusal::default()).await?;
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

async fn upload_page(page: &PageRequest, target: &Target, place: &Place, to: To, refusal: &Refusal) -> HubResult<UploadPage> {
    let repo = &target.read().repo;
    let (header, _) = header_of(page, target.read(), RepoTab::Files).await?;
    let mut files = Field::new("files", "Files");
    files.error = refusal.message_elsewhere(&["summary"]);
    Ok(UploadPage {
        layout: layout_of(page, repo, "Upload files"),
        header,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        target: target.view(to),
        action: place.href(View::Upload, &place.path),
        cancel_href: place.href(View::Tree, &place.path),
        files,
        folder: place.path.clone(),
        summary: refusal.mark(target.summary("")),
        tree_href: place.href(View::Tree, ""),
        batch_href: format!("{}.git/info/lfs/objects/batch", repo.path()),
    })
}

async fn post_upload(page: PageRequest, read: RepoRead, form: Multipart) -> HubResult<HttpResponse> {
    let (place, target) = change_place(&page, read).await?;
    let mut to = To::Here;
    match Box::pin(take_form(&page, &target, &place, &mut to, form)).await {
        Ok((_, Some(num))) => {
            let (href, said) = target.after(num);
            Ok(page.redirect_saying(&href, &said))
        }
        Ok((count, None)) => {
            let files = if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") };
            Ok(page.redirect_saying(&place.href(View::Tree, &place.path), &format!("{files} uploaded.")))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = upload_page(&page, &target, &place, to, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Reads the parts in the order of the form: its token, where they go, the message, the files. Gives how many files there were, and
/// the number of the pull request that they went to, if it is one.
async fn take_form(
    page: &PageRequest,
    target: &Target,
    place: &Place,
    to: &mut To,
    mut form: Multipart,
) -> HubResult<(usize, Option<i64>)> {
    let mut upload = FormUpload::begin(&page.app, &target.read().repo, &place.revision, target.large_files()).await?;
    let mut note = Note::default();
    let mut typed = String::new();
    let mut checked = false;
    while let Some(part) = form.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
        match part.name().unwrap_or_default() {
            csrf::FIELD => {
                let token = text(part).await?;
                csrf::check(&page.app, page.http(), Some(&token))?;
                checked = true;
            }
            "to" => {
                typed = text(part).await?.trim().to_owned();
                *to = target.to(&typed)?;
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
    *to = target.to(&typed)?;
    let count = upload.count();
    if count == 0 {
        return Err(HubError::bad_request("Choose at least one file.").at("files"));
    }
    let counted = format!("Upload {count} {}", if count == 1 { "file" } else { "files" });
    if note.summary.is_empty() {
        note.summary = counted;
    }
    let num = target.commit(page, upload.into_commit(note), *to).await?;
    Ok((count, num))
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
