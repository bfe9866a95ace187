use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};
use hub_cards::SafeHtml;

use super::super::context::{header_of, layout_of};
use super::super::diff::{FileDiff, LEFT_OUT, diff};
use super::super::snippets::pull_commands;
use super::super::view::{RepoHeader, RepoTab};
use super::{author_name, icon_of, label_of, num_of};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::notifications::{self, threads};
use crate::repos::discussions::{self, Details, REACTIONS, TimelineEvent, What};
use crate::repos::queries::discussions::{Discussion, ReactionRow, Status};
use crate::repos::{Level, RepoContent, RepoRead};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// How many changed files are shown.
const MAX_FILES: usize = 100;

/// The head of both pages of a discussion.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) num: i64,
    pub(super) title: String,
    pub(super) icon: &'static str,
    pub(super) state: &'static str,
    pub(super) author: String,
    pub(super) by_service: bool,
    pub(super) at: DateTime<Utc>,
    pub(super) pinned: bool,
    pub(super) locked: bool,
    /// Of a pull request: the branch it is for.
    pub(super) base: Option<String>,
    /// Of a merged one: the commit.
    pub(super) merged: Option<Link>,
    pub(super) href: String,
}

/// A link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) label: String,
    pub(super) href: String,
}

impl Head {
    pub(super) fn of(row: &Discussion, repo_href: &str) -> Self {
        let merged = row.merge_oid.map(|oid| oid.to_hex());
        Self {
            num: row.num,
            title: row.title.clone(),
            icon: icon_of(row),
            state: label_of(row.status),
            author: author_name(row.author.as_deref()),
            by_service: row.by_service,
            at: row.created_at,
            pinned: row.pinned,
            locked: row.locked,
            base: row.base.as_ref().map(|base| base.branch_name().unwrap_or(base.as_str()).to_owned()),
            merged: merged.map(|oid| Link { label: oid.chars().take(7).collect(), href: format!("{repo_href}/commit/{oid}") }),
            href: format!("{repo_href}/discussions/{}", row.num),
        }
    }

    pub(super) fn badge(&self) -> &'static str {
        match self.state {
            "Open" => "badge badge-accent",
            _ => "badge",
        }
    }
}

/// What the viewer may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    comment: bool,
    change: bool,
    write: bool,
    admin: bool,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/thread.html")]
struct ThreadPage {
    layout: Layout,
    header: RepoHeader,
    head: Head,
    events: Vec<Event>,
    rights: Rights,
    is_pull_request: bool,
    is_open: bool,
    is_merged: bool,
    is_draft: bool,
    /// What both the pull request and its branch changed.
    conflicts: Vec<String>,
    /// Whether both changed the metadata of the card, which merges key by key.
    card_by_keys: bool,
    /// Of a pull request that goes on: what those do with its files who may add commits.
    own: Option<OwnPull>,
    comment: Field,
    title: Field,
    error: Option<String>,
    /// What the viewer hears of it, if they are somebody.
    standing: Option<threads::Standing>,
    /// What comments can be answered with, and what it is called.
    signs: [(&'static str, &'static str); 8],
}

/// How commits are added to a pull request.
#[derive(Debug)]
struct OwnPull {
    /// Its files, which can be edited there.
    tree_href: String,
    /// What pushes to it.
    commands: String,
}

impl OwnPull {
    fn of(discussion: &Discussion, header: &RepoHeader) -> Option<Self> {
        let goes_on = discussion.is_pull_request() && discussion.status.is_open();
        goes_on.then(|| Self {
            tree_href: format!("{}/tree/refs%2Fpr%2F{}", header.href(), discussion.num),
            commands: pull_commands(header, &discussion.num.to_string()),
        })
    }
}

/// Something that happened, ready to print.
#[derive(Debug)]
struct Event {
    id: String,
    author: String,
    /// Whether that is a service account.
    by_service: bool,
    /// Whether they still have a page.
    has_page: bool,
    at: DateTime<Utc>,
    /// The comment, unless it is something else or hidden.
    html: Option<SafeHtml>,
    /// Its Markdown, for those who may change it.
    source: Option<Field>,
    /// Whether the viewer may hide it.
    may_hide: bool,
    edited_at: Option<DateTime<Utc>>,
    hidden: bool,
    /// The reactions to the comment.
    reactions: Vec<Reaction>,
    icon: &'static str,
    /// What happened, if it is no comment.
    said: String,
    /// The commit.
    link: Option<Link>,
}

/// A reaction to a comment.
#[derive(Debug)]
struct Reaction {
    sign: String,
    count: i64,
    own: bool,
    /// Who set it.
    who: String,
}

impl Reaction {
    fn of(row: ReactionRow) -> Self {
        let more = row.count - i64::try_from(row.users.len()).unwrap_or(row.count);
        let mut who = row.users.join(", ");
        if more > 0 {
            who.push_str(&format!(" and {more} more"));
        }
        Self { sign: row.reaction, count: row.count, own: row.own, who }
    }
}

pub(super) async fn show_thread(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    show(&page, &read, num_of(page.http())?, "", Refusal::default()).await
}

/// Shows a discussion, perhaps with a comment that was refused.
pub(super) async fn show(
    page: &PageRequest,
    read: &RepoRead,
    num: i64,
    typed: &str,
    refusal: Refusal,
) -> HubResult<HttpResponse> {
    let Details { discussion, events, pull } = discussions::details(&page.app, &read.repo, num).await?;
    let (header, _) = header_of(page, read, RepoTab::Community).await?;
    let in_person = page.require_session().is_ok();
    let write = in_person && read.level >= Level::Write;
    let rights = Rights {
        comment: in_person && !discussions::is_silenced(read) && (write || !discussion.locked),
        change: in_person && discussions::may_change(read, discussion.author_pk),
        write,
        admin: in_person && read.level >= Level::Admin,
    };
    let mut layout = layout_of(page, &read.repo, &format!("{} · #{num}", discussion.title));
    let mut standing = None;
    if let Ok(user) = page.require_session() {
        if notifications::mark_seen(&page.app, user, read.repo.pk, discussion.discussion_pk).await? {
            layout.one_read();
        }
        standing = Some(threads::standing_of(&page.app, user, discussion.discussion_pk, header.watch.level).await?);
    }
    let viewer_pk = read.viewer.user.as_ref().map(|user| user.pk);
    let mut reactions = discussions::reactions_of(&page.app, discussion.discussion_pk, viewer_pk).await?;
    let texts: Vec<&str> = events.iter().map(TimelineEvent::markdown).collect();
    let rendered = discussions::render_all(&page.app, &read.repo, &texts).await?;
    let href = header.href();
    let shown = events.into_iter().zip(rendered).map(|(event, html)| {
        let reactions = reactions.remove(&event.id).unwrap_or_default();
        Event { reactions: reactions.into_iter().map(Reaction::of).collect(), ..event_of(read, event, html, rights, &href) }
    });
    let shown: Vec<Event> = shown.collect();
    let shown = ThreadPage {
        layout,
        standing,
        signs: REACTIONS,
        head: Head::of(&discussion, &header.href()),
        events: shown,
        rights,
        is_pull_request: discussion.is_pull_request(),
        is_open: discussion.status.is_open(),
        is_merged: discussion.status == Status::Merged,
        is_draft: discussion.status == Status::Draft,
        card_by_keys: pull.as_ref().is_some_and(|pull| pull.card_by_keys),
        conflicts: pull.map(|pull| pull.conflicts).unwrap_or_default(),
        own: OwnPull::of(&discussion, &header).filter(|_| rights.change),
        comment: Field::new("comment", "Comment").value(typed).error(refusal.message_at("comment")),
        title: refusal.mark(Field::new("title", "Title").value(discussion.title)),
        error: refusal.message_elsewhere(&["comment", "title"]),
        header,
    };
    page.show_with(refusal.status, shown).await
}

fn event_of(read: &RepoRead, event: TimelineEvent, html: SafeHtml, rights: Rights, href: &str) -> Event {
    let mut shown = Event {
        has_page: event.author.is_some(),
        author: author_name(event.author.as_deref()),
        by_service: event.by_service,
        at: event.created_at,
        html: None,
        source: None,
        may_hide: false,
        edited_at: None,
        hidden: false,
        reactions: Vec::new(),
        icon: "activity",
        said: String::new(),
        link: None,
        id: event.id,
    };
    match event.what {
        What::Comment { body, hidden, edited_at, .. } => {
            let is_own = read.viewer.user.as_ref().is_some_and(|user| event.author_pk == Some(user.pk));
            shown.may_hide = !hidden && rights.comment && discussions::may_change(read, event.author_pk);
            shown.hidden = hidden;
            shown.edited_at = edited_at;
            if !hidden {
                shown.html = Some(html);
                shown.source = (is_own && rights.comment).then(|| Field::new("comment", "Comment").value(body));
            }
        }
        What::Status(status) => {
            (shown.icon, shown.said) = match status.as_str() {
                "merged" => ("git-commit-horizontal", "merged this".to_owned()),
                "closed" => ("circle-check", "closed this".to_owned()),
                _ => ("circle-dot", "opened this".to_owned()),
            };
        }
        What::Title { from, to } => {
            shown.icon = "pencil-ruler";
            shown.said = format!("changed the title from “{from}” to “{to}”");
        }
        What::Commit { subject, oid } => {
            let oid = oid.to_hex();
            shown.icon = "git-commit-horizontal";
            shown.said = "added a commit".to_owned();
            let label = if subject.is_empty() { oid.chars().take(7).collect() } else { subject };
            shown.link = Some(Link { label, href: format!("{href}/commit/{oid}") });
        }
    }
    shown
}

impl Event {
    fn is_comment(&self) -> bool {
        self.said.is_empty()
    }
}

/// What a pull request changes.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/files.html")]
struct FilesPage {
    layout: Layout,
    header: RepoHeader,
    head: Head,
    files: Vec<FileDiff>,
    additions: u64,
    deletions: u64,
    truncated: bool,
}

pub(super) async fn show_files(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let num = num_of(page.http())?;
    let repo = &content.repo;
    let Details { discussion, pull, .. } = discussions::details(&page.app, repo, num).await?;
    let (header, _) = header_of(&page, &content, RepoTab::Community).await?;
    let Some(pull) = pull else { return Ok(page.redirect(&format!("{}/discussions/{num}", repo.path()))) };
    let (files, more) = diff(&page, repo, Some(pull.parted), pull.head, 0..MAX_FILES).await?;
    let shown = FilesPage {
        layout: layout_of(&page, repo, &format!("Files changed · {} · #{num}", discussion.title)),
        head: Head::of(&discussion, &header.href()),
        additions: files.iter().map(|file| file.additions).sum(),
        deletions: files.iter().map(|file| file.deletions).sum(),
        truncated: more || files.iter().any(|file| file.note.as_deref() == Some(LEFT_OUT)),
        files,
        header,
    };
    page.show(shown).await
}
