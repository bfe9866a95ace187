use std::collections::HashSet;

use serde_json::json;

use super::undo::{AccessDecision, Standing, note};
use super::{MAX_REASON_CHARS, named, require_gated};
use crate::accounts::letters::Notice;
use crate::accounts::{audit, queries as accounts};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::repos::RepoWrite;
use crate::repos::access::is_member;
use crate::repos::queries::gating::{self as queries, DecidedRow, NamedUser, NewDecision, RequestStatus};
use crate::repos::queries::{Repo, hold_repo, insert_event};
use crate::web::text::is_readable_line;

/// What is decided.
#[derive(Debug, Clone)]
pub struct Decision {
    status: RequestStatus,
    reason: Option<String>,
}

impl Decision {
    /// Reads the word for it, and the reason for a rejection.
    ///
    /// # Errors
    /// 400 for another word, and for a reason that is too long or goes with something else.
    pub fn new(status: &str, reason: Option<&str>) -> HubResult<Self> {
        let status = RequestStatus::parse(status)
            .ok_or_else(|| HubError::bad_request("`status` must be `accepted`, `rejected` or `pending`."))?;
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            if status != RequestStatus::Rejected {
                return Err(HubError::bad_request("A reason is given for a rejection only: leave it out."));
            }
            if reason.chars().count() > MAX_REASON_CHARS || !is_readable_line(reason) {
                let text = format!("Give the reason in one line of at most {MAX_REASON_CHARS} characters.");
                return Err(HubError::bad_request(text).at("reason"));
            }
        }
        Ok(Self { status, reason: reason.map(str::to_owned) })
    }
}

/// What who asked is told of where their request stands. That it waits again is not told: they see it when they look.
pub(super) fn notice_of(repo: &Repo, status: RequestStatus, reason: Option<&str>) -> Option<Notice> {
    let (page, repo) = (repo.path(), named(repo));
    match status {
        RequestStatus::Accepted => Some(Notice::AccessAccepted { repo, page }),
        RequestStatus::Rejected => Some(Notice::AccessRejected { repo, page, reason: reason.map(str::to_owned) }),
        RequestStatus::Pending => None,
    }
}

/// What a request is named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The name of who asked.
    User(String),
    /// Its own id.
    Request(String),
}

/// Decides about one request.
///
/// # Errors
/// 404 for a name that nobody has, and when there is no such request or it stands so already; 400 when the repository is not gated.
pub async fn decide(app: &App, write: &RepoWrite, whose: Whose, decision: &Decision) -> HubResult<()> {
    let mut outcomes = decide_many(app, write, &[whose], decision).await?;
    outcomes.pop().unwrap_or_else(|| Err(HubError::no_access_request()))
}

/// Decides about several requests in the same way, and gives what came of each.
///
/// # Errors
/// 400 when the repository is not gated, 404 when it is being deleted.
pub async fn decide_many(app: &App, write: &RepoWrite, whose: &[Whose], decision: &Decision) -> HubResult<Vec<HubResult<()>>> {
    let repo = &write.repo;
    require_gated(repo)?;
    let by = write.viewer.require_user()?;
    let decided_by = by.pk;
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for whose in whose {
        match whose {
            Whose::User(name) => names.push(name.to_lowercase()),
            Whose::Request(id) => ids.push(id.clone()),
        }
    }
    let users = queries::find_users(&app.pool, &names).await?;
    let user_pks: Vec<i64> = users.iter().map(|user| user.user_pk).collect();
    let new = NewDecision { status: decision.status, reason: decision.reason.as_deref(), decided_by };
    let mut tx = audit::begin(app).await?;
    if !hold_repo(&mut tx, repo.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    let decided = queries::decide(&mut tx, repo.pk, &user_pks, &ids, &new).await?;
    if let Some(notice) = notice_of(repo, decision.status, decision.reason.as_deref()) {
        // Who was let in without asking is not written to.
        for row in decided.iter().filter(|row| !row.granted) {
            Job::tell(row.user_pk, notice.clone()).enqueue(&mut tx).await?;
        }
    }
    if !decided.is_empty() {
        let people: Vec<i64> = decided.iter().map(|row| row.user_pk).collect();
        let payload = json!({ "users": people, "status": decision.status.as_str() });
        insert_event(&mut tx, repo.pk, Some(decided_by), "decide_access", payload).await?;
    }
    for row in &decided {
        note(&mut tx, repo.pk, decided_by, decision_about(row, decision, &by.name)).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    let changed_ids: HashSet<&str> = decided.iter().map(|row| row.public_id.as_str()).collect();
    let changed_users: HashSet<i64> = decided.iter().map(|row| row.user_pk).collect();
    let outcome = |whose: &Whose| -> HubResult<()> {
        let is_changed = match whose {
            Whose::Request(id) => changed_ids.contains(id.as_str()),
            Whose::User(name) => changed_users.contains(&find_named(&users, name)?.user_pk),
        };
        if is_changed { Ok(()) } else { Err(HubError::no_access_request()) }
    };
    Ok(whose.iter().map(outcome).collect())
}

/// What is noted of a request that was decided about.
fn decision_about(row: &DecidedRow, decision: &Decision, by: &str) -> AccessDecision {
    let before = Standing {
        status: row.old_status,
        reason: row.old_reason.clone(),
        by: row.old_decided_by.clone(),
        at: row.old_decided_at,
    };
    let after =
        Standing { status: decision.status, reason: decision.reason.clone(), by: Some(by.to_owned()), at: row.decided_at };
    AccessDecision {
        user: row.user_name.clone(),
        request: row.public_id.clone(),
        granted: row.granted,
        before: Some(before),
        after: Some(after),
    }
}

fn find_named<'a>(users: &'a [NamedUser], name: &str) -> HubResult<&'a NamedUser> {
    let found = users.iter().find(|user| user.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| HubError::not_found("User not found").at("user"))
}

/// Lets somebody in, whether or not they have asked.
///
/// # Errors
/// 404 for a name that nobody has, 400 for those who have access already and when the repository is not gated.
pub async fn grant(app: &App, write: &RepoWrite, name: &str) -> HubResult<()> {
    let repo = &write.repo;
    require_gated(repo)?;
    let by = write.viewer.require_user()?;
    let decided_by = by.pk;
    let users = queries::find_users(&app.pool, &[name.to_lowercase()]).await?;
    let named_user = find_named(&users, name)?;
    let user_pk = named_user.user_pk;
    let has_access = || HubError::bad_request("That user already has access to the repo").at("user");
    let user = accounts::find_user(&app.pool, user_pk).await?;
    if user.is_some_and(|user| is_member(user, repo)) {
        return Err(has_access());
    }
    let mut tx = audit::begin(app).await?;
    if !hold_repo(&mut tx, repo.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    let before = queries::lock_standing(&mut tx, repo.pk, user_pk).await?;
    let granted = queries::grant(&mut tx, repo.pk, user_pk, decided_by).await?.ok_or_else(has_access)?;
    if !granted.never_asked {
        Job::tell(user_pk, Notice::AccessAccepted { repo: named(repo), page: repo.path() }).enqueue(&mut tx).await?;
    }
    let payload = json!({ "users": [user_pk], "status": "accepted" });
    insert_event(&mut tx, repo.pk, Some(decided_by), "decide_access", payload).await?;
    let after =
        Standing { status: RequestStatus::Accepted, reason: None, by: Some(by.name.clone()), at: Some(granted.decided_at) };
    let decided = AccessDecision {
        user: named_user.name.clone(),
        request: granted.public_id,
        granted: granted.never_asked,
        // Somebody who asked in between was waiting.
        before: before.or_else(|| (!granted.never_asked).then_some(Standing::WAITING)),
        after: Some(after),
    };
    note(&mut tx, repo.pk, decided_by, decided).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Decision;

    #[test]
    fn reasons_are_for_rejections_and_short() {
        for (status, reason, is_good) in [
            ("accepted", None, true),
            ("pending", Some("  "), true),
            ("rejected", Some("Tell us where you work."), true),
            ("accepted", Some("why not"), false),
            ("rejected", Some("two\nlines"), false),
            ("granted", None, false),
        ] {
            assert_eq!(Decision::new(status, reason).is_ok(), is_good, "{status} {reason:?}");
        }
        assert!(Decision::new("rejected", Some(&"é".repeat(200))).is_ok());
        assert!(Decision::new("rejected", Some(&"é".repeat(201))).is_err());
    }
}
