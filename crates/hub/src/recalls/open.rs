//! Opening a recall, and withdrawing it.

use hub_types::{Oid, RepoId, RepoType};

use super::category::Category;
use super::queries::lists::RecallRow;
use super::queries::write::{self, FileColumns, NewRow};
use super::{CHANNEL, load};
use crate::accounts::{User, Viewer, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::jobs::Job;
use crate::repos::access::{Level, RepoRead, find_readable, level_of};
use crate::repos::queries::find_repo_by_pk;
use crate::repos::{Repo, reading};

/// The most files of one recall.
pub const MAX_FILES: usize = 100;
/// How long the text may be, in characters.
pub const MAX_BODY: usize = 8000;
/// How long the reason of a withdrawal may be.
pub const MAX_WHY: usize = 1000;
/// How many recalls the admins of one repository open in a day: each writes to all who fetched a file.
const PER_DAY: i64 = 10;
/// How many of them may stand: every node knows all that is recalled.
const MOST_STANDING: i64 = 100;
/// How long a title is, in characters.
const MAX_TITLE: usize = 250;

/// A file to recall.
#[derive(Debug, Clone)]
pub struct RecalledFile {
    /// What it is.
    pub content: Content,
    /// Its path; empty where only the hash is known.
    pub path: String,
    /// Its size, if it is known.
    pub size: Option<u64>,
}

/// Where a recall holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the repository where the files were seen.
    Here,
    /// In every repository.
    Everywhere,
}

/// What to use instead.
#[derive(Debug, Clone)]
pub struct Replacement {
    repo_pk: i64,
    commit: Option<Oid>,
}

/// A recall to be opened.
#[derive(Debug)]
pub struct NewRecall {
    /// The repository where the files were seen.
    pub repo: Option<Repo>,
    /// Where it holds.
    pub scope: Scope,
    /// The files.
    pub files: Vec<RecalledFile>,
    /// What is wrong.
    pub category: Category,
    /// Why, in Markdown: everybody reads it.
    pub body: String,
    /// What to use instead.
    pub replacement: Option<Replacement>,
}

/// What somebody may recall of a repository: its files there, or everywhere.
pub fn scopes(viewer: &Viewer, repo: Option<&Repo>) -> Vec<Scope> {
    let administers =
        repo.is_some_and(|repo| repo.repo_type.has_git() && !repo.disabled && level_of(viewer, repo) >= Some(Level::Admin));
    let moderates = viewer.user.as_ref().is_some_and(User::moderates);
    let here = administers.then_some(Scope::Here);
    here.into_iter().chain(moderates.then_some(Scope::Everywhere)).collect()
}

/// Opens a recall and gives its number. Who may was asked before ([`scopes`]).
///
/// # Errors
/// 422 for a text or files that do not fit, 429 for too many recalls of one repository.
pub async fn open(app: &App, user: &User, new: &NewRecall) -> HubResult<i64> {
    check(new)?;
    let repo_pk = match (new.scope, &new.repo) {
        (Scope::Here, Some(repo)) => Some(repo.pk),
        (Scope::Here, None) => return Err(HubError::internal("a recall of no repository")),
        (Scope::Everywhere, _) => None,
    };
    let title = title_of(new);
    let commit = new.replacement.as_ref().and_then(|replacement| replacement.commit);
    let row = NewRow {
        repo_pk,
        category: new.category.as_str(),
        title: &title,
        body: &new.body,
        replacement_pk: new.replacement.as_ref().map(|replacement| replacement.repo_pk),
        replacement_commit: commit.as_ref().map(|commit| commit.as_bytes().as_slice()),
        author_pk: user.pk,
    };
    let mut files = FileColumns::default();
    for file in &new.files {
        files.contents.push(file.content.to_bytes());
        files.paths.push(file.path.clone());
        files.sizes.push(file.size.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1));
    }
    let mut tx = audit::begin(app).await?;
    if let Some(repo_pk) = repo_pk {
        let (today, standing) = write::count_of_repo(&mut tx, repo_pk).await?;
        if today >= PER_DAY || standing >= MOST_STANDING {
            return Err(HubError::conflict(format!(
                "A repository can have {PER_DAY} recalls a day and {MOST_STANDING} that stand. Name several files in one, or \
                 withdraw some."
            )));
        }
    }
    let recall_pk = write::insert(&mut tx, &row).await?;
    write::insert_files(&mut tx, recall_pk, new.repo.as_ref().map(|repo| repo.pk), &files).await?;
    changed(&mut tx, recall_pk).await?;
    tx.commit().await?;
    load(app).await?;
    app.jobs.wake();
    Ok(recall_pk)
}

/// Has nodes and people hear of it.
async fn changed(conn: &mut sqlx::PgConnection, recall_pk: i64) -> HubResult<()> {
    write::notify(conn, CHANNEL).await?;
    Ok(Job::TellOfRecall { recall_pk }.enqueue(conn).await?)
}

fn check(new: &NewRecall) -> HubResult<()> {
    if new.files.is_empty() || new.files.len() > MAX_FILES {
        return Err(HubError::unprocessable(format!("Name 1 to {MAX_FILES} files, each on a line of its own.")).at("files"));
    }
    let length = new.body.chars().count();
    if !(10..=MAX_BODY).contains(&length) {
        let text = format!("Say why, in 10 to {MAX_BODY} characters: those who have the file read it.");
        return Err(HubError::unprocessable(text).at("body"));
    }
    Ok(())
}

/// What a recall is called. One that holds everywhere is public, and names no private repository.
fn title_of(new: &NewRecall) -> String {
    let Some(first) = new.files.first() else { return String::new() };
    let may_name = new.scope == Scope::Here || new.repo.as_ref().is_some_and(|repo| !repo.private && !repo.disabled);
    let place = new.repo.as_ref().filter(|_| may_name && !first.path.is_empty());
    let hash: String = first.content.to_hex().chars().take(12).collect();
    let (what, whose) = match place {
        Some(repo) => (first.path.clone(), format!(" of {}", repo.id)),
        None => (format!("The file {hash}…"), String::new()),
    };
    let more = match new.files.len() {
        1 => String::new(),
        2 => " and another file".to_owned(),
        count => format!(" and {} other files", count - 1),
    };
    let room = MAX_TITLE.saturating_sub(more.chars().count() + whose.chars().count()).max(20);
    let what: String = match what.chars().count() > room {
        true => what.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
        false => what,
    };
    format!("{what}{more}{whose}").chars().take(300).collect()
}

/// Finds the files of a repository at a revision, by their paths.
///
/// # Errors
/// 404 for a revision or a path that is not there.
pub async fn find_files(app: &App, repo: &Repo, revision: &str, paths: &[&str]) -> HubResult<Vec<RecalledFile>> {
    if paths.is_empty() || paths.len() > MAX_FILES {
        return Err(HubError::unprocessable(format!("Name 1 to {MAX_FILES} files, each on a line of its own.")).at("files"));
    }
    let commit = reading::resolve(app, repo, revision).await?;
    let mut files = Vec::new();
    for path in paths {
        let missing = || HubError::unprocessable(format!("There is no file `{path}` at this revision.")).at("files");
        let valid = hub_types::RepoPath::new(path).map_err(|_| missing())?;
        let entry = reading::entry(app, repo, commit, valid.as_str()).await?.ok_or_else(missing)?;
        let content = Content::of(&entry).ok_or_else(missing)?;
        files.push(RecalledFile { content, path: (*path).to_owned(), size: Some(entry.size) });
    }
    Ok(files)
}

/// Reads what to use instead: `ada/bert`, `datasets/ada/cats@v2`, or `@v2` of the repository itself.
///
/// # Errors
/// 422 for what is not there, or what whoever asks may not see.
pub async fn find_replacement(app: &App, viewer: &Viewer, here: Option<&Repo>, text: &str) -> HubResult<Option<Replacement>> {
    let missing = || {
        HubError::unprocessable("There is no such repository or revision. Write `ada/bert`, `datasets/ada/cats@v2`, or `@v2`.")
            .at("replacement")
    };
    let text = text.trim().trim_start_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let (place, revision) = text.split_once('@').map_or((text, None), |(place, revision)| (place, Some(revision)));
    let repo = match (place, here) {
        ("", Some(repo)) => repo.clone(),
        ("", None) => return Err(missing()),
        (place, _) => {
            let (kind, id) = kind_and_id(place);
            let id: RepoId = id.parse().map_err(|_| missing())?;
            let found = find_readable(app, viewer, kind, id.namespace(), id.name()).await;
            found.map_err(|error| if error.is_for_client() { missing() } else { error })?.repo
        }
    };
    if !repo.repo_type.has_git() {
        return Err(missing());
    }
    let commit = match revision.filter(|revision| !revision.is_empty()) {
        Some(revision) => {
            let found = reading::resolve(app, &repo, revision).await;
            Some(found.map_err(|error| if error.is_for_client() { missing() } else { error })?)
        }
        None => None,
    };
    Ok(Some(Replacement { repo_pk: repo.pk, commit }))
}

/// `datasets/ada/cats` is a dataset, `ada/bert` a model, as addresses are.
pub fn kind_and_id(place: &str) -> (RepoType, &str) {
    match place.split_once('/') {
        Some((plural, id)) if id.contains('/') => {
            RepoType::from_plural(plural).map_or((RepoType::Model, place), |kind| (kind, id))
        }
        _ => (RepoType::Model, place),
    }
}

/// Whether somebody may withdraw a recall: moderators any, others those of repositories that they administer.
///
/// # Errors
/// The database does not answer.
pub async fn may_withdraw(app: &App, viewer: &Viewer, recall: &RecallRow) -> HubResult<bool> {
    let Some(user) = &viewer.user else { return Ok(false) };
    if user.moderates() {
        return Ok(true);
    }
    let Some(repo_pk) = recall.repo_pk else { return Ok(false) };
    let Some(repo) = find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(false) };
    Ok(RepoRead::check(repo, viewer.clone()).is_ok_and(|read| read.level >= Level::Admin))
}

/// Withdraws a recall: its files are given out again, and those who were told of it are told that. Who may was asked before.
///
/// # Errors
/// 422 for no reason, 409 when it is withdrawn already.
pub async fn withdraw(app: &App, user: &User, recall_pk: i64, why: &str) -> HubResult<()> {
    if !(3..=MAX_WHY).contains(&why.chars().count()) {
        let text = format!("Say why it is withdrawn, in 3 to {MAX_WHY} characters: those who were told of it read it.");
        return Err(HubError::unprocessable(text).at("why"));
    }
    let mut tx = audit::begin(app).await?;
    if !write::withdraw(&mut tx, recall_pk, user.pk, why).await? {
        return Err(HubError::conflict("This recall is withdrawn already."));
    }
    changed(&mut tx, recall_pk).await?;
    tx.commit().await?;
    load(app).await?;
    app.jobs.wake();
    Ok(())
}
