//! Writing a text file in the browser: a new one, or another version of one that is there. Works without a script: buttons
//! show what the text looks like and what it changes.

mod draft;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures::stream;
use hub_cards::{LinkContext, SafeHtml, front_matter, render_markdown};
use hub_types::{Oid, RepoPath};

pub(super) use self::draft::MAX_TEXT_BYTES;
use self::draft::{Draft, FORM_BYTES};
use super::BASES;
use super::branch_files::{branch_place, commit_on_seen, id_of};
use super::context::{Place, View, compare_href, header_of, layout_of};
use super::diff::{FileDiff, draft_diff};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::uploads::{FormUpload, Note};
use crate::repos::{RepoWrite, reading};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/file_editor.html")]
struct EditorPage {
    layout: Layout,
    header: RepoHeader,
    crumbs: Vec<Crumb>,
    branch: String,
    /// Where the form goes.
    action: String,
    cancel_href: String,
    /// Of a new file: its path below the folder. Of another it does not change.
    path: Option<Field>,
    /// The name that tells the language.
    name: String,
    draft: Draft,
    summary: Field,
    /// What keeps it from being saved.
    problem: Option<String>,
    /// Who was quicker.
    conflict: Option<Conflict>,
    /// What the text looks like; for Markdown, when it was asked for.
    preview: Option<SafeHtml>,
    /// What the text changes, when it was asked for.
    diff: Option<FileDiff>,
}

impl EditorPage {
    /// Whether the file is shown rendered.
    fn is_markdown(&self) -> bool {
        is_markdown(&self.name)
    }

    /// The heading.
    fn title(&self) -> &'static str {
        if self.path.is_some() { "New file" } else { "Edit file" }
    }
}

/// Somebody else has committed another version.
#[derive(Debug)]
struct Conflict {
    /// What changed meanwhile.
    compare_href: String,
    /// The newer version, unless the file is gone.
    newer_href: Option<String>,
    /// The editor with the newer version in it.
    edit_href: Option<String>,
}

/// What came of a form.
#[derive(Debug, Default)]
struct Outcome {
    refusal: Refusal,
    conflict: Option<Conflict>,
    preview: Option<SafeHtml>,
    diff: Option<FileDiff>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/edit/{{tail:.*}}"), crate::web::read().to(show_edit))
            .route(&format!("{base}/edit/{{tail:.*}}"), web::post().to(post_edit))
            .route(&format!("{base}/new/{{tail:.*}}"), crate::web::read().to(show_new))
            .route(&format!("{base}/new/{{tail:.*}}"), web::post().to(post_new));
    }
}

async fn show_edit(page: PageRequest, write: RepoWrite) -> HubResult<HttpResponse> {
    page.require_session()?;
    let place = branch_place(&page, &write).await?;
    let opened = draft::open(&page, &write.repo, place.commit, &place.path).await?;
    let opened = opened.ok_or_else(HubError::entry_not_found)?;
    let shown = editor(&page, &write, &place, Draft::of_file(opened, place.commit), Outcome::default()).await?;
    page.show(shown).await
}

async fn show_new(page: PageRequest, write: RepoWrite) -> HubResult<HttpResponse> {
    page.require_session()?;
    let place = branch_place(&page, &write).await?;
    let name = page.query().get("name").unwrap_or_default().to_owned();
    let shown = editor(&page, &write, &place, Draft::new_file(name, place.commit), Outcome::default()).await?;
    page.show(shown).await
}

async fn post_edit(page: PageRequest, write: RepoWrite, form: CheckedForm<FORM_BYTES>) -> HubResult<HttpResponse> {
    post(page, write, Draft::of_form(&form, false), form.text("action").to_owned()).await
}

async fn post_new(page: PageRequest, write: RepoWrite, form: CheckedForm<FORM_BYTES>) -> HubResult<HttpResponse> {
    post(page, write, Draft::of_form(&form, true), form.text("action").to_owned()).await
}

async fn post(page: PageRequest, write: RepoWrite, mut draft: Draft, action: String) -> HubResult<HttpResponse> {
    page.require_session()?;
    let place = branch_place(&page, &write).await?;
    let mut outcome = Outcome::default();
    let mut status = StatusCode::OK;
    match action.as_str() {
        "preview" => outcome.preview = preview(&page, &write, &place, &draft).await?,
        "diff" => outcome.diff = Some(diff(&page, &write, &place, &draft).await?),
        _ => match save(&page, &write, &place, &draft).await {
            Ok(Saved::Done(path)) => {
                let to = place.href(View::Blob, path.as_str());
                return Ok(page.redirect_saying(&to, &format!("`{}` was saved.", path.file_name().replace('`', "'"))));
            }
            Ok(Saved::Newer(commit)) => {
                outcome.conflict = Some(conflict(&page, &write, &place, &draft, commit).await?);
                // Whoever saves again has been told.
                let now = reading::entry(&page.app, &write.repo, commit, &place.path).await?;
                (draft.blob, draft.commit) = (id_of(now.as_deref()), commit.to_hex());
                status = StatusCode::CONFLICT;
            }
            Err(error) => {
                outcome.refusal = Refusal::of(error)?;
                status = outcome.refusal.status;
            }
        },
    }
    let shown = editor(&page, &write, &place, draft, outcome).await?;
    page.show_with(status, shown).await
}

async fn editor(page: &PageRequest, write: &RepoWrite, place: &Place, draft: Draft, outcome: Outcome) -> HubResult<EditorPage> {
    let (header, _) = header_of(page, write, RepoTab::Files).await?;
    let (view, cancel_href, name) = match &draft.new_path {
        Some(path) => (View::New, place.href(View::Tree, &place.path), path.clone()),
        None => (View::Edit, place.href(View::Blob, &place.path), place.path.clone()),
    };
    let path = draft.new_path.as_ref().map(|path| {
        let hint = "With slashes it makes folders: `src/train.py`.";
        outcome.refusal.mark(Field::new("path", "File name").value(path.clone()).hint(hint))
    });
    Ok(EditorPage {
        layout: layout_of(page, &write.repo, if path.is_some() { "New file" } else { "Edit file" }),
        header,
        crumbs: place.crumbs(write.repo.id.name(), View::Tree),
        branch: place.revision.clone(),
        action: place.href(view, &place.path),
        cancel_href,
        path,
        name: name.rsplit('/').next().unwrap_or_default().to_owned(),
        summary: Field::new("summary", "Commit message").value(draft.summary.clone()),
        draft,
        problem: outcome.refusal.message_elsewhere(&["path"]),
        conflict: outcome.conflict,
        preview: outcome.preview,
        diff: outcome.diff,
    })
}

/// What came of saving.
enum Saved {
    /// It is committed.
    Done(RepoPath),
    /// The file is another one in this commit.
    Newer(Oid),
}

async fn save(page: &PageRequest, write: &RepoWrite, place: &Place, draft: &Draft) -> HubResult<Saved> {
    draft.check()?;
    let path = draft.path(&place.path)?;
    let at = place.at(path.as_str());
    let before = match draft.new_path {
        None => draft::open(page, &write.repo, place.commit, path.as_str()).await?,
        Some(_) if reading::entry(&page.app, &write.repo, place.commit, path.as_str()).await?.is_none() => None,
        Some(_) => {
            let taken = "There is a file or folder of this name already. Open it to change it.";
            return Err(HubError::conflict(taken).at("path"));
        }
    };
    let text = draft.bytes(before.as_ref());
    let default = format!("{} {path}", if draft.new_path.is_some() { "Create" } else { "Update" });
    let summary = if draft.summary.is_empty() { &default } else { &draft.summary };
    let newer = commit_on_seen(page, write, &at, &draft.blob, async |parent: Oid| {
        let mut upload = FormUpload::begin(&page.app, write, &place.revision).await?;
        let bytes = stream::iter([Ok::<_, std::io::Error>(Bytes::from(text.clone()))]);
        upload.add(path.clone(), bytes).await?;
        let note = Note { summary: summary.clone(), description: draft.description.clone(), parent: Some(parent.to_hex()) };
        upload.commit(note).await
    });
    Ok(match newer.await? {
        Some(_) if draft.new_path.is_some() => {
            return Err(HubError::conflict("Somebody has just made a file of this name. Choose another.").at("path"));
        }
        Some(commit) => Saved::Newer(commit),
        None => Saved::Done(path),
    })
}

async fn conflict(page: &PageRequest, write: &RepoWrite, place: &Place, draft: &Draft, newer: Oid) -> HubResult<Conflict> {
    let there = reading::entry(&page.app, &write.repo, newer, &place.path).await?.is_some();
    Ok(Conflict {
        compare_href: compare_href(&write.repo.path(), &draft.commit, &newer.to_hex()),
        newer_href: there.then(|| place.href(View::Blob, &place.path)),
        edit_href: there.then(|| place.href(View::Edit, &place.path)),
    })
}

fn is_markdown(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| matches!(ending.as_str(), "md" | "markdown" | "mdx"))
}

async fn preview(page: &PageRequest, write: &RepoWrite, place: &Place, draft: &Draft) -> HubResult<Option<SafeHtml>> {
    let path = draft.new_path.as_ref().map_or_else(|| place.path.clone(), |name| format!("{}/{name}", place.path));
    if !is_markdown(&path) {
        return Ok(None);
    }
    let folder = path.trim_start_matches('/').rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
    let context = LinkContext::new(write.repo.repo_type, &write.repo.id, &place.revision, folder).of_hub(page.base.as_str());
    let text = draft.text.clone();
    let html = tokio::task::spawn_blocking(move || render_markdown(front_matter::split(&text).body, &context)).await?;
    Ok(Some(html))
}

/// What the draft changes in the version that somebody began with.
async fn diff(page: &PageRequest, write: &RepoWrite, place: &Place, draft: &Draft) -> HubResult<FileDiff> {
    let before = match (&draft.new_path, draft.commit.parse::<Oid>()) {
        (None, Ok(commit)) => draft::open(page, &write.repo, commit, &place.path).await?,
        _ => None,
    };
    let path = draft.new_path.clone().unwrap_or_else(|| place.path.clone());
    let (old, new) = (before.map(|opened| opened.text).unwrap_or_default(), draft.text.clone());
    tokio::task::spawn_blocking(move || draft_diff(&path, &old, &new)).await?
}
