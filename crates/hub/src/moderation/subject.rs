//! What can be reported, found by the path of its page under the viewer's rights.

use super::queries;
use super::queries::rules::CommentPlace;
use crate::accounts::Viewer;
use crate::accounts::queries::find_namespace;
use crate::app::App;
use crate::collections::CollectionRead;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::access::find_readable;
use crate::repos::discussions;
use crate::repos::{Repo, RepoRead};
use hub_types::RepoType;

/// How much of what was said is kept with a case, in characters.
const EXCERPT: usize = 2000;

/// The kinds of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A repository.
    Repo,
    /// A discussion or pull request.
    Discussion,
    /// A comment in one.
    Comment,
    /// A user or an organisation.
    Account,
    /// A collection.
    Collection,
}

impl SubjectKind {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Discussion => "discussion",
            Self::Comment => "comment",
            Self::Account => "account",
            Self::Collection => "collection",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Repo, Self::Discussion, Self::Comment, Self::Account, Self::Collection]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A thing that is reported.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its key.
    pub pk: i64,
    /// Whose it is.
    pub owner_pk: Option<i64>,
    /// What it is called: `model ada/bert`, `a comment of bob in ada/bert#3`.
    pub name: String,
    /// Its page.
    pub href: String,
    /// What it says.
    pub excerpt: String,
}

fn unknown() -> HubError {
    HubError::bad_request(
        "There is nothing at this address that you can see. Copy it from your browser: `/ada/bert`, for example.",
    )
    .at("thing")
}

/// Finds a thing by the path, or the whole address, of its page.
///
/// # Errors
/// 400 for what is not there, or not for this viewer's eyes.
pub async fn find(app: &App, viewer: &Viewer, thing: &str) -> HubResult<Subject> {
    find_there(app, viewer, path_of(thing)).await.map_err(|error| match error.kind() {
        ErrorKind::RepoNotFound | ErrorKind::NotFound => unknown(),
        _ => error,
    })
}

/// The path in an address, without slashes around it.
fn path_of(thing: &str) -> &str {
    let thing = thing.trim();
    let path = match thing.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => thing,
    };
    path.split(['?', '#']).next().unwrap_or_default().trim_matches('/')
}

async fn find_there(app: &App, viewer: &Viewer, path: &str) -> HubResult<Subject> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["collections", _, slug] => return of_collection(app, viewer, slug).await,
        [name] => return of_account(app, name).await,
        _ => {}
    }
    let (repo_type, rest) = match parts.split_first() {
        Some((first, rest)) if rest.len() >= 2 && RepoType::from_plural(first).is_some() => {
            (RepoType::from_plural(first).unwrap_or(RepoType::Model), rest)
        }
        _ => (RepoType::Model, parts.as_slice()),
    };
    let [namespace, name, rest @ ..] = rest else { return Err(unknown()) };
    let read = find_readable(app, viewer, repo_type, namespace, name).await?;
    match rest {
        ["discussions", num] => of_discussion(app, &read, num, None).await,
        ["discussions", num, id] if *id != "files" => of_discussion(app, &read, num, Some(id)).await,
        _ => Ok(of_repo(&read.repo)),
    }
}

fn page_of(repo: &Repo) -> String {
    format!("/{}{}", repo.repo_type.url_prefix(), repo.id)
}

/// A repository.
pub(super) fn of_repo(repo: &Repo) -> Subject {
    Subject {
        kind: SubjectKind::Repo,
        pk: repo.pk,
        owner_pk: Some(repo.namespace_pk),
        name: format!("{} {}", repo.repo_type, repo.id),
        href: page_of(repo),
        excerpt: String::new(),
    }
}

async fn of_discussion(app: &App, read: &RepoRead, num: &str, comment: Option<&str>) -> HubResult<Subject> {
    let num: i64 = num.parse().map_err(|_| unknown())?;
    let found = discussions::get(app, &read.repo, num).await?;
    let href = format!("{}/discussions/{num}", page_of(&read.repo));
    let id = &read.repo.id;
    let Some(comment) = comment else {
        let body = queries::first_comment(&app.pool, found.discussion_pk).await?.unwrap_or_default();
        return Ok(Subject {
            kind: SubjectKind::Discussion,
            pk: found.discussion_pk,
            owner_pk: found.author_pk,
            name: format!("{id}#{num} of {}", found.author.as_deref().unwrap_or("a deleted account")),
            href,
            excerpt: cut(&format!("{}\n\n{body}", found.title)),
        });
    };
    let event = queries::find_comment(&app.pool, found.discussion_pk, &comment.to_ascii_lowercase()).await?;
    let event = event.ok_or_else(unknown)?;
    Ok(Subject {
        kind: SubjectKind::Comment,
        pk: event.event_pk,
        owner_pk: event.author_pk,
        name: format!("a comment of {} in {id}#{num}", event.author.as_deref().unwrap_or("a deleted account")),
        href: format!("{href}#{comment}"),
        excerpt: cut(&event.body),
    })
}

async fn of_account(app: &App, name: &str) -> HubResult<Subject> {
    hub_types::check_name(name).map_err(|_| unknown())?;
    let found = find_namespace(&mut *app.pool.acquire().await?, name).await?.ok_or_else(unknown)?;
    Ok(of_namespace(found.namespace_pk, &found.kind, &found.name))
}

/// A user or an organisation.
pub(super) fn of_namespace(namespace_pk: i64, kind: &str, name: &str) -> Subject {
    Subject {
        kind: SubjectKind::Account,
        pk: namespace_pk,
        owner_pk: Some(namespace_pk),
        name: format!("{kind} {name}"),
        href: format!("/{name}"),
        excerpt: String::new(),
    }
}

/// A comment that was found where it is.
pub(super) fn of_comment_at(place: &CommentPlace, id: &str, text: &str) -> Subject {
    let CommentPlace { repo_type, repo, num, .. } = place;
    Subject {
        kind: SubjectKind::Comment,
        pk: place.event_pk,
        owner_pk: place.author_pk,
        name: format!("a comment of {} in {repo}#{num}", place.author.as_deref().unwrap_or("a deleted account")),
        href: format!("/{}{repo}/discussions/{num}#{id}", repo_type.url_prefix()),
        excerpt: cut(text),
    }
}

async fn of_collection(app: &App, viewer: &Viewer, slug: &str) -> HubResult<Subject> {
    let read = CollectionRead::find(app, viewer, slug).await?;
    let collection = &read.collection;
    Ok(Subject {
        kind: SubjectKind::Collection,
        pk: collection.collection_pk,
        owner_pk: Some(collection.namespace_pk),
        name: format!("the collection {} of {}", collection.title, collection.namespace),
        href: collection.path(),
        excerpt: cut(&collection.description),
    })
}

/// As much of a text as is kept with a case.
pub(super) fn cut(text: &str) -> String {
    text.trim().chars().take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn addresses_are_read_as_people_copy_them() {
        for (typed, path) in [
            ("/ada/bert", "ada/bert"),
            (" https://hub.example/datasets/ada/squad/?x=1#top ", "datasets/ada/squad"),
            ("ada", "ada"),
            ("http://hub.example", ""),
        ] {
            assert_eq!(path_of(typed), path);
        }
    }
}
