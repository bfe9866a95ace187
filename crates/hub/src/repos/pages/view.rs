//! What pages about repositories show, ready to print: texts, links and numbers, no decisions left for the templates.

mod header;

use chrono::{DateTime, Utc};
use hub_types::RepoType;

pub use self::header::{Chip, LikeButton, RepoHeader, RepoTab, TabLink, WatchButton, WatchChoice};
use super::tags;
use crate::repos::queries::listing::ListedRepo;
use crate::repos::queries::own::OwnRepoRow;
use crate::ssh::signatures::Signature;
use crate::web::layout::{kind_icon, kind_title};

/// A repository in a list.
#[derive(Debug, Clone)]
pub struct RepoSummary {
    /// Its kind.
    pub kind: RepoType,
    /// Its owner.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// The task, as people say it.
    pub task: Option<String>,
    /// The library or SDK.
    pub library: Option<String>,
    /// How many parameters its weights have.
    pub parameters: Option<u64>,
    /// The size of its files.
    pub size_bytes: u64,
    /// Recent downloads.
    pub downloads: u64,
    /// Likes.
    pub likes: u64,
    /// When the default branch last moved.
    pub updated_at: DateTime<Utc>,
    /// A passage of its card in which words were found; empty without.
    pub snippet: Vec<SnippetPart>,
    /// Where its place in the list is explained.
    pub why_href: Option<String>,
}

/// A part of a passage.
#[derive(Debug, Clone)]
pub struct SnippetPart {
    /// Its text.
    pub text: String,
    /// Whether it is a word that was searched for.
    pub marked: bool,
}

impl From<ListedRepo> for RepoSummary {
    fn from(row: ListedRepo) -> Self {
        let task = row.pipeline_tag.or_else(|| tags::first(&row.tags, "task_categories:").map(str::to_owned));
        let format = tags::first(&row.tags, "format:").map(str::to_owned);
        Self {
            kind: row.repo_type,
            namespace: row.namespace,
            name: row.name,
            private: row.private,
            task: task.map(|task| tags::task_label(&task)),
            library: row.library_name.map(|library| tags::library_label(&library)).or(format),
            parameters: row.parameters.and_then(|number| u64::try_from(number).ok()),
            size_bytes: u64::try_from(row.size_bytes).unwrap_or(0),
            downloads: u64::try_from(row.downloads).unwrap_or(0),
            likes: u64::try_from(row.likes).unwrap_or(0),
            updated_at: row.last_modified_at,
            snippet: Vec::new(),
            why_href: None,
        }
    }
}

/// One of the viewer's own repositories.
#[derive(Debug, Clone)]
pub struct OwnRepo {
    /// Its kind.
    pub kind: RepoType,
    /// `namespace/name`.
    pub id: String,
}

impl From<OwnRepoRow> for OwnRepo {
    fn from(row: OwnRepoRow) -> Self {
        Self { kind: row.repo_type, id: format!("{}/{}", row.namespace, row.name) }
    }
}

impl OwnRepo {
    /// The icon of its kind.
    pub fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }

    /// Its page.
    pub fn href(&self) -> String {
        format!("/{}{}", self.kind.url_prefix(), self.id)
    }
}

impl RepoSummary {
    /// The icon of its kind.
    pub fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }

    /// Its page.
    pub fn href(&self) -> String {
        format!("/{}{}/{}", self.kind.url_prefix(), self.namespace, self.name)
    }

    /// What else the line under its name says.
    pub fn facts(&self) -> Vec<String> {
        let parameters = self.parameters.map(|number| format!("{} params", crate::web::filters::short_count(number)));
        let tells_size = matches!(self.kind, RepoType::Dataset | RepoType::Bucket) && self.size_bytes > 0;
        let size = tells_size.then(|| crate::web::filters::size_text(self.size_bytes));
        [parameters, size, self.library.clone()].into_iter().flatten().collect()
    }
}

/// Repositories of one kind under a heading.
#[derive(Debug)]
pub struct RepoColumn {
    /// The kind.
    pub kind: RepoType,
    /// Its icon.
    pub icon: &'static str,
    /// The heading.
    pub title: String,
    /// Where the whole list is.
    pub href: String,
    /// The text of that link.
    pub more: String,
    /// What to say when there are none.
    pub empty: String,
    /// The repositories.
    pub repos: Vec<RepoSummary>,
}

impl RepoColumn {
    /// The newest repositories of a kind on the whole hub.
    pub fn latest(kind: RepoType, repos: Vec<RepoSummary>) -> Self {
        Self {
            kind,
            icon: kind_icon(kind),
            title: kind_title(kind).to_owned(),
            href: format!("/{}", kind.plural()),
            more: format!("All {}", kind_plural_word(kind)),
            empty: format!("No {} here yet.", kind_plural_word(kind)),
            repos,
        }
    }

    /// The most active repositories of a kind on the whole hub.
    pub fn trending(kind: RepoType, repos: Vec<RepoSummary>) -> Self {
        Self { title: format!("Trending {}", kind_plural_word(kind)), ..Self::latest(kind, repos) }
    }

    /// The repositories of a kind of one owner.
    pub fn of_owner(kind: RepoType, owner: &str, repos: Vec<RepoSummary>) -> Self {
        Self { href: format!("/{}?author={owner}", kind.plural()), ..Self::latest(kind, repos) }
    }
}

/// The plural of a kind in running text.
pub const fn kind_plural_word(kind: RepoType) -> &'static str {
    match kind {
        RepoType::Model => "models",
        RepoType::Dataset => "datasets",
        RepoType::Space => "Spaces",
        RepoType::Bucket => "buckets",
    }
}

/// A commit in one line.
#[derive(Debug, Clone)]
pub struct CommitSummary {
    /// Its id.
    pub oid: String,
    /// The start of its id.
    pub short: String,
    /// The first line of its message.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// Whether its author says that it is a service account.
    pub by_service: bool,
    /// Who committed it, if that is somebody else: whose signature it is.
    pub committer: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Its page.
    pub href: String,
    /// The files as they were then.
    pub tree_href: String,
    /// In the history of a file: what brings this version back.
    pub restore_href: Option<String>,
    /// What is known of its signature, in lists of commits and on its page.
    pub signature: Option<Signature>,
}

/// A branch or tag to switch to.
#[derive(Debug, Clone)]
pub struct RefLink {
    /// Its short name.
    pub name: String,
    /// This page there.
    pub href: String,
    /// Whether this page shows it.
    pub current: bool,
}

/// The menu of revisions.
#[derive(Debug, Clone)]
pub struct RevisionPicker {
    /// The revision shown: a branch, a tag or the start of a commit id.
    pub label: String,
    /// Whether it is a commit id.
    pub detached: bool,
    /// The branches.
    pub branches: Vec<RefLink>,
    /// The tags.
    pub tags: Vec<RefLink>,
    /// The page of all of them.
    pub all_href: String,
    /// The page that compares this revision with another.
    pub compare_href: String,
    /// For those who may write: what makes a branch or tag here.
    pub create: Option<NewRef>,
}

/// A form that makes a branch or tag of the name somebody searched for.
#[derive(Debug, Clone)]
pub struct NewRef {
    /// Where it goes.
    pub action: String,
    /// Where the new one starts.
    pub start: String,
    /// The form's token.
    pub csrf: String,
}

impl RevisionPicker {
    /// Whether one wants to search: there are many, or what is not there can be made.
    pub fn is_searched(&self) -> bool {
        self.create.is_some() || self.branches.len() + self.tags.len() > 8
    }

    /// The icon for what is shown.
    pub fn icon(&self) -> &'static str {
        if self.detached {
            "git-commit-horizontal"
        } else if self.tags.iter().any(|tag| tag.current) {
            "tag"
        } else {
            "git-branch"
        }
    }
}

/// A step on the way to a file.
#[derive(Debug, Clone)]
pub struct Crumb {
    /// Its name.
    pub label: String,
    /// Where it leads, unless it is here.
    pub href: Option<String>,
}
