use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hub_git::CommitInfo;
use hub_types::Oid;

use super::{HIDDEN_TITLE, Remarks, get, pull_ref};
use crate::app::App;
use crate::error::HubResult;
use crate::repos::merging::Outcome;
use crate::repos::queries::{
    self, Repo,
    discussions::{self, Discussion, EditRow, EventRow},
};
use crate::repos::reading;

/// The most commits that one push shows.
const MAX_COMMITS: usize = 100;

/// A discussion with all that happened in it.
#[derive(Debug, Clone)]
pub struct Details {
    /// The discussion.
    pub discussion: Discussion,
    /// What happened, in order.
    pub events: Vec<TimelineEvent>,
    /// Of a pull request: where it stands to its branch.
    pub pull: Option<PullState>,
    /// Which comments stand at lines of what it changes.
    pub remarks: Remarks,
}

/// Where a pull request stands to its branch.
#[derive(Debug, Clone)]
pub struct PullState {
    /// Its last commit.
    pub head: Oid,
    /// Where it and its branch parted, or the branch's head if they never met.
    pub parted: Oid,
    /// What both changed, if it is not over.
    pub conflicts: Vec<String>,
    /// Whether both changed the metadata of the card, which is joined key by key.
    pub card_by_keys: bool,
    /// Whether its branch is gone: there is nothing to compare it with, or to merge it into.
    pub branch_is_gone: bool,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct TimelineEvent {
    /// The `id` that clients see.
    pub id: String,
    /// Who did it, unless the account is gone.
    pub author: Option<String>,
    /// Their key.
    pub author_pk: Option<i64>,
    /// Whether that is a service account.
    pub by_service: bool,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Of a hidden comment: whether those who may write can show it again.
    pub kept: bool,
    /// What.
    pub what: What,
}

impl TimelineEvent {
    /// The Markdown of a comment; nothing of anything else.
    pub fn markdown(&self) -> &str {
        match &self.what {
            What::Comment { body, .. } => body,
            What::Status(_) | What::Title { .. } | What::Commit { .. } | What::Thread { .. } => "",
        }
    }
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// Somebody said something.
    Comment {
        /// The Markdown, empty of a hidden one.
        body: String,
        /// Whether it is shown no longer.
        hidden: bool,
        /// When it was changed last.
        edited_at: Option<DateTime<Utc>>,
        /// What it said before, the oldest first.
        history: Vec<EditRow>,
    },
    /// It was opened, closed or merged.
    Status(String),
    /// It got another title.
    Title {
        /// The old one.
        from: String,
        /// The new one.
        to: String,
    },
    /// A commit came.
    Commit {
        /// The first line of its message.
        subject: String,
        /// Its id.
        oid: Oid,
    },
    /// A thread on lines was settled, or goes on.
    Thread {
        /// Whether it was settled.
        resolved: bool,
        /// The id of the comment that it begins with.
        thread: String,
        /// The file that it is about.
        path: String,
    },
}

/// Reads a discussion with all that happened in it.
///
/// # Errors
/// 404 when there is none.
pub async fn details(app: &App, repo: &Repo, num: i64) -> HubResult<Details> {
    let discussion = get(app, repo, num).await?;
    let rows = discussions::list_events(&app.pool, discussion.discussion_pk).await?;
    let mut history: HashMap<i64, Vec<EditRow>> = HashMap::new();
    if rows.iter().any(|row| row.edited_at.is_some()) {
        for edit in discussions::list_edits(&app.pool, discussion.discussion_pk).await? {
            history.entry(edit.event_pk).or_default().push(edit);
        }
    }
    let mut commits = commits_of(app, repo, &rows).await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let base = |id: String, what: What| TimelineEvent {
            id,
            author: row.author.clone(),
            author_pk: row.author_pk,
            by_service: row.by_service,
            created_at: row.created_at,
            kept: row.kept,
            what,
        };
        let text = |key: &str| row.payload.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        match row.kind.as_str() {
            "status-change" => events.push(base(row.public_id.clone(), What::Status(text("status")))),
            // What it was called before goes with the title that moderators hid.
            "title-change" if discussion.title == HIDDEN_TITLE => {}
            "title-change" => events.push(base(row.public_id.clone(), What::Title { from: text("from"), to: text("to") })),
            "thread-change" => {
                let resolved = row.payload.get("resolved").and_then(|value| value.as_bool()).unwrap_or_default();
                events.push(base(row.public_id.clone(), What::Thread { resolved, thread: text("thread"), path: text("path") }));
            }
            "commit" => {
                for commit in commits.remove(&row.event_pk).unwrap_or_default() {
                    let id: String = commit.oid.to_hex().chars().take(24).collect();
                    events.push(base(id, What::Commit { subject: commit.title, oid: commit.oid }));
                }
            }
            _ => {
                // What moderators hid may come back: what it said before is kept, and shown to nobody meanwhile.
                let history = history.remove(&row.event_pk).filter(|_| !row.hidden).unwrap_or_default();
                let what = What::Comment { body: row.body.clone(), hidden: row.hidden, edited_at: row.edited_at, history };
                events.push(base(row.public_id.clone(), what));
            }
        }
    }
    let pull = match discussion.is_pull_request() {
        true => Some(pull_state(app, repo, &discussion).await?),
        false => None,
    };
    let remarks = Remarks::of(app, repo, &discussion, pull.as_ref()).await?;
    Ok(Details { discussion, events, pull, remarks })
}

/// The commits that each push brought, the oldest first. What has gone since is left out.
async fn commits_of(app: &App, repo: &Repo, rows: &[EventRow]) -> HubResult<HashMap<i64, Vec<CommitInfo>>> {
    let oid = |row: &EventRow, key: &str| row.payload.get(key)?.as_str()?.parse::<Oid>().ok();
    let moves: Vec<(i64, Option<Oid>, Oid)> =
        rows.iter().filter_map(|row| Some((row.event_pk, oid(row, "old"), oid(row, "new")?))).collect();
    if moves.is_empty() {
        return Ok(HashMap::new());
    }
    let walk = move |reader: &hub_git::GitReader| {
        let mut found = HashMap::new();
        for (event_pk, old, new) in &moves {
            // After a rewritten history, an old commit may be in no pack any more.
            let known = |oid: &Oid| reader.contains(*oid);
            if !known(new)? {
                continue;
            }
            let last = reader.commit(*new)?;
            // What a merge brings from the branch is nothing that is proposed.
            let is_merge = last.parents.len() > 1 && last.parents.first() == old.as_ref();
            let mut commits = match old {
                Some(old) if !is_merge && known(old)? => reader.log_between(*old, *new, MAX_COMMITS)?,
                _ => vec![last],
            };
            commits.reverse();
            found.insert(*event_pk, commits);
        }
        Ok(found)
    };
    reading::read(app, repo, walk).await
}

/// The last commit of a pull request, that of its branch, and whether the branch is gone.
pub(super) async fn ends(app: &App, repo: &Repo, discussion: &Discussion) -> HubResult<(Oid, Oid, bool)> {
    let name = pull_ref(discussion.num)?;
    let head = reading::resolve(app, repo, name.as_str()).await?;
    let base = match &discussion.base {
        Some(base) => queries::find_ref(&app.pool, repo.pk, base).await?,
        None => None,
    };
    let onto = base.or(discussion.merge_oid);
    Ok((head, onto.unwrap_or(head), onto.is_none()))
}

async fn pull_state(app: &App, repo: &Repo, discussion: &Discussion) -> HubResult<PullState> {
    let (head, onto, branch_is_gone) = ends(app, repo, discussion).await?;
    let parted = reading::read(app, repo, move |reader| Ok(reader.merge_base(onto, head)?.unwrap_or(onto))).await?;
    let outcome = match discussion.status.is_open() {
        true => reading::merge_outcome(app, repo, onto, head).await?,
        false => Outcome::default(),
    };
    Ok(PullState { head, parted, conflicts: outcome.conflicts, card_by_keys: outcome.card_by_keys, branch_is_gone })
}
