//! What the pages of one repository share: its head, the revision and path they are at, and links.

use chrono::{DateTime, Utc};
use hub_cards::infer::FactKey;
use hub_git::CommitInfo;
use hub_types::{Oid, RepoType, split_revision};

use super::inferred::is_inferred;
use super::tags;
use super::view::{Chip, CommitSummary, Crumb, LikeButton, NewRef, RefLink, RepoHeader, RepoTab, RevisionPicker, WatchButton};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::notifications::watching;
use crate::recalls;
use crate::repos::access::{Level, RepoRead, level_of};
use crate::repos::archive::Format;
use crate::repos::audience;
use crate::repos::listing::Columns;
use crate::repos::new_objects::SERVICE_HOST;
use crate::repos::queries::discussions::count_open;
use crate::repos::queries::likes::is_liked;
use crate::repos::queries::listing::{ListedRepo, find_listed};
use crate::repos::queries::named_refs::{NamedRefRow, list_branches_and_tags};
use crate::repos::{Repo, reading};
use crate::scans::queries::find_warning;
use crate::web::base_url::BaseUrl;
use crate::web::extract::raw_param;
use crate::web::layout::{Layout, kind_word};
use crate::web::links::{decode_tail, encode_path, encode_segment};

/// How many branches and tags a page lists.
const MAX_REFS: i64 = 500;

/// The head of a page, with what is derived from the default branch.
pub(super) async fn header_of(page: &PageRequest, read: &RepoRead, tab: RepoTab) -> HubResult<(RepoHeader, ListedRepo)> {
    header_with(page, read, tab, Columns { card: true, facts: true, siblings: false }).await
}

/// The same, with these of the wide columns.
pub(super) async fn header_with(
    page: &PageRequest,
    read: &RepoRead,
    tab: RepoTab,
    columns: Columns,
) -> HubResult<(RepoHeader, ListedRepo)> {
    // Settings are for those who belong to it, or run the hub.
    if tab != RepoTab::Settings {
        audience::check(page, read)?;
    }
    let derived = find_listed(&page.app.pool, read.repo.pk, columns).await?;
    let derived = derived.ok_or_else(|| HubError::repo_not_found(page.viewer.is_anonymous()))?;
    let mut header = header(&read.repo, &derived, read.level, tab, &page.base);
    if let Some(user) = &page.viewer.user {
        header.like.liked = is_liked(&page.app.pool, read.repo.pk, user.pk).await?;
        header.watch.level = watching::level_of(&page.app, user, &read.repo).await?;
    }
    header.suspended = page.viewer.suspension_of(read.repo.namespace_pk);
    header.recall = recalls::in_repo(&page.app, read.repo.pk).await?;
    if read.repo.repo_type.has_git() {
        let ssh_url = crate::ssh::address_of(&page.app.config, page.base.as_str(), &read.repo.path());
        header.ssh_url = ssh_url.filter(|_| page.app.allows(Flag::Ssh));
        header.discussions = count_open(&page.app.pool, read.repo.pk).await?;
    }
    header.warning = find_warning(&page.app.pool, read.repo.pk).await?;
    Ok((header, derived))
}

fn header(repo: &Repo, derived: &ListedRepo, level: Level, tab: RepoTab, base: &BaseUrl) -> RepoHeader {
    RepoHeader {
        kind: repo.repo_type,
        namespace: repo.id.namespace().to_owned(),
        name: repo.id.name().to_owned(),
        private: repo.private,
        gated: repo.gated.is_some(),
        disabled: repo.disabled,
        suspended: None,
        default_branch: repo.default_branch.clone(),
        can_admin: level == Level::Admin,
        chips: chips(repo.repo_type, derived),
        tab,
        hub_url: base.as_str().to_owned(),
        ssh_url: None,
        like: LikeButton { likes: u64::try_from(derived.likes).unwrap_or(0), liked: false },
        discussions: 0,
        watch: WatchButton { level: watching::Level::Participating },
        warning: None,
        recall: None,
    }
}

/// The frame of a page of a repository.
pub(super) fn layout_of(page: &PageRequest, repo: &Repo, title: &str) -> Layout {
    let id = &repo.id;
    let title = if title.is_empty() { id.to_string() } else { format!("{title} · {id}") };
    let mut layout = page.layout_in(repo.repo_type, title);
    layout.description = format!("The {} {id} on this hub.", kind_word(repo.repo_type));
    layout
}

fn chips(kind: RepoType, derived: &ListedRepo) -> Vec<Chip> {
    let chip = |icon, label: String, key: &str, value: &str| Chip {
        icon,
        label,
        href: list_href(kind, key, &[value]),
        accent: false,
        inferred: false,
    };
    let mut chips = Vec::new();
    let task = derived.pipeline_tag.as_deref().or_else(|| tags::first(&derived.tags, "task_categories:"));
    if let Some(task) = task {
        let inferred = is_inferred(derived, FactKey::PipelineTag);
        chips.push(Chip { accent: true, inferred, ..chip("tag", tags::task_label(task), "pipeline_tag", task) });
    }
    if let Some(library) = &derived.library_name {
        let inferred = is_inferred(derived, FactKey::LibraryName);
        chips.push(Chip { inferred, ..chip("library", tags::library_label(library), "library", library) });
    }
    if derived.tags.iter().any(|tag| tag == "safetensors") && derived.library_name.as_deref() != Some("safetensors") {
        chips.push(chip("cpu", "Safetensors".to_owned(), "library", "safetensors"));
    }
    if let Some(format) = tags::first(&derived.tags, "format:") {
        chips.push(chip("table", format.to_owned(), "other", &format!("format:{format}")));
    }
    if let Some(sdk) = derived.card.as_ref().and_then(|card| card.get("sdk")?.as_str()).filter(|_| kind == RepoType::Space) {
        chips.push(chip("app-window", sdk.to_owned(), "sdk", sdk));
    }
    if audience::is_labelled(&derived.tags) {
        chips.push(chip("triangle-alert", audience::LABEL.to_owned(), "other", audience::TAG));
    }
    for language in languages(kind, derived).into_iter().take(3) {
        chips.push(chip("languages", tags::language_label(&language), "language", &language));
    }
    for license in tags::all(&derived.tags, "license:").into_iter().take(2) {
        chips.push(chip("scale", license.to_owned(), "license", license));
    }
    chips
}

/// The languages of the card.
pub(super) fn languages(kind: RepoType, derived: &ListedRepo) -> Vec<String> {
    if kind == RepoType::Dataset {
        return tags::all(&derived.tags, "language:").into_iter().map(str::to_owned).collect();
    }
    let value = derived.card.as_ref().and_then(|card| card.get("language"));
    match value {
        Some(serde_json::Value::String(language)) => vec![language.clone()],
        Some(serde_json::Value::Array(list)) => list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// The list of a kind narrowed by one filter.
pub(super) fn list_href(kind: RepoType, key: &str, values: &[impl AsRef<str>]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(values.iter().map(|value| (key, value)));
    format!("/{}?{}", kind.plural(), query.finish())
}

/// A place in a repository: a revision, the commit it means, and a path.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The revision as it was asked for.
    pub revision: String,
    /// The commit it means now.
    pub commit: Oid,
    /// The path, without a slash at either end; empty at the root.
    pub path: String,
    base: String,
}

/// A page that shows a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// A folder.
    Tree,
    /// A file.
    Blob,
    /// A history.
    Commits,
    /// The bytes.
    Resolve,
    /// The text as git has it.
    Raw,
    /// The form to add files.
    Upload,
    /// The tensors of a weight file.
    Tensors,
    /// The search for a path.
    Find,
    /// The editor of a file.
    Edit,
    /// The editor of a new file.
    New,
    /// The question before a deletion.
    Delete,
    /// The form that moves a file.
    Move,
    /// The question before an old version comes back.
    Restore,
}

impl View {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Commits => "commits",
            Self::Resolve => "resolve",
            Self::Raw => "raw",
            Self::Upload => "upload",
            Self::Tensors => "tensors",
            Self::Find => "find",
            Self::Edit => "edit",
            Self::New => "new",
            Self::Delete => "delete",
            Self::Move => "move",
            Self::Restore => "restore",
        }
    }
}

impl Place {
    /// Reads the place from the request's path.
    pub(super) async fn of(page: &PageRequest, repo: &Repo) -> HubResult<Self> {
        let tail = decode_tail(raw_param(page.http(), "tail")).ok_or_else(HubError::entry_not_found)?;
        let segments: Vec<String> = tail.into_iter().filter(|segment| !segment.is_empty()).collect();
        let (revision, path) = split_revision(&segments);
        let revision = revision.map_or_else(|| repo.default_branch.clone(), |revision| revision.as_str().to_owned());
        let commit = reading::resolve(&page.app, repo, &revision).await?;
        Ok(Self { revision, commit, path: path.join("/"), base: repo.path() })
    }

    /// Another path at the same revision.
    pub(super) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// The link to a view of a path at this revision.
    pub(super) fn href(&self, view: View, path: &str) -> String {
        self.href_at(&self.revision, view, path)
    }

    /// The folder at this place in one file.
    pub(super) fn archive_href(&self, format: Format) -> String {
        let start = format!("{}/archive/{}.{}", self.base, encode_segment(&self.revision), format.ending());
        match self.path.as_str() {
            "" => start,
            path => format!("{start}?path={}", encode_segment(path)),
        }
    }

    /// The same at another revision.
    pub(super) fn href_at(&self, revision: &str, view: View, path: &str) -> String {
        let start = format!("{}/{}/{}", self.base, view.as_str(), encode_segment(revision));
        if path.is_empty() { start } else { format!("{start}/{}", encode_path(path)) }
    }

    /// The steps from the root to here; `last` is the view of the folders on the way.
    pub(super) fn crumbs(&self, repo_name: &str, view: View) -> Vec<Crumb> {
        let mut crumbs = Vec::new();
        let names: Vec<&str> = self.path.split('/').filter(|name| !name.is_empty()).collect();
        let root = (!names.is_empty()).then(|| self.href(view, ""));
        crumbs.push(Crumb { label: repo_name.to_owned(), href: root });
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            let path = names.iter().take(index + 1).copied().collect::<Vec<_>>().join("/");
            crumbs.push(Crumb { label: (*name).to_owned(), href: (!is_last).then(|| self.href(view, &path)) });
        }
        crumbs
    }

    /// The menu of revisions for a view of this path.
    pub(super) async fn picker(&self, page: &PageRequest, repo: &Repo, view: View) -> HubResult<RevisionPicker> {
        let mut rows = list_branches_and_tags(&page.app.pool, repo.pk, MAX_REFS).await?;
        rows.sort_by_key(|row| row.name.branch_name() != Some(repo.default_branch.as_str()));
        let link = |name: &str| RefLink {
            name: name.to_owned(),
            href: self.href_at(name, view, &self.path),
            current: name == self.revision,
        };
        let branches: Vec<RefLink> = rows.iter().filter_map(|row| row.name.branch_name()).map(link).collect();
        let known = branches.iter().any(|branch| branch.current);
        // A branch goes before a tag of the same name.
        let tag_link = |name: &str| RefLink { current: !known && name == self.revision, ..link(name) };
        let tags: Vec<RefLink> = rows.iter().filter_map(|row| row.name.tag_name()).map(tag_link).collect();
        let detached = !known && !tags.iter().any(|tag| tag.current);
        let is_id = self.revision.len() == 40 && self.revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        let label = if is_id { self.revision.chars().take(7).collect() } else { self.revision.clone() };
        let compare_href = compare_href(&self.base, &repo.default_branch, &self.revision);
        let may_write = level_of(&page.viewer, repo) >= Some(Level::Write) && page.require_session().is_ok();
        Ok(RevisionPicker {
            label,
            detached,
            branches,
            tags,
            all_href: format!("{}/refs", self.base),
            compare_href,
            create: may_write.then(|| NewRef {
                action: format!("{}/refs/create", self.base),
                start: self.revision.clone(),
                csrf: page.layout("").csrf,
            }),
        })
    }
}

/// The page that compares two revisions of the repository at a path.
pub(super) fn compare_href(repo_path: &str, old: &str, new: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("base", old).append_pair("head", new);
    format!("{repo_path}/compare?{}", query.finish())
}

/// The branches and tags of a repository.
pub(super) async fn all_refs(page: &PageRequest, repo: &Repo) -> HubResult<Vec<NamedRefRow>> {
    Ok(list_branches_and_tags(&page.app.pool, repo.pk, MAX_REFS).await?)
}

/// A commit in one line.
pub(super) fn commit_summary(repo: &Repo, info: &CommitInfo) -> CommitSummary {
    let oid = info.oid.to_hex();
    let title = if info.title.is_empty() { "(no message)".to_owned() } else { info.title.clone() };
    CommitSummary {
        short: oid.chars().take(7).collect(),
        title,
        author: info.author.name.clone(),
        by_service: info.author.email.split_once('@').is_some_and(|(_, host)| host == SERVICE_HOST),
        committer: (info.author.email != info.committer.email).then(|| info.committer.name.clone()),
        at: time_of(info),
        href: format!("{}/commit/{oid}", repo.path()),
        tree_href: format!("{}/tree/{oid}", repo.path()),
        restore_href: None,
        signature: None,
        oid,
    }
}

/// When a commit was made.
pub(super) fn time_of(info: &CommitInfo) -> DateTime<Utc> {
    DateTime::from_timestamp(info.committer.time, 0).unwrap_or_default()
}
