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
use super::branch_files::{Seen, change_place, commit_on_seen, id_of};
use super::context::{Place, View, compare_href, header_of, layout_of};
use super::diff::{FileDiff, draft_diff};
use super::target::{Target, TargetView, To};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::uploads::{FormUpload, Note};
use crate::repos::{RepoRead, reading};
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
    /// Where the text goes.
    target: TargetView,
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
    to: To,
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

async fn show_edit(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (place, target) = change_place(&page, read).await?;
    let opened = draft::open(&page, target.read(), place.commit, &place.path).await?;
    let opened = opened.ok_or_else(HubError::entry_not_found)?;
    let shown = editor(&page, &target, &place, Draft::of_file(opened, place.commit), Outcome::default()).await?;
    page.show(shown).await
}

async fn show_new(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (place, target) = change_place(&page, read).await?;
    let name = page.query().get("name").unwrap_or_default().to_owned();
    let shown = editor(&page, &target, &place, Draft::new_file(name, place.commit), Outcome::default()).await?;
    page.show(shown).await
}

async fn post_edit(page: PageRequest, read: RepoRead, form: CheckedForm<FORM_BYTES>) -> HubResult<HttpResponse> {
    post(page, read, Draft::of_form(&form, false), &form).await
}

async fn post_new(page: PageRequest, read: RepoRead, form: CheckedForm<FORM_BYTES>) -> HubResult<HttpResponse> {
    post(page, read, Draft::of_form(&form, true), &form).await
}

async fn post(page: PageRequest, read: RepoRead, mut draft: Draft, form: &CheckedForm<FORM_BYTES>) -> HubResult<HttpResponse> {
    let (place, target) = change_place(&page, read).await?;
    let to = target.to(form.text("to"))?;
    let mut outcome = Outcome { to, ..Outcome::default() };
    let mut status = StatusCode::OK;
    match form.text("action") {
        "preview" => outcome.preview = preview(&page, target.read(), &place, &draft).await?,
        "diff" => outcome.diff = Some(diff(&page, target.read(), &place, &draft).await?),
        _ => match Box::pin(save(&page, &target, &place, &draft, to)).await {
            Ok(Saved::Done(_, Some(num))) => {
                let (href, said) = target.after(num);
                return Ok(page.redirect_saying(&href, &said));
            }
            Ok(Saved::Done(path, None)) => {
                let href = place.href(View::Blob, path.as_str());
                return Ok(page.redirect_saying(&href, &format!("`{}` was saved.", path.file_name().replace('`', "'"))));
            }
            Ok(Saved::Newer(commit)) => {
                outcome.conflict = Some(conflict(&page, target.read(), &place, &draft, commit).await?);
                // Whoever saves again has been told.
                let now = reading::entry(&page.app, &target.read().repo, commit, &place.path).await?;
                (draft.blob, draft.commit) = (id_of(now.as_deref()), commit.to_hex());
                status = StatusCode::CONFLICT;
            }
            Err(error) => {
                outcome.refusal = Refusal::keeping(error)?;
                status = outcome.refusal.status;
            }
        },
    }
    let shown = editor(&page, &target, &place, draft, outcome).await?;
    page.show_with(status, shown).await
}

async fn editor(page: &PageRequest, target: &Target, place: &Place, draft: Draft, outcome: Outcome) -> HubResult<EditorPage> {
    let repo = &target.read().repo;
    let (header, _) = header_of(page, target.read(), RepoTab::Files).await?;
    let (view, cancel_href, name) = match &draft.new_path {
        Some(path) => (View::New, place.href(View::Tree, &place.path), path.clone()),
        None => (View::Edit, place.href(View::Blob, &place.path), place.path.clone()),
    };
    let path = draft.new_path.as_ref().map(|path| {
        let hint = "With slashes it makes folders: `src/train.py`.";
        outcome.refusal.mark(Field::new("path", "File name").value(path.clone()).hint(hint))
    });
    Ok(EditorPage {
        layout: layout_of(page, repo, if path.is_some() { "New file" } else { "Edit file" }),
        header,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        target: target.view(outcome.to),
        action: place.href(view, &place.path),
        cancel_href,
        path,
        name: name.rsplit('/').next().unwrap_or_default().to_owned(),
        summary: target.summary(&draft.summary),
        draft,
        problem: outcome.refusal.message_elsewhere(&["path"]),
        conflict: outcome.conflict,
        preview: outcome.preview,
        diff: outcome.diff,
    })
}

/// What came of saving.
enum Saved {
    /// It is committed, perhaps to the pull request of this number.
    Done(RepoPath, Option<i64>),
    /// The file is another one in this commit.
    Newer(Oid),
}

async fn save(page: &PageRequest, target: &Target, place: &Place, draft: &Draft, to: To) -> HubResult<Saved> {
    draft.check()?;
    let repo = &target.read().repo;
    let path = draft.path(&place.path)?;
    let at = place.at(path.as_str());
    let before = match draft.new_path {
        None => draft::open(page, target.read(), place.commit, path.as_str()).await?,
        Some(_) if reading::entry(&page.app, repo, place.commit, path.as_str()).await?.is_none() => None,
        Some(_) => {
            let taken = "There is a file or folder of this name already. Open it to change it.";
            return Err(HubError::conflict(taken).at("path"));
        }
    };
    let text = draft.bytes(before.as_ref());
    let default = format!("{} {path}", if draft.new_path.is_some() { "Create" } else { "Update" });
    let summary = if draft.summary.is_empty() { &default } else { &draft.summary };
    let made = commit_on_seen(page, repo, &at, &draft.blob, async |parent: Oid| {
        let mut upload = FormUpload::begin(&page.app, repo, &place.revision, target.large_files()).await?;
        let bytes = stream::iter([Ok::<_, std::io::Error>(Bytes::from(text.clone()))]);
        upload.add(path.clone(), bytes).await?;
        let note = Note { summary: summary.clone(), description: draft.description.clone(), parent: Some(parent.to_hex()) };
        target.commit(page, upload.into_commit(note), to).await
    });
    Ok(match made.await? {
        Seen::Newer(_) if draft.new_path.is_some() => {
            return Err(HubError::conflict("Somebody has just made a file of this name. Choose another.").at("path"));
        }
        Seen::Newer(commit) => Saved::Newer(commit),
        Seen::Done(num) => Saved::Done(path, num),
    })
}

async fn conflict(page: &PageRequest, read: &RepoRead, place: &Place, draft: &Draft, newer: Oid) -> HubResult<Conflict> {
    let there = reading::entry(&page.app, &read.repo, newer, &place.path).await?.is_some();
    Ok(Conflict {
        compare_href: compare_href(&read.repo.path(), &draft.commit, &newer.to_hex()),
        newer_href: there.then(|| place.href(View::Blob, &place.path)),
        edit_href: there.then(|| place.href(View::Edit, &place.path)),
    })
}

fn is_markdown(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| matches!(ending.as_str(), "md" | "markdown" | "mdx"))
}

async fn preview(page: &PageRequest, read: &RepoRead, place: &Place, draft: &Draft) -> HubResult<Option<SafeHtml>> {
    let path = draft.new_path.as_ref().map_or_else(|| place.path.clone(), |name| format!("{}/{name}", place.path));
    if !is_markdown(&path) {
        return Ok(None);
    }
    let folder = path.trim_start_matches('/').rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
    let context = LinkContext::new(read.repo.repo_type, &read.repo.id, &place.revision, folder).of_hub(page.base.as_str());
    let text = draft.text.clone();
    let html = tokio::task::spawn_blocking(move || render_markdown(front_matter::split(&text).body, &context)).await?;
    Ok(Some(html))
}

/// What the draft changes in the version that somebody began with.
async fn diff(page: &PageRequest, read: &RepoRead, place: &Place, draft: &Draft) -> HubResult<FileDiff> {
    let before = match (&draft.new_path, draft.commit.parse::<Oid>()) {
        (None, Ok(commit)) => draft::open(page, read, commit, &place.path).await?,
        _ => None,
    };
    let path = draft.new_path.clone().unwrap_or_else(|| place.path.clone());
    let (old, new) = (before.map(|opened| opened.text).unwrap_or_default(), draft.text.clone());
    tokio::task::spawn_blocking(move || draft_diff(&path, &old, &new)).await?
}
