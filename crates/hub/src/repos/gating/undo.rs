//! Taking a decision about a request back. Decisions are noted as changes of the repository, with what there was before.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::decide::notice_of;
use crate::accounts::audit;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::repos::changes::{self, What};
use crate::repos::queries::gating::{self as queries, RequestStatus};
use crate::repos::queries::{Repo, hold_repo, insert_event};

/// How a request stood, by whose decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it stood.
    pub status: RequestStatus,
    /// Why it was turned down.
    pub reason: Option<String>,
    /// Who decided, by the name of then.
    pub by: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

impl Standing {
    /// That of a request about which nobody has decided.
    pub const WAITING: Self = Self { status: RequestStatus::Pending, reason: None, by: None, at: None };

    /// Whether this is the same decision. Who made it may have another name by now.
    fn is_same(&self, other: &Self) -> bool {
        (self.status, &self.reason, self.at) == (other.status, &other.reason, other.at)
    }
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDecision {
    /// Whom it is about, by the name of then.
    pub user: String,
    /// The `requestId` that clients see.
    pub request: String,
    /// Whether they were let in without having asked.
    pub granted: bool,
    /// How it stood before; nothing: there was no request.
    pub before: Option<Standing>,
    /// How it stands since; nothing: it is gone.
    pub after: Option<Standing>,
}

impl AccessDecision {
    /// What was decided, in a few words.
    pub fn in_words(&self) -> String {
        let user = &self.user;
        match (self.after.as_ref().map(|after| after.status), &self.before) {
            (None, _) => format!("Removed {user} from those with access"),
            (Some(RequestStatus::Accepted), None) => format!("Let {user} in"),
            (Some(RequestStatus::Accepted), Some(_)) => format!("Accepted the request of {user}"),
            (Some(RequestStatus::Rejected), _) => format!("Rejected the request of {user}"),
            (Some(RequestStatus::Pending), _) => format!("Put the request of {user} back among those that wait"),
        }
    }
}

/// Takes a decision back: the request stands again as it did, or there is none again. The caller has checked who asks.
///
/// # Errors
/// 409 when the gate is off, when the request was decided about again, and when it is gone.
pub(in crate::repos) async fn undo(
    app: &App,
    repo: &Repo,
    by: i64,
    change_pk: i64,
    decided: &AccessDecision,
) -> HubResult<String> {
    if repo.gated.is_none() {
        return Err(HubError::conflict("The gate is off: switch it on first, then take the decision back."));
    }
    let AccessDecision { user, request, granted, before, after } = decided;
    let mut tx = audit::begin(app).await?;
    if !hold_repo(&mut tx, repo.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    // One after the other: whoever takes the same back holds the change, whoever decides about the same request its row. What was
    // removed has no row.
    let undone = AccessDecision { before: after.clone(), after: before.clone(), ..decided.clone() };
    changes::note(&mut tx, repo.pk, Some(by), &What::DecideAccess(undone), Some(change_pk)).await?;
    let now = queries::lock_request(&mut tx, repo.pk, request).await?;
    let is_there = now.is_some();
    let stands = now.is_none_or(|now| after.as_ref().is_some_and(|after| after.is_same(&now)));
    if !stands || queries::was_decided_since(&mut tx, repo.pk, request, change_pk).await? {
        let text = format!("The request of {user} was decided about again since: decide as you want it under Access requests.");
        return Err(HubError::conflict(text));
    }
    let user_pk = match (after, before) {
        (Some(_), _) if !is_there => None,
        (Some(_), Some(before)) => queries::put_back(&mut tx, repo.pk, request, before).await?,
        (Some(_), None) => queries::delete_granted(&mut tx, repo.pk, request).await?,
        (None, Some(before)) => queries::grant_again(&mut tx, repo.pk, request, user, before).await?,
        (None, None) => None,
    };
    let user_pk = user_pk.ok_or_else(|| gone(user, after.is_some()))?;
    if let Some(notice) = before.as_ref().and_then(|before| notice_of(repo, before.status, before.reason.as_deref()))
        && !granted
    {
        Job::tell(user_pk, notice).enqueue(&mut tx).await?;
    }
    let status = before.as_ref().map_or("removed", |before| before.status.as_str());
    insert_event(&mut tx, repo.pk, Some(by), "decide_access", json!({ "users": [user_pk], "status": status })).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(match before.as_ref().map(|before| before.status) {
        None => format!("{user} has no access any more."),
        Some(RequestStatus::Pending) => format!("The request of {user} waits again."),
        Some(RequestStatus::Accepted) => format!("{user} has access again."),
        Some(RequestStatus::Rejected) => format!("The request of {user} is rejected again."),
    })
}

/// Why there is nothing to set back.
fn gone(user: &str, was_there: bool) -> HubError {
    HubError::conflict(match was_there {
        true => format!(
            "The request of {user} is gone: they took it back, or have no account any more. Let them in by name if you want to."
        ),
        false => format!("{user} has asked meanwhile, or has no account any more: look under Access requests."),
    })
}

/// How many decisions are forgotten at once.
const BATCH: i64 = 1000;

/// Forgets decisions that nobody can take back any more: they tell of people, and the audit log has them.
///
/// # Errors
/// The database does not answer.
pub async fn forget_decisions(app: &App) -> HubResult<()> {
    while queries::forget_decisions(&app.pool, changes::undoable_since(app), BATCH).await? > 0 {}
    Ok(())
}

/// Notes a decision in the transaction that makes it.
///
/// # Errors
/// The database does not answer.
pub(super) async fn note(conn: &mut PgConnection, repo_pk: i64, by: i64, decided: AccessDecision) -> HubResult<()> {
    changes::note(conn, repo_pk, Some(by), &What::DecideAccess(decided), None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_told_in_words_and_read_again() {
        let at = |status| Some(Standing { status, ..Standing::WAITING });
        let (waits, accepted) = (at(RequestStatus::Pending), at(RequestStatus::Accepted));
        let rejected = Some(Standing {
            reason: Some("No".to_owned()),
            by: Some("ada".to_owned()),
            at: Some(DateTime::UNIX_EPOCH),
            ..Standing { status: RequestStatus::Rejected, ..Standing::WAITING }
        });
        for (before, after, words) in [
            (waits.clone(), accepted.clone(), "Accepted the request of eve"),
            (accepted.clone(), rejected.clone(), "Rejected the request of eve"),
            (rejected, waits, "Put the request of eve back among those that wait"),
            (None, accepted.clone(), "Let eve in"),
            (accepted, None, "Removed eve from those with access"),
        ] {
            let decided = AccessDecision { user: "eve".to_owned(), request: "0".repeat(24), granted: false, before, after };
            assert_eq!(decided.in_words(), words);
            let kept = serde_json::to_value(What::DecideAccess(decided.clone())).unwrap();
            assert_eq!(kept["kind"], "decide_access");
            assert_eq!(serde_json::from_value::<What>(kept).unwrap(), What::DecideAccess(decided));
        }
    }
}
