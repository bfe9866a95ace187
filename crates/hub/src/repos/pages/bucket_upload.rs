//! Adding files to a bucket in the browser. One form sends them all through the hub; a script sends large ones in parts, as to
//! a repository, and then says where they go.

use std::time::Duration;

use actix_multipart::{Field as Part, Multipart};
use actix_web::{HttpResponse, web};
use askama::Template;
use futures::{StreamExt as _, stream};

use super::BUCKET_BASE;
use super::bucket::{crumbs_of, folder_href, folder_of, place_href};
use super::context::{header_of, layout_of};
use super::upload::{allow_store, file_name, text};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::csrf;
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::objects::receive::receive_unknown;
use crate::repos::RepoWrite;
use crate::repos::buckets::batch::MAX_OPERATIONS;
use crate::repos::buckets::place::{Sent, place};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// How long a form waits until its files are in chunks.
const PATIENCE: Duration = Duration::from_secs(240);

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/bucket_upload.html")]
struct UploadPage {
    layout: Layout,
    header: RepoHeader,
    crumbs: Vec<Crumb>,
    /// Where the form goes.
    action: String,
    /// Where to go back to.
    cancel_href: String,
    files: Field,
    /// The folder the files go to.
    folder: String,
    /// Where a script asks what to do with large files.
    batch_href: String,
    /// Where a script says what goes where.
    place_href: String,
    /// The root of the bucket.
    tree_href: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{BUCKET_BASE}/upload/{{tail:.*}}"), crate::web::read().to(show_upload))
        .route(&format!("{BUCKET_BASE}/upload/{{tail:.*}}"), web::post().to(post_upload));
}

async fn show_upload(page: PageRequest, write: RepoWrite) -> HubResult<HttpResponse> {
    page.require_session()?;
    let shown = upload_page(&page, &write, &folder_of(&page)?, &Refusal::default()).await?;
    let response = page.show(shown).await?;
    allow_store(&page, response)
}

async fn upload_page(page: &PageRequest, write: &RepoWrite, folder: &str, refusal: &Refusal) -> HubResult<UploadPage> {
    let (header, _) = header_of(page, write, RepoTab::Files).await?;
    let repo = &write.repo;
    let mut files = Field::new("files", "Files").hint("A file with the name of one that is there takes its place.");
    files.error = refusal.message_elsewhere(&[]);
    Ok(UploadPage {
        layout: layout_of(page, repo, "Upload files"),
        crumbs: crumbs_of(repo, folder),
        action: place_href(repo, "upload", folder),
        cancel_href: folder_href(repo, folder),
        files,
        folder: folder.to_owned(),
        batch_href: format!("{}.git/info/lfs/objects/batch", repo.path()),
        place_href: format!("{}/place", header.api_href()),
        tree_href: format!("{}/tree", repo.path()),
        header,
    })
}

async fn post_upload(page: PageRequest, write: RepoWrite, form: Multipart) -> HubResult<HttpResponse> {
    page.require_session()?;
    let folder = folder_of(&page)?;
    let taken = async {
        let sent = take_form(&page, &write, &folder, form).await?;
        let count = sent.len();
        place(&page.app, &write, sent, PATIENCE).await?;
        Ok::<usize, HubError>(count)
    };
    match taken.await {
        Ok(count) => {
            let files = if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") };
            Ok(page.redirect_saying(&folder_href(&write.repo, &folder), &format!("{files} uploaded.")))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = upload_page(&page, &write, &folder, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Reads the parts in the order of the form: its token, then the files.
async fn take_form(page: &PageRequest, write: &RepoWrite, folder: &str, mut form: Multipart) -> HubResult<Vec<Sent>> {
    let mut sent = Vec::new();
    let mut checked = false;
    while let Some(part) = form.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
        match part.name().unwrap_or_default() {
            csrf::FIELD => {
                csrf::check(&page.app, page.http(), Some(&text(part).await?))?;
                checked = true;
            }
            "files" if checked => {
                if sent.len() >= MAX_OPERATIONS {
                    let told = format!("At most {MAX_OPERATIONS} files go in one form. `hf sync` takes any number.");
                    return Err(HubError::bad_request(told));
                }
                sent.extend(take_file(page, write, folder, part).await?);
            }
            "files" => csrf::check(&page.app, page.http(), None)?,
            _ => drop(text(part).await?),
        }
    }
    if !checked {
        csrf::check(&page.app, page.http(), None)?;
    }
    match sent.is_empty() {
        true => Err(HubError::bad_request("Choose at least one file.")),
        false => Ok(sent),
    }
}

async fn take_file(page: &PageRequest, write: &RepoWrite, folder: &str, part: Part) -> HubResult<Option<Sent>> {
    let Some(name) = file_name(&part) else { return Ok(None) };
    let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
    let mut bytes = part.map(|part| part.map_err(|error| error.to_string())).fuse();
    let broken =
        |error: String| HubError::bad_request(format!("The upload broke off ({error}). Nothing was changed; try again."));
    let first = loop {
        match bytes.next().await.transpose().map_err(broken)? {
            Some(part) if part.is_empty() => {}
            other => break other,
        }
    };
    // Of an empty file there is nothing to keep.
    let Some(first) = first else { return Ok(Some(Sent { path, oid: None })) };
    let whole = stream::iter([Ok(first)]).chain(bytes);
    let (oid, _) = receive_unknown(&page.app, write.repo.pk, whole).await?;
    Ok(Some(Sent { path, oid: Some(oid) }))
}
