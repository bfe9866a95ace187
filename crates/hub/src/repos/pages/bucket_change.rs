//! Deleting and moving files of a bucket that were chosen in a folder: a page that says what will happen, and a batch.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::BUCKET_BASE;
use super::bucket::{crumbs_of, folder_href, folder_of, place_href};
use super::context::{header_of, layout_of};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::buckets::change::{Chosen, find, relocate, remove};
use crate::repos::queries::buckets::list_files_below;
use crate::repos::{Repo, RepoWrite};
use crate::web::extract::Query;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/bucket_change.html")]
struct ChangePage {
    layout: Layout,
    header: RepoHeader,
    crumbs: Vec<Crumb>,
    kind: Kind,
    /// What was chosen.
    rows: Vec<Row>,
    /// For a move: where to.
    target: Option<Field>,
    /// Where the form goes.
    action: String,
    cancel_href: String,
    problem: Option<String>,
}

/// A file or folder that was chosen.
#[derive(Debug)]
struct Row {
    name: String,
    is_folder: bool,
    files: usize,
    bytes: i64,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delete,
    Move,
}

impl Kind {
    fn of(fields: &Query) -> HubResult<Self> {
        match fields.get("do") {
            Some("delete") => Ok(Self::Delete),
            Some("move") => Ok(Self::Move),
            _ => Err(HubError::bad_request("Choose what to do: delete or move.")),
        }
    }

    /// How forms name it.
    fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Move => "move",
        }
    }

    /// The heading.
    fn title(self) -> &'static str {
        match self {
            Self::Delete => "Delete from this bucket",
            Self::Move => "Rename or move",
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{BUCKET_BASE}/change/{{tail:.*}}"), crate::web::read().to(show_change))
        .route(&format!("{BUCKET_BASE}/change/{{tail:.*}}"), web::post().to(post_change));
}

/// What was asked for.
struct Asked {
    kind: Kind,
    folder: String,
    chosen: Vec<Chosen>,
    target: String,
}

async fn read_asked(page: &PageRequest, write: &RepoWrite, fields: &Query) -> HubResult<Asked> {
    let (kind, folder) = (Kind::of(fields)?, folder_of(page)?);
    // Joined, no name at all would be the folder itself.
    if fields.all("name").any(str::is_empty) {
        return Err(HubError::entry_not_found());
    }
    let paths: Vec<String> = fields.all("name").map(|name| join(&folder, name)).collect();
    let chosen = find(&page.app, &write.repo, &paths).await?;
    let target = match (kind, fields.get("target"), chosen.as_slice()) {
        (Kind::Move, Some(target), _) => target.trim().to_owned(),
        (Kind::Move, None, [one]) => one.path.clone(),
        (Kind::Move, None, _) => folder.clone(),
        (Kind::Delete, ..) => String::new(),
    };
    Ok(Asked { kind, folder, chosen, target })
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

async fn show_change(page: PageRequest, write: RepoWrite) -> HubResult<HttpResponse> {
    page.require_session()?;
    let fields = page.query();
    if fields.all("name").next().is_none() {
        let folder = folder_href(&write.repo, &folder_of(&page)?);
        return Ok(page.redirect_saying(&folder, "Choose at least one file or folder first."));
    }
    let asked = read_asked(&page, &write, &fields).await?;
    let shown = change_page(&page, &write, &asked, &Refusal::default()).await?;
    page.show(shown).await
}

async fn post_change(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let mut asked = read_asked(&page, &write, form.fields()).await?;
    if asked.kind == Kind::Move {
        form.text("target").clone_into(&mut asked.target);
    }
    match change(&page, &write, &asked).await {
        Ok((folder, said)) => {
            let to = nearest(&page, &write.repo, &folder).await?;
            Ok(page.redirect_saying(&to, &said))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = change_page(&page, &write, &asked, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Does it; gives the folder to go to and what to say there.
async fn change(page: &PageRequest, write: &RepoWrite, asked: &Asked) -> HubResult<(String, String)> {
    let said = |count: usize, done: &str| match count {
        1 => format!("1 file was {done}."),
        count => format!("{count} files were {done}."),
    };
    if asked.kind == Kind::Delete {
        let count = remove(&page.app, write, &asked.chosen).await?;
        return Ok((asked.folder.clone(), said(count, "deleted")));
    }
    let target = asked.target.trim_matches('/');
    let at_field = |why: &str| HubError::bad_request(why).at("target");
    let (moves, folder) = match asked.chosen.as_slice() {
        [one] if target.is_empty() => return Err(at_field(&format!("Say where `{}` goes.", one.path.replace('`', "'")))),
        [one] if target == one.path => return Err(at_field("It has this path already.")),
        [one] => {
            let folder = target.rsplit_once('/').map_or("", |(folder, _)| folder);
            (vec![(one.clone(), target.to_owned())], folder.to_owned())
        }
        _ if target == asked.folder => return Err(at_field("They are in this folder already.")),
        several => {
            let name = |one: &Chosen| one.path.rsplit('/').next().unwrap_or_default().to_owned();
            (several.iter().map(|one| (one.clone(), join(target, &name(one)))).collect(), target.to_owned())
        }
    };
    let count = relocate(&page.app, write, &moves).await?;
    Ok((folder, said(count, "moved")))
}

/// A folder without files is none: then the bucket itself.
async fn nearest(page: &PageRequest, repo: &Repo, folder: &str) -> HubResult<String> {
    let left = list_files_below(&page.app.pool, repo.pk, &[folder.to_owned()], 1).await?;
    Ok(folder_href(repo, if left.is_empty() { "" } else { folder }))
}

async fn change_page(page: &PageRequest, write: &RepoWrite, asked: &Asked, refusal: &Refusal) -> HubResult<ChangePage> {
    let (repo, kind) = (&write.repo, asked.kind);
    let (header, _) = header_of(page, write, RepoTab::Files).await?;
    let start = if asked.folder.is_empty() { 0 } else { asked.folder.len() + 1 };
    let row = |one: &Chosen| Row {
        name: one.path.get(start..).unwrap_or_default().to_owned(),
        is_folder: one.is_folder,
        files: one.files.len(),
        bytes: one.files.iter().fold(0, |sum, file| sum.saturating_add(file.size_bytes)),
    };
    let target = match asked.chosen.as_slice() {
        [_] => Field::new("target", "New path"),
        _ => Field::new("target", "To the folder").hint("It need not be there yet. Empty: the root of the bucket."),
    };
    Ok(ChangePage {
        layout: layout_of(page, repo, kind.title()),
        header,
        crumbs: crumbs_of(repo, &asked.folder),
        kind,
        rows: asked.chosen.iter().map(row).collect(),
        target: (kind == Kind::Move).then(|| refusal.mark(target.value(asked.target.clone()))),
        action: place_href(repo, "change", &asked.folder),
        cancel_href: folder_href(repo, &asked.folder),
        problem: refusal.message_elsewhere(&["target"]),
    })
}
