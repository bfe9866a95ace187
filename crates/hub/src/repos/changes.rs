//! What was done to a repository and can be taken back for a time: deletions, moves, settings, discussions that were deleted, and refs
//! that were deleted or moved to where they do not contain what they were (docs/undo.md).
//!
//! A change is noted in the transaction that makes it. What an undo needs stays: [`crate::gc`] keeps the large files that the
//! former commits name, and everything that a deleted repository had.

pub mod deleted;
pub mod undo;

use chrono::{DateTime, TimeDelta, Utc};
use hub_types::{Oid, RefName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::gating::AccessDecision;
use super::queries::changes::{self as queries, ChangeRow, NewChange};
use super::refs::RefUpdate;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// What those see of a repository who may not change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openness {
    /// Whether only members see it.
    pub private: bool,
    /// `auto` or `manual` when readers must ask.
    pub gated: Option<String>,
}

/// Other settings of a repository; `None`: not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Whether nobody can open discussions and pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discussions_disabled: Option<bool>,
    /// Whether pickles are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuses_pickles: Option<bool>,
    /// Whether the owner says that it is not for all audiences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labelled: Option<bool>,
    /// Whether clients are kept to plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_http: Option<bool>,
}

impl Options {
    /// Those of `self` that are said in `other` and are something else there.
    pub fn that_differ_from(self, other: Self) -> Self {
        let differing = |own: Option<bool>, other: Option<bool>| own.filter(|own| other.is_some_and(|other| other != *own));
        Self {
            discussions_disabled: differing(self.discussions_disabled, other.discussions_disabled),
            refuses_pickles: differing(self.refuses_pickles, other.refuses_pickles),
            labelled: differing(self.labelled, other.labelled),
            plain_http: differing(self.plain_http, other.plain_http),
        }
    }

    fn in_words(self) -> String {
        let words = [
            self.discussions_disabled.map(|off| if off { "Turned discussions off" } else { "Turned discussions on" }),
            self.refuses_pickles.map(|refuses| if refuses { "Had pickles refused" } else { "Had pickles taken" }),
            self.labelled.map(|labelled| match labelled {
                true => "Labelled as not for all audiences",
                false => "Took back the label that it is not for all audiences",
            }),
            self.plain_http.map(|plain| if plain { "Kept downloads to plain HTTP" } else { "Let downloads go in chunks" }),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "details", rename_all = "snake_case")]
pub enum What {
    /// The repository was deleted.
    DeleteRepo {
        /// The id it had.
        id: String,
    },
    /// It came back.
    RestoreRepo {
        /// The id it has.
        id: String,
    },
    /// It was renamed, or given to another owner.
    MoveRepo {
        /// The id before.
        from: String,
        /// The id since.
        to: String,
    },
    /// It was published, hidden, gated or opened.
    UpdateSettings {
        /// As it was.
        before: Openness,
        /// As it became.
        after: Openness,
    },
    /// Other settings changed: those that did, and no others.
    UpdateOptions {
        /// As they were.
        before: Options,
        /// As they became.
        after: Options,
    },
    /// A branch or tag was deleted.
    DeleteRef {
        /// Its full name.
        name: String,
        /// Where it was.
        old: Oid,
    },
    /// A branch was moved to what does not contain where it was, or a tag was moved.
    ReplaceRef {
        /// Its full name.
        name: String,
        /// Where it was.
        old: Oid,
        /// Where it came to be.
        new: Oid,
    },
    /// A branch or tag was made by taking a deletion back.
    RestoreRef {
        /// Its full name.
        name: String,
        /// Where it is.
        new: Oid,
    },
    /// A discussion or pull request was deleted.
    DeleteDiscussion {
        /// Its number.
        num: i64,
        /// The full name of a pull request's ref.
        name: Option<String>,
        /// Where its commits were.
        old: Option<Oid>,
    },
    /// It came back.
    RestoreDiscussion {
        /// Its number.
        num: i64,
        /// Whether it is a pull request.
        is_pull_request: bool,
    },
    /// Somebody was let in, turned down, or put back among those who wait.
    DecideAccess(AccessDecision),
}

impl What {
    fn old_oid(&self) -> Option<Oid> {
        match self {
            Self::DeleteRef { old, .. } | Self::ReplaceRef { old, .. } => Some(*old),
            Self::DeleteDiscussion { old, .. } => *old,
            _ => None,
        }
    }

    /// What happened, in a few words.
    pub fn in_words(&self) -> String {
        match self {
            Self::DeleteRepo { id } => format!("Deleted {id}"),
            Self::RestoreRepo { id } => format!("Restored {id}"),
            Self::MoveRepo { from, to } => format!("Moved {from} to {to}"),
            Self::UpdateSettings { before, after } => openness_in_words(before, after),
            Self::UpdateOptions { after, .. } => after.in_words(),
            Self::DeleteRef { name, old } => format!("Deleted {}, which was at {}", shown(name), short(old)),
            Self::ReplaceRef { name, old, new } => {
                format!("Replaced the history of {}: {} became {}", shown(name), short(old), short(new))
            }
            Self::RestoreRef { name, new } => format!("Restored {} at {}", shown(name), short(new)),
            Self::DeleteDiscussion { num, old, .. } => format!("Deleted {} #{num}", thread_word(old.is_some())),
            Self::RestoreDiscussion { num, is_pull_request } => format!("Restored {} #{num}", thread_word(*is_pull_request)),
            Self::DecideAccess(decided) => decided.in_words(),
        }
    }
}

fn openness_in_words(before: &Openness, after: &Openness) -> String {
    let mut parts = Vec::new();
    if before.private != after.private {
        parts.push(if after.private { "Made private" } else { "Made public" });
    }
    if before.gated != after.gated {
        parts.push(match after.gated.as_deref() {
            None => "Opened to all without asking",
            Some("auto") => "Gated, with access at once",
            Some(_) => "Gated, with access by approval",
        });
    }
    parts.join("; ")
}

/// A discussion in a sentence.
pub fn thread_word(is_pull_request: bool) -> &'static str {
    if is_pull_request { "the pull request" } else { "the discussion" }
}

/// A ref in a sentence.
pub fn shown(name: &str) -> String {
    match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
        (Some(branch), _) => format!("the branch `{branch}`"),
        (_, Some(tag)) => format!("the tag `{tag}`"),
        (None, None) => format!("`{name}`"),
    }
}

fn short(oid: &Oid) -> String {
    oid.to_hex().chars().take(7).collect()
}

/// A change of a repository, with what can still be done about it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The key.
    pub pk: i64,
    /// What it was.
    pub what: What,
    /// Who did it, unless the account is gone.
    pub actor: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Until when it can be taken back.
    pub undo_until: DateTime<Utc>,
    /// The change that it took back.
    pub undoes: Option<i64>,
    /// When it was taken back, and by whom.
    pub undone: Option<(DateTime<Utc>, Option<String>)>,
}

impl Change {
    fn of(app: &App, row: ChangeRow) -> HubResult<Self> {
        let tagged = serde_json::json!({ "kind": row.kind, "details": row.details });
        Ok(Self {
            pk: row.change_pk,
            what: serde_json::from_value(tagged).map_err(HubError::internal)?,
            actor: row.actor,
            at: row.created_at,
            undo_until: row.created_at + window(app),
            undoes: row.undoes,
            undone: row.undone_at.map(|at| (at, row.undone_by)),
        })
    }

    /// Whether its time is not over and nobody has taken it back. Whether it works depends on what came after.
    pub fn is_undoable(&self) -> bool {
        self.undone.is_none() && self.undo_until > crate::clock::now() && !matches!(self.what, What::DeleteRepo { .. })
    }
}

/// For how long something can be undone.
fn window(app: &App) -> TimeDelta {
    TimeDelta::days(i64::try_from(app.config.undo_days).unwrap_or(36_500))
}

/// What was done before this time cannot be undone any more.
pub fn undoable_since(app: &App) -> DateTime<Utc> {
    crate::clock::now() - window(app)
}

/// Which changes are listed. Of a gated repository that many people want, most are decisions about access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// All of them.
    All,
    /// Decisions about access.
    Decisions,
    /// All but these.
    Others,
}

/// Lists the changes of a repository before one of them, newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App, repo_pk: i64, listed: Listed, before: Option<i64>, limit: i64) -> HubResult<Vec<Change>> {
    let decisions = match listed {
        Listed::All => None,
        Listed::Decisions => Some(true),
        Listed::Others => Some(false),
    };
    let rows = queries::list_page(&app.pool, repo_pk, decisions, before.unwrap_or(i64::MAX), limit).await?;
    rows.into_iter().map(|row| Change::of(app, row)).collect()
}

/// Notes a change in the transaction that makes it. With `undoes`, it takes that one back.
///
/// # Errors
/// 409 when that one was taken back already: the caller must roll back.
pub async fn note(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    what: &What,
    undoes: Option<i64>,
) -> HubResult<()> {
    if let Some(undone) = undoes
        && !queries::mark_undone(conn, repo_pk, undone, actor_pk).await?
    {
        return Err(HubError::conflict("Somebody else has undone this already. Look at the history of changes."));
    }
    insert(conn, repo_pk, actor_pk, what, undoes).await
}

async fn insert(conn: &mut PgConnection, repo_pk: i64, actor_pk: Option<i64>, what: &What, undoes: Option<i64>) -> HubResult<()> {
    let tagged = serde_json::to_value(what).map_err(HubError::internal)?;
    let details = tagged.get("details").cloned().unwrap_or(Value::Null);
    let kind = tagged.get("kind").and_then(Value::as_str).unwrap_or_default();
    let change = NewChange { repo_pk, actor_pk, kind, details: &details, old_oid: what.old_oid(), undoes };
    queries::insert(conn, &change).await?;
    Ok(())
}

/// Notes what moves of refs leave behind: deletions, and those of `replaced`, whose histories do not contain what they were.
///
/// # Errors
/// The database does not answer.
pub(super) async fn note_moves(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    updates: &[RefUpdate],
    replaced: &[RefName],
) -> HubResult<()> {
    for update in updates {
        let name = update.name.as_str().to_owned();
        if update.name.branch_name().is_none() && update.name.tag_name().is_none() {
            continue;
        }
        let what = match (update.expected, update.new) {
            (Some(old), None) => What::DeleteRef { name, old },
            (Some(old), Some(new)) if old != new && replaced.contains(&update.name) => What::ReplaceRef { name, old, new },
            _ => continue,
        };
        insert(conn, repo_pk, actor_pk, &what, None).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_in_words_and_read_again() {
        let (old, new) = (Oid::from_bytes([0xaa; 20]), Oid::from_bytes([0xbb; 20]));
        let open = Openness { private: false, gated: None };
        let shut = Openness { private: true, gated: Some("manual".to_owned()) };
        let after = Options { discussions_disabled: Some(true), plain_http: Some(false), ..Options::default() };
        let before = Options { discussions_disabled: Some(false), plain_http: Some(true), ..Options::default() };
        for (what, words) in [
            (What::DeleteRef { name: "refs/tags/v1".into(), old }, "Deleted the tag `v1`, which was at aaaaaaa"),
            (
                What::ReplaceRef { name: "refs/heads/main".into(), old, new },
                "Replaced the history of the branch `main`: aaaaaaa became bbbbbbb",
            ),
            (What::UpdateSettings { before: open, after: shut }, "Made private; Gated, with access by approval"),
            (What::MoveRepo { from: "a/b".into(), to: "c/d".into() }, "Moved a/b to c/d"),
            (What::DeleteDiscussion { num: 3, name: None, old: None }, "Deleted the discussion #3"),
            (What::DeleteDiscussion { num: 4, name: Some("refs/pr/4".into()), old: Some(old) }, "Deleted the pull request #4"),
            (What::UpdateOptions { before, after }, "Turned discussions off; Let downloads go in chunks"),
        ] {
            assert_eq!(what.in_words(), words);
            let kept = serde_json::to_value(&what).unwrap();
            assert_eq!(serde_json::from_value::<What>(kept).unwrap(), what);
        }
    }

    #[test]
    fn only_what_changed_is_told_of_settings() {
        let now = Options { discussions_disabled: Some(false), labelled: Some(true), ..Options::default() };
        let wanted = Options { discussions_disabled: Some(true), labelled: Some(true), ..Options::default() };
        assert_eq!(wanted.that_differ_from(now), Options { discussions_disabled: Some(true), ..Options::default() });
        assert_eq!(now.that_differ_from(wanted), Options { discussions_disabled: Some(false), ..Options::default() });
        assert_eq!(wanted.that_differ_from(wanted), Options::default());
    }
}
