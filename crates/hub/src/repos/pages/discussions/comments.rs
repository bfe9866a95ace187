//! What happened in a discussion, ready to print, and what the forms under comments need.

use chrono::{DateTime, Utc};
use hub_cards::SafeHtml;

use super::author_name;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::discussions::{self, REACTIONS, TimelineEvent, What};
use crate::repos::pages::view::RepoHeader;
use crate::repos::queries::discussions::{Discussion, ReactionRow};
use crate::repos::{Level, RepoRead};
use crate::web::form::Field;
use crate::web::layout::Layout;

/// A link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) label: String,
    pub(super) href: String,
}

/// What the viewer may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    pub(super) comment: bool,
    pub(super) change: bool,
    pub(super) write: bool,
    pub(super) admin: bool,
}

impl Rights {
    pub(super) fn of(page: &PageRequest, read: &RepoRead, discussion: &Discussion) -> Self {
        let in_person = page.require_session().is_ok();
        let write = in_person && read.level >= Level::Write;
        Self {
            comment: in_person && !discussions::is_silenced(read) && (write || !discussion.locked),
            change: in_person && discussions::may_change(read, discussion.author_pk),
            write,
            admin: in_person && read.level >= Level::Admin,
        }
    }
}

/// What the forms under comments need.
#[derive(Debug)]
pub(super) struct Desk {
    /// The discussion.
    pub(super) href: String,
    /// Where files are sent.
    pub(super) upload: String,
    pub(super) csrf: String,
    pub(super) rights: Rights,
    /// What comments can be answered with, and what it is called.
    pub(super) signs: [(&'static str, &'static str); 8],
    /// The page that they are on: `talk` or `files`.
    pub(super) at: &'static str,
    /// The same for forms, with the number of the page of changed files, so that they lead back there.
    pub(super) sent_from: String,
}

impl Desk {
    pub(super) fn new(header: &RepoHeader, layout: &Layout, num: i64, rights: Rights, at: &'static str) -> Self {
        Self {
            href: format!("{}/discussions/{num}", header.href()),
            upload: format!("{}/discussions/uploads", header.api_href()),
            csrf: layout.csrf.clone(),
            rights,
            signs: REACTIONS,
            at,
            sent_from: at.to_owned(),
        }
    }
}

/// Something that happened, ready to print.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) author: String,
    /// Whether that is a service account.
    pub(super) by_service: bool,
    /// Whether they still have a page.
    pub(super) has_page: bool,
    pub(super) at: DateTime<Utc>,
    /// The comment, unless it is something else or hidden.
    pub(super) html: Option<SafeHtml>,
    /// Its Markdown, for those who may change it, or what was typed in its place and refused.
    pub(super) source: Option<Field>,
    /// Whether it is a comment of the viewer's.
    pub(super) own: bool,
    /// Whether the viewer may hide it.
    pub(super) may_hide: bool,
    /// Whether others hid it, and the viewer, who wrote it, may have it forgotten.
    pub(super) may_erase: bool,
    /// Whether the viewer may show it again.
    pub(super) may_show: bool,
    pub(super) edited_at: Option<DateTime<Utc>>,
    pub(super) hidden: bool,
    /// The reactions to the comment.
    pub(super) reactions: Vec<Reaction>,
    pub(super) icon: &'static str,
    /// What happened, if it is no comment.
    pub(super) said: String,
    /// The commit or thread.
    pub(super) link: Option<Link>,
}

/// A reaction to a comment.
#[derive(Debug)]
pub(super) struct Reaction {
    pub(super) sign: String,
    pub(super) count: i64,
    pub(super) own: bool,
    /// Who set it.
    pub(super) who: String,
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

/// Prepares what happened, in order.
pub(super) async fn shown(
    page: &PageRequest,
    read: &RepoRead,
    discussion: &Discussion,
    events: Vec<TimelineEvent>,
    (rights, repo_href): (Rights, &str),
) -> HubResult<Vec<Event>> {
    let viewer_pk = read.viewer.user.as_ref().map(|user| user.pk);
    let mut reactions = discussions::reactions_of(&page.app, discussion.discussion_pk, viewer_pk).await?;
    let texts: Vec<&str> = events.iter().map(TimelineEvent::markdown).collect();
    let rendered = discussions::render_all(&page.app, &read.repo, &texts).await?;
    let shown = events.into_iter().zip(rendered).map(|(event, html)| {
        let reactions = reactions.remove(&event.id).unwrap_or_default();
        Event { reactions: reactions.into_iter().map(Reaction::of).collect(), ..event_of(read, event, html, rights, repo_href) }
    });
    Ok(shown.collect())
}

fn event_of(read: &RepoRead, event: TimelineEvent, html: SafeHtml, rights: Rights, href: &str) -> Event {
    let mut shown = Event {
        has_page: event.author.is_some(),
        author: author_name(event.author.as_deref()),
        by_service: event.by_service,
        at: event.created_at,
        html: None,
        source: None,
        own: false,
        may_hide: false,
        may_erase: false,
        may_show: false,
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
            shown.may_erase = hidden && event.kept && is_own && rights.comment;
            shown.may_show = hidden && event.kept && rights.write && rights.comment;
            shown.own = is_own;
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
        What::Thread { resolved, thread, path } => {
            (shown.icon, shown.said) = match resolved {
                true => ("check", "resolved a thread on".to_owned()),
                false => ("message-square-text", "opened a thread again on".to_owned()),
            };
            shown.link = Some(Link { label: path, href: format!("#thread-{thread}") });
        }
    }
    shown
}

impl Event {
    pub(super) fn is_comment(&self) -> bool {
        self.said.is_empty()
    }

    /// Whether an edit of it was refused.
    pub(super) fn is_refused(&self) -> bool {
        self.source.as_ref().is_some_and(Field::has_error)
    }
}
