//! Taking back a change of an organisation's rules: what new repositories are, who makes them, what members need. The audit log tells
//! what they were.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::member_undo::oldest;
use super::queries::audit::{self as log, AuditRow};
use super::queries::rules::{self as queries, SomeRules};
use super::queries::settings::{self, ProfileRow};
use super::settings::{check_still_admin, set_requires_second_factor};
use super::{OrgRole, User, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// What rules were before a line of the log; those that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct FormerRules {
    default_private: Option<bool>,
    create_role: Option<OrgRole>,
    default_role: Option<OrgRole>,
    takes_requests: Option<bool>,
    refuses_pickles: Option<bool>,
    requires_second_factor: Option<bool>,
}

impl FormerRules {
    /// Reads a line; `None` for lines of another kind, and for those that changed no rules.
    pub fn of(row: &AuditRow) -> Option<Self> {
        let was = row.details.get("was").filter(|_| row.action == "organization.settings")?;
        Self::deserialize(was).ok()
    }
}

/// Of these lines of an organisation's log, those that can still be taken back.
///
/// # Errors
/// The database does not answer.
pub async fn standing(app: &App, organization_pk: i64, lines: &[(i64, DateTime<Utc>)]) -> HubResult<Vec<i64>> {
    let oldest = oldest(app);
    let young: Vec<i64> = lines.iter().filter(|(_, at)| *at > oldest).map(|(line, _)| *line).collect();
    if young.is_empty() {
        return Ok(young);
    }
    Ok(queries::list_standing(&app.pool, organization_pk, &young, oldest).await?)
}

/// Takes back what a line of an organisation's log tells of its rules, and tells whether it was about them.
///
/// # Errors
/// 403 for who is no admin any more; 409 when its time is over, when the same rules changed again since, and for a second factor that
/// who asks for it does not have.
pub async fn undo(app: &App, organization: &ProfileRow, by: &User, audit_pk: i64) -> HubResult<bool> {
    let organization_pk = organization.namespace_pk;
    let Some(row) = log::find(&app.pool, organization_pk, audit_pk).await? else { return Ok(false) };
    let Some(was) = FormerRules::of(&row) else { return Ok(false) };
    if row.created_at <= oldest(app) {
        let days = app.config.undo_days;
        return Err(HubError::conflict(format!("This was done more than {days} days ago: change it in the settings instead.")));
    }
    let mut tx = audit::begin(app).await?;
    // One after the other: whoever changes the rules holds these rows.
    let admins = settings::lock_admins(&mut tx, organization_pk).await?;
    check_still_admin(&admins, by)?;
    queries::lock(&mut tx, organization_pk).await?;
    if queries::list_standing(&mut *tx, organization_pk, &[audit_pk], oldest(app)).await?.is_empty() {
        return Err(HubError::conflict("The same settings changed again since: set them as you want them."));
    }
    let rules = SomeRules {
        default_private: was.default_private,
        create_role: was.create_role,
        default_role: was.default_role,
        takes_requests: was.takes_requests,
        refuses_pickles: was.refuses_pickles,
    };
    queries::set(&mut tx, organization_pk, &rules).await?;
    tx.commit().await?;
    // Members are told of it, and a form of its own changes it: no line tells of this and of others.
    if let Some(requires) = was.requires_second_factor {
        set_requires_second_factor(app, organization, by, requires).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_lines_that_tell_what_rules_were_are_read() {
        let row = |action: &str, details: serde_json::Value| AuditRow {
            namespace: None,
            audit_pk: 1,
            created_at: DateTime::UNIX_EPOCH,
            actor: None,
            via: "session".to_owned(),
            token: None,
            address: None,
            action: action.to_owned(),
            subject: String::new(),
            details,
        };
        let told = json!({ "default_private": true, "was": { "default_private": false, "create_role": "write" } });
        let was = FormerRules::of(&row("organization.settings", told.clone())).unwrap();
        assert_eq!((was.default_private, was.create_role, was.refuses_pickles), (Some(false), Some(OrgRole::Write), None));
        assert_eq!(FormerRules::of(&row("member.role", told)), None);
        assert_eq!(FormerRules::of(&row("organization.settings", json!({ "default_private": true }))), None);
    }
}
