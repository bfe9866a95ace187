//! Taking back what was done to a member of an organisation: a removal, or a change of a role. The audit log tells what was before.

use chrono::{DateTime, TimeDelta, Utc};

use super::letters::Notice;
use super::queries::audit::AuditRow;
use super::queries::settings::ProfileRow;
use super::queries::{audit as log, find_role, invitations, members, settings, upsert_member};
use super::settings::{check_still_admin, find_person_pk, keep_an_admin};
use super::{OrgRole, User, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// What a line of an organisation's log tells of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAct {
    /// Who they are.
    pub name: String,
    /// What they were before.
    pub before: OrgRole,
    /// What they were afterwards; `None`: no member.
    after: Option<OrgRole>,
}

impl MemberAct {
    /// Reads a line; `None` for lines of another kind. Who left by themselves is not brought back by others.
    pub fn of(row: &AuditRow) -> Option<Self> {
        let role = |key: &str| row.details.get(key).and_then(|role| role.as_str()).and_then(OrgRole::parse);
        let (before, after) = match row.action.as_str() {
            "member.remove" if row.actor.as_deref() != Some(&*row.subject) => (role("role")?, None),
            "member.role" => (role("from")?, Some(role("to")?)),
            _ => return None,
        };
        Some(Self { name: row.subject.clone(), before, after })
    }
}

/// What was done before cannot be undone any more.
pub(super) fn oldest(app: &App) -> DateTime<Utc> {
    crate::clock::now() - TimeDelta::days(i64::try_from(app.config.undo_days).unwrap_or(36_500))
}

/// Tells which acts can still be taken back, of those in a part of an organisation's log: nothing was done to the same person since.
///
/// # Errors
/// The database does not answer.
pub async fn standing(app: &App, organization_pk: i64, acts: &[(i64, DateTime<Utc>, &MemberAct)]) -> HubResult<Vec<bool>> {
    let oldest = oldest(app);
    let young = || acts.iter().filter(|(_, at, _)| *at > oldest);
    let Some(first) = young().map(|(line, ..)| *line).min() else { return Ok(vec![false; acts.len()]) };
    let mut names: Vec<String> = young().map(|(.., act)| act.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let last = members::list_last_lines(&mut *app.pool.acquire().await?, organization_pk, first, &names).await?;
    Ok(acts.iter().map(|(line, at, act)| *at > oldest && last.get(&act.name) == Some(line)).collect())
}

/// Takes back what a line of an organisation's log tells: makes somebody a member again, in the resource groups that are still as they
/// were, or gives them the role that they had. Tells what was taken back.
///
/// # Errors
/// 403 for who is no admin any more; 404 for a line of another kind and for who has no account any more; 409 when its time is over,
/// when something came in between, and when the organisation would be left without an admin.
pub async fn undo(app: &App, organization: &ProfileRow, by: &User, audit_pk: i64) -> HubResult<MemberAct> {
    let organization_pk = organization.namespace_pk;
    let missing = || HubError::not_found("This line of the audit log tells of nothing that can be undone here.");
    let row = log::find(&app.pool, organization_pk, audit_pk).await?.ok_or_else(missing)?;
    let act = MemberAct::of(&row).ok_or_else(missing)?;
    if row.created_at <= oldest(app) {
        let days = app.config.undo_days;
        let text = format!("This was done more than {days} days ago: change it under Members instead.");
        return Err(HubError::conflict(text));
    }
    let user_pk = find_person_pk(app, &act.name).await?;
    let mut tx = audit::begin(app).await?;
    // One after the other: whoever changes a role holds these rows.
    let admins = settings::lock_admins(&mut tx, organization_pk).await?;
    check_still_admin(&admins, by)?;
    let last = members::list_last_lines(&mut tx, organization_pk, audit_pk, std::slice::from_ref(&act.name)).await?;
    let now = find_role(&mut tx, organization_pk, user_pk).await?;
    if last.get(&act.name) != Some(&audit_pk) || now != act.after {
        let text = format!("Something else was done to {} in {} since: change it under Members.", act.name, organization.name);
        return Err(HubError::conflict(text));
    }
    if act.before != OrgRole::Admin {
        keep_an_admin(&admins, user_pk)?;
        invitations::delete_invitations_by(&mut tx, organization_pk, user_pk).await?;
    }
    upsert_member(&mut tx, organization_pk, user_pk, act.before).await?;
    if act.after.is_none() {
        members::restore_groups(&mut tx, organization_pk, user_pk, audit_pk).await?;
        if user_pk != by.pk {
            let (organization, by) = (organization.name.clone(), by.name.clone());
            Job::tell(user_pk, Notice::AddedToOrganization { organization, by, role: act.before }).enqueue(&mut tx).await?;
        }
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(act)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(actor: Option<&str>, action: &str, details: serde_json::Value) -> AuditRow {
        AuditRow {
            namespace: None,
            audit_pk: 1,
            created_at: DateTime::UNIX_EPOCH,
            actor: actor.map(str::to_owned),
            via: "session".to_owned(),
            token: None,
            address: None,
            action: action.to_owned(),
            subject: "eve".to_owned(),
            details,
        }
    }

    #[test]
    fn removals_and_roles_are_read_and_who_left_is_left_alone() {
        let act = |before, after| Some(MemberAct { name: "eve".to_owned(), before, after });
        let removed = MemberAct::of(&row(Some("ada"), "member.remove", json!({ "role": "write" })));
        assert_eq!(removed, act(OrgRole::Write, None));
        assert_eq!(MemberAct::of(&row(Some("eve"), "member.remove", json!({ "role": "write" }))), None);
        let changed = MemberAct::of(&row(None, "member.role", json!({ "from": "admin", "to": "read" })));
        assert_eq!(changed, act(OrgRole::Admin, Some(OrgRole::Read)));
        assert_eq!(MemberAct::of(&row(Some("ada"), "member.add", json!({ "role": "write" }))), None);
        assert_eq!(MemberAct::of(&row(Some("ada"), "member.role", json!({ "from": "tsar", "to": "read" }))), None);
    }
}
