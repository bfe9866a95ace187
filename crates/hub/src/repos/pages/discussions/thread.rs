use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

use super::super::context::{header_of, layout_of};
use super::super::snippets::pull_commands;
use super::super::view::{RepoHeader, RepoTab};
use super::comments::{self, Desk, Link, Rights};
use super::remarks::{Answer, Item, gather, put_back, put_edit_back};
use super::{author_name, icon_of, label_of, num_of};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::notifications::{self, threads};
use crate::repos::RepoRead;
use crate::repos::discussions::{self, Details};
use crate::repos::queries::discussions::{Discussion, Status};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

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

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/thread.html")]
struct ThreadPage {
    layout: Layout,
    header: RepoHeader,
    head: Head,
    items: Vec<Item>,
    rights: Rights,
    /// Whether moderators disabled the repository.
    silenced: bool,
    /// What the forms under comments need.
    desk: Desk,
    is_pull_request: bool,
    is_open: bool,
    is_merged: bool,
    is_draft: bool,
    /// Whether the branch of a pull request is gone.
    branch_is_gone: bool,
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

pub(super) async fn show_thread(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    show(&page, &read, num_of(page.http())?, Again::default()).await
}

/// What was refused, and is shown again.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// What was typed as a comment.
    pub(super) typed: String,
    /// What was wrong with that, or with anything else than an answer.
    pub(super) refusal: Refusal,
    /// An answer in a thread.
    pub(super) answer: Option<Answer>,
    /// An edit of a comment.
    pub(super) edit: Option<Answer>,
}

/// Shows a discussion, perhaps with what was refused.
pub(super) async fn show(page: &PageRequest, read: &RepoRead, num: i64, again: Again) -> HubResult<HttpResponse> {
    let Again { mut typed, mut refusal, answer, edit } = again;
    let Details { discussion, events, pull, remarks } = discussions::details(&page.app, &read.repo, num).await?;
    let (header, _) = header_of(page, read, RepoTab::Community).await?;
    let rights = Rights::of(page, read, &discussion);
    let mut layout = layout_of(page, &read.repo, &format!("{} · #{num}", discussion.title));
    let mut standing = None;
    if let Ok(user) = page.require_session() {
        if notifications::mark_seen(&page.app, user, read.repo.pk, discussion.discussion_pk).await? {
            layout.one_read();
        }
        standing = Some(threads::standing_of(&page.app, user, discussion.discussion_pk, header.watch.level).await?);
    }
    let mut events = comments::shown(page, read, &discussion, events, (rights, &header.href())).await?;
    let status = answer.as_ref().or(edit.as_ref()).map_or(refusal.status, |again| again.refusal.status);
    let lost_edit = edit.and_then(|edit| put_edit_back(edit, &mut events));
    let snippets = discussions::snippets(&page.app, read, &discussion).await?;
    let mut items = gather(&remarks, &snippets, events);
    let threads = items.iter_mut().filter_map(|item| item.thread.as_mut());
    if let Some(lost) = answer.and_then(|answer| put_back(answer, &remarks, threads)).or(lost_edit) {
        (typed, refusal) = (lost.text, lost.refusal);
    }
    let shown = ThreadPage {
        desk: Desk::new(&header, &layout, num, rights, "talk"),
        layout,
        standing,
        head: Head::of(&discussion, &header.href()),
        items,
        rights,
        silenced: discussions::is_silenced(read),
        is_pull_request: discussion.is_pull_request(),
        is_open: discussion.status.is_open(),
        is_merged: discussion.status == Status::Merged,
        is_draft: discussion.status == Status::Draft,
        branch_is_gone: pull.as_ref().is_some_and(|pull| pull.branch_is_gone),
        card_by_keys: pull.as_ref().is_some_and(|pull| pull.card_by_keys),
        conflicts: pull.map(|pull| pull.conflicts).unwrap_or_default(),
        own: OwnPull::of(&discussion, &header).filter(|_| rights.change),
        comment: Field::new("comment", "Comment").value(typed).error(refusal.message_at("comment")),
        title: refusal.mark(Field::new("title", "Title").value(discussion.title)),
        error: refusal.message_elsewhere(&["comment", "title"]),
        header,
    };
    page.show_with(status, shown).await
}
